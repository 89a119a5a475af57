// Decimal to and from text and double.
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "common/decimal.h"
#include "common/detail/decimal_parts.h"
#include "common/detail/uint256.h"

namespace fogbank {
namespace {

using detail::Uint128;
using detail::Uint256;

constexpr int plain_magnitude_max = 20;             ///< to_string: beyond it, to either side, scientific
constexpr int dynamodb_magnitude_max = 125;         ///< AWS: numbers up to 9.99E+125 …
constexpr int dynamodb_magnitude_min = -130;        ///< … and down to 1E-130
constexpr std::int64_t exponent_bound = 1LL << 40;  ///< where reading an exponent saturates: beyond every valid one and every text's length

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// Collects the digits of a coefficient: 38 of them exactly, the 39th for rounding, whether any later one is not zero.
class DigitCollector {
  public:
    void add(char digit, bool after_point) {
        const auto value = static_cast<unsigned>(digit - '0');
        if (after_point) --exponent_;
        if (kept_ == 0 && value == 0) return;
        if (kept_ == Decimal::digits_max + 1) {
            sticky_ |= value != 0;
            ++exponent_;
        } else if (kept_ == Decimal::digits_max) {
            guard_ = value;
            ++kept_;
        } else {
            coefficient_ = coefficient_ * 10 + value;
            ++kept_;
        }
    }
    WideDecimal result(bool negative, std::int64_t exponent) const {
        WideDecimal out{negative, {0, coefficient_}, exponent_ + exponent, sticky_};
        if (kept_ > Decimal::digits_max) out.coefficient = detail::scale_up(out.coefficient, 1) + Uint256{0, guard_};
        return out;
    }

  private:
    Uint128 coefficient_ = 0;
    unsigned guard_ = 0;
    int kept_ = 0;
    bool sticky_ = false;
    std::int64_t exponent_ = 0;
};

bool take_sign(std::string_view& text) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    return negative;
}

/// What follows `e`, saturated. Nothing if it is not `[+-]digits`.
std::optional<std::int64_t> parse_exponent(std::string_view text) {
    const bool negative = take_sign(text);
    if (text.empty()) return std::nullopt;
    std::int64_t value = 0;
    for (const char c : text) {
        if (!is_digit(c)) return std::nullopt;
        if (value < exponent_bound) value = value * 10 + (c - '0');
    }
    return negative ? -value : value;
}

std::optional<WideDecimal> parse_wide(std::string_view text) {
    const bool negative = take_sign(text);
    DigitCollector digits;
    bool point = false;
    bool any = false;
    std::size_t i = 0;
    for (; i < text.size(); ++i) {
        if (is_digit(text[i])) {
            digits.add(text[i], point);
            any = true;
        } else if (text[i] == '.' && !point) {
            point = true;
        } else {
            break;
        }
    }
    if (!any) return std::nullopt;
    if (i == text.size()) return digits.result(negative, 0);
    if (text[i] != 'e' && text[i] != 'E') return std::nullopt;
    const auto exponent = parse_exponent(text.substr(i + 1));
    if (!exponent) return std::nullopt;
    return digits.result(negative, *exponent);
}

/// Most numbers that devices send: at most 18 digits and no exponent. Nothing for all others, right or wrong.
std::optional<Decimal> parse_short(std::string_view text) {
    constexpr std::size_t text_bytes_max = 20;  // sign, point and 18 digits
    if (text.size() > text_bytes_max) return std::nullopt;
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    std::uint64_t coefficient = 0;
    int digits = 0;
    int exponent = 0;
    bool point = false;
    for (const char c : text) {
        if (is_digit(c)) {
            coefficient = coefficient * 10 + static_cast<std::uint64_t>(c - '0');
            ++digits;
            if (point) --exponent;
        } else if (c == '.' && !point) {
            point = true;
        } else {
            return std::nullopt;
        }
    }
    if (digits == 0 || digits > 18) return std::nullopt;
    return DecimalParts::make(negative, coefficient, exponent);
}

struct DigitText {
    std::array<char, Decimal::digits_max> digits{};
    std::size_t count = 0;
    std::string_view view() const { return {digits.data(), count}; }
};
DigitText digits_of(Uint128 value) {
    DigitText text;
    if (static_cast<std::uint64_t>(value >> 64) == 0) {
        char* const begin = text.digits.data();
        text.count =
            static_cast<std::size_t>(std::to_chars(begin, begin + text.digits.size(), static_cast<std::uint64_t>(value)).ptr - begin);
        return text;
    }
    text.count = static_cast<std::size_t>(detail::digit_count(value));
    for (std::size_t i = text.count; i > 0; --i) {
        text.digits[i - 1] = static_cast<char>('0' + static_cast<int>(value % 10));
        value /= 10;
    }
    return text;
}

void append_scientific(std::string& out, std::string_view digits, int magnitude) {
    out += digits.front();
    if (digits.size() > 1) out.append(".").append(digits.substr(1));
    out.append(magnitude < 0 ? "E-" : "E+").append(std::to_string(std::abs(magnitude)));
}

void append_plain(std::string& out, std::string_view digits, int exponent) {
    if (exponent >= 0) {
        out.append(digits).append(static_cast<std::size_t>(exponent), '0');
        return;
    }
    const auto fraction = static_cast<std::size_t>(-exponent);
    if (digits.size() > fraction) {
        out.append(digits.substr(0, digits.size() - fraction)).append(".").append(digits.substr(digits.size() - fraction));
    } else {
        out.append("0.").append(fraction - digits.size(), '0').append(digits);
    }
}

std::string format(const Decimal& value, int magnitude_min, int magnitude_max) {
    if (value.is_zero()) return "0";
    std::string out;
    if (value.is_negative()) out += '-';
    const DigitText digits = digits_of(DecimalParts::absolute(value));
    const int magnitude = value.magnitude();
    if (magnitude < magnitude_min || magnitude > magnitude_max) {
        append_scientific(out, digits.view(), magnitude);
    } else {
        append_plain(out, digits.view(), DecimalParts::exponent(value));
    }
    return out;
}

}  // namespace

std::optional<Decimal> Decimal::parse(std::string_view text) {
    const auto wide = parse_wide(text);
    return wide ? DecimalParts::round(*wide, digits_max, Inexact::refuse) : std::nullopt;
}

std::optional<Decimal> Decimal::parse_rounded(std::string_view text, int digits) {
    if (digits >= sql_digits) {
        if (const auto number = parse_short(text)) return number;
    }
    const auto wide = parse_wide(text);
    return wide ? DecimalParts::round(*wide, digits) : std::nullopt;
}

std::optional<Decimal> Decimal::from_double(double value) {
    if (!std::isfinite(value)) return std::nullopt;
    std::array<char, 32> text{};  // the shortest form has at most 17 digits, sign, point and a four-letter exponent
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific).ptr;
    return parse({text.data(), static_cast<std::size_t>(end - text.data())});
}

double Decimal::to_double() const {
    if (is_zero()) return 0.0;
    std::string text;
    append_scientific(text, digits_of(DecimalParts::absolute(*this)).view(), magnitude());
    double value = 0.0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc::result_out_of_range) {
        value = magnitude() > 0 ? std::numeric_limits<double>::infinity() : 0.0;
    }
    return is_negative() ? -value : value;
}

std::string Decimal::to_string() const {
    return format(*this, -plain_magnitude_max, plain_magnitude_max);
}
std::string Decimal::to_plain_string() const {
    return format(*this, dynamodb_magnitude_min, dynamodb_magnitude_max);
}

}  // namespace fogbank
