// From an update's syntax to an Update: every error that the expression can have is found here or by the parser.
#include <array>

#include "store/table/detail/condition.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/expression_parser.h"
#include "store/table/detail/update.h"

namespace fogbank::store::table {
namespace {

using Type = AttributeValue::Type;

constexpr std::string_view parameter = "UpdateExpression";

Error wrong_type(std::string_view operation, std::string_view type) {
    return validation("Incorrect operand type for operator or function; operator or function: " + std::string(operation) +
                      ", operand type: " + std::string(type));
}

/// The names of types in the texts about ADD and DELETE.
std::string_view long_type_name(Type type) {
    static constexpr std::array<std::string_view, 10> names{"STRING", "NUMBER", "BINARY",     "BOOLEAN",    "NULL",
                                                            "MAP",    "LIST",   "STRING_SET", "NUMBER_SET", "BINARY_SET"};
    return names[static_cast<std::size_t>(type)];
}

bool is_set(Type type) {
    return type == Type::string_set || type == Type::number_set || type == Type::binary_set;
}

template <class Check>
Result<void> each_path(const UpdateSyntax& syntax, const Check& check) {
    for (const auto& action : syntax.actions) {
        if (auto checked = check(action.path); !checked) return checked;
    }
    return {};
}

template <class Check>
Result<void> each_operand(const OperandSyntax& operand, const Check& check) {
    if (auto checked = check(operand); !checked) return checked;
    for (const auto& argument : operand.arguments) {
        if (auto checked = each_operand(argument, check); !checked) return checked;
    }
    return {};
}
template <class Check>
Result<void> each_operand(const UpdateSyntax& syntax, const Check& check) {
    for (const auto& action : syntax.actions) {
        for (const auto& operand : action.operands) {
            if (auto checked = each_operand(operand, check); !checked) return checked;
        }
    }
    return {};
}

Result<void> check_function(const OperandSyntax& operand) {
    if (operand.kind != OperandSyntax::Kind::function) return {};
    if (operand.name == "if_not_exists" || operand.name == "list_append") return {};
    for (const std::string_view condition :
         {"attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size"}) {
        if (operand.name == condition) return validation("The function is not allowed in an update expression; function: " + operand.name);
    }
    return validation("Invalid function name; function: " + operand.name);
}

/// In DynamoDB's order over the whole expression: reserved words, functions, names, values.
Result<void> check_update_syntax(const UpdateSyntax& syntax, PlaceholderScope& scope) {
    if (auto checked = each_path(syntax, check_reserved_words); !checked) return checked;
    auto reserved = each_operand(syntax, [](const OperandSyntax& one) { return check_reserved_words(one.path); });
    if (!reserved) return reserved;
    if (auto checked = each_operand(syntax, check_function); !checked) return checked;
    const auto resolve = [&](const PathSyntax& path) -> Result<void> {
        auto resolved = resolve_path(path, scope);
        return resolved ? Result<void>() : resolved.error();
    };
    if (auto checked = each_path(syntax, resolve); !checked) return checked;
    if (auto checked = each_operand(syntax, [&](const OperandSyntax& one) { return resolve(one.path); }); !checked) return checked;
    return each_operand(syntax, [&](const OperandSyntax& one) -> Result<void> {
        if (one.kind != OperandSyntax::Kind::value) return {};
        auto value = scope.value(one.name);
        return value ? Result<void>() : value.error();
    });
}

Result<UpdateOperand> resolve_operand(const OperandSyntax& syntax, PlaceholderScope& scope);

Result<UpdateOperand> resolve_call(const OperandSyntax& syntax, PlaceholderScope& scope) {
    if (syntax.arguments.size() != 2) {
        return validation("Incorrect number of operands for operator or function; operator or function: " + syntax.name +
                          ", number of operands: " + std::to_string(syntax.arguments.size()));
    }
    UpdateOperand out;
    out.kind = syntax.name == "list_append" ? UpdateOperand::Kind::list_append : UpdateOperand::Kind::if_not_exists;
    std::size_t next = 0;
    if (out.kind == UpdateOperand::Kind::if_not_exists) {
        if (syntax.arguments[0].kind != OperandSyntax::Kind::path)
            return validation("Operator or function requires a document path; operator or function: if_not_exists");
        auto path = resolve_path(syntax.arguments[0].path, scope);
        if (!path) return path.error();
        out.path = std::move(*path);
        next = 1;
    }
    for (; next < 2; ++next) {
        auto inner = resolve_operand(syntax.arguments[next], scope);
        if (!inner) return inner;
        if (out.kind == UpdateOperand::Kind::list_append && inner->kind == UpdateOperand::Kind::value && inner->value.list() == nullptr)
            return wrong_type("list_append", inner->value.type_name());
        out.inner.push_back(std::move(*inner));
    }
    return out;
}

Result<UpdateOperand> resolve_operand(const OperandSyntax& syntax, PlaceholderScope& scope) {
    UpdateOperand out;
    if (syntax.kind == OperandSyntax::Kind::function) return resolve_call(syntax, scope);
    if (syntax.kind == OperandSyntax::Kind::path) {
        auto path = resolve_path(syntax.path, scope);
        if (!path) return path.error();
        out.kind = UpdateOperand::Kind::path;
        out.path = std::move(*path);
        return out;
    }
    auto value = scope.value(syntax.name);
    if (!value) return value.error();
    out.value = **value;
    return out;
}

/// The type that is certain before any item is seen.
Result<void> check_number_operand(char arithmetic, const UpdateOperand& operand) {
    if (operand.kind == UpdateOperand::Kind::list_append) return wrong_type(std::string(1, arithmetic), "L");
    const UpdateOperand* literal = &operand;
    if (operand.kind == UpdateOperand::Kind::if_not_exists) literal = &operand.inner[0];
    if (literal->kind != UpdateOperand::Kind::value || literal->value.number() != nullptr) return {};
    return wrong_type(std::string(1, arithmetic), literal->value.type_name());
}

Result<void> resolve_set(const UpdateActionSyntax& syntax, PlaceholderScope& scope, UpdateAction& out) {
    auto left = resolve_operand(syntax.operands[0], scope);
    if (!left) return left.error();
    out.left = std::move(*left);
    out.arithmetic = syntax.arithmetic;
    if (syntax.arithmetic == 0) return {};
    auto right = resolve_operand(syntax.operands[1], scope);
    if (!right) return right.error();
    out.right = std::move(*right);
    if (auto checked = check_number_operand(syntax.arithmetic, out.left); !checked) return checked;
    return check_number_operand(syntax.arithmetic, out.right);
}

Result<void> resolve_add(const UpdateActionSyntax& syntax, PlaceholderScope& scope, UpdateAction& out) {
    auto value = scope.value(syntax.operands[0].name);
    if (!value) return value.error();
    const bool adds = syntax.kind == UpdateActionSyntax::Kind::add;
    const Type type = (*value)->type();
    if (!is_set(type) && !(adds && type == Type::number)) {
        const std::string operation = adds ? "ADD" : "DELETE";
        return validation("Incorrect operand type for operator or function; operator: " + operation +
                          ", operand type: " + std::string(long_type_name(type)) + ", typeSet: ALLOWED_FOR_" + operation + "_OPERAND");
    }
    out.value = **value;
    return {};
}

Result<UpdateAction> resolve_action(const UpdateActionSyntax& syntax, PlaceholderScope& scope) {
    UpdateAction out;
    auto path = resolve_path(syntax.path, scope);
    if (!path) return path.error();
    out.path = std::move(*path);
    Result<void> resolved;
    switch (syntax.kind) {
        case UpdateActionSyntax::Kind::set:
            resolved = resolve_set(syntax, scope, out);
            break;
        case UpdateActionSyntax::Kind::remove:
            out.kind = UpdateAction::Kind::remove;
            break;
        case UpdateActionSyntax::Kind::add:
            out.kind = UpdateAction::Kind::add;
            resolved = resolve_add(syntax, scope, out);
            break;
        case UpdateActionSyntax::Kind::subtract_set:
            out.kind = UpdateAction::Kind::subtract_set;
            resolved = resolve_add(syntax, scope, out);
            break;
    }
    if (!resolved) return resolved.error();
    return out;
}

Result<Update> compile(const Expression& expression, PlaceholderScope& scope) {
    auto syntax = parse_update(expression.text);
    if (!syntax) return syntax.error();
    if (auto checked = check_update_syntax(*syntax, scope); !checked) return checked.error();
    std::vector<UpdateAction> actions;
    for (const auto& one : syntax->actions) {
        auto action = resolve_action(one, scope);
        if (!action) return action.error();
        actions.push_back(std::move(*action));
    }
    return Update::from_actions(std::move(actions), false);
}

Result<UpdateAction> legacy_action(const LegacyUpdate& update) {
    UpdateAction out;
    PathStep step;
    step.name = update.attribute;
    out.path.steps.push_back(std::move(step));
    const auto type = update.value ? std::optional(update.value->type()) : std::nullopt;
    switch (update.action) {
        case LegacyUpdate::Action::put:
            if (!type) return invalid_parameter("Only DELETE action is allowed when no attribute value is specified");
            out.left.value = *update.value;
            return out;
        case LegacyUpdate::Action::remove:
            out.kind = type ? UpdateAction::Kind::subtract_set : UpdateAction::Kind::remove;
            if (!type) return out;
            if (!is_set(*type)) {
                return invalid_parameter("DELETE action with value is not supported for the type " +
                                         std::string(update.value->type_name()));
            }
            break;
        case LegacyUpdate::Action::add:
            out.kind = UpdateAction::Kind::add;
            if (!type) return invalid_parameter("Only DELETE action is allowed when no attribute value is specified");
            if (!is_set(*type) && *type != Type::number && *type != Type::list)
                return invalid_parameter("ADD action is not supported for the type " + std::string(update.value->type_name()));
            break;
    }
    out.value = *update.value;
    return out;
}

}  // namespace

Result<Update> compile_update(const Expression& expression, PlaceholderScope& scope) {
    if (!is_given(expression)) return Update();
    auto update = compile(expression, scope);
    if (!update) return invalid_expression(parameter, update.error());
    return update;
}

Result<Update> compile_legacy_update(const std::vector<LegacyUpdate>& updates) {
    std::vector<UpdateAction> actions;
    for (const auto& one : updates) {
        auto action = legacy_action(one);
        if (!action) return action.error();
        actions.push_back(std::move(*action));
    }
    return Update::from_actions(std::move(actions), true);
}

}  // namespace fogbank::store::table
