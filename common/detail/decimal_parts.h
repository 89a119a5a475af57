/// What the files of Decimal share: its parts, and rounding a wide intermediate result back into one.
#pragma once

#include <optional>

#include "common/decimal.h"
#include "common/detail/uint256.h"

namespace fogbank {

/// An intermediate result: ±coefficient * 10^exponent, plus less than one unit of the coefficient if `sticky`.
struct WideDecimal {
    bool negative = false;
    detail::Uint256 coefficient;
    std::int64_t exponent = 0;
    bool sticky = false;  ///< non-zero digits were dropped below; only with coefficients of more than 38 digits
};

enum class Inexact { round_half_even, refuse };

struct DecimalParts {
    static detail::Uint128 absolute(const Decimal& d) {
        return d.coefficient_ < 0 ? -static_cast<detail::Uint128>(d.coefficient_) : static_cast<detail::Uint128>(d.coefficient_);
    }
    static std::int32_t exponent(const Decimal& d) { return d.exponent_; }

    /// @param absolute  at most 10^38; trailing zeros are removed here.
    /// @return nothing if the magnitude is out of bounds.
    static std::optional<Decimal> make(bool negative, detail::Uint128 absolute, std::int64_t exponent);

    /// Rounds to `digits` significant digits (1…38, others are clamped), or gives nothing if that would change the value and `inexact` is
    /// refuse.
    static std::optional<Decimal> round(WideDecimal value, int digits, Inexact inexact = Inexact::round_half_even);
};

}  // namespace fogbank
