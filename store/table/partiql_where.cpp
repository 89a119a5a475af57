// WHERE taken apart: what of it names keys.
#include <algorithm>
#include <set>

#include "store/table/detail/errors.h"
#include "store/table/detail/partiql.h"

namespace fogbank::store::table {
namespace {

using Kind = ConditionSyntax::Kind;

bool is_literal(const Operand& operand) {
    return !operand.is_path() && !operand.is_size;
}

std::optional<AttributeCondition> key_condition_of(const Condition& condition) {
    using Operation = AttributeCondition::Operation;
    if (condition.operands.empty() || !condition.operands[0].is_path() || condition.operands[0].is_size ||
        condition.operands[0].path.is_nested())
        return std::nullopt;
    if (!std::all_of(condition.operands.begin() + 1, condition.operands.end(), is_literal)) return std::nullopt;
    AttributeCondition out;
    out.attribute = condition.operands[0].path.top();
    if (condition.kind == Kind::between) {
        out.operation = Operation::between;
        out.upper = condition.operands[2].value;
    } else if (condition.kind == Kind::function && condition.function == ConditionFunction::begins_with) {
        out.operation = Operation::begins_with;
    } else if (condition.kind == Kind::comparison && condition.comparator != Comparator::not_equal) {
        static constexpr Operation operations[] = {Operation::equal,         Operation::equal,   Operation::less,
                                                   Operation::less_or_equal, Operation::greater, Operation::greater_or_equal};
        out.operation = operations[static_cast<std::size_t>(condition.comparator)];
    } else {
        return std::nullopt;
    }
    out.value = condition.operands[1].value;
    return out;
}

using Values = std::optional<std::vector<AttributeValue>>;

Values values_left_by(const Condition& condition, std::string_view attribute) {
    if (condition.kind == Kind::all_of) {
        for (const auto& child : condition.children) {
            if (auto values = values_left_by(child, attribute)) return values;
        }
        return std::nullopt;
    }
    std::vector<AttributeValue> out;
    if (condition.kind == Kind::any_of) {
        for (const auto& child : condition.children) {
            auto values = values_left_by(child, attribute);
            if (!values) return std::nullopt;
            for (auto& value : *values) out.push_back(std::move(value));
        }
        return out;
    }
    const bool is_equality = condition.kind == Kind::comparison && condition.comparator == Comparator::equal;
    if ((!is_equality && condition.kind != Kind::in) || condition.operands.empty()) return std::nullopt;
    const Operand& first = condition.operands[0];
    if (!first.is_path() || first.is_size || first.path.is_nested() || first.path.top() != attribute) return std::nullopt;
    for (std::size_t i = 1; i < condition.operands.size(); ++i) {
        if (!is_literal(condition.operands[i])) return std::nullopt;
        out.push_back(condition.operands[i].value);
    }
    return out;
}

void add_attributes(const UpdateOperand& operand, std::set<std::string>& out) {
    if (!operand.path.steps.empty()) out.insert(operand.path.top());
    for (const auto& inner : operand.inner) add_attributes(inner, out);
}

}  // namespace

Values values_left_by(const std::optional<Condition>& where, std::string_view attribute) {
    return where ? values_left_by(*where, attribute) : std::nullopt;
}

std::vector<std::string> attributes_of(const PartiQlStatement& statement) {
    std::set<std::string> out;
    for (const auto& path : statement.paths) out.insert(path.top());
    if (statement.where) statement.where->for_each_path([&](const DocumentPath& path) { out.insert(path.top()); });
    for (const auto& [name, value] : statement.item) out.insert(name);
    for (const auto& action : statement.actions) {
        out.insert(action.path.top());
        add_attributes(action.left, out);
        add_attributes(action.right, out);
    }
    return {out.begin(), out.end()};
}

WhereParts split_where(const std::optional<Condition>& where, const IndexKeys& layout) {
    WhereParts out;
    if (!where) return out;
    std::vector<Condition> conjuncts;
    if (where->kind == Kind::all_of) {
        conjuncts = where->children;
    } else {
        conjuncts.push_back(*where);
    }
    const auto is_key = [&](const AttributeCondition& condition) {
        for (const auto* attributes : {&layout.partition, &layout.sort}) {
            for (const auto& attribute : *attributes) {
                if (attribute.name == condition.attribute) return has_type(condition.value, attribute.type);
            }
        }
        return false;
    };
    for (auto& conjunct : conjuncts) {
        const auto condition = key_condition_of(conjunct);
        const bool is_first = condition && std::none_of(out.keys.begin(), out.keys.end(),
                                                        [&](const auto& one) { return one.attribute == condition->attribute; });
        if (condition && is_first && is_key(*condition)) {
            out.keys.push_back(*condition);
            continue;
        }
        out.rest.children.push_back(std::move(conjunct));
        out.has_rest = true;
    }
    return out;
}

Result<Item> key_of_where(const WhereParts& parts, const KeySchema& schema) {
    Item key;
    for (const auto& condition : parts.keys) {
        if (condition.operation == AttributeCondition::Operation::equal) key.emplace(condition.attribute, condition.value);
    }
    if (key.size() != (schema.sort_key ? 2U : 1U) || parts.keys.size() != key.size())
        return validation("Where clause does not contain a mandatory equality on all key attributes");
    return key;
}

}  // namespace fogbank::store::table
