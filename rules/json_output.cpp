// Compact JSON from values (declared in rules/value.h and rules/detail/json_writer.h).

#include <algorithm>

#include "common/plain_json.h"
#include "rules/detail/json_writer.h"

namespace fogbank::rules::sql {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

/// Room that is made at first; a string with a larger capacity is not filled up to it for a short text.
constexpr std::size_t room_at_first = 256;

}  // namespace

JsonWriter::JsonWriter(std::string& out) : out_(out), used_(out.size()) {
    out_.resize(std::min(out_.capacity(), used_ + room_at_first));
}

void JsonWriter::grow(std::size_t bytes) {
    out_.resize(std::max(2 * out_.size(), used_ + bytes));
}

void JsonWriter::add_string(std::string_view text) {
    room_for(text.size() + 2);
    out_[used_++] = '"';
    const char* at = text.data();
    const char* const end = at + text.size();
    while (true) {
        const char* const plain = at;
        at = end_of_plain_json(at, end);
        put(std::string_view(plain, static_cast<std::size_t>(at - plain)));
        if (at == end) break;
        add_escaped(*at++);
        room_for(static_cast<std::size_t>(end - at) + 1);
    }
    out_[used_++] = '"';
}

void JsonWriter::add_escaped(char c) {
    constexpr std::string_view escaped = "\"\\\b\f\n\r\t", letters = "\"\\bfnrt";
    add('\\');
    if (const std::size_t which = escaped.find(c); which != std::string_view::npos) return add(letters[which]);
    const auto byte = static_cast<unsigned char>(c);
    add("u00");
    add(hex_digits[byte >> 4]);
    add(hex_digits[byte & 15]);
}

bool JsonWriter::add_array(const Array& items, std::size_t bytes_max) {
    add('[');
    bool first = true;
    for (const Value& item : items) {
        if (!first) add(',');
        first = false;
        if (!add_value(item.is_undefined() ? Value::null() : item, bytes_max)) return false;
    }
    add(']');
    return true;
}

bool JsonWriter::add_object(const Object& members, std::size_t bytes_max) {
    add('{');
    bool first = true;
    for (const auto& [name, value] : members) {
        if (value.is_undefined()) continue;
        if (!first) add(',');
        first = false;
        add_string(name.view());
        add(':');
        if (!add_value(value, bytes_max)) return false;
    }
    add('}');
    return true;
}

bool JsonWriter::add_value(const Value& value, std::size_t bytes_max) {
    switch (value.kind()) {
        case Value::Kind::undefined:
            break;
        case Value::Kind::null:
            add("null");
            break;
        case Value::Kind::boolean:
            add(value.as_boolean() ? "true" : "false");
            break;
        case Value::Kind::integer:
        case Value::Kind::decimal:
            if (value.written().empty()) {
                add(number_text(value));
            } else {
                add(value.written());
            }
            break;
        case Value::Kind::string:
            add_string(value.text());
            break;
        case Value::Kind::array:
            if (!add_array(value.items(), bytes_max)) return false;
            break;
        case Value::Kind::object:
            if (!add_object(value.members(), bytes_max)) return false;
            break;
    }
    return size() <= bytes_max;
}

void append_json_string(std::string& out, std::string_view text) {
    JsonWriter(out).add_string(text);
}

bool append_json(std::string& out, const Value& value, std::size_t bytes_max) {
    return JsonWriter(out).add_value(value, bytes_max);
}

}  // namespace fogbank::rules::sql
