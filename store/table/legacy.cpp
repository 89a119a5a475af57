#include "store/table/detail/legacy.h"

#include <algorithm>
#include <array>
#include <set>

#include "store/table/detail/errors.h"

namespace fogbank::store::table {
namespace {

using Kind = ConditionSyntax::Kind;
using Type = AttributeValue::Type;

constexpr std::size_t any_count = 0;  // IN takes one or more

struct OperatorRow {
    std::string_view name;
    std::size_t values;
    std::string_view types;  ///< of the values, comma before each; empty: all
};
/// In the order of LegacyOperator.
constexpr std::array<OperatorRow, 13> operators{{{"EQ", 1, ""},
                                                 {"NE", 1, ""},
                                                 {"IN", any_count, ",S,N,B"},
                                                 {"LE", 1, ",S,N,B"},
                                                 {"LT", 1, ",S,N,B"},
                                                 {"GE", 1, ",S,N,B"},
                                                 {"GT", 1, ",S,N,B"},
                                                 {"BETWEEN", 2, ",S,N,B"},
                                                 {"NOT_NULL", 0, ""},
                                                 {"NULL", 0, ""},
                                                 {"CONTAINS", 1, ",S,N,B"},
                                                 {"NOT_CONTAINS", 1, ",S,N,B"},
                                                 {"BEGINS_WITH", 1, ",S,B"}}};

const OperatorRow& row_of(LegacyOperator operation) {
    return operators[static_cast<std::size_t>(operation)];
}

Operand path_operand(const std::string& attribute) {
    Operand out;
    PathStep step;
    step.name = attribute;
    out.path.steps.push_back(std::move(step));
    return out;
}
Operand value_operand(const AttributeValue& value) {
    Operand out;
    out.value = value;
    return out;
}

Condition with_values(Condition out, const LegacyCondition& condition) {
    out.operands.push_back(path_operand(condition.attribute));
    for (const auto& value : condition.values) out.operands.push_back(value_operand(value));
    return out;
}

Condition comparison(Comparator comparator, const LegacyCondition& condition) {
    Condition out;
    out.kind = Kind::comparison;
    out.comparator = comparator;
    return with_values(std::move(out), condition);
}
Condition call(ConditionFunction function, const LegacyCondition& condition) {
    Condition out;
    out.kind = Kind::function;
    out.function = function;
    return with_values(std::move(out), condition);
}
Condition of_kind(Kind kind, const LegacyCondition& condition) {
    Condition out;
    out.kind = kind;
    return with_values(std::move(out), condition);
}

/// True only where there is an attribute that does not contain the value.
Condition not_contains(const LegacyCondition& condition) {
    LegacyCondition only_path;
    only_path.attribute = condition.attribute;
    Condition negation;
    negation.kind = Kind::negation;
    negation.children.push_back(call(ConditionFunction::contains, condition));
    Condition out;
    out.kind = Kind::all_of;
    out.children.push_back(call(ConditionFunction::attribute_exists, only_path));
    out.children.push_back(std::move(negation));
    return out;
}

Condition compile_one(const LegacyCondition& condition) {
    switch (condition.operation) {
        case LegacyOperator::eq:
            return comparison(Comparator::equal, condition);
        case LegacyOperator::ne:
            return comparison(Comparator::not_equal, condition);
        case LegacyOperator::in:
            return of_kind(Kind::in, condition);
        case LegacyOperator::le:
            return comparison(Comparator::less_or_equal, condition);
        case LegacyOperator::lt:
            return comparison(Comparator::less, condition);
        case LegacyOperator::ge:
            return comparison(Comparator::greater_or_equal, condition);
        case LegacyOperator::gt:
            return comparison(Comparator::greater, condition);
        case LegacyOperator::between:
            return of_kind(Kind::between, condition);
        case LegacyOperator::not_null:
            return call(ConditionFunction::attribute_exists, condition);
        case LegacyOperator::null:
            return call(ConditionFunction::attribute_not_exists, condition);
        case LegacyOperator::contains:
            return call(ConditionFunction::contains, condition);
        case LegacyOperator::not_contains:
            return not_contains(condition);
        case LegacyOperator::begins_with:
            break;
    }
    return call(ConditionFunction::begins_with, condition);
}

std::optional<AttributeCondition::Operation> key_operation(LegacyOperator operation) {
    using Operation = AttributeCondition::Operation;
    switch (operation) {
        case LegacyOperator::eq:
            return Operation::equal;
        case LegacyOperator::lt:
            return Operation::less;
        case LegacyOperator::le:
            return Operation::less_or_equal;
        case LegacyOperator::gt:
            return Operation::greater;
        case LegacyOperator::ge:
            return Operation::greater_or_equal;
        case LegacyOperator::between:
            return Operation::between;
        case LegacyOperator::begins_with:
            return Operation::begins_with;
        default:
            return std::nullopt;
    }
}

}  // namespace

Result<void> check_legacy_condition(const LegacyCondition& condition) {
    const OperatorRow& row = row_of(condition.operation);
    const std::size_t count = condition.values.size();
    const bool counted = condition.operation == LegacyOperator::in ? count >= 1 : count == row.values;
    if (!counted) return invalid_parameter("Invalid number of argument(s) for the " + std::string(row.name) + " ComparisonOperator");
    for (const auto& value : condition.values) {
        const bool allowed = row.types.empty() || (value.type_name().size() == 1 && value.type_name() != "M" && value.type_name() != "L" &&
                                                   row.types.find("," + std::string(value.type_name())) != std::string_view::npos);
        if (!allowed) {
            return invalid_parameter("ComparisonOperator " + std::string(row.name) + " is not valid for " + std::string(value.type_name()) +
                                     " AttributeValue type");
        }
        if (value.type() != condition.values.front().type())
            return invalid_parameter("AttributeValues inside AttributeValueList must all be of the same type");
    }
    if (condition.operation == LegacyOperator::between && *compare_values(condition.values[0], condition.values[1]) > 0)
        return validation("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound");
    return {};
}

Result<Condition> compile_legacy(const LegacyConditions& conditions) {
    Condition out;
    if (conditions.conditions.empty()) return out;
    out.kind = conditions.any ? Kind::any_of : Kind::all_of;
    for (const auto& one : conditions.conditions) {
        if (auto checked = check_legacy_condition(one); !checked) return checked.error();
        out.children.push_back(compile_one(one));
    }
    return out;
}

Result<std::vector<AttributeCondition>> compile_legacy_keys(const std::vector<LegacyCondition>& conditions) {
    std::vector<AttributeCondition> out;
    for (const auto& one : conditions) {
        if (auto checked = check_legacy_condition(one); !checked) return checked.error();
        const auto operation = key_operation(one.operation);
        if (!operation) return validation("Attempted conditional constraint is not an indexable operation");
        AttributeCondition condition;
        condition.attribute = one.attribute;
        condition.operation = *operation;
        condition.value = one.values[0];
        if (one.values.size() > 1) condition.upper = one.values[1];
        out.push_back(std::move(condition));
    }
    return out;
}

Result<Projection> compile_attributes_to_get(const std::vector<std::string>& names) {
    std::set<std::string_view> seen;
    std::vector<DocumentPath> paths;
    for (const auto& name : names) {
        if (!seen.insert(name).second) return invalid_parameter("Duplicate value in attribute name: " + name);
        paths.push_back(path_operand(name).path);
    }
    return Projection::from_paths(std::move(paths));
}

}  // namespace fogbank::store::table
