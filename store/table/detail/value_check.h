/// What makes a value unfit to be stored, wherever it came from: JSON, a rule, a handler.
#pragma once

#include "common/result.h"
#include "store/table/attribute_value.h"

namespace fogbank::store::table {

/// Number range, no empty sets nor empty set members, attribute names, nesting. Errors: validation with DynamoDB's texts.
Result<void> check_attributes(const Item& item);
Result<void> check_value(const AttributeValue& value);

/// check_attributes and then the size. @param bytes_max  the quota item_bytes. @return item_size_bytes(item).
Result<std::size_t> check_item(const Item& item, std::size_t bytes_max);

}  // namespace fogbank::store::table
