#include "rules/value.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <unordered_map>

namespace fogbank::rules::sql {
namespace {

constexpr std::array<std::string_view, 3> version_names{"2015-10-08", "2016-03-23", "beta"};
/// Reference "rules-sql", section 3: magnitude 1E-999 to 9.99E999.
constexpr int magnitude_max = 999;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// Takes digits off the front; false if there are none.
bool take_digits(std::string_view& text) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
    if (end == text.begin()) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
    return true;
}

bool matches_number_pattern(std::string_view text) {
    if (text.starts_with('-')) text.remove_prefix(1);
    if (!take_digits(text)) return false;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        if (!take_digits(text)) return false;
    }
    if (text.starts_with('e') || text.starts_with('E')) {
        text.remove_prefix(1);
        if (text.starts_with('-')) text.remove_prefix(1);
        if (!take_digits(text)) return false;
    }
    return text.empty();
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
    return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(),
                                                     [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
}

bool equal_arrays(const Array& a, const Array& b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](const Value& x, const Value& y) {
               return x.is_undefined() || y.is_undefined() ? x.is_undefined() == y.is_undefined() : equal(x, y);
           });
}

std::size_t defined_members(const Object& object) {
    return static_cast<std::size_t>(
        std::count_if(object.begin(), object.end(), [](const Object::Member& member) { return !member.second.is_undefined(); }));
}

bool equal_objects(const Object& a, const Object& b) {
    if (defined_members(a) != defined_members(b)) return false;
    std::unordered_map<std::string_view, const Value*> others;
    for (const auto& [name, value] : b) {
        if (!value.is_undefined()) others.emplace(name.view(), &value);
    }
    return std::all_of(a.begin(), a.end(), [&](const Object::Member& member) {
        if (member.second.is_undefined()) return true;
        const auto other = others.find(member.first.view());
        return other != others.end() && equal(member.second, *other->second);
    });
}

}  // namespace

std::optional<Version> parse_version(std::string_view text) {
    const auto found = std::find(version_names.begin(), version_names.end(), text);
    if (found == version_names.end()) return std::nullopt;
    return static_cast<Version>(found - version_names.begin());
}

std::string_view version_text(Version version) {
    return version_names[static_cast<std::size_t>(version)];
}

Text Text::owned(std::string text) {
    auto owner = std::make_shared<const std::string>(std::move(text));
    const std::string_view view = *owner;
    return Text(view, std::move(owner));
}

Value Value::integer(const Decimal& value) {
    if (value.magnitude() < Decimal::sql_digits) return Value(Kind::integer, value);
    return value.magnitude() > magnitude_max ? Value() : Value(Kind::decimal, value);
}

Value Value::decimal(const Decimal& value, Version version) {
    const int magnitude = value.magnitude();
    if (magnitude > magnitude_max || magnitude < -magnitude_max) return {};
    const bool whole = version != Version::v2015_10_08 && magnitude < Decimal::sql_digits && value.is_integer();
    return Value(whole ? Kind::integer : Kind::decimal, value);
}

Value Value::written_number(std::string_view text) {
    Value made(text.find('.') == std::string_view::npos ? Kind::integer : Kind::decimal);
    made.held_.text = text;
    made.written_ = true;
    return made;
}

Decimal Value::read_number() const {
    return *Decimal::parse_rounded(held_.text, Decimal::sql_digits);
}

Value Value::array(Array items) {
    auto owner = std::make_shared<const Array>(std::move(items));
    Value made(Kind::array);
    made.held_.items = owner.get();
    made.owner_ = std::move(owner);
    return made;
}

Value Value::object(Object members) {
    auto owner = std::make_shared<const Object>(std::move(members));
    Value made(Kind::object);
    made.held_.members = owner.get();
    made.owner_ = std::move(owner);
    return made;
}

Value Value::member(std::string_view name) const {
    if (kind_ != Kind::object) return {};
    const Value* found = members().find(name);
    return found == nullptr ? Value() : *found;
}

void Object::set(Text name, Value value) {
    const auto found = std::find_if(members_.begin(), members_.end(), [&](const Member& member) { return member.first == name; });
    if (found == members_.end()) {
        members_.emplace_back(std::move(name), std::move(value));
    } else {
        found->second = std::move(value);
    }
}

const Value* Object::find(std::string_view name) const {
    const auto found = std::find_if(members_.begin(), members_.end(), [&](const Member& member) { return member.first.view() == name; });
    return found == members_.end() ? nullptr : &found->second;
}

std::optional<Decimal> decimal_from_text(std::string_view text) {
    if (!matches_number_pattern(text)) return std::nullopt;
    const auto number = Decimal::parse_rounded(text, Decimal::sql_digits);
    if (!number || number->magnitude() > magnitude_max || number->magnitude() < -magnitude_max) return std::nullopt;
    return number;
}

std::optional<Decimal> to_decimal(const Value& value) {
    if (value.is_number()) return value.number();
    if (value.is_string()) return decimal_from_text(value.text());
    return std::nullopt;
}

std::optional<bool> to_boolean(const Value& value) {
    if (value.kind() == Value::Kind::boolean) return value.as_boolean();
    if (!value.is_string()) return std::nullopt;
    if (equals_ignoring_case(value.text(), "true")) return true;
    if (equals_ignoring_case(value.text(), "false")) return false;
    return std::nullopt;
}

std::optional<Text> to_text(const Value& value) {
    switch (value.kind()) {
        case Value::Kind::undefined:
        case Value::Kind::null:
            return std::nullopt;
        case Value::Kind::boolean:
            return Text::borrowed(value.as_boolean() ? "true" : "false");
        case Value::Kind::integer:
        case Value::Kind::decimal:
            return Text::owned(number_text(value));
        case Value::Kind::string:
            return value.shared_text();
        case Value::Kind::array:
        case Value::Kind::object:
            break;
    }
    std::string json;
    if (!append_json(json, value, value_bytes_max)) return std::nullopt;
    return Text::owned(std::move(json));
}

std::string number_text(const Value& number) {
    if (!number.written().empty()) return std::string(number.written());
    if (number.kind() == Value::Kind::integer) return number.number().to_plain_string();
    const int magnitude = number.number().magnitude();
    const bool plain = magnitude < Decimal::sql_digits && magnitude > -Decimal::sql_digits;
    std::string text = plain ? number.number().to_plain_string() : number.number().to_string();
    if (text.find_first_of(".eE") == std::string::npos) text += ".0";
    return text;
}

bool equal(const Value& a, const Value& b) {
    if (a.is_number() && b.is_number()) return a.number() == b.number();
    if (a.kind() != b.kind()) return false;
    switch (a.kind()) {
        case Value::Kind::boolean:
            return a.as_boolean() == b.as_boolean();
        case Value::Kind::string:
            return a.text() == b.text();
        case Value::Kind::array:
            return equal_arrays(a.items(), b.items());
        case Value::Kind::object:
            return equal_objects(a.members(), b.members());
        default:
            return true;  // Null = Null
    }
}

}  // namespace fogbank::rules::sql
