// Counting over what a query finds. Source: AWS IoT API reference, GetStatistics, GetCardinality, GetPercentiles, GetBucketsAggregation.

#include <algorithm>
#include <cmath>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "registry/detail/fleet_index_part.h"

namespace fogbank::registry {
namespace {

/// Bounds on what one aggregation keeps: numbers for percentiles, distinct values for the others.
constexpr std::size_t numbers_max = 2'000'000;
constexpr std::size_t distinct_max = 200'000;
constexpr std::size_t batch = 1000;

Error too_many() {
    return {Errc::invalid_aggregation, "the field has too many different values to be aggregated at once"};
}

}  // namespace

/// Answers how many documents have the field.
Awaitable<std::int64_t> FleetIndexPart::for_each_value(IndexRequest request, TakeValue take) {
    const auto ready = co_await prepare(request);
    if (!ready) co_return ready.error();
    if (request.field.empty()) co_return Error(Errc::invalid_aggregation, "The aggregation field is empty");
    const IndexNeeds needs = IndexNeeds::of(ready->query, request.field, ready->configuration);
    std::int64_t documents = 0;
    std::optional<std::string> marker;
    do {
        Matches found;
        if (ready->groups) {
            auto part = co_await match_groups(*ready, std::move(marker), batch);
            if (!part) co_return part.error();
            found = std::move(*part);
        } else {
            auto part = co_await match_things(*ready, needs, std::move(marker), batch);
            if (!part) co_return part.error();
            found = std::move(*part);
        }
        for (const IndexDocument& document : found.documents) {
            bool present = false;
            for (const IndexField& field : document) {
                if (field.name != request.field) continue;
                present = true;
                if (!take(field)) co_return too_many();
            }
            documents += present ? 1 : 0;
        }
        marker = std::move(found.next);
    } while (marker);
    co_return documents;
}

Awaitable<IndexStatistics> FleetIndexPart::statistics(IndexRequest request) {
    struct Sums {
        std::int64_t numbers = 0;
        double sum = 0, squares = 0, low = 0, high = 0;
    };
    const auto sums = std::make_shared<Sums>();
    TakeValue take = [sums](const IndexField& field) {
        if (!field.number) return true;
        const double value = *field.number;
        sums->low = sums->numbers == 0 ? value : std::min(sums->low, value);
        sums->high = sums->numbers == 0 ? value : std::max(sums->high, value);
        ++sums->numbers;
        sums->sum += value;
        sums->squares += value * value;
        return true;
    };
    const auto documents = co_await for_each_value(std::move(request), std::move(take));
    if (!documents) co_return documents.error();
    IndexStatistics out;
    out.count = *documents;
    out.numeric = sums->numbers > 0;
    if (!out.numeric) co_return out;
    const auto n = static_cast<double>(sums->numbers);
    out.sum = sums->sum;
    out.average = sums->sum / n;
    out.minimum = sums->low;
    out.maximum = sums->high;
    out.sum_of_squares = sums->squares;
    out.variance = std::max(0.0, sums->squares / n - out.average * out.average);
    out.deviation = std::sqrt(out.variance);
    co_return out;
}

Awaitable<std::int64_t> FleetIndexPart::cardinality(IndexRequest request) {
    const auto seen = std::make_shared<std::unordered_set<std::string>>();
    TakeValue take = [seen](const IndexField& field) {
        seen->insert(field.text);
        return seen->size() <= distinct_max;
    };
    const auto documents = co_await for_each_value(std::move(request), std::move(take));
    if (!documents) co_return documents.error();
    co_return static_cast<std::int64_t>(seen->size());
}

Awaitable<std::vector<std::pair<double, double>>> FleetIndexPart::percentiles(IndexRequest request, std::vector<double> percents) {
    for (const double percent : percents) {
        if (!(percent >= 0 && percent <= 100)) co_return Error(Errc::invalid_request, "percents must be between 0 and 100");
    }
    const auto numbers = std::make_shared<std::vector<double>>();
    TakeValue take = [numbers](const IndexField& field) {
        if (field.number) numbers->push_back(*field.number);
        return numbers->size() <= numbers_max;
    };
    const auto documents = co_await for_each_value(std::move(request), std::move(take));
    if (!documents) co_return documents.error();
    if (numbers->empty() && *documents > 0) co_return Error(Errc::invalid_aggregation, "Percentiles need a field with numbers");
    std::sort(numbers->begin(), numbers->end());
    std::vector<std::pair<double, double>> out;
    for (const double percent : percents) {
        if (numbers->empty()) break;
        // Linear between the closest ranks.
        const double rank = percent / 100 * static_cast<double>(numbers->size() - 1);
        const auto below = static_cast<std::size_t>(rank);
        const std::size_t above = std::min(below + 1, numbers->size() - 1);
        const double part = rank - static_cast<double>(below);
        out.emplace_back(percent, (*numbers)[below] * (1 - part) + (*numbers)[above] * part);
    }
    co_return out;
}

Awaitable<IndexBuckets> FleetIndexPart::buckets(IndexRequest request) {
    const auto wanted = static_cast<std::size_t>(std::clamp<std::int64_t>(request.items_max, 1, 10'000));
    const auto counts = std::make_shared<std::unordered_map<std::string, std::int64_t>>();
    TakeValue take = [counts](const IndexField& field) {
        ++(*counts)[field.text];
        return counts->size() <= distinct_max;
    };
    const auto documents = co_await for_each_value(std::move(request), std::move(take));
    if (!documents) co_return documents.error();
    IndexBuckets out;
    out.total = *documents;
    out.buckets.assign(counts->begin(), counts->end());
    std::sort(out.buckets.begin(), out.buckets.end(),
              [](const auto& a, const auto& b) { return a.second != b.second ? a.second > b.second : a.first < b.first; });
    if (out.buckets.size() > wanted) out.buckets.resize(wanted);
    co_return out;
}

}  // namespace fogbank::registry
