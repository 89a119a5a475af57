/// Source: Developer Guide, "Reserved words in DynamoDB".
#pragma once

#include <string_view>

namespace fogbank::store::table {

/// Whether an expression must not use `name` as an attribute without a placeholder; case does not matter.
bool is_reserved_word(std::string_view name);

}  // namespace fogbank::store::table
