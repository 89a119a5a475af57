/// ConditionExpression and FilterExpression, resolved and ready to be asked of items.
#pragma once

#include <string_view>
#include <vector>

#include "store/table/detail/document_path.h"
#include "store/table/detail/expression_ast.h"

namespace fogbank::store::table {

/// A resolved operand: a path, a value, or the size of either.
struct Operand {
    DocumentPath path;  ///< without steps: it is the value
    AttributeValue value;
    bool is_size = false;  ///< size(path or value)

    bool is_path() const { return !path.steps.empty(); }
    /// The operand's value for this item, null if it has none. `scratch` holds what had to be computed.
    const AttributeValue* evaluate(const Item& item, AttributeValue& scratch) const;
};

enum class Comparator : unsigned char { equal, not_equal, less, less_or_equal, greater, greater_or_equal };
enum class ConditionFunction : unsigned char { attribute_exists, attribute_not_exists, attribute_type, begins_with, contains };

/// A resolved condition. Evaluation is pure and total: what does not fit (a missing attribute, another type) makes a comparison false.
struct Condition {
    ConditionSyntax::Kind kind = ConditionSyntax::Kind::all_of;  ///< without children: always true
    Comparator comparator = Comparator::equal;
    ConditionFunction function = ConditionFunction::attribute_exists;
    std::vector<Condition> children;
    std::vector<Operand> operands;

    bool matches(const Item& item) const;
    /// Calls `visit` with each path in the condition.
    template <class Visit>
    void for_each_path(const Visit& visit) const {
        for (const auto& child : children) child.for_each_path(visit);
        for (const auto& operand : operands) {
            if (operand.is_path()) visit(operand.path);
        }
    }
};

/// Parses and resolves in DynamoDB's order of errors: syntax, parentheses, reserved words, functions, placeholders, operands.
/// @param parameter  `ConditionExpression` or `FilterExpression`, for the messages
Result<Condition> compile_condition(const Expression& expression, std::string_view parameter, PlaceholderScope& scope);

/// The checks before any placeholder is looked up, and the resolving after; for the key condition, which adds checks of its own in between.
Result<void> check_condition_syntax(const ConditionSyntax& syntax);
Result<Condition> resolve_condition(const ConditionSyntax& syntax, PlaceholderScope& scope);

/// Order of two values of one type: strings and binary bytewise, numbers by value. Nothing for other types or different ones.
std::optional<std::strong_ordering> compare_values(const AttributeValue& a, const AttributeValue& b);
bool begins_with(const AttributeValue& value, const AttributeValue& beginning);

/// `error` with `Invalid <parameter>: ` before its text.
Error invalid_expression(std::string_view parameter, const Error& error);

}  // namespace fogbank::store::table
