// DynamoDB's typed JSON. Errors about a JSON type that the model does not allow are SerializationException, errors about a value are
// ValidationException.

#include <nlohmann/json.hpp>
#include <optional>

#include "common/encoding.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/limits.h"
#include "store/table/detail/number.h"
#include "store/table/json.h"

namespace fogbank::store::table {
namespace {

using nlohmann::json;

Error serialization(std::string text) {
    return {Errc::serialization, std::move(text)};
}

/// What DynamoDB's deserializer says when it finds another JSON type than the model's.
Error unexpected(const json& found, std::string_view wanted) {
    switch (found.type()) {
        case json::value_t::object:
            return serialization("Start of structure or map found where not expected");
        case json::value_t::array:
            return serialization("Start of list found where not expected");
        case json::value_t::string:
            return serialization("STRING_VALUE cannot be converted to " + std::string(wanted));
        case json::value_t::boolean:
            return serialization((found.get<bool>() ? "TRUE_VALUE cannot be converted to " : "FALSE_VALUE cannot be converted to ") +
                                 std::string(wanted));
        case json::value_t::number_float:
            return serialization("DECIMAL_VALUE cannot be converted to " + std::string(wanted));
        default:
            return serialization("NUMBER_VALUE cannot be converted to " + std::string(wanted));
    }
}

Error unexpected_collection(const json& found) {
    if (found.is_object()) return serialization("Start of structure or map found where not expected");
    return serialization("Unexpected field type");
}

Result<std::string> read_string(const json& content) {
    if (!content.is_string()) return unexpected(content, "String");
    return content.get_ref<const std::string&>();
}

Result<Decimal> read_number(const json& content) {
    if (!content.is_string()) return unexpected(content, "String");
    return parse_number(content.get_ref<const std::string&>());
}

Result<Binary> read_binary(const json& content) {
    if (!content.is_string()) return unexpected(content, "Blob");
    const auto& text = content.get_ref<const std::string&>();
    if (text.size() % 4 != 0) {
        return serialization("Base64 encoded length is expected a multiple of 4 bytes but found: " + std::to_string(text.size()));
    }
    auto bytes = base64_decode(text);
    if (!bytes) return serialization("Invalid Base64 character found");
    return Binary{std::move(*bytes)};
}

Result<bool> read_boolean(const json& content) {
    if (!content.is_boolean()) return unexpected(content, "Boolean");
    return content.get<bool>();
}

Result<Null> read_null(const json& content) {
    if (!content.is_boolean()) return unexpected(content, "Boolean");
    if (!content.get<bool>()) return invalid_parameter("Null attribute value types must have the value of true");
    return Null();
}

std::string joined(const json& list) {
    std::string out;
    for (const auto& element : list) out += (out.empty() ? "" : ", ") + element.get_ref<const std::string&>();
    return "[" + out + "]";
}

/// @param empty       DynamoDB's text for a set without members
/// @param duplicates  its text for one with a member twice, from the JSON list
template <class Set, class ReadElement, class Duplicates>
Result<Set> read_set(const json& content, std::string_view empty, ReadElement read_element, Duplicates duplicates) {
    if (!content.is_array()) return unexpected_collection(content);
    if (content.empty()) return invalid_parameter(empty);
    Set out;
    bool twice = false;
    for (const auto& one : content) {
        auto element = read_element(one);
        if (!element) return element.error();
        twice = !out.insert(std::move(*element)).second || twice;
    }
    if (twice) return duplicates(content);
    return out;
}

Result<StringSet> read_string_set(const json& content) {
    return read_set<StringSet>(
        content, "An string set  may not be empty",
        [](const json& one) -> Result<std::string> {
            auto text = read_string(one);
            if (text && text->empty()) return invalid_parameter("An string set may not have a empty string as a member");
            return text;
        },
        [](const json& list) { return invalid_parameter("Input collection " + joined(list) + " contains duplicates."); });
}

Result<NumberSet> read_number_set(const json& content) {
    return read_set<NumberSet>(content, "An number set  may not be empty", read_number,
                               [](const json&) { return validation("Input collection contains duplicates"); });
}

Result<BinarySet> read_binary_set(const json& content) {
    return read_set<BinarySet>(
        content, "Binary sets should not be empty",
        [](const json& one) -> Result<Binary> {
            auto binary = read_binary(one);
            if (binary && binary->bytes.empty()) return invalid_parameter("Binary sets may not contain empty values");
            return binary;
        },
        [](const json& list) { return invalid_parameter("Input collection " + joined(list) + "of type BS contains duplicates."); });
}

Result<AttributeValue> read_value(const json& value, int depth);

Result<Item> read_map(const json& content, int depth) {
    if (!content.is_object()) return content.is_array() ? unexpected(content, "") : unexpected_collection(content);
    Item out;
    for (const auto& [name, one] : content.items()) {
        auto value = read_value(one, depth);
        if (!value) return value.error();
        out.insert_or_assign(name, std::move(*value));
    }
    return out;
}

Result<List> read_list(const json& content, int depth) {
    if (!content.is_array()) return unexpected_collection(content);
    List out;
    out.reserve(content.size());
    for (const auto& one : content) {
        auto value = read_value(one, depth);
        if (!value) return value.error();
        out.push_back(std::move(*value));
    }
    return out;
}

template <class T>
Result<AttributeValue> wrap(Result<T> content) {
    if (!content) return content.error();
    return AttributeValue(std::move(*content));
}

Result<AttributeValue> read_content(std::string_view type, const json& content, int depth) {
    if (type == "S") return wrap(read_string(content));
    if (type == "N") return wrap(read_number(content));
    if (type == "B") return wrap(read_binary(content));
    if (type == "BOOL") return wrap(read_boolean(content));
    if (type == "NULL") return wrap(read_null(content));
    if (type == "SS") return wrap(read_string_set(content));
    if (type == "NS") return wrap(read_number_set(content));
    if (type == "BS") return wrap(read_binary_set(content));
    if (depth >= nesting_levels_max) return validation("Nesting Levels have exceeded supported limits");
    return type == "M" ? wrap(read_map(content, depth + 1)) : wrap(read_list(content, depth + 1));
}

bool is_type_name(std::string_view name) {
    for (const std::string_view known : {"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"}) {
        if (name == known) return true;
    }
    return false;
}

Result<AttributeValue> read_value(const json& value, int depth) {
    if (!value.is_object()) return unexpected_collection(value);
    const json* content = nullptr;
    std::string_view type;
    for (const auto& [name, member] : value.items()) {
        if (!is_type_name(name) || member.is_null())
            continue;  // members that the model does not know are ignored, as everywhere in the protocol
        if (content != nullptr) {
            return validation(
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes");
        }
        content = &member;
        type = name;
    }
    if (content == nullptr) return validation("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
    return read_content(type, *content, depth);
}

struct Writer {
    json operator()(const std::string& text) const { return text; }
    json operator()(const Decimal& number) const { return number.to_plain_string(); }
    json operator()(const Binary& binary) const { return base64_encode(binary.bytes); }
    json operator()(bool boolean) const { return boolean; }
    json operator()(Null) const { return true; }
    json operator()(const std::unique_ptr<Item>& map) const { return map ? typed_json(*map) : json::object(); }
    json operator()(const List& list) const {
        json out = json::array();
        for (const auto& value : list) out.push_back(typed_json(value));
        return out;
    }
    template <class Element>
    json operator()(const std::set<Element>& set) const {
        json out = json::array();
        for (const auto& element : set) out.push_back((*this)(element));
        return out;
    }
};

}  // namespace

Result<AttributeValue> attribute_value_from_typed_json(const json& value) {
    return read_value(value, 0);
}

Result<Item> item_from_typed_json(const json& value) {
    return read_map(value, 0);
}

json typed_json(const AttributeValue& value) {
    json out = json::object();
    out[std::string(value.type_name())] = std::visit(Writer(), value.storage());
    return out;
}

json typed_json(const Item& item) {
    json out = json::object();
    for (const auto& [name, value] : item) out[name] = typed_json(value);
    return out;
}

}  // namespace fogbank::store::table
