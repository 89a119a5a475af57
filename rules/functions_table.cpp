// The lookup over the groups of functions, and what several groups share (declared in rules/functions.h).

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include "rules/functions.h"

namespace fogbank::rules::sql {
namespace {

struct Unavailable {
    std::string_view name, why;
};
constexpr std::array<Unavailable, 1> unavailable_functions{
    {{"machinelearning_predict", "not available: this server has no machine learning models"}}};

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

/// Made once; immutable afterwards.
const std::map<std::string_view, const Function*>& index() {
    static const std::map<std::string_view, const Function*> by_name = [] {
        std::map<std::string_view, const Function*> all;
        for (const auto group : {number_functions(), string_functions(), regexp_functions(), json_functions(), encoding_functions(),
                                 message_functions(), time_functions(), external_functions()}) {
            for (const Function& function : group) all.emplace(function.name, &function);
        }
        return all;
    }();
    return by_name;
}

}  // namespace

const Function* find_function(std::string_view name) {
    const auto found = index().find(lower(name));
    return found == index().end() ? nullptr : found->second;
}

std::string_view why_unavailable(std::string_view name) {
    const std::string wanted = lower(name);
    const auto found = std::find_if(unavailable_functions.begin(), unavailable_functions.end(),
                                    [&](const Unavailable& candidate) { return candidate.name == wanted; });
    return found == unavailable_functions.end() ? std::string_view() : found->why;
}

std::optional<std::int64_t> clamped_integer(const Value& value, std::int64_t min, std::int64_t max) {
    const auto number = to_decimal(value);
    if (!number) return std::nullopt;
    if (*number < Decimal(min)) return min;
    if (*number > Decimal(max)) return max;
    return number->floor().to_int64();
}

std::optional<Decimal> to_integer(const Value& value) {
    const auto number = to_decimal(value);
    if (!number) return std::nullopt;
    return value.is_string() ? number->truncate(0) : number->round_half_away_from_zero();
}

namespace {

/// The text that `value` borrows from goes with its parser.
Value owned(const Value& value) {
    switch (value.kind()) {
        case Value::Kind::string:
            return Value::string(std::string(value.text()));
        case Value::Kind::array: {
            Array items;
            items.reserve(value.items().size());
            for (const Value& item : value.items()) items.push_back(owned(item));
            return Value::array(std::move(items));
        }
        case Value::Kind::object: {
            Object members;
            members.reserve(value.members().size());
            for (const auto& [name, member] : value.members()) members.append(Text::owned(std::string(name.view())), owned(member));
            return Value::object(std::move(members));
        }
        case Value::Kind::integer:
        case Value::Kind::decimal:
            return value.own_number();
        default:
            return value;
    }
}

}  // namespace

std::optional<Value> value_of_json(std::string_view json, Version version) {
    Payload payload;
    if (!payload.parse(json, true)) return std::nullopt;
    return owned(payload.root(version));
}

Value bounded_string(std::string text) {
    return text.size() > value_bytes_max ? Value() : Value::string(std::move(text));
}

}  // namespace fogbank::rules::sql
