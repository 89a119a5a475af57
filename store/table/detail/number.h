/// Text to a DynamoDB number. Source: Developer Guide, "Naming rules and data types", Number.
#pragma once

#include <string_view>

#include "common/decimal.h"
#include "common/result.h"

namespace fogbank::store::table {

/// At most 38 significant digits, 1E-130 to 9.99…E+125 and their negatives, or zero. Errors: validation with DynamoDB's texts.
Result<Decimal> parse_number(std::string_view text);

/// The same bounds for a number that did not come from text here (a rule's result).
Result<void> check_number(const Decimal& number);

}  // namespace fogbank::store::table
