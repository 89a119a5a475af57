/// Clock and random source that the fuzz targets of this room share: every run of one input is the same run.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>

#include "common/clock.h"
#include "common/random.h"

namespace fogbank::rules {

class FixedClock final : public Clock {
  public:
    WallTime now() const override { return WallTime(std::chrono::milliseconds(1'767'323'045'000)); }
    SteadyTime steady() const override { return {}; }
};

class FixedRandom final : public RandomSource {
  public:
    void fill(std::span<std::uint8_t> out) override {
        for (auto& byte : out) byte = 7;
    }
};

}  // namespace fogbank::rules
