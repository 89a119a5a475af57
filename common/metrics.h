/// What operators count. Names follow Prometheus: `fogbank_<room>_<what>_<unit>`.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace fogbank {

/// Thread-safe, relaxed.
class Counter {
  public:
    void add(std::uint64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
    std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_{0};
};

/// Goes up and down. Thread-safe, relaxed.
class Gauge {
  public:
    void add(std::int64_t by) { value_.fetch_add(by, std::memory_order_relaxed); }
    std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::int64_t> value_{0};
};

/// All counters and gauges of one server. References stay valid as long as the object. Thread-safe.
class Metrics {
  public:
    /// @param help  one sentence, used the first time a name is seen.
    /// @param labels  Prometheus label text without braces, for example `rule="cold_rooms"`; may be empty. Keep the number of values
    /// bounded.
    Counter& counter(std::string_view name, std::string_view help, std::string_view labels = {});
    Gauge& gauge(std::string_view name, std::string_view help, std::string_view labels = {});
    /// Prometheus text exposition format 0.0.4.
    std::string text() const;

  private:
    struct Family {
        std::string help;
        std::map<std::string, std::unique_ptr<Counter>, std::less<>> counters;
        std::map<std::string, std::unique_ptr<Gauge>, std::less<>> gauges;
    };
    Family& family(std::string_view name, std::string_view help);
    mutable std::mutex mutex_;
    std::map<std::string, Family, std::less<>> families_;
};

}  // namespace fogbank
