#include "policy/detail/operators.h"

#include <algorithm>
#include <array>

#include "common/encoding.h"
#include "policy/detail/values.h"

namespace fogbank::policy {
namespace {

struct OperatorRow {
    std::string_view name;
    Comparison comparison;
    bool negated;
};

constexpr std::array<OperatorRow, 27> operators{{
    {"StringEquals", Comparison::string_equals, false},
    {"StringNotEquals", Comparison::string_equals, true},
    {"StringEqualsIgnoreCase", Comparison::string_equals_ignore_case, false},
    {"StringNotEqualsIgnoreCase", Comparison::string_equals_ignore_case, true},
    {"StringLike", Comparison::string_like, false},
    {"StringNotLike", Comparison::string_like, true},
    {"NumericEquals", Comparison::numeric_equals, false},
    {"NumericNotEquals", Comparison::numeric_equals, true},
    {"NumericLessThan", Comparison::numeric_less, false},
    {"NumericLessThanEquals", Comparison::numeric_less_equals, false},
    {"NumericGreaterThan", Comparison::numeric_greater, false},
    {"NumericGreaterThanEquals", Comparison::numeric_greater_equals, false},
    {"DateEquals", Comparison::date_equals, false},
    {"DateNotEquals", Comparison::date_equals, true},
    {"DateLessThan", Comparison::date_less, false},
    {"DateLessThanEquals", Comparison::date_less_equals, false},
    {"DateGreaterThan", Comparison::date_greater, false},
    {"DateGreaterThanEquals", Comparison::date_greater_equals, false},
    {"Bool", Comparison::boolean, false},
    {"BinaryEquals", Comparison::binary_equals, false},
    {"IpAddress", Comparison::ip_address, false},
    {"NotIpAddress", Comparison::ip_address, true},
    {"ArnEquals", Comparison::arn_like, false},  // IAM: ArnEquals and ArnLike behave the same
    {"ArnLike", Comparison::arn_like, false},
    {"ArnNotEquals", Comparison::arn_like, true},
    {"ArnNotLike", Comparison::arn_like, true},
    {"Null", Comparison::null, false},
}};

bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

template <class T, class Compare>
bool compare_parsed(const std::optional<T>& present, const std::optional<T>& wanted, Compare compare) {
    return present && wanted && compare(*present, *wanted);
}

bool ip_matches(std::string_view present, std::string_view wanted) {
    const auto address = parse_ip_address(present);
    const auto block = parse_ip_block(wanted);
    return address && block && block->contains(*address);
}

/// One value of the request against one of the policy, before any negation. What cannot be read as the operator's type does not match.
bool value_matches(Comparison comparison, std::string_view present, const Pattern& wanted) {
    if (comparison == Comparison::string_like) return wanted.matches(present);
    if (comparison == Comparison::arn_like) return wanted.matches_arn(present);
    const std::string text = wanted.text();
    const auto number = [&](auto compare) { return compare_parsed(parse_number(present), parse_number(text), compare); };
    const auto date = [&](auto compare) { return compare_parsed(parse_date(present), parse_date(text), compare); };
    switch (comparison) {
        case Comparison::string_equals:
            return present == text;
        case Comparison::string_equals_ignore_case:
            return equal_ignoring_case(present, text);
        case Comparison::numeric_equals:
            return number(std::equal_to<>());
        case Comparison::numeric_less:
            return number(std::less<>());
        case Comparison::numeric_less_equals:
            return number(std::less_equal<>());
        case Comparison::numeric_greater:
            return number(std::greater<>());
        case Comparison::numeric_greater_equals:
            return number(std::greater_equal<>());
        case Comparison::date_equals:
            return date(std::equal_to<>());
        case Comparison::date_less:
            return date(std::less<>());
        case Comparison::date_less_equals:
            return date(std::less_equal<>());
        case Comparison::date_greater:
            return date(std::greater<>());
        case Comparison::date_greater_equals:
            return date(std::greater_equal<>());
        case Comparison::boolean:
            return compare_parsed(parse_boolean(present), parse_boolean(text), std::equal_to<>());
        case Comparison::binary_equals:
            return compare_parsed(base64_decode(present), base64_decode(text), std::equal_to<>());
        case Comparison::ip_address:
            return ip_matches(present, text);
        default:
            return false;
    }
}

/// `Null: true` holds if the key has no value, `Null: false` if it has one; several wanted values are alternatives.
bool null_holds(bool has_value, const std::vector<std::optional<Pattern>>& wanted) {
    return std::any_of(wanted.begin(), wanted.end(), [&](const auto& one) {
        const auto null = one ? parse_boolean(one->text()) : std::nullopt;
        return null && *null != has_value;
    });
}

}  // namespace

std::optional<ConditionOperator> parse_operator(std::string_view text) {
    ConditionOperator out;
    if (take_prefix(text, "ForAllValues:")) {
        out.qualifier = SetQualifier::for_all_values;
    } else if (take_prefix(text, "ForAnyValue:")) {
        out.qualifier = SetQualifier::for_any_value;
    }
    if (constexpr std::string_view suffix = "IfExists"; text.ends_with(suffix)) {
        out.if_exists = true;
        text.remove_suffix(suffix.size());
    }
    const auto row = std::find_if(operators.begin(), operators.end(), [&](const OperatorRow& r) { return r.name == text; });
    if (row == operators.end()) return std::nullopt;
    out.comparison = row->comparison;
    out.negated = row->negated;
    // Null asks whether the key exists at all: "if it exists" and a quantifier over its values say nothing about that.
    const bool plain = !out.if_exists && out.qualifier == SetQualifier::none;
    if (out.comparison == Comparison::null && !plain) return std::nullopt;
    return out;
}

bool value_fits(Comparison comparison, std::string_view value) {
    switch (comparison) {
        case Comparison::string_equals:
        case Comparison::string_equals_ignore_case:
        case Comparison::string_like:
        case Comparison::arn_like:
            return true;
        case Comparison::numeric_equals:
        case Comparison::numeric_less:
        case Comparison::numeric_less_equals:
        case Comparison::numeric_greater:
        case Comparison::numeric_greater_equals:
            return parse_number(value).has_value();
        case Comparison::date_equals:
        case Comparison::date_less:
        case Comparison::date_less_equals:
        case Comparison::date_greater:
        case Comparison::date_greater_equals:
            return parse_date(value).has_value();
        case Comparison::boolean:
        case Comparison::null:
            return parse_boolean(value).has_value();
        case Comparison::binary_equals:
            return base64_decode(value).has_value();
        case Comparison::ip_address:
            return parse_ip_block(value).has_value();
    }
    return false;
}

bool condition_holds(const ConditionOperator& op, const std::vector<std::string>* present,
                     const std::vector<std::optional<Pattern>>& wanted) {
    const bool has_value = present != nullptr && !present->empty();
    if (op.comparison == Comparison::null) return null_holds(has_value, wanted);
    // A wanted value that could not be resolved is equal to nothing; it must not make "not equal" true either.
    if (op.negated && std::any_of(wanted.begin(), wanted.end(), [](const auto& one) { return !one; })) return false;
    if (!has_value) {
        if (present == nullptr && op.if_exists) return true;
        if (op.qualifier != SetQualifier::none) return op.qualifier == SetQualifier::for_all_values;
        return op.negated || op.if_exists;
    }
    const auto equals_any = [&](const std::string& value) {
        return std::any_of(wanted.begin(), wanted.end(), [&](const auto& one) { return one && value_matches(op.comparison, value, *one); });
    };
    const auto holds = [&](const std::string& value) { return equals_any(value) != op.negated; };
    if (op.qualifier == SetQualifier::for_any_value) return std::any_of(present->begin(), present->end(), holds);
    if (op.qualifier == SetQualifier::for_all_values) return std::all_of(present->begin(), present->end(), holds);
    // No qualifier on several values: any may equal; for a negated operator none may.
    return op.negated ? std::all_of(present->begin(), present->end(), holds) : std::any_of(present->begin(), present->end(), holds);
}

}  // namespace fogbank::policy
