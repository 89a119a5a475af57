/// An item as the bytes that are stored, and back.
///
/// Layout, version 1: version byte; DynamoDB's size of the item; the attributes as a map. A map is a count and then name and value of each;
/// a name or string is a length and bytes; a value is its type's number (AttributeValue::Type) and its content; a number is
/// Decimal::sortable_bytes; lists and sets are a count and elements. Counts, lengths and the size are base-128 varints, low bits first.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/result.h"
#include "store/table/attribute_value.h"

namespace fogbank::store::table {

/// @param size_bytes  item_size_bytes(item), which the caller has computed for its checks already.
std::string encode_item(const Item& item, std::size_t size_bytes);

/// Checks every bound; never reads past `bytes`. Error: unavailable, "stored item is corrupt …".
Result<Item> decode_item(std::string_view bytes);

/// DynamoDB's size of a stored item without decoding it.
Result<std::size_t> stored_item_size(std::string_view bytes);

}  // namespace fogbank::store::table
