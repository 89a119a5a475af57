/// Rates of the whole account: quotas that count what all clients do together. Source: reference "broker", section 19.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "common/clock.h"
#include "common/quotas.h"

namespace fogbank::broker {

/// So many in a second, and so many at once after a pause. Thread-safe without a lock: it keeps only the time at which the next one is due
/// (the generic cell rate algorithm).
class Rate {
  public:
    /// @param per_second  the largest std::int64_t: not limited. @param burst  at least 1.
    Rate(std::int64_t per_second, std::int64_t burst);
    bool is_limited() const { return interval_ns_ != 0; }
    /// Counts one. @return false, nothing counted, if it comes too early.
    bool take(SteadyTime now);

  private:
    const std::int64_t interval_ns_, burst_ns_;
    std::atomic<std::int64_t> due_ns_{INT64_MIN};
};

/// The same for each of many keys. Thread-safe. Remembers those that have not their whole burst again; of these at most `keys_max`, what
/// comes beyond is let pass.
class RatePerKey {
  public:
    RatePerKey(std::int64_t per_second, std::int64_t burst);
    bool is_limited() const { return interval_ns_ != 0; }
    bool take(std::string_view key, SteadyTime now);

  private:
    static constexpr std::size_t keys_max = 64 * 1024;
    void forget(std::int64_t now_ns);

    const std::int64_t interval_ns_, burst_ns_;
    std::mutex mutex_;
    std::unordered_map<std::uint64_t, std::int64_t> due_ns_;  ///< by the key's hash
    std::size_t forget_at_ = 1024;
    std::int64_t forget_not_before_ = std::numeric_limits<std::int64_t>::min();
};

struct AccountRates {
    explicit AccountRates(const Quotas& quotas);

    Rate connects;
    RatePerKey connects_of_client;
    Rate publishes, deliveries, subscriptions, queued;
    RatePerKey group_changes;
    /// DeleteConnection, GetConnection and ListSubscriptions, each.
    struct Calls {
        explicit Calls(const Quotas& quotas);
        bool take(std::string_view client_id, SteadyTime now) { return of_client.take(client_id, now) && all.take(now); }
        Rate all;
        RatePerKey of_client;
    };
    Calls delete_connection, get_connection, list_subscriptions;
    Rate direct_messages;
};

}  // namespace fogbank::broker
