/// JSON numbers as text.
#pragma once

#include <string_view>

namespace fogbank::shadow::detail {

/// Whether two well-formed JSON numbers have the same value, exactly: `1`, `1.0` and `10e-1` have. Numbers whose exponent does not fit 60
/// bits are equal only as text.
bool equal_numbers(std::string_view a, std::string_view b);

}  // namespace fogbank::shadow::detail
