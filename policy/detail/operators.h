/// Condition operators: the table of names, and the judgement of one condition. Source: IAM User Guide, "IAM JSON policy elements:
/// Condition operators".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/detail/pattern.h"

namespace fogbank::policy {

enum class Comparison : std::uint8_t {
    string_equals,
    string_equals_ignore_case,
    string_like,
    numeric_equals,
    numeric_less,
    numeric_less_equals,
    numeric_greater,
    numeric_greater_equals,
    date_equals,
    date_less,
    date_less_equals,
    date_greater,
    date_greater_equals,
    boolean,
    binary_equals,
    ip_address,
    arn_like,
    null,
};

enum class SetQualifier : std::uint8_t { none, for_all_values, for_any_value };

struct ConditionOperator {
    Comparison comparison = Comparison::string_equals;
    bool negated = false;
    bool if_exists = false;
    SetQualifier qualifier = SetQualifier::none;
};

/// `ForAnyValue:StringLikeIfExists` and so on; nothing for what is no operator. Case-sensitive.
std::optional<ConditionOperator> parse_operator(std::string_view text);

/// Whether `value` is of the operator's type (a number, a date, a CIDR block …); values with policy variables cannot be told before they
/// are resolved.
bool value_fits(Comparison comparison, std::string_view value);

/// Judges one condition. `present` is null if the key has no value in the request; `wanted` are the policy's values, an unresolved one is
/// nothing.
bool condition_holds(const ConditionOperator& op, const std::vector<std::string>* present,
                     const std::vector<std::optional<Pattern>>& wanted);

}  // namespace fogbank::policy
