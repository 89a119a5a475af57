/// Keeps a crowd of refused clients from filling the log.
#pragma once

#include <cstdint>

#include "common/clock.h"

namespace fogbank::broker {

/// Lets `per_second` lines pass in each second of the clock and counts the rest. One thread.
class LogLimiter {
  public:
    explicit LogLimiter(std::uint32_t per_second) : per_second_(per_second) {}

    /// Whether a line may be written now.
    bool pass(SteadyTime now) {
        if (now - window_ >= std::chrono::seconds(1)) {
            window_ = now;
            passed_ = 0;
        }
        if (passed_ < per_second_) {
            ++passed_;
            return true;
        }
        ++suppressed_;
        return false;
    }
    /// How many were held back since the last call.
    std::uint64_t take_suppressed() {
        const std::uint64_t count = suppressed_;
        suppressed_ = 0;
        return count;
    }

  private:
    std::uint32_t per_second_, passed_ = 0;
    std::uint64_t suppressed_ = 0;
    SteadyTime window_{};
};

}  // namespace fogbank::broker
