// From a condition's syntax to a Condition: every error that an expression can have is found here or by the parser.
#include <array>

#include "store/table/detail/condition.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/expression_parser.h"

namespace fogbank::store::table {
namespace {

using Kind = ConditionSyntax::Kind;
using Type = AttributeValue::Type;

struct FunctionRow {
    std::string_view name;
    std::optional<ConditionFunction> condition;  ///< nothing: it gives a value, not a condition
    std::size_t operands;
    bool first_is_path;
};
constexpr std::array<FunctionRow, 6> functions{{
    {"attribute_exists", ConditionFunction::attribute_exists, 1, true},
    {"attribute_not_exists", ConditionFunction::attribute_not_exists, 1, true},
    {"attribute_type", ConditionFunction::attribute_type, 2, true},
    {"begins_with", ConditionFunction::begins_with, 2, false},
    {"contains", ConditionFunction::contains, 2, false},
    {"size", std::nullopt, 1, false},
}};

const FunctionRow* find_function(std::string_view name) {
    for (const auto& row : functions) {
        if (row.name == name) return &row;
    }
    return nullptr;
}

/// Calls `check(operand)` for all operands of the tree, outermost first, until one fails.
template <class Check>
Result<void> each_operand(const std::vector<OperandSyntax>& operands, const Check& check) {
    for (const auto& operand : operands) {
        if (auto checked = check(operand); !checked) return checked;
        if (auto inner = each_operand(operand.arguments, check); !inner) return inner;
    }
    return {};
}

template <class Check>
Result<void> each_condition(const ConditionSyntax& condition, const Check& check) {
    if (auto checked = check(condition); !checked) return checked;
    for (const auto& child : condition.children) {
        if (auto checked = each_condition(child, check); !checked) return checked;
    }
    return {};
}

Result<void> check_parentheses(const ConditionSyntax& condition) {
    if (condition.redundant_parentheses) return validation("The expression has redundant parentheses;");
    return {};
}

Result<void> check_operand_names(const OperandSyntax& operand) {
    return check_reserved_words(operand.path);
}

Error misused(std::string_view function) {
    return validation("The function is not allowed to be used this way in an expression; function: " + std::string(function));
}

Result<void> check_function_name(std::string_view name) {
    if (find_function(name) == nullptr) return validation("Invalid function name; function: " + std::string(name));
    return {};
}

/// Only `size` gives a value, and not of another function.
Result<void> check_function_operand(const OperandSyntax& operand) {
    if (operand.kind != OperandSyntax::Kind::function) return {};
    if (auto known = check_function_name(operand.name); !known) return known;
    if (find_function(operand.name)->condition) return misused(operand.name);
    for (const auto& argument : operand.arguments) {
        if (argument.kind == OperandSyntax::Kind::function) return misused(argument.name);
    }
    return {};
}

Result<void> check_functions(const ConditionSyntax& condition) {
    if (condition.kind == Kind::function) {
        if (auto known = check_function_name(condition.operation); !known) return known;
        if (!find_function(condition.operation)->condition) return misused(condition.operation);
    }
    return each_operand(condition.operands, check_function_operand);
}

Error wrong_type(std::string_view operation, std::string_view type) {
    return validation("Incorrect operand type for operator or function; operator or function: " + std::string(operation) +
                      ", operand type: " + std::string(type));
}

Result<void> check_operand_count(std::string_view function, std::size_t count) {
    if (count == find_function(function)->operands) return {};
    return validation("Incorrect number of operands for operator or function; operator or function: " + std::string(function) +
                      ", number of operands: " + std::to_string(count));
}

Result<Operand> resolve_operand(const OperandSyntax& syntax, PlaceholderScope& scope) {
    Operand out;
    if (syntax.kind == OperandSyntax::Kind::path) {
        auto path = resolve_path(syntax.path, scope);
        if (!path) return path.error();
        out.path = std::move(*path);
    } else if (syntax.kind == OperandSyntax::Kind::value) {
        auto value = scope.value(syntax.name);
        if (!value) return value.error();
        out.value = **value;
    } else {
        for (const auto& argument : syntax.arguments) {
            auto inner = resolve_operand(argument, scope);
            if (!inner) return inner;
            out = std::move(*inner);
        }
        if (auto counted = check_operand_count(syntax.name, syntax.arguments.size()); !counted) return counted.error();
        out.is_size = true;
    }
    return out;
}

bool is_literal(const Operand& operand) {
    return !operand.is_path() && !operand.is_size;
}
bool is_ordered(const AttributeValue& value) {
    return value.type() == Type::string || value.type() == Type::number || value.type() == Type::binary;
}

Result<void> check_size_operand(const Operand& operand) {
    if (!operand.is_size || operand.is_path()) return {};
    const Type type = operand.value.type();
    const bool has_size = type != Type::number && type != Type::boolean && type != Type::null;
    return has_size ? Result<void>() : wrong_type("size", operand.value.type_name());
}

Result<void> check_ordered(std::string_view operation, const std::vector<Operand>& operands) {
    for (const auto& operand : operands) {
        if (is_literal(operand) && !is_ordered(operand.value)) return wrong_type(operation, operand.value.type_name());
    }
    return {};
}

std::string printed(const AttributeValue& value) {
    std::string text;
    if (value.string() != nullptr) text = *value.string();
    if (value.number() != nullptr) text = value.number()->to_plain_string();
    if (value.binary() != nullptr)
        text = "java.nio.HeapByteBuffer[pos=0 lim=" + std::to_string(value.binary()->bytes.size()) +
               " cap=" + std::to_string(value.binary()->bytes.size()) + "]";
    return "AttributeValue: {" + std::string(value.type_name()) + ":" + text + "}";
}

Result<void> check_bounds(const Operand& lower, const Operand& upper) {
    if (!is_literal(lower) || !is_literal(upper)) return {};
    const std::string both = "lower bound operand: " + printed(lower.value) + ", upper bound operand: " + printed(upper.value);
    if (lower.value.type() != upper.value.type()) {
        return validation("The BETWEEN operator requires same data type for lower and upper bounds; " + both);
    }
    if (*compare_values(lower.value, upper.value) > 0) {
        return validation("The BETWEEN operator requires upper bound to be greater than or equal to lower bound; " + both);
    }
    return {};
}

Result<void> check_attribute_type(const Operand& operand) {
    if (!is_literal(operand)) return wrong_type("attribute_type", operand.is_size ? "N" : "PATH");
    if (operand.value.string() == nullptr) return wrong_type("attribute_type", operand.value.type_name());
    for (const std::string_view known : {"B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M"}) {
        if (*operand.value.string() == known) return {};
    }
    return validation("Invalid attribute type name found; type: " + *operand.value.string() +
                      ", valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}");
}

Result<void> check_begins_with(const std::vector<Operand>& operands) {
    for (const auto& operand : operands) {
        if (operand.is_size) return wrong_type("begins_with", "N");
        if (is_literal(operand) && operand.value.string() == nullptr && operand.value.binary() == nullptr) {
            return wrong_type("begins_with", operand.value.type_name());
        }
    }
    return {};
}

Result<void> check_contains(const Operand& whole) {
    if (whole.is_size) return wrong_type("contains", "N");
    if (!is_literal(whole)) return {};
    const Type type = whole.value.type();
    const bool holds = type != Type::number && type != Type::boolean && type != Type::null && type != Type::map;
    return holds ? Result<void>() : wrong_type("contains", whole.value.type_name());
}

Result<void> check_function_call(const ConditionSyntax& syntax, const std::vector<Operand>& operands) {
    if (auto counted = check_operand_count(syntax.operation, operands.size()); !counted) return counted;
    const FunctionRow& row = *find_function(syntax.operation);
    if (row.first_is_path && (!operands[0].is_path() || operands[0].is_size)) {
        return validation("Operator or function requires a document path; operator or function: " + syntax.operation);
    }
    switch (*row.condition) {
        case ConditionFunction::attribute_type:
            return check_attribute_type(operands[1]);
        case ConditionFunction::begins_with:
            return check_begins_with(operands);
        case ConditionFunction::contains:
            return check_contains(operands[0]);
        default:
            return {};
    }
}

Result<void> check_distinct(std::string_view operation, const std::vector<Operand>& operands) {
    const Operand& first = operands.front();
    if (!first.is_path()) return {};
    for (std::size_t i = 1; i < operands.size(); ++i) {
        if (operands[i].path == first.path && operands[i].is_size == first.is_size) {
            return validation("The first operand must be distinct from the remaining operands for this operator or function; operator: " +
                              std::string(operation) + ", first operand: " + first.path.str());
        }
    }
    return {};
}

Result<void> check_operands(const ConditionSyntax& syntax, const std::vector<Operand>& operands) {
    for (const auto& operand : operands) {
        if (auto checked = check_size_operand(operand); !checked) return checked;
    }
    if (syntax.kind == Kind::function) {
        if (auto checked = check_function_call(syntax, operands); !checked) return checked;
    }
    const bool orders =
        syntax.kind == Kind::between || (syntax.kind == Kind::comparison && syntax.operation != "=" && syntax.operation != "<>");
    if (orders) {
        if (auto checked = check_ordered(syntax.operation, operands); !checked) return checked;
    }
    if (syntax.kind == Kind::between) {
        if (auto checked = check_bounds(operands[1], operands[2]); !checked) return checked;
    }
    return check_distinct(syntax.operation, operands);
}

Comparator comparator_of(std::string_view text) {
    if (text == "=") return Comparator::equal;
    if (text == "<>") return Comparator::not_equal;
    if (text == "<") return Comparator::less;
    if (text == "<=") return Comparator::less_or_equal;
    return text == ">" ? Comparator::greater : Comparator::greater_or_equal;
}

/// Looks up all names, then all values, so that DynamoDB's order of errors holds over the whole expression.
Result<void> check_placeholders(const ConditionSyntax& syntax, PlaceholderScope& scope) {
    auto names = each_condition(syntax, [&](const ConditionSyntax& condition) {
        return each_operand(condition.operands, [&](const OperandSyntax& operand) -> Result<void> {
            auto path = resolve_path(operand.path, scope);
            return path ? Result<void>() : path.error();
        });
    });
    if (!names) return names;
    return each_condition(syntax, [&](const ConditionSyntax& condition) {
        return each_operand(condition.operands, [&](const OperandSyntax& operand) -> Result<void> {
            if (operand.kind != OperandSyntax::Kind::value) return {};
            auto value = scope.value(operand.name);
            return value ? Result<void>() : value.error();
        });
    });
}

Result<Condition> resolve_tree(const ConditionSyntax& syntax, PlaceholderScope& scope) {
    Condition out;
    out.kind = syntax.kind;
    for (const auto& child : syntax.children) {
        auto resolved = resolve_tree(child, scope);
        if (!resolved) return resolved;
        out.children.push_back(std::move(*resolved));
    }
    for (const auto& operand : syntax.operands) {
        auto resolved = resolve_operand(operand, scope);
        if (!resolved) return resolved.error();
        out.operands.push_back(std::move(*resolved));
    }
    if (out.operands.empty()) return out;
    if (auto checked = check_operands(syntax, out.operands); !checked) return checked.error();
    if (syntax.kind == Kind::comparison) out.comparator = comparator_of(syntax.operation);
    if (syntax.kind == Kind::function) out.function = *find_function(syntax.operation)->condition;
    return out;
}

}  // namespace

Result<void> check_condition_syntax(const ConditionSyntax& syntax) {
    if (auto checked = each_condition(syntax, check_parentheses); !checked) return checked;
    auto names =
        each_condition(syntax, [](const ConditionSyntax& condition) { return each_operand(condition.operands, check_operand_names); });
    if (!names) return names;
    return each_condition(syntax, check_functions);
}

Result<Condition> resolve_condition(const ConditionSyntax& syntax, PlaceholderScope& scope) {
    if (auto checked = check_placeholders(syntax, scope); !checked) return checked.error();
    return resolve_tree(syntax, scope);
}

Result<Condition> compile_condition(const Expression& expression, std::string_view parameter, PlaceholderScope& scope) {
    if (!is_given(expression)) return Condition();
    auto syntax = parse_condition(expression.text);
    if (!syntax) return invalid_expression(parameter, syntax.error());
    if (auto checked = check_condition_syntax(*syntax); !checked) return invalid_expression(parameter, checked.error());
    auto condition = resolve_condition(*syntax, scope);
    if (!condition) return invalid_expression(parameter, condition.error());
    return condition;
}

Error invalid_expression(std::string_view parameter, const Error& error) {
    return {error.code, "Invalid " + std::string(parameter) + ": " + error.message};
}

}  // namespace fogbank::store::table
