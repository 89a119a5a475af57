// Compact JSON from values (declared in rules/value.h).

#include "common/plain_json.h"
#include "rules/value.h"

namespace fogbank::rules::sql {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

void append_escaped(std::string& out, char c) {
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\b':
            out += "\\b";
            return;
        case '\f':
            out += "\\f";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += "\\u00";
    out += hex_digits[byte >> 4];
    out += hex_digits[byte & 15];
}

bool append_array(std::string& out, const Array& items, std::size_t bytes_max) {
    out += '[';
    bool first = true;
    for (const Value& item : items) {
        if (!first) out += ',';
        first = false;
        if (!append_json(out, item.is_undefined() ? Value::null() : item, bytes_max)) return false;
    }
    out += ']';
    return true;
}

bool append_object(std::string& out, const Object& members, std::size_t bytes_max) {
    out += '{';
    bool first = true;
    for (const auto& [name, value] : members) {
        if (value.is_undefined()) continue;
        if (!first) out += ',';
        first = false;
        append_json_string(out, name.view());
        out += ':';
        if (!append_json(out, value, bytes_max)) return false;
    }
    out += '}';
    return true;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    const char* at = text.data();
    const char* const end = at + text.size();
    out += '"';
    while (true) {
        const char* const plain = at;
        at = end_of_plain_json(at, end);
        out.append(plain, static_cast<std::size_t>(at - plain));
        if (at == end) break;
        append_escaped(out, *at++);
    }
    out += '"';
}

bool append_json(std::string& out, const Value& value, std::size_t bytes_max) {
    switch (value.kind()) {
        case Value::Kind::undefined:
            break;
        case Value::Kind::null:
            out += "null";
            break;
        case Value::Kind::boolean:
            out += value.as_boolean() ? "true" : "false";
            break;
        case Value::Kind::integer:
        case Value::Kind::decimal:
            out += number_text(value);
            break;
        case Value::Kind::string:
            append_json_string(out, value.text());
            break;
        case Value::Kind::array:
            if (!append_array(out, value.items(), bytes_max)) return false;
            break;
        case Value::Kind::object:
            if (!append_object(out, value.members(), bytes_max)) return false;
            break;
    }
    return out.size() <= bytes_max;
}

}  // namespace fogbank::rules::sql
