#include "broker/rates.h"

#include <algorithm>
#include <functional>
#include <limits>

namespace fogbank::broker {
namespace {

// AWS throttles with buckets whose size it does not name. A client that comes back at once, or a test that asks twice, must not be refused.
constexpr std::int64_t burst_per_client = 10;
// The samples that a gateway has kept come at once, perhaps while their reader is away.
std::int64_t ten_seconds_of(std::int64_t per_second) {
    return std::min<std::int64_t>(per_second, std::numeric_limits<std::int32_t>::max()) * 10;
}

constexpr std::int64_t forget_pause_ns = 1'000'000'000;

std::int64_t interval_ns(std::int64_t per_second) {
    if (per_second == std::numeric_limits<std::int64_t>::max()) return 0;
    constexpr std::int64_t second_ns = 1'000'000'000;
    return second_ns / std::clamp<std::int64_t>(per_second, 1, second_ns);
}

std::int64_t burst_ns(std::int64_t per_second, std::int64_t burst) {
    const std::int64_t interval = interval_ns(per_second);
    return interval == 0 ? 0 : interval * std::clamp<std::int64_t>(burst, 1, std::numeric_limits<std::int32_t>::max());
}

std::int64_t in_ns(SteadyTime now) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
}

/// When the one after this is due; nothing changes if this one is too early: then it is later than now.
std::int64_t next_due(std::int64_t due, std::int64_t now, std::int64_t interval, std::int64_t burst) {
    return std::max(due, now - burst) + interval;
}

}  // namespace

Rate::Rate(std::int64_t per_second, std::int64_t burst) : interval_ns_(interval_ns(per_second)), burst_ns_(burst_ns(per_second, burst)) {}

bool Rate::take(SteadyTime time) {
    if (!is_limited()) return true;
    const std::int64_t now = in_ns(time);
    std::int64_t due = due_ns_.load(std::memory_order_relaxed);
    while (true) {
        const std::int64_t next = next_due(due, now, interval_ns_, burst_ns_);
        if (next > now) return false;
        if (due_ns_.compare_exchange_weak(due, next, std::memory_order_relaxed)) return true;
    }
}

RatePerKey::RatePerKey(std::int64_t per_second, std::int64_t burst)
    : interval_ns_(interval_ns(per_second)), burst_ns_(burst_ns(per_second, burst)) {}

bool RatePerKey::take(std::string_view key, SteadyTime time) {
    if (!is_limited()) return true;
    const std::int64_t now = in_ns(time);
    const std::lock_guard lock(mutex_);
    if (due_ns_.size() >= forget_at_ && now >= forget_not_before_) forget(now);
    const std::uint64_t hash = std::hash<std::string_view>{}(key);
    const auto found = due_ns_.find(hash);
    if (found == due_ns_.end()) {
        if (due_ns_.size() < keys_max)
            due_ns_.emplace(hash, next_due(std::numeric_limits<std::int64_t>::min(), now, interval_ns_, burst_ns_));
        return true;
    }
    const std::int64_t next = next_due(found->second, now, interval_ns_, burst_ns_);
    if (next > now) return false;
    found->second = next;
    return true;
}

/// Those that may have their whole burst again. Looked for again when there are twice as many and some can have come free: so a key costs a
/// constant on average, in a flood of keys too.
void RatePerKey::forget(std::int64_t now) {
    std::erase_if(due_ns_, [&](const auto& entry) { return entry.second <= now - burst_ns_; });
    forget_not_before_ = now + std::max(burst_ns_, forget_pause_ns);
    forget_at_ = std::min(keys_max, std::max<std::size_t>(1024, due_ns_.size() * 2));
}

AccountRates::Calls::Calls(const Quotas& quotas)
    : all(quotas[Quota::connection_calls_per_second], quotas[Quota::connection_calls_per_second]),
      of_client(quotas[Quota::connection_calls_per_second_per_client_id], burst_per_client) {}

AccountRates::AccountRates(const Quotas& quotas)
    : connects(quotas[Quota::connection_requests_per_second], quotas[Quota::connection_requests_per_second]),
      connects_of_client(quotas[Quota::connection_requests_per_second_per_client_id], burst_per_client),
      publishes(quotas[Quota::publishes_per_second], quotas[Quota::publishes_per_second]),
      deliveries(quotas[Quota::deliveries_per_second], quotas[Quota::deliveries_per_second]),
      subscriptions(quotas[Quota::subscriptions_per_second], quotas[Quota::subscriptions_per_second]),
      queued(quotas[Quota::queued_messages_per_second], ten_seconds_of(quotas[Quota::queued_messages_per_second])),
      group_changes(quotas[Quota::shared_group_changes_per_second], quotas[Quota::shared_group_changes_per_second]),
      delete_connection(quotas),
      get_connection(quotas),
      list_subscriptions(quotas),
      direct_messages(quotas[Quota::direct_messages_per_second], quotas[Quota::direct_messages_per_second]) {}

}  // namespace fogbank::broker
