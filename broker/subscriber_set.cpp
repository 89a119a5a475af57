#include "broker/detail/subscriber_set.h"

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <utility>

namespace fogbank::broker::detail {

/// Position 0 is `first_`, position i is matches[i - 1].
struct SubscriberSet::More {
    std::vector<Match> matches;
    boost::unordered_flat_map<const Subscriber*, std::uint32_t> positions;  ///< of all, `first_` too; empty while there are few
};

SubscriberSet::SubscriberSet(Match first) : first_(std::move(first)) {}
SubscriberSet::~SubscriberSet() = default;

std::size_t SubscriberSet::size() const {
    return more_ ? 1 + more_->matches.size() : 1;
}
Match& SubscriberSet::at(std::size_t position) {
    return position == 0 ? first_ : more_->matches[position - 1];
}

std::size_t SubscriberSet::find(const Subscriber& subscriber) {
    if (more_ && !more_->positions.empty()) {
        const auto known = more_->positions.find(&subscriber);
        return known == more_->positions.end() ? nowhere : known->second;
    }
    for (std::size_t i = 0; i < size(); ++i) {
        if (at(i).subscriber.get() == &subscriber) return i;
    }
    return nowhere;
}

void SubscriberSet::build_index() {
    for (std::size_t i = 0; i < size(); ++i) more_->positions.emplace(at(i).subscriber.get(), static_cast<std::uint32_t>(i));
}

bool SubscriberSet::insert(std::shared_ptr<Subscriber> subscriber, const SubscriptionOptions& options) {
    if (const std::size_t known = find(*subscriber); known != nowhere) {
        at(known).options = options;
        return false;
    }
    if (!more_) more_ = std::make_unique<More>();
    if (!more_->positions.empty()) more_->positions.emplace(subscriber.get(), static_cast<std::uint32_t>(size()));
    more_->matches.push_back({std::move(subscriber), options});
    if (more_->positions.empty() && size() >= indexed_from) build_index();
    return true;
}

std::shared_ptr<Subscriber> SubscriberSet::erase(const Subscriber& subscriber) {
    const std::size_t position = find(subscriber);
    if (position == nowhere) return nullptr;
    if (!more_) return std::move(first_.subscriber);
    const std::size_t last = size() - 1;
    if (!more_->positions.empty()) {
        more_->positions.erase(&subscriber);
        if (position != last) more_->positions[at(last).subscriber.get()] = static_cast<std::uint32_t>(position);
    }
    if (position != last) std::swap(at(position), at(last));
    std::shared_ptr<Subscriber> removed = std::move(at(last).subscriber);
    more_->matches.pop_back();
    shrink();
    return removed;
}

void SubscriberSet::shrink() {
    auto& matches = more_->matches;
    if (matches.empty()) {
        more_.reset();
        return;
    }
    // Half of the bound, so that a set that swings around it does not build an index each time.
    if (size() < indexed_from / 2) more_->positions = {};
    if (matches.capacity() > indexed_from && matches.size() < matches.capacity() / 4) {
        matches.shrink_to_fit();
        if (!more_->positions.empty()) more_->positions.rehash(0);
    }
}

void SubscriberSet::append_to(std::vector<Match>& out) const {
    out.push_back(first_);
    if (more_) out.insert(out.end(), more_->matches.begin(), more_->matches.end());
}

}  // namespace fogbank::broker::detail
