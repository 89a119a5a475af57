// Functions on text. Source: reference "rules-sql", section 9.2.

#include <algorithm>
#include <array>

#include "rules/functions.h"

namespace fogbank::rules::sql {
namespace {

/// "n clamped 0…1000" of lpad and rpad.
constexpr std::int64_t padding_max = 1000;

bool continues_character(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80;
}

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !continues_character(c); }));
}

/// The byte at which character number `index` begins; the size if there are fewer.
std::size_t byte_offset(std::string_view text, std::size_t index) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (continues_character(text[i])) continue;
        if (index-- == 0) return i;
    }
    return text.size();
}

Value chr(const CallContext&, Arguments arguments) {
    const auto number = to_decimal(arguments[0]);
    const auto code = number ? number->floor().to_int64() : std::nullopt;
    return code && *code >= 0 && *code < 128 ? Value::string(std::string(1, static_cast<char>(*code))) : Value();
}

Value concat_arrays(Arguments arguments) {
    Array items;
    for (const Value& argument : arguments) {
        if (argument.kind() == Value::Kind::array) {
            items.insert(items.end(), argument.items().begin(), argument.items().end());
        } else {
            items.push_back(argument);
        }
        if (items.size() * sizeof(Value) > 4 * value_bytes_max) return {};
    }
    return Value::array(std::move(items));
}

Value concat(const CallContext&, Arguments arguments) {
    if (arguments.empty()) return {};
    if (arguments.size() == 1) return arguments[0];
    if (std::any_of(arguments.begin(), arguments.end(), [](const Value& value) { return value.kind() == Value::Kind::array; }))
        return concat_arrays(arguments);
    std::string joined;
    for (const Value& argument : arguments) {
        const auto text = to_text(argument);
        if (!text) return {};
        joined += text->view();
        if (joined.size() > value_bytes_max) return {};
    }
    return Value::string(std::move(joined));
}

template <bool (*test)(std::string_view, std::string_view)>
Value affix(const CallContext&, Arguments arguments) {
    const auto text = to_text(arguments[0]);
    const auto part = to_text(arguments[1]);
    return text && part ? Value::boolean(test(text->view(), part->view())) : Value();
}
bool ends(std::string_view text, std::string_view part) {
    return text.ends_with(part);
}
bool starts(std::string_view text, std::string_view part) {
    return text.starts_with(part);
}

/// Not found is -1, as in the Java that the service speaks elsewhere; AWS documents nothing.
Value index_of(const CallContext&, Arguments arguments) {
    const auto text = to_text(arguments[0]);
    const auto part = to_text(arguments[1]);
    if (!text || !part) return {};
    const std::size_t found = text->view().find(part->view());
    if (found == std::string_view::npos) return Value::integer(-1);
    return Value::integer(static_cast<std::int64_t>(characters(text->view().substr(0, found))));
}

Value length(const CallContext&, Arguments arguments) {
    const auto text = to_text(arguments[0]);
    return text ? Value::integer(static_cast<std::int64_t>(characters(text->view()))) : Value();
}

Value number_of_bytes(const CallContext&, Arguments arguments) {
    const auto text = to_text(arguments[0]);
    return text ? Value::integer(static_cast<std::int64_t>(text->view().size())) : Value();
}

