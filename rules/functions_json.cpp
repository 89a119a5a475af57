// Functions on types, Arrays and Objects. Source: reference "rules-sql", section 9.3.

#include <array>
#include <limits>

#include "rules/functions.h"

namespace fogbank::rules::sql {
namespace {

Value is_null(const CallContext&, Arguments arguments) {
    return Value::boolean(arguments[0].is_null());
}
Value is_undefined(const CallContext&, Arguments arguments) {
    return Value::boolean(arguments[0].is_undefined());
}

/// The key as a 0-based position: "converted to Int", so by the implicit conversion; nothing if it is none.
std::optional<std::size_t> position(const Value& key) {
    const auto number = to_integer(key);
    const auto index = number ? number->to_int64() : std::nullopt;
    if (!index || *index < 0) return std::nullopt;
    return static_cast<std::size_t>(*index);
}

Value character(std::string_view text, std::size_t index) {
    for (std::size_t i = 0; i < text.size();) {
        std::size_t end = i + 1;
        while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) ++end;
        if (index-- == 0) return Value::string(std::string(text.substr(i, end - i)));
        i = end;
    }
    return {};
}

Value get(const CallContext&, Arguments arguments) {
    const Value& container = arguments[0];
    if (container.kind() == Value::Kind::object) return arguments[1].is_string() ? container.member(arguments[1].text()) : Value();
    const auto index = position(arguments[1]);
    if (!index) return {};
    if (container.kind() == Value::Kind::array) return *index < container.items().size() ? container.items()[*index] : Value();
    return container.is_string() ? character(container.text(), *index) : Value();
}

Value get_or_default(const CallContext&, Arguments arguments) {
    if (!arguments[0].is_undefined() && !arguments[0].is_null()) return arguments[0];
    return arguments.size() > 1 ? arguments[1] : Value();
}

/// Reference "rules", section 7: "transform() output 128 KiB".
constexpr std::size_t transformed_bytes_max = 128 * 1024;

/// transform("enrichArray", object, array): each Object of the array with the object's members after its own. Where both have a member, the
/// element's stays (AWS documents nothing).
Value transform(const CallContext&, Arguments arguments) {
    if (!arguments[0].is_string() || arguments[0].text() != "enrichArray" || arguments[1].kind() != Value::Kind::object ||
        arguments[2].kind() != Value::Kind::array) {
        return {};
    }
    Array enriched;
    enriched.reserve(arguments[2].items().size());
    std::size_t bytes = 0;
    for (const Value& item : arguments[2].items()) {
        if (item.kind() != Value::Kind::object) return {};
        Object members = item.members();
        for (const auto& [name, member] : arguments[1].members()) {
            if (item.members().find(name.view()) == nullptr) members.append(name, member);
        }
        enriched.push_back(Value::object(std::move(members)));
        std::string json;
        if (!append_json(json, enriched.back(), transformed_bytes_max) || (bytes += json.size()) > transformed_bytes_max) return {};
    }
    return Value::array(std::move(enriched));
}

constexpr std::array<Function, 5> table{{
    {"get", 2, 2, Version::v2015_10_08, true, false, get},
    {"get_or_default", 1, 2, Version::v2016_03_23, true, false, get_or_default, std::nullopt, true},
    {"isnull", 1, 1, Version::v2015_10_08, true, false, is_null},
    {"isundefined", 1, 1, Version::v2016_03_23, true, false, is_undefined},
    {"transform", 3, 3, Version::v2016_03_23, true, false, transform},
}};

}  // namespace

std::span<const Function> json_functions() {
    return table;
}

}  // namespace fogbank::rules::sql
