// Syntax tree to program (declared in rules/program.h).

#include <algorithm>
#include <iterator>
#include <set>

#include "rules/evaluator.h"
#include "rules/external.h"
#include "rules/program.h"
#include "rules/resolver.h"

namespace fogbank::rules::sql {
namespace {

/// Larger constants are computed anew each time instead of being kept.
constexpr std::size_t folded_bytes_max = 4096;

bool distinct(const QueryPlan& plan) {
    std::set<std::string_view> names;
    return std::all_of(plan.items.begin(), plan.items.end(),
                       [&](const PlannedItem& item) { return !item.star && item.alias.size() == 1 && names.insert(item.alias[0]).second; });
}

class Compiler {
  public:
    Compiler(Version version, std::vector<std::string> variables, bool fold) : variables_(std::move(variables)), fold_(fold) {
        program_.version = version;
    }

    std::uint32_t expression(Expression& expression);
    QueryPlan plan(Query& query);
    void assign(Assignment& assignment) {
        program_.assignments.push_back(expression(*assignment.value));
        variables_.push_back(assignment.name);
    }
    void main(QueryPlan plan) { program_.main = std::move(plan); }
    Program finish() { return std::move(program_); }

  private:
    std::uint32_t emit(Node node, const Expression& source);
    std::uint32_t constant(Value value, const Expression& source);
    std::uint32_t literal(const Expression& literal);
    std::uint32_t path(std::vector<std::string> segments, const Expression& source);
    std::uint32_t member(Expression& member);
    std::uint32_t parent(Node node, Expression& source);
    std::uint32_t call(Expression& call);
    std::uint32_t nested(Op op, Expression& nested);
    std::uint32_t remember(std::vector<std::string> segments) {
        program_.paths.push_back(std::move(segments));
        return static_cast<std::uint32_t>(program_.paths.size() - 1);
    }
    bool can_fold(const Node& node) const;

