// Question: what does a match cost in the topic index with 1,000, 100,000 and 1,000,000 distinct filters, and how much memory does a filter
// take? Rival: the obvious matcher, `topic_matches` on every filter in turn (not run at a million: it is linear).
//
// Data: filters `site/<s>/line/<l>/<device>/<what>`; one in ten has `+` for the device, one in a hundred is `site/<s>/#` (these repeat, so
// the filters are made distinct by their device). One subscriber each. Topics are drawn from the same names; each has one to a few matches.
// Counters: `bytes_per_filter` is what the allocator handed out for the trie, subscribers not counted; `matches` is the mean per topic.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <map>
#include <random>

#include "broker/topic_trie.h"
#include "common/topic.h"

namespace {

using fogbank::broker::Match;
using fogbank::broker::TopicTrie;

class Nobody final : public fogbank::Subscriber {
  public:
    void deliver(const fogbank::MessagePtr&, const fogbank::SubscriptionOptions&, fogbank::PublishContext&) override {}
};

constexpr std::size_t topics_count = 4096;
constexpr std::size_t devices_per_line = 10, lines_per_site = 10;

std::string name_of(std::size_t i, const char* device, const char* what) {
    const std::size_t line = i / devices_per_line;
    return "site/" + std::to_string(line / lines_per_site) + "/line/" + std::to_string(line % lines_per_site) + "/" +
           (device != nullptr ? std::string(device) : "plc-" + std::to_string(i)) + "/" + what;
}

std::string filter_of(std::size_t i) {
    if (i % 100 == 0) return "site/" + std::to_string(i / (devices_per_line * lines_per_site)) + "/#";
    if (i % 10 == 0) return name_of(i, "+", "temperature");
    return name_of(i, nullptr, "temperature");
}

std::vector<std::string> make_filters(std::size_t count) {
    std::vector<std::string> filters;
    filters.reserve(count);
    for (std::size_t i = 0; i < count; ++i) filters.push_back(filter_of(i));
    return filters;
}

std::vector<std::string> make_topics(std::size_t filters) {
    std::mt19937_64 random(1);
    std::vector<std::string> topics;
    for (std::size_t i = 0; i < topics_count; ++i) topics.push_back(name_of(random() % filters, nullptr, "temperature"));
    return topics;
}

std::size_t allocated_bytes() {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/// One trie of each size for all benchmarks of the process.
struct Filled {
    std::unique_ptr<TopicTrie> trie = std::make_unique<TopicTrie>(false);
    double bytes_per_filter = 0;
};
const Filled& filled(std::size_t count) {
    static std::map<std::size_t, Filled> all;
    const auto [entry, is_new] = all.try_emplace(count);
    if (!is_new) return entry->second;
    const auto filters = make_filters(count);
    const auto subscriber = std::make_shared<Nobody>();
    const std::size_t before = allocated_bytes();
    for (const std::string& filter : filters) entry->second.trie->insert(filter, subscriber, {});
    entry->second.bytes_per_filter = static_cast<double>(allocated_bytes() - before) / static_cast<double>(entry->second.trie->size());
    return entry->second;
}

void match_trie(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    const Filled& index = filled(count);
    const auto topics = make_topics(count);
    std::vector<Match> out;
    std::size_t next = 0;
    std::size_t matched = 0;
    for (auto _ : state) {
        out.clear();
        index.trie->match(topics[next++ % topics_count], out);
        matched += out.size();
    }
    state.counters["matches"] = benchmark::Counter(static_cast<double>(matched), benchmark::Counter::kAvgIterations);
    state.counters["bytes_per_filter"] = index.bytes_per_filter;
}
BENCHMARK(match_trie)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

void match_linear(benchmark::State& state) {
    const auto filters = make_filters(static_cast<std::size_t>(state.range(0)));
    const auto topics = make_topics(filters.size());
    std::size_t next = 0;
    std::size_t matched = 0;
    for (auto _ : state) {
        const std::string& topic = topics[next++ % topics_count];
        for (const std::string& filter : filters) matched += fogbank::topic_matches(filter, topic) ? 1 : 0;
    }
    state.counters["matches"] = benchmark::Counter(static_cast<double>(matched), benchmark::Counter::kAvgIterations);
}
BENCHMARK(match_linear)->Arg(1000)->Arg(100'000);

/// One subscription comes and goes beside a million others.
void insert_and_erase(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    TopicTrie& trie = *filled(count).trie;
    const auto subscriber = std::make_shared<Nobody>();
    const auto topics = make_topics(count);
    std::size_t next = 0;
    for (auto _ : state) {
        const std::string& filter = topics[next++ % topics_count];
        trie.insert(filter, subscriber, {});
        trie.erase(filter, *subscriber);
    }
}
BENCHMARK(insert_and_erase)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

/// A subscriber of a filter that has `range` others comes and goes.
void insert_and_erase_in_crowd(benchmark::State& state) {
    TopicTrie trie(false);
    for (std::int64_t i = 0; i < state.range(0); ++i) trie.insert("all", std::make_shared<Nobody>(), {});
    const auto subscriber = std::make_shared<Nobody>();
    for (auto _ : state) {
        trie.insert("all", subscriber, {});
        trie.erase("all", *subscriber);
    }
}
BENCHMARK(insert_and_erase_in_crowd)->Arg(10)->Arg(100'000);

}  // namespace

BENCHMARK_MAIN();
