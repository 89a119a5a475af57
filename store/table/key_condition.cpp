#include "store/table/detail/key_condition.h"

#include <algorithm>

#include "store/kv/key.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/expression_parser.h"

namespace fogbank::store::table {
namespace {

using Kind = ConditionSyntax::Kind;
using Operation = AttributeCondition::Operation;

constexpr std::string_view parameter = "KeyConditionExpression";
constexpr std::size_t simple_conditions_max = 2;  // where partition and sort key are one attribute each

Error invalid_operator(std::string_view operation) {
    return validation("Invalid operator used in KeyConditionExpression: " + std::string(operation));
}

Result<void> check_operand_shape(const ConditionSyntax& syntax) {
    const auto nested = [](const OperandSyntax& one) { return one.kind == OperandSyntax::Kind::path && one.path.size() > 1; };
    for (const auto& operand : syntax.operands) {
        if (operand.kind == OperandSyntax::Kind::function) return validation("KeyConditionExpressions cannot contain nested operations");
        if (nested(operand)) return validation("KeyConditionExpressions cannot have conditions on nested attributes");
    }
    return {};
}

/// Only AND of simple conditions. Looked at before the placeholders.
Result<void> check_shape(const ConditionSyntax& syntax) {
    switch (syntax.kind) {
        case Kind::all_of:
            for (const auto& child : syntax.children) {
                if (auto checked = check_shape(child); !checked) return checked;
            }
            return {};
        case Kind::any_of:
        case Kind::negation:
        case Kind::in:
            return invalid_operator(syntax.operation);
        case Kind::function:
            if (syntax.operation != "begins_with") return invalid_operator(syntax.operation);
            break;
        case Kind::comparison:
            if (syntax.operation == "<>") return invalid_operator(syntax.operation);
            break;
        case Kind::between:
            break;
    }
    return check_operand_shape(syntax);
}

Operation operation_of(Comparator comparator) {
    switch (comparator) {
        case Comparator::less:
            return Operation::less;
        case Comparator::less_or_equal:
            return Operation::less_or_equal;
        case Comparator::greater:
            return Operation::greater;
        case Comparator::greater_or_equal:
            return Operation::greater_or_equal;
        default:
            return Operation::equal;
    }
}

/// `:v < a` is `a > :v`.
Operation mirrored(Operation operation) {
    switch (operation) {
        case Operation::less:
            return Operation::greater;
        case Operation::less_or_equal:
            return Operation::greater_or_equal;
        case Operation::greater:
            return Operation::less;
        case Operation::greater_or_equal:
            return Operation::less_or_equal;
        default:
            return operation;
    }
}

Result<AttributeCondition> simple_condition(Condition condition) {
    auto& operands = condition.operands;
    const auto paths = std::count_if(operands.begin(), operands.end(), [](const Operand& one) { return one.is_path(); });
    if (paths == 0) return validation("Invalid condition in KeyConditionExpression: No key attribute specified");
    if (paths > 1) return validation("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition");
    AttributeCondition out;
    if (condition.kind == Kind::comparison) out.operation = operation_of(condition.comparator);
    if (condition.kind == Kind::between) out.operation = Operation::between;
    if (condition.kind == Kind::function) out.operation = Operation::begins_with;
    if (!operands[0].is_path()) {
        if (condition.kind != Kind::comparison)
            return validation("Invalid condition in KeyConditionExpression: No key attribute specified");
        std::swap(operands[0], operands[1]);
        out.operation = mirrored(out.operation);
    }
    out.attribute = operands[0].path.top();
    out.value = std::move(operands[1].value);
    if (condition.kind == Kind::between) out.upper = std::move(operands[2].value);
    return out;
}

Result<void> flatten(Condition condition, std::vector<AttributeCondition>& out) {
    if (condition.kind == Kind::all_of) {
        for (auto& child : condition.children) {
            if (auto flat = flatten(std::move(child), out); !flat) return flat;
        }
        return {};
    }
    auto simple = simple_condition(std::move(condition));
    if (!simple) return simple.error();
    const auto same = [&](const AttributeCondition& other) { return other.attribute == simple->attribute; };
    if (std::any_of(out.begin(), out.end(), same)) return validation("KeyConditionExpressions must only contain one condition per key");
    out.push_back(std::move(*simple));
    return {};
}

Result<std::vector<AttributeCondition>> compile(const Expression& expression, PlaceholderScope& scope) {
    auto syntax = parse_condition(expression.text);
    if (!syntax) return syntax.error();
    if (auto checked = check_condition_syntax(*syntax); !checked) return checked.error();
    if (auto checked = check_shape(*syntax); !checked) return checked.error();
    auto condition = resolve_condition(*syntax, scope);
    if (!condition) return condition.error();
    std::vector<AttributeCondition> out;
    if (auto flat = flatten(std::move(*condition), out); !flat) return flat.error();
    return out;
}

Result<void> check_values(const AttributeCondition& condition, const KeyAttribute& key, bool is_sort_key) {
    const auto check = [&](const AttributeValue& value) -> Result<void> {
        if (!has_type(value, key.type)) return invalid_parameter("Condition parameter type does not match schema type");
        return is_sort_key ? check_sort_key_value(key, value) : check_partition_key_value(key, value);
    };
    if (auto checked = check(condition.value); !checked) return checked;
    return condition.operation == Operation::between ? check(condition.upper) : Result<void>();
}

Error missed(const KeyAttribute& key) {
    return validation("Query condition missed key schema element: " + key.name);
}

/// Takes the condition on that attribute out of the list.
std::optional<AttributeCondition> take(std::vector<AttributeCondition>& conditions, const KeyAttribute& key) {
    const auto found = std::find_if(conditions.begin(), conditions.end(), [&](const auto& one) { return one.attribute == key.name; });
    if (found == conditions.end()) return std::nullopt;
    AttributeCondition out = std::move(*found);
    conditions.erase(found);
    return out;
}

}  // namespace

bool AttributeCondition::matches(const AttributeValue& candidate) const {
    if (operation == Operation::begins_with) return begins_with(candidate, value);
    const auto order = compare_values(candidate, value);
    if (!order) return false;
    switch (operation) {
        case Operation::equal:
            return *order == 0;
        case Operation::less:
            return *order < 0;
        case Operation::less_or_equal:
            return *order <= 0;
        case Operation::greater:
            return *order > 0;
        case Operation::greater_or_equal:
            return *order >= 0;
        default: {
            const auto to_upper = compare_values(candidate, upper);
            return *order >= 0 && to_upper && *to_upper <= 0;
        }
    }
}

kv::Range KeyCondition::range(std::string_view space) const {
    std::vector<const AttributeValue*> values;
    for (const auto& value : partition) values.push_back(&value);
    std::string prefix = partition_prefix(space, values);
    for (const auto& condition : sort) {
        if (condition.operation != Operation::equal) break;
        prefix += sortable_key_value(condition.value);
    }
    kv::Range out{prefix, kv::prefix_end(prefix)};
    if (sort.empty() || sort.back().operation == Operation::equal) return out;
    // Parts of keys are self-delimiting, so what begins with `at` is what has exactly this value.
    const AttributeCondition& last = sort.back();
    const std::string at = prefix + sortable_key_value(last.value);
    switch (last.operation) {
        case Operation::equal:
            break;
        case Operation::less:
            out.end = at;
            break;
        case Operation::less_or_equal:
            out.end = kv::prefix_end(at);
            break;
        case Operation::greater:
            out.begin = kv::prefix_end(at);
            break;
        case Operation::greater_or_equal:
            out.begin = at;
            break;
        case Operation::between:
            return {at, kv::prefix_end(prefix + sortable_key_value(last.upper))};
        case Operation::begins_with: {
            const std::string beginning = prefix + sortable_key_beginning(last.value);
            return {beginning, kv::prefix_end(beginning)};
        }
    }
    return out;
}

Result<std::vector<AttributeCondition>> compile_key_condition(const Expression& expression, PlaceholderScope& scope) {
    auto compiled = compile(expression, scope);
    if (!compiled) return invalid_expression(parameter, compiled.error());
    return compiled;
}

Result<KeyCondition> match_key_schema(std::vector<AttributeCondition> conditions, const IndexKeys& layout) {
    const bool is_simple = layout.partition.size() == 1 && layout.sort.size() <= 1;
    if (is_simple && conditions.size() > simple_conditions_max) return validation("Conditions can be of length 1 or 2 only");
    std::vector<AttributeCondition> partition;
    for (const auto& key : layout.partition) {
        auto condition = take(conditions, key);
        if (!condition) return missed(key);
        partition.push_back(std::move(*condition));
    }
    KeyCondition out;
    const KeyAttribute* skipped = nullptr;
    std::size_t used = 0;
    for (const auto& key : layout.sort) {
        auto condition = take(conditions, key);
        if (!condition) {
            if (skipped == nullptr) skipped = &key;
            continue;
        }
        if (skipped != nullptr) return missed(*skipped);  // sort attributes are used from the left
        if (!out.sort.empty() && out.sort.back().operation != Operation::equal) return validation("Query key condition not supported");
        out.sort.push_back(std::move(*condition));
        ++used;
    }
    if (!conditions.empty()) return !layout.sort.empty() ? missed(layout.sort.front()) : validation("Query key condition not supported");
    for (std::size_t i = 0; i < partition.size(); ++i) {
        if (auto checked = check_values(partition[i], layout.partition[i], false); !checked) return checked.error();
        if (partition[i].operation != Operation::equal) return validation("Query key condition not supported");
        out.partition.push_back(std::move(partition[i].value));
    }
    for (std::size_t i = 0; i < used; ++i) {
        if (auto checked = check_values(out.sort[i], layout.sort[i], true); !checked) return checked.error();
    }
    return out;
}

}  // namespace fogbank::store::table
