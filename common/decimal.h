/// Exact decimal numbers of up to 38 significant digits: what DynamoDB stores (38 digits, 1E-130 to 9.99E125) and what IoT SQL computes
/// with (34 digits).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fogbank {

/// coefficient * 10^exponent, |coefficient| < 10^38. Value type, no allocation, all operations pure. Kept without trailing zeros, so equal
/// numbers compare equal however they were written (1.0 == 1).
class Decimal {
  public:
    static constexpr int digits_max = 38;
    static constexpr int sql_digits = 34;
    /// Bound of |magnitude()|; beyond it, to either side, an operation has no result.
    static constexpr int exponent_max = 1'000'000;

    constexpr Decimal() = default;
    constexpr explicit Decimal(std::int64_t value) : coefficient_(value) {
        while (coefficient_ != 0 && coefficient_ % 10 == 0) {
            coefficient_ /= 10;
            ++exponent_;
        }
    }

    /// `-?digits[.digits][e[+-]digits]`, also a leading `+`, `.5` and `5.`; nothing for anything else, more than 38 significant digits
    /// (leading and trailing zeros do not count) or an exponent out of bounds. Callers with a stricter grammar check it first.
    static std::optional<Decimal> parse(std::string_view text);
    /// Rounds to `digits` significant digits (half to even) instead of refusing more than 38.
    static std::optional<Decimal> parse_rounded(std::string_view text, int digits = digits_max);
    /// The shortest decimal that reads back as `value`; nothing for infinities and NaN.
    static std::optional<Decimal> from_double(double value);

    bool is_zero() const { return coefficient_ == 0; }
    bool is_negative() const { return coefficient_ < 0; }
    /// True if there is no fraction (1.0 and 1E3 are whole).
    bool is_integer() const;
    std::optional<std::int64_t> to_int64() const;  ///< nothing if not whole or out of range
    double to_double() const;
    /// Plain notation without exponent where the exponent lies in -20…20, else scientific; no trailing zeros, `0` for zero.
    std::string to_string() const;
    /// Plain notation always, as DynamoDB answers numbers, up to its own range of exponents.
    std::string to_plain_string() const;

    /// Order-preserving bytes: memcmp order of two encodings is the numeric order. Self-delimiting. At most 24 bytes.
    std::string sortable_bytes() const;
    /// The inverse; consumes the encoding from the front of `bytes`. Nothing if malformed.
    static std::optional<Decimal> from_sortable_bytes(std::string_view& bytes);

    Decimal operator-() const;
    /// Results are rounded half to even to `digits` significant digits. Nothing on overflow of the exponent.
    static std::optional<Decimal> add(const Decimal& a, const Decimal& b, int digits = sql_digits);
    static std::optional<Decimal> subtract(const Decimal& a, const Decimal& b, int digits = sql_digits);
    static std::optional<Decimal> multiply(const Decimal& a, const Decimal& b, int digits = sql_digits);
    static std::optional<Decimal> divide(const Decimal& a, const Decimal& b, int digits = sql_digits);  ///< nothing for b == 0
    /// a - b * trunc(a / b), the sign of a; nothing for b == 0.
    static std::optional<Decimal> remainder(const Decimal& a, const Decimal& b);
    /// As add, but nothing if the exact result needs more than 38 digits: DynamoDB refuses instead of rounding.
    static std::optional<Decimal> add_exact(const Decimal& a, const Decimal& b);
    static std::optional<Decimal> subtract_exact(const Decimal& a, const Decimal& b);

    Decimal floor() const;
    Decimal ceil() const;
    Decimal truncate(int places) const;         ///< toward zero, keeping `places` digits after the point
    Decimal round_half_away_from_zero() const;  ///< to a whole number

    /// Significant digits without leading and trailing zeros; 0 for zero.
    int significant_digits() const;
    /// The exponent of the first significant digit (123 -> 2, 0.01 -> -2); 0 for zero.
    int magnitude() const;

    friend std::strong_ordering operator<=>(const Decimal& a, const Decimal& b);
    friend bool operator==(const Decimal& a, const Decimal& b) { return (a <=> b) == std::strong_ordering::equal; }

  private:
    __extension__ using Coefficient = __int128;
    friend struct DecimalParts;  ///< common/detail/decimal_parts.h, for decimal*.cpp

    // Canonical: the coefficient does not end in a zero digit, and the exponent of zero is 0. So equal numbers have equal members.
    Coefficient coefficient_ = 0;
    std::int32_t exponent_ = 0;
};

}  // namespace fogbank
