/// A bounded cache of what the store says. Thread-safe.
#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace fogbank::registry {

/// At most `entries_max` values; the one not asked for longest goes first.
template <class Key, class Value>
class BoundedCache {
  public:
    explicit BoundedCache(std::size_t entries_max) : entries_max_(entries_max) {}

    std::optional<Value> find(const Key& key) {
        const std::scoped_lock lock(mutex_);
        const auto found = by_key_.find(key);
        if (found == by_key_.end()) return std::nullopt;
        order_.splice(order_.begin(), order_, found->second);
        return found->second->second;
    }

    /// Take it before reading the store, hand it to `insert`: what was read before an invalidation is then not kept.
    std::uint64_t generation() const {
        const std::scoped_lock lock(mutex_);
        return generation_;
    }

    void insert(std::uint64_t generation, const Key& key, Value value) {
        const std::scoped_lock lock(mutex_);
        if (generation != generation_ || by_key_.contains(key)) return;
        order_.emplace_front(key, std::move(value));
        by_key_.emplace(key, order_.begin());
        if (order_.size() <= entries_max_) return;
        by_key_.erase(order_.back().first);
        order_.pop_back();
    }

    void invalidate(const Key& key) {
        const std::scoped_lock lock(mutex_);
        ++generation_;
        const auto found = by_key_.find(key);
        if (found == by_key_.end()) return;
        order_.erase(found->second);
        by_key_.erase(found);
    }

  private:
    using Order = std::list<std::pair<Key, Value>>;
    const std::size_t entries_max_;
    mutable std::mutex mutex_;
    std::uint64_t generation_ = 0;
    Order order_;  ///< most recently used first
    std::unordered_map<Key, typename Order::iterator> by_key_;
};

}  // namespace fogbank::registry
