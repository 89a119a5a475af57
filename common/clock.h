/// Time as an injected source, so that tests decide what time it is.
#pragma once

#include <chrono>

namespace fogbank {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

/// Thread-safe.
class Clock {
  public:
    virtual ~Clock() = default;
    /// Milliseconds since the Unix epoch, UTC. May jump when the machine's clock is set.
    virtual WallTime now() const = 0;
    /// Never goes back; for intervals.
    virtual SteadyTime steady() const = 0;

    /// Seconds since the Unix epoch with a fraction, as AWS puts timestamps into JSON bodies.
    double epoch_seconds() const { return static_cast<double>(now().time_since_epoch().count()) / 1000.0; }
};

class SystemClock final : public Clock {
  public:
    WallTime now() const override { return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()); }
    SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace fogbank
