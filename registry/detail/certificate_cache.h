/// What authenticating a certificate needs, for the certificates seen last. Thread-safe.
#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "registry/registry.h"

namespace fogbank::registry {

struct CertificateState {
    CertificateStatus status = CertificateStatus::inactive;
    WallTime not_before{}, not_after{};
};

/// At most `entries_max` certificates; the one not asked for longest goes first.
class CertificateCache {
  public:
    static constexpr std::size_t entries_max = 16'384;  // about 3 MB

    std::optional<CertificateState> find(const CertificateId& id) {
        const std::scoped_lock lock(mutex_);
        const auto found = by_id_.find(id);
        if (found == by_id_.end()) return std::nullopt;
        order_.splice(order_.begin(), order_, found->second);
        return found->second->second;
    }

    /// Take it before reading the store, hand it to `insert`: what was read before an invalidation is then not kept.
    std::uint64_t generation() const {
        const std::scoped_lock lock(mutex_);
        return generation_;
    }

    void insert(std::uint64_t generation, const CertificateId& id, CertificateState state) {
        const std::scoped_lock lock(mutex_);
        if (generation != generation_ || by_id_.contains(id)) return;
        order_.emplace_front(id, state);
        by_id_.emplace(id, order_.begin());
        if (order_.size() <= entries_max) return;
        by_id_.erase(order_.back().first);
        order_.pop_back();
    }

    void invalidate(const CertificateId& id) {
        const std::scoped_lock lock(mutex_);
        ++generation_;
        const auto found = by_id_.find(id);
        if (found == by_id_.end()) return;
        order_.erase(found->second);
        by_id_.erase(found);
    }

  private:
    using Order = std::list<std::pair<CertificateId, CertificateState>>;
    mutable std::mutex mutex_;
    std::uint64_t generation_ = 0;
    Order order_;  ///< most recently used first
    std::unordered_map<CertificateId, Order::iterator> by_id_;
};

}  // namespace fogbank::registry
