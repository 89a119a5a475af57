/// Randomness and identifiers as an injected source, so that tests are exact.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace fogbank {

/// Thread-safe.
class RandomSource {
  public:
    virtual ~RandomSource() = default;
    /// Fills `out` with random bytes, good enough for keys in the system implementation.
    virtual void fill(std::span<std::uint8_t> out) = 0;

    std::uint64_t number();
    /// Version 4 UUID, lower case: `xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx`.
    std::string uuid();
    /// `count` characters drawn from `alphabet` (at most 256 of them).
    std::string text(std::size_t count, std::string_view alphabet);
};

/// OpenSSL's generator.
class SystemRandom final : public RandomSource {
  public:
    void fill(std::span<std::uint8_t> out) override;
};

}  // namespace fogbank