    Program program_;
    std::vector<std::string> variables_;
    bool fold_;
    bool nested_ = false;       ///< inside a nested query: names are looked up in its element
    std::string element_name_;  ///< AS of that query's FROM
};

std::uint32_t Compiler::emit(Node node, const Expression& source) {
    node.position = static_cast<std::uint32_t>(source.position);
    node.end = static_cast<std::uint32_t>(source.end);
    program_.nodes.push_back(node);
    return static_cast<std::uint32_t>(program_.nodes.size() - 1);
}

std::uint32_t Compiler::constant(Value value, const Expression& source) {
    program_.constants.push_back(std::move(value));
    Node node;
    node.data = static_cast<std::uint32_t>(program_.constants.size() - 1);
    return emit(node, source);
}

std::uint32_t Compiler::literal(const Expression& literal) {
    switch (literal.kind) {
        case ExpressionKind::literal_boolean:
            return constant(Value::boolean(literal.boolean), literal);
        case ExpressionKind::literal_string:
            return constant(Value::string(literal.text), literal);
        case ExpressionKind::literal_integer:
        case ExpressionKind::literal_decimal: {
            const auto number = Decimal::parse_rounded(literal.text, Decimal::sql_digits);
            if (!number) return constant(Value(), literal);
            return constant(
                literal.kind == ExpressionKind::literal_integer ? Value::integer(*number) : Value::decimal(*number, program_.version),
                literal);
        }
        default:
            return constant(Value::null(), literal);
    }
}

std::uint32_t Compiler::path(std::vector<std::string> segments, const Expression& source) {
    Node node;
    node.op = nested_ ? Op::element_path : Op::payload_path;
    if (nested_ && segments.front() == element_name_) {
        segments.erase(segments.begin());
        if (segments.empty()) {
            node.op = Op::element;
            return emit(node, source);
        }
    }
    node.data = remember(std::move(segments));
    return emit(node, source);
}

std::uint32_t Compiler::member(Expression& member) {
    Expression& inner = *member.children[0];
    if (inner.kind == ExpressionKind::name) {
        std::vector<std::string> segments{inner.names[0]};
        segments.insert(segments.end(), member.names.begin(), member.names.end());
        return path(std::move(segments), member);
    }
    Node node;
    node.op = Op::member;
    node.data = remember(member.names);
    return parent(node, member);
}

/// Emits the children and then the node itself; a node whose children are all constants becomes one.
std::uint32_t Compiler::parent(Node node, Expression& source) {
    std::vector<std::uint32_t> children;
    children.reserve(source.children.size());
    for (auto& child : source.children) children.push_back(expression(*child));
    node.first = static_cast<std::uint32_t>(program_.children.size());
    node.count = static_cast<std::uint32_t>(children.size());
    program_.children.insert(program_.children.end(), children.begin(), children.end());
    const std::uint32_t index = emit(node, source);
    if (!can_fold(node)) return index;
    auto value = Evaluator(program_, CallContext()).constant(index);
    std::string text;
    if (!value || !append_json(text, *value, folded_bytes_max)) return index;
    return constant(std::move(*value), source);
}

bool Compiler::can_fold(const Node& node) const {
    if (!fold_ || (node.op == Op::call && !program_.functions[node.data]->constant)) return false;
    const auto begin = program_.children.begin() + node.first;
    return std::all_of(begin, begin + node.count, [this](std::uint32_t child) { return program_.nodes[child].op == Op::constant; });
}

std::uint32_t Compiler::call(Expression& call) {
    Node node;
    node.op = Op::call;
    node.data = static_cast<std::uint32_t>(program_.functions.size());
    program_.functions.push_back(call.function);
    program_.asks = program_.asks || asked_service(call).has_value();
    return parent(node, call);
}

std::uint32_t Compiler::nested(Op op, Expression& nested) {
    QueryPlan planned = plan(*nested.query);
    program_.queries.push_back(std::move(planned));
    Node node;
    node.op = op;
    node.data = static_cast<std::uint32_t>(program_.queries.size() - 1);
    return emit(node, nested);
}

std::uint32_t Compiler::expression(Expression& expression) {
    Node node;
    node.oper = expression.op;
    switch (expression.kind) {
        case ExpressionKind::name:
            return path({expression.names[0]}, expression);
        case ExpressionKind::variable:
            node.op = Op::variable;
            node.data = static_cast<std::uint32_t>(std::find(variables_.begin(), variables_.end(), expression.text) - variables_.begin());
            return emit(node, expression);
        case ExpressionKind::star:
            node.op = expression.boolean ? Op::payload : Op::raw_payload;
            return emit(node, expression);
        case ExpressionKind::member:
            return member(expression);
        case ExpressionKind::unary:
            node.op = Op::unary;
            return parent(node, expression);
        case ExpressionKind::binary:
            node.op = Op::binary;
            return parent(node, expression);
        case ExpressionKind::call:
            return call(expression);
        case ExpressionKind::cast:
            node.op = Op::cast;
            node.cast_type = expression.cast_type;
            return parent(node, expression);
        case ExpressionKind::case_of:
            node.op = Op::case_of;
            return parent(node, expression);
        case ExpressionKind::array:
            node.op = Op::array;
            return parent(node, expression);
        case ExpressionKind::object:
            node.op = Op::object;
            node.data = remember(expression.names);
            return parent(node, expression);
        case ExpressionKind::query:
            return nested(Op::query, expression);
        case ExpressionKind::exists:
            return nested(Op::exists, expression);
        default:
            return literal(expression);
    }
}

QueryPlan Compiler::plan(Query& query) {
    QueryPlan plan;
    plan.value = query.value;
    const bool outer_nested = nested_;
    const std::string outer_name = element_name_;
    if (query.from) {
        plan.from = expression(*query.from);
        nested_ = true;
        element_name_ = query.from_alias;
    }
    if (query.where) plan.where = expression(*query.where);
    for (SelectItem& item : query.items) {
        PlannedItem planned;
        planned.alias = std::move(item.alias);
        planned.star = item.expression->kind == ExpressionKind::star;
        if (!planned.star) planned.node = expression(*item.expression);
        plan.items.push_back(std::move(planned));
    }
    plan.distinct = distinct(plan);
    if (plan.distinct) {
        for (PlannedItem& item : plan.items) {
            append_json_string(item.json_name, item.alias[0]);
            item.json_name += ':';
        }
    }
    nested_ = outer_nested;
    element_name_ = outer_name;
    return plan;
}

}  // namespace

bool Program::reads_json() const {
    const auto star = std::any_of(main.items.begin(), main.items.end(), [](const PlannedItem& item) { return item.star; });
    return star ||
           std::any_of(nodes.begin(), nodes.end(), [](const Node& node) { return node.op == Op::payload_path || node.op == Op::payload; });
}

std::vector<std::vector<std::string>> Program::payload_paths() const {
    std::set<std::vector<std::string>> found;
    if (std::any_of(main.items.begin(), main.items.end(), [](const PlannedItem& item) { return item.star; })) found.emplace();
    for (const Node& node : nodes) {
        if (node.op == Op::payload_path) found.insert(paths[node.data]);
    }
    return {found.begin(), found.end()};
}

Program compile(Statement statement, Version version, bool fold) {
    Compiler compiler(version, {}, fold);
    for (Assignment& assignment : statement.assignments) compiler.assign(assignment);
    compiler.main(compiler.plan(statement.query));
    return compiler.finish();
}

Program compile_expression(ExpressionPtr expression, const std::vector<std::string>& variables, Version version, bool fold) {
    Compiler compiler(version, variables, fold);
    QueryPlan plan;
    plan.value = true;
    PlannedItem item;
    item.node = compiler.expression(*expression);
    plan.items.push_back(std::move(item));
    compiler.main(std::move(plan));
    return compiler.finish();
}

}  // namespace fogbank::rules::sql
