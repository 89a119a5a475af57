/// Reading DynamoDB's typed JSON from either JSON library: nlohmann's (tests, stored documents) and simdjson's (requests).
///
/// `Json` is a cheap copy of a pointer with: `kind()`, `text()`, `boolean()`, `each_member(f(name, Json))` and `each_element(f(Json))`,
/// whose functions return Result<void> and stop at the first error. Errors about a JSON type that the model does not allow are
/// SerializationException, errors about a value are ValidationException.
#pragma once

#include <optional>

#include "common/encoding.h"
#include "store/table/attribute_value.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/limits.h"
#include "store/table/detail/number.h"

namespace fogbank::store::table {

enum class JsonKind : unsigned char { null, boolean, integer, decimal, string, list, object };

inline Error serialization_error(std::string text) {
    return {Errc::serialization, std::move(text)};
}

/// What DynamoDB's deserializer says when it finds another JSON type than the model's.
template <class Json>
Error unexpected_json(const Json& found, std::string_view wanted) {
    switch (found.kind()) {
        case JsonKind::object:
            return serialization_error("Start of structure or map found where not expected");
        case JsonKind::list:
            return serialization_error("Start of list found where not expected");
        case JsonKind::string:
            return serialization_error("STRING_VALUE cannot be converted to " + std::string(wanted));
        case JsonKind::boolean:
            return serialization_error((found.boolean() ? "TRUE_VALUE cannot be converted to " : "FALSE_VALUE cannot be converted to ") +
                                       std::string(wanted));
        case JsonKind::decimal:
            return serialization_error("DECIMAL_VALUE cannot be converted to " + std::string(wanted));
        default:
            return serialization_error("NUMBER_VALUE cannot be converted to " + std::string(wanted));
    }
}

template <class Json>
class TypedJsonReader {
  public:
    static Result<AttributeValue> value(const Json& json, int depth) {
        if (json.kind() != JsonKind::object) return unexpected_collection(json);
        std::optional<Json> content;
        std::string_view type;
        auto scanned = json.each_member([&](std::string_view name, const Json& member) -> Result<void> {
            // Members that the model does not know are ignored, as everywhere in the protocol.
            if (!is_type_name(name) || member.kind() == JsonKind::null) return {};
            if (content) {
                return validation(
                    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes");
            }
            content = member;
            type = known_name(name);
            return {};
        });
        if (!scanned) return scanned.error();
        if (!content) return validation("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
        return read_content(type, *content, depth);
    }

    static Result<Item> map(const Json& content, int depth) {
        if (content.kind() != JsonKind::object)
            return content.kind() == JsonKind::list ? unexpected_json(content, "") : unexpected_collection(content);
        Item out;
        auto read = content.each_member([&](std::string_view name, const Json& one) -> Result<void> {
            auto read_value = value(one, depth);
            if (!read_value) return read_value.error();
            out.insert_or_assign(std::string(name), std::move(*read_value));
            return {};
        });
        if (!read) return read.error();
        return out;
    }

  private:
    static constexpr std::string_view type_names[] = {"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"};

    static bool is_type_name(std::string_view name) { return !known_name(name).empty(); }
    static std::string_view known_name(std::string_view name) {
        for (const std::string_view known : type_names) {
            if (name == known) return known;
        }
        return {};
    }

    static Error unexpected_collection(const Json& found) {
        if (found.kind() == JsonKind::object) return serialization_error("Start of structure or map found where not expected");
        return serialization_error("Unexpected field type");
    }

    static Result<std::string> read_string(const Json& content) {
        if (content.kind() != JsonKind::string) return unexpected_json(content, "String");
        return std::string(content.text());
    }
    static Result<Decimal> read_number(const Json& content) {
        if (content.kind() != JsonKind::string) return unexpected_json(content, "String");
        return parse_number(content.text());
    }
    static Result<Binary> read_binary(const Json& content) {
        if (content.kind() != JsonKind::string) return unexpected_json(content, "Blob");
        const std::string_view text = content.text();
        if (text.size() % 4 != 0) {
            return serialization_error("Base64 encoded length is expected a multiple of 4 bytes but found: " + std::to_string(text.size()));
        }
        auto bytes = base64_decode(text);
        if (!bytes) return serialization_error("Invalid Base64 character found");
        return Binary{std::move(*bytes)};
    }
    static Result<bool> read_boolean(const Json& content) {
        if (content.kind() != JsonKind::boolean) return unexpected_json(content, "Boolean");
        return content.boolean();
    }
    static Result<Null> read_null(const Json& content) {
        if (content.kind() != JsonKind::boolean) return unexpected_json(content, "Boolean");
        if (!content.boolean()) return invalid_parameter("Null attribute value types must have the value of true");
        return Null();
    }

    static std::string joined(const Json& list) {
        std::string out;
        (void)list.each_element([&](const Json& element) -> Result<void> {
            out += (out.empty() ? "" : ", ") + std::string(element.text());
            return {};
        });
        return "[" + out + "]";
    }

    /// @param empty       DynamoDB's text for a set without members
    /// @param duplicates  its text for one with a member twice
    template <class Set, class ReadElement, class Duplicates>
    static Result<Set> read_set(const Json& content, std::string_view empty, ReadElement read_element, Duplicates duplicates) {
        if (content.kind() != JsonKind::list) return unexpected_collection(content);
        Set out;
        bool twice = false;
        auto read = content.each_element([&](const Json& one) -> Result<void> {
            auto element = read_element(one);
            if (!element) return element.error();
            twice = !out.insert(std::move(*element)).second || twice;
            return {};
        });
        if (!read) return read.error();
        if (out.empty()) return invalid_parameter(empty);
        if (twice) return duplicates();
        return out;
    }

    static Result<StringSet> read_string_set(const Json& content) {
        return read_set<StringSet>(
            content, "An string set  may not be empty",
            [](const Json& one) -> Result<std::string> {
                auto text = read_string(one);
                if (text && text->empty()) return invalid_parameter("An string set may not have a empty string as a member");
                return text;
            },
            [&] { return invalid_parameter("Input collection " + joined(content) + " contains duplicates."); });
    }
    static Result<NumberSet> read_number_set(const Json& content) {
        return read_set<NumberSet>(content, "An number set  may not be empty", read_number,
                                   [] { return validation("Input collection contains duplicates"); });
    }
    static Result<BinarySet> read_binary_set(const Json& content) {
        return read_set<BinarySet>(
            content, "Binary sets should not be empty",
            [](const Json& one) -> Result<Binary> {
                auto binary = read_binary(one);
                if (binary && binary->bytes.empty()) return invalid_parameter("Binary sets may not contain empty values");
                return binary;
            },
            [&] { return invalid_parameter("Input collection " + joined(content) + "of type BS contains duplicates."); });
    }

    static Result<List> read_list(const Json& content, int depth) {
        if (content.kind() != JsonKind::list) return unexpected_collection(content);
        List out;
        auto read = content.each_element([&](const Json& one) -> Result<void> {
            auto read_value = value(one, depth);
            if (!read_value) return read_value.error();
            out.push_back(std::move(*read_value));
            return {};
        });
        if (!read) return read.error();
        return out;
    }

    template <class T>
    static Result<AttributeValue> wrap(Result<T> content) {
        if (!content) return content.error();
        return AttributeValue(std::move(*content));
    }

    static Result<AttributeValue> read_content(std::string_view type, const Json& content, int depth) {
        if (type == "S") return wrap(read_string(content));
        if (type == "N") return wrap(read_number(content));
        if (type == "B") return wrap(read_binary(content));
        if (type == "BOOL") return wrap(read_boolean(content));
        if (type == "NULL") return wrap(read_null(content));
        if (type == "SS") return wrap(read_string_set(content));
        if (type == "NS") return wrap(read_number_set(content));
        if (type == "BS") return wrap(read_binary_set(content));
        if (depth >= nesting_levels_max) return validation("Nesting Levels have exceeded supported limits");
        return type == "M" ? wrap(map(content, depth + 1)) : wrap(read_list(content, depth + 1));
    }
};

}  // namespace fogbank::store::table