/// ASCII letters and the Latin-1 and Greek and Cyrillic letters that differ by a fixed distance; the rest stays.
char32_t change_case(char32_t c, bool to_upper) {
    if (to_upper) {
        if ((c >= U'a' && c <= U'z') || (c >= 0xE0 && c <= 0xFE && c != 0xF7) || (c >= 0x3B1 && c <= 0x3C9 && c != 0x3C2) ||
            (c >= 0x430 && c <= 0x44F))
            return c - 32;
        return c >= 0x450 && c <= 0x45F ? c - 80 : c;
    }
    if ((c >= U'A' && c <= U'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9 && c != 0x3A2) ||
        (c >= 0x410 && c <= 0x42F))
        return c + 32;
    return c >= 0x400 && c <= 0x40F ? c + 80 : c;
}

/// Only two-byte characters change case here, and they stay two bytes long.
Value with_case(const Value& value, bool to_upper) {
    const auto text = to_text(value);
    if (!text) return {};
    std::string out(text->view());
    for (std::size_t i = 0; i < out.size(); ++i) {
        const auto byte = static_cast<unsigned char>(out[i]);
        if (byte < 0x80) {
            out[i] = static_cast<char>(change_case(byte, to_upper));
        } else if ((byte & 0xE0U) == 0xC0 && i + 1 < out.size()) {
            const auto low = static_cast<unsigned char>(out[i + 1]) & 0x3FU;
            const char32_t changed = change_case(((byte & 0x1FU) << 6U) | low, to_upper);
            out[i] = static_cast<char>(0xC0U | (changed >> 6U));
            out[++i] = static_cast<char>(0x80U | (changed & 0x3FU));
        }
    }
    return Value::string(std::move(out));
}
Value lower(const CallContext&, Arguments arguments) {
    return with_case(arguments[0], false);
}
Value upper(const CallContext&, Arguments arguments) {
    return with_case(arguments[0], true);
}

template <bool left>
Value pad(const CallContext&, Arguments arguments) {
    const auto text = to_text(arguments[0]);
    const auto count = clamped_integer(arguments[1], 0, padding_max);
    if (!text || !count) return {};
    const std::string spaces(static_cast<std::size_t>(*count), ' ');
    return bounded_string(left ? spaces + std::string(text->view()) : std::string(text->view()) + spaces);
}

constexpr std::string_view blanks = "\t ";
constexpr std::string_view white_space = " \t\n\r\f\v";

template <bool left, bool right>
Value strip(const CallContext&, Arguments arguments) {
    const auto converted = to_text(arguments[0]);
    if (!converted) return {};
    std::string_view text = converted->view();
    const std::string_view stripped = left && right ? white_space : blanks;
    if constexpr (left) text.remove_prefix(std::min(text.find_first_not_of(stripped), text.size()));
    if constexpr (right) text = text.substr(0, text.find_last_not_of(stripped) + 1);
    return Value::string(std::string(text));
}

Value replace(const CallContext&, Arguments arguments) {
    const auto text = to_text(arguments[0]);
    const auto from = to_text(arguments[1]);
    const auto to = to_text(arguments[2]);
    if (!text || !from || !to) return {};
    if (from->view().empty()) return Value::string(*text);
    std::string out;
    std::size_t at = 0;
    while (out.size() <= value_bytes_max) {
        const std::size_t found = text->view().find(from->view(), at);
        out += text->view().substr(at, found == std::string_view::npos ? found : found - at);
        if (found == std::string_view::npos) return bounded_string(std::move(out));
        out += to->view();
        at = found + from->view().size();
    }
    return {};
}

Value substring(const CallContext&, Arguments arguments) {
    const auto text = to_text(arguments[0]);
    if (!text) return {};
    const auto size = static_cast<std::int64_t>(characters(text->view()));
    const auto begin = clamped_integer(arguments[1], 0, size);
    const auto end = arguments.size() > 2 ? clamped_integer(arguments[2], 0, size) : std::optional(size);
    if (!begin || !end) return {};
    if (*begin >= *end) return Value::string(std::string());
    const std::size_t first = byte_offset(text->view(), static_cast<std::size_t>(*begin));
    const std::size_t last = byte_offset(text->view(), static_cast<std::size_t>(*end));
    return Value::string(std::string(text->view().substr(first, last - first)));
}

constexpr auto v2015 = Version::v2015_10_08;
constexpr auto v2016 = Version::v2016_03_23;
constexpr std::array<Function, 16> table{{
    {"chr", 1, 1, v2015, true, false, chr},
    {"concat", 0, any_number, v2015, true, false, concat},
    {"endswith", 2, 2, v2015, true, false, affix<ends>},
    {"indexof", 2, 2, v2016, true, false, index_of},
    {"length", 1, 1, v2016, true, false, length},
    {"lower", 1, 1, v2015, true, false, lower},
    {"lpad", 2, 2, v2015, true, false, pad<true>},
    {"ltrim", 1, 1, v2015, true, false, strip<true, false>},
    {"numbytes", 1, 1, v2016, true, false, number_of_bytes},
    {"replace", 3, 3, v2015, true, false, replace},
    {"rpad", 2, 2, v2015, true, false, pad<false>},
    {"rtrim", 1, 1, v2015, true, false, strip<false, true>},
    {"startswith", 2, 2, v2015, true, false, affix<starts>},
    {"substring", 2, 3, v2015, true, false, substring},
    {"trim", 1, 1, v2015, true, false, strip<true, true>},
    {"upper", 1, 1, v2015, true, false, upper},
}};

}  // namespace

std::span<const Function> string_functions() {
    return table;
}

}  // namespace fogbank::rules::sql
