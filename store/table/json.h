/// Items and plain JSON. Two forms: DynamoDB's typed JSON (`{"temperature":{"N":"21.5"}}`) and ordinary JSON as rules and handlers write
/// it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "common/result.h"
#include "store/table/attribute_value.h"

namespace fogbank::store::table {

/// Typed JSON to a value, with DynamoDB's checks: exactly one type key, numbers as strings of at most 38 digits, no empty sets, no
/// duplicates in sets, base64 binary, at most 32 levels. Errors: validation or serialization with DynamoDB's texts.
Result<AttributeValue> attribute_value_from_typed_json(const nlohmann::json& value);
Result<Item> item_from_typed_json(const nlohmann::json& value);
nlohmann::json typed_json(const AttributeValue& value);
nlohmann::json typed_json(const Item& item);

/// The same as text, appended: several times faster, for answers. Texts that are not UTF-8 are not checked: no item holds any.
void append_typed_json(std::string& out, const AttributeValue& value);
void append_typed_json(std::string& out, const Item& item);
/// A JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text);

/// Plain JSON text of an object to an item: string→S, number→N (exact, from its text), boolean→BOOL, null→NULL, object→M, array→L
/// (reference "rules-actions", section 4). Errors: validation when the text is not a JSON object, a number has over 38 digits, or over 32
/// levels.
Result<Item> item_from_plain_json(std::string_view text);
/// The inverse for reading back: sets become arrays, binary base64 text, numbers JSON numbers with all their digits.
std::string plain_json(const Item& item);

}  // namespace fogbank::store::table
