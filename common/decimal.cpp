// Arithmetic and order of Decimal. Text is in decimal_text.cpp, bytes are in decimal_bytes.cpp.
#include "common/decimal.h"

#include <algorithm>

#include "common/detail/decimal_parts.h"
#include "common/detail/uint256.h"

namespace fogbank {
namespace {

using detail::digit_count;
using detail::divide_in_place;
using detail::divide_in_place_wide;
using detail::pow10;
using detail::pow10_max;
using detail::pow10_u64_max;
using detail::scale_up;
using detail::Uint128;
using detail::Uint256;

/// 2^256 > 10^77: so many digits always fit.
constexpr int wide_digits_max = 76;

/// Drops the last `count` digits of `value` and rounds half to even. @return whether digits other than zero were dropped.
bool drop_digits(WideDecimal& value, int count) {
    bool sticky = value.sticky;
    value.exponent += count;
    value.sticky = false;
    while (count > pow10_u64_max) {
        sticky |= divide_in_place(value.coefficient, static_cast<std::uint64_t>(pow10(pow10_u64_max))) != 0;
        count -= pow10_u64_max;
    }
    const auto divisor = static_cast<std::uint64_t>(pow10(count));
    const std::uint64_t rest = divide_in_place(value.coefficient, divisor);
    const bool odd = (value.coefficient.low & 1U) != 0;
    const bool up = rest > divisor / 2 || (rest == divisor / 2 && (sticky || odd));
    if (up) value.coefficient = value.coefficient + Uint256{0, 1};
    return sticky || rest != 0;
}

/// The sum of two signed values of the same exponent.
void add_signed(WideDecimal& sum, bool negative, const Uint256& addend) {
    if (sum.negative == negative) {
        sum.coefficient = sum.coefficient + addend;
    } else if (sum.coefficient < addend) {
        sum = {negative, addend - sum.coefficient, sum.exponent, sum.sticky};
    } else {
        sum.coefficient = sum.coefficient - addend;
    }
}

/// a + b in at most 77 digits and a sticky part. Both are not zero.
WideDecimal add_wide(const Decimal& a, const Decimal& b) {
    const bool a_is_upper = DecimalParts::exponent(a) >= DecimalParts::exponent(b);
    const Decimal& upper = a_is_upper ? a : b;
    const Decimal& lower = a_is_upper ? b : a;
    const int distance = DecimalParts::exponent(upper) - DecimalParts::exponent(lower);
    const Uint128 coefficient = DecimalParts::absolute(upper);
    const int shift = std::min(distance, wide_digits_max - digit_count(coefficient));
    WideDecimal sum{upper.is_negative(), scale_up({0, coefficient}, shift), DecimalParts::exponent(upper) - shift, false};

    // What is left of the distance goes below the units of `sum`. Then `sum` has 76 digits and the rest of `lower` is the sticky part.
    const int below = distance - shift;
    Uint256 addend{0, DecimalParts::absolute(lower)};
    if (below > pow10_max) {
        addend = {};
        sum.sticky = true;
    } else if (below > 0) {
        sum.sticky = divide_in_place_wide(addend, pow10(below)) != 0;
    }
    add_signed(sum, lower.is_negative(), addend);
    // x - 0.3 is (x - 1) + 0.7: the sticky part is always added to the absolute value.
    if (sum.sticky && upper.is_negative() != lower.is_negative()) sum.coefficient = sum.coefficient - Uint256{0, 1};
    return sum;
}

std::optional<Decimal> add_as(const Decimal& a, const Decimal& b, int digits, Inexact inexact) {
    const auto widened = [](const Decimal& d) {
        return WideDecimal{d.is_negative(), {0, DecimalParts::absolute(d)}, DecimalParts::exponent(d), false};
    };
    if (a.is_zero()) return DecimalParts::round(widened(b), digits, inexact);
    if (b.is_zero()) return DecimalParts::round(widened(a), digits, inexact);
    return DecimalParts::round(add_wide(a, b), digits, inexact);
}

Uint128 multiply_modulo(Uint128 a, Uint128 b, Uint128 modulus) {
    Uint256 product = detail::multiply(a, b);
    return divide_in_place_wide(product, modulus);
}

/// 10^exponent mod modulus.
Uint128 pow10_modulo(std::int64_t exponent, Uint128 modulus) {
    Uint128 result = 1 % modulus;
    Uint128 square = 10 % modulus;
    for (; exponent > 0; exponent /= 2) {
        if (exponent % 2 != 0) result = multiply_modulo(result, square, modulus);
        square = multiply_modulo(square, square, modulus);
    }
    return result;
}

/// A number cut at `places` digits after the point: `whole` units of 10^-places (toward zero), and the rest below.
struct Cut {
    Uint128 whole = 0, rest = 0, unit = 1;
    std::int64_t exponent = 0;
};
Cut cut_at(const Decimal& value, std::int64_t places) {
    const std::int64_t drop = -places - DecimalParts::exponent(value);
    const Uint128 absolute = DecimalParts::absolute(value);
    if (drop <= 0) return {absolute, 0, 1, DecimalParts::exponent(value)};
    // All 38 digits or more lie behind the cut: less than a tenth of the unit from there on, so any larger unit will do.
    if (drop > pow10_max) return {0, 1, 10, -places};
    const Uint128 unit = pow10(static_cast<int>(drop));
    return {absolute / unit, absolute % unit, unit, -places};
}

}  // namespace

std::optional<Decimal> DecimalParts::make(bool negative, Uint128 absolute, std::int64_t exponent) {
    Decimal result;
    if (absolute == 0) return result;
    while (absolute > UINT64_MAX && absolute % 10 == 0) {
        absolute /= 10;
        ++exponent;
    }
    if (absolute <= UINT64_MAX) {
        auto word = static_cast<std::uint64_t>(absolute);  // dividing one machine word is many times faster
        for (; word % 10 == 0; word /= 10) ++exponent;
        absolute = word;
    }
    const std::int64_t magnitude = exponent + digit_count(absolute) - 1;
    if (magnitude > Decimal::exponent_max || magnitude < -Decimal::exponent_max) return std::nullopt;
    result.coefficient_ = static_cast<Decimal::Coefficient>(absolute);
    if (negative) result.coefficient_ = -result.coefficient_;
    result.exponent_ = static_cast<std::int32_t>(exponent);
    return result;
}

std::optional<Decimal> DecimalParts::round(WideDecimal value, int digits, Inexact inexact) {
    const int excess = digit_count(value.coefficient) - std::clamp(digits, 1, Decimal::digits_max);
    const bool changed = excess > 0 ? drop_digits(value, excess) : value.sticky;
    if (changed && inexact == Inexact::refuse) return std::nullopt;
    return make(value.negative, value.coefficient.low, value.exponent);
}

bool Decimal::is_integer() const {
    return exponent_ >= 0;
}

std::optional<std::int64_t> Decimal::to_int64() const {
    constexpr std::int32_t int64_digits = 19;
    if (exponent_ < 0 || magnitude() >= int64_digits) return std::nullopt;
    const Coefficient value = coefficient_ * static_cast<Coefficient>(pow10(exponent_));
    if (value > INT64_MAX || value < INT64_MIN) return std::nullopt;
    return static_cast<std::int64_t>(value);
}

Decimal Decimal::operator-() const {
    Decimal result = *this;
    result.coefficient_ = -coefficient_;
    return result;
}

std::optional<Decimal> Decimal::add(const Decimal& a, const Decimal& b, int digits) {
    return add_as(a, b, digits, Inexact::round_half_even);
}
std::optional<Decimal> Decimal::subtract(const Decimal& a, const Decimal& b, int digits) {
    return add(a, -b, digits);
}
std::optional<Decimal> Decimal::add_exact(const Decimal& a, const Decimal& b) {
    return add_as(a, b, digits_max, Inexact::refuse);
}
std::optional<Decimal> Decimal::subtract_exact(const Decimal& a, const Decimal& b) {
    return add_exact(a, -b);
}

std::optional<Decimal> Decimal::multiply(const Decimal& a, const Decimal& b, int digits) {
    const Uint256 product = detail::multiply(DecimalParts::absolute(a), DecimalParts::absolute(b));
    const std::int64_t exponent = static_cast<std::int64_t>(a.exponent_) + b.exponent_;
    return DecimalParts::round({a.is_negative() != b.is_negative(), product, exponent, false}, digits);
}

std::optional<Decimal> Decimal::divide(const Decimal& a, const Decimal& b, int digits) {
    if (b.is_zero()) return std::nullopt;
    if (a.is_zero()) return a;
    const Uint128 numerator = DecimalParts::absolute(a);
    const Uint128 denominator = DecimalParts::absolute(b);
    // The first division gives 38 or 39 digits of the quotient, the second one more, so that the sticky part is below the last digit kept.
    const int scale = digits_max + digit_count(denominator) - digit_count(numerator);
    Uint256 quotient = scale_up({0, numerator}, scale);
    Uint256 rest{0, divide_in_place_wide(quotient, denominator)};
    rest = scale_up(rest, 1);
    const bool sticky = divide_in_place_wide(rest, denominator) != 0;
    quotient = scale_up(quotient, 1) + rest;
    const std::int64_t exponent = static_cast<std::int64_t>(a.exponent_) - b.exponent_ - scale - 1;
    return DecimalParts::round({a.is_negative() != b.is_negative(), quotient, exponent, sticky}, digits);
}

std::optional<Decimal> Decimal::remainder(const Decimal& a, const Decimal& b) {
    if (b.is_zero()) return std::nullopt;
    Uint128 dividend = DecimalParts::absolute(a);
    Uint128 divisor = DecimalParts::absolute(b);
    const std::int64_t distance = static_cast<std::int64_t>(a.exponent_) - b.exponent_;
    if (distance >= 0) {
        const Uint128 rest = multiply_modulo(dividend % divisor, pow10_modulo(distance, divisor), divisor);
        return DecimalParts::make(a.is_negative(), rest, b.exponent_);
    }
    if (b.magnitude() > a.magnitude()) return a;
    // |b| has no more digits before a's last one than a: the scaled divisor fits.
    divisor *= pow10(static_cast<int>(-distance));
    return DecimalParts::make(a.is_negative(), dividend % divisor, a.exponent_);
}

Decimal Decimal::truncate(int places) const {
    const Cut cut = cut_at(*this, places);
    return DecimalParts::make(is_negative(), cut.whole, cut.exponent).value_or(Decimal());
}

Decimal Decimal::floor() const {
    const Cut cut = cut_at(*this, 0);
    const bool down = is_negative() && cut.rest != 0;
    return DecimalParts::make(is_negative(), cut.whole + (down ? 1U : 0U), cut.exponent).value_or(Decimal());
}

Decimal Decimal::ceil() const {
    return -(-*this).floor();
}

Decimal Decimal::round_half_away_from_zero() const {
    const Cut cut = cut_at(*this, 0);
    const bool away = cut.rest != 0 && cut.rest >= cut.unit / 2;
    return DecimalParts::make(is_negative(), cut.whole + (away ? 1U : 0U), cut.exponent).value_or(Decimal());
}

int Decimal::significant_digits() const {
    return digit_count(DecimalParts::absolute(*this));
}
int Decimal::magnitude() const {
    return is_zero() ? 0 : exponent_ + significant_digits() - 1;
}

std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) {
    const auto sign = [](const Decimal& d) { return d.is_zero() ? 0 : (d.is_negative() ? -1 : 1); };
    if (sign(a) != sign(b) || a.is_zero()) return sign(a) <=> sign(b);
    const Decimal& smaller = a.is_negative() ? b : a;  // compare absolute values; for negative numbers the other way round
    const Decimal& larger = a.is_negative() ? a : b;
    const int smaller_digits = smaller.significant_digits();
    const int larger_digits = larger.significant_digits();
    const auto magnitudes = smaller.exponent_ + smaller_digits <=> larger.exponent_ + larger_digits;
    if (magnitudes != 0) return magnitudes;
    // The same first place: line up the digits.
    const int digits = std::max(smaller_digits, larger_digits);
    const Uint128 left = DecimalParts::absolute(smaller) * pow10(digits - smaller_digits);
    const Uint128 right = DecimalParts::absolute(larger) * pow10(digits - larger_digits);
    return left < right ? std::strong_ordering::less : (left > right ? std::strong_ordering::greater : std::strong_ordering::equal);
}

}  // namespace fogbank
