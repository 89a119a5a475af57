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
constexpr std::string_view not_yet = "this server does not have it yet";
constexpr std::array<Unavailable, 9> unavailable_functions{{{"aws_lambda", not_yet},
                                                            {"get_dynamodb", not_yet},
                                                            {"get_registry_data", not_yet},
                                                            {"get_secret", not_yet},
                                                            {"get_thing_shadow", not_yet},
                                                            {"machinelearning_predict", "machine learning models are not available here"},
                                                            {"parse_time", not_yet},
                                                            {"time_to_epoch", not_yet},
                                                            {"transform", not_yet}}};

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

/// Made once; immutable afterwards.
const std::map<std::string_view, const Function*>& index() {
    static const std::map<std::string_view, const Function*> by_name = [] {
        std::map<std::string_view, const Function*> all;
        for (const auto group :
             {number_functions(), string_functions(), regexp_functions(), json_functions(), encoding_functions(), message_functions()}) {
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

Value bounded_string(std::string text) {
    return text.size() > value_bytes_max ? Value() : Value::string(std::move(text));
}

}  // namespace fogbank::rules::sql
