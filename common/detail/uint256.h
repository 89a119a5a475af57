/// Unsigned integers of 128 and 256 bits with what decimal arithmetic needs of them. Pure functions, no allocation.
#pragma once

#include <array>
#include <cstdint>

namespace fogbank::detail {

__extension__ using Uint128 = unsigned __int128;

inline constexpr int pow10_max = 38;      ///< 10^38 is the largest power of ten in 128 bits
inline constexpr int pow10_u64_max = 19;  ///< … and 10^19 in 64

constexpr std::array<Uint128, pow10_max + 1> make_pow10_table() {
    std::array<Uint128, pow10_max + 1> table{};
    table[0] = 1;
    for (std::size_t i = 1; i < table.size(); ++i) table[i] = table[i - 1] * 10;
    return table;
}
inline constexpr std::array<Uint128, pow10_max + 1> pow10_table = make_pow10_table();

/// 10^exponent; 0 <= exponent <= pow10_max.
constexpr Uint128 pow10(int exponent) {
    return pow10_table[static_cast<std::size_t>(exponent)];
}

/// Decimal digits of `value`; 0 for zero.
inline int digit_count(Uint128 value) {
    if (static_cast<std::uint64_t>(value >> 64) == 0) {
        // log10 of the number of bits, one too small at most.
        const auto word = static_cast<std::uint64_t>(value);
        const int guess = word == 0 ? 0 : ((64 - __builtin_clzll(word)) * 1233) >> 12;
        return guess + (word >= static_cast<std::uint64_t>(pow10(guess)) ? 1 : 0);
    }
    int low = 0;
    int high = pow10_max + 1;  // 2^128 has 39 digits
    while (low < high) {
        const int middle = (low + high) / 2;
        if (middle <= pow10_max && value >= pow10(middle)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct Uint256 {
    Uint128 high = 0, low = 0;

    bool is_zero() const { return high == 0 && low == 0; }
    friend bool operator==(const Uint256&, const Uint256&) = default;
    friend bool operator<(const Uint256& a, const Uint256& b) { return a.high != b.high ? a.high < b.high : a.low < b.low; }
    friend Uint256 operator+(const Uint256& a, const Uint256& b) {
        const Uint128 sum = a.low + b.low;
        return {a.high + b.high + (sum < a.low ? 1U : 0U), sum};
    }
    /// a >= b.
    friend Uint256 operator-(const Uint256& a, const Uint256& b) { return {a.high - b.high - (a.low < b.low ? 1U : 0U), a.low - b.low}; }
};

inline Uint256 multiply(Uint128 a, Uint128 b) {
    const auto low64 = [](Uint128 v) { return static_cast<Uint128>(static_cast<std::uint64_t>(v)); };
    const Uint128 a_high = a >> 64;
    const Uint128 b_high = b >> 64;
    const Uint128 low = low64(a) * low64(b);
    const Uint128 middle = a_high * low64(b) + (low >> 64);  // cannot overflow: (2^64-1)^2 + 2^64-1 < 2^128
    const Uint128 middle2 = low64(a) * b_high + low64(middle);
    return {a_high * b_high + (middle >> 64) + (middle2 >> 64), (middle2 << 64) | low64(low)};
}

/// Divides `value` in place; the remainder is returned. divisor > 0.
inline std::uint64_t divide_in_place(Uint256& value, std::uint64_t divisor) {
    const std::array<std::uint64_t, 4> limbs = {static_cast<std::uint64_t>(value.high >> 64), static_cast<std::uint64_t>(value.high),
                                                static_cast<std::uint64_t>(value.low >> 64), static_cast<std::uint64_t>(value.low)};
    std::array<std::uint64_t, 4> quotient{};
    std::uint64_t remainder = 0;
    for (std::size_t i = 0; i < limbs.size(); ++i) {
        const Uint128 part = (static_cast<Uint128>(remainder) << 64) | limbs[i];
        quotient[i] = static_cast<std::uint64_t>(part / divisor);
        remainder = static_cast<std::uint64_t>(part % divisor);
    }
    value = {(static_cast<Uint128>(quotient[0]) << 64) | quotient[1], (static_cast<Uint128>(quotient[2]) << 64) | quotient[3]};
    return remainder;
}

/// Divides `value` in place; the remainder is returned. 0 < divisor < 2^127.
inline Uint128 divide_in_place_wide(Uint256& value, Uint128 divisor) {
    if (divisor <= UINT64_MAX) return divide_in_place(value, static_cast<std::uint64_t>(divisor));
    // Long division bit by bit; divisors above 2^64 are rare enough.
    Uint256 quotient;
    Uint128 remainder = 0;
    for (int bit = 255; bit >= 0; --bit) {
        const Uint128 word = bit >= 128 ? value.high : value.low;
        remainder = (remainder << 1) | ((word >> (bit % 128)) & 1U);
        if (remainder < divisor) continue;
        remainder -= divisor;
        (bit >= 128 ? quotient.high : quotient.low) |= static_cast<Uint128>(1) << (bit % 128);
    }
    value = quotient;
    return remainder;
}

/// value * 10^exponent; the caller knows that it fits.
inline Uint256 scale_up(Uint256 value, int exponent) {
    while (exponent > 0) {
        const int step = exponent < pow10_max ? exponent : pow10_max;
        Uint256 product = multiply(value.low, pow10(step));
        product.high += value.high * pow10(step);
        value = product;
        exponent -= step;
    }
    return value;
}

/// Decimal digits of `value`; 0 for zero.
inline int digit_count(Uint256 value) {
    int digits = 0;
    while (value.high != 0) {
        divide_in_place(value, static_cast<std::uint64_t>(pow10(pow10_u64_max)));
        digits += pow10_u64_max;
    }
    return digits + digit_count(value.low);
}

}  // namespace fogbank::detail
