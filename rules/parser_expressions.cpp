// Expressions, one method per rule of the grammar (class in rules/detail/parser_class.h).

#include <algorithm>

#include "rules/detail/parser_class.h"
#include "rules/parser.h"

namespace fogbank::rules::sql {
namespace {

constexpr std::array<BinaryOperator, 6> comparisons{
    {{"=", Operator::eq}, {"<>", Operator::ne}, {"<", Operator::lt}, {"<=", Operator::le}, {">", Operator::gt}, {">=", Operator::ge}}};
constexpr std::array<BinaryOperator, 2> additions{{{"+", Operator::add}, {"-", Operator::subtract}}};
constexpr std::array<BinaryOperator, 3> multiplications{{{"*", Operator::multiply}, {"/", Operator::divide}, {"%", Operator::remainder}}};

std::size_t query_height(const Query& query) {
    std::size_t height = query.from->height;
    for (const SelectItem& item : query.items) height = std::max(height, item.expression->height);
    return query.where ? std::max(height, query.where->height) : height;
}

}  // namespace

ExpressionPtr Parser::make(ExpressionKind kind, std::size_t position) const {
    auto expression = std::make_unique<Expression>();
    expression->kind = kind;
    expression->position = position;
    return expression;
}

Result<ExpressionPtr> Parser::finish(ExpressionPtr expression) const {
    expression->end = previous_end_;
    for (const auto& child : expression->children) expression->height = std::max(expression->height, child->height + 1);
    if (expression->height > expression_height_max)
        return sql_error(expression->position, "the expression has more than " + std::to_string(expression_height_max) + " levels");
    return expression;
}

Result<ExpressionPtr> Parser::join(Operator op, ExpressionPtr left, ExpressionPtr right) const {
    auto joined = make(ExpressionKind::binary, left->position);
    joined->op = op;
    joined->children.push_back(std::move(left));
    joined->children.push_back(std::move(right));
    return finish(std::move(joined));
}

Result<ExpressionPtr> Parser::expression() {
    if (++depth_ > nesting_depth_max) return sql_error(token_.position, "nested deeper than " + std::to_string(nesting_depth_max));
    auto parsed = logical_or();
    --depth_;
    return parsed;
}

Result<ExpressionPtr> Parser::keyword_chain(std::string_view keyword, Operator op, Parsed (Parser::*operand)()) {
    auto left = (this->*operand)();
    while (left && at_keyword(keyword)) {
        FOGBANK_SQL_TRY(advance());
        auto right = (this->*operand)();
        if (!right) return right;
        left = join(op, std::move(*left), std::move(*right));
    }
    return left;
}

template <std::size_t size>
Result<ExpressionPtr> Parser::chain(const std::array<BinaryOperator, size>& operators, Parsed (Parser::*operand)()) {
    auto left = (this->*operand)();
    while (left) {
        const auto found =
            std::find_if(operators.begin(), operators.end(), [this](const BinaryOperator& candidate) { return at_symbol(candidate.text); });
        if (found == operators.end()) break;
        FOGBANK_SQL_TRY(advance());
        auto right = (this->*operand)();
        if (!right) return right;
        left = join(found->op, std::move(*left), std::move(*right));
    }
    return left;
}

Result<ExpressionPtr> Parser::logical_not() {
    if (!at_keyword("NOT")) return comparison();
    auto negated = make(ExpressionKind::unary, token_.position);
    negated->op = Operator::logical_not;
    if (++depth_ > nesting_depth_max) return sql_error(token_.position, "nested deeper than " + std::to_string(nesting_depth_max));
    FOGBANK_SQL_TRY(advance());
    auto operand = logical_not();
    --depth_;
    if (!operand) return operand;
    negated->children.push_back(std::move(*operand));
    return finish(std::move(negated));
}

Result<ExpressionPtr> Parser::comparison() {
    auto left = additive();
    while (left) {
        if (at_keyword("IN")) {
            FOGBANK_SQL_TRY(advance());
            auto right = additive();
            if (!right) return right;
            left = join(Operator::in, std::move(*left), std::move(*right));
            continue;
        }
        const auto found = std::find_if(comparisons.begin(), comparisons.end(),
                                        [this](const BinaryOperator& candidate) { return at_symbol(candidate.text); });
        if (found == comparisons.end()) break;
        FOGBANK_SQL_TRY(advance());
        auto right = additive();
        if (!right) return right;
        left = join(found->op, std::move(*left), std::move(*right));
    }
    return left;
}

Result<ExpressionPtr> Parser::negation() {
    if (!at_symbol("-")) return postfix();
    auto negated = make(ExpressionKind::unary, token_.position);
    negated->op = Operator::negate;
    if (++depth_ > nesting_depth_max) return sql_error(token_.position, "nested deeper than " + std::to_string(nesting_depth_max));
    FOGBANK_SQL_TRY(advance());
    auto operand = negation();
    --depth_;
    if (!operand) return operand;
    negated->children.push_back(std::move(*operand));
    return finish(std::move(negated));
}

Result<ExpressionPtr> Parser::postfix() {
    auto parsed = primary();
    if (!parsed || !at_symbol(".")) return parsed;
    auto member = make(ExpressionKind::member, (*parsed)->position);
    member->children.push_back(std::move(*parsed));
    while (at_symbol(".")) {
        FOGBANK_SQL_TRY(advance());
        if (token_.kind != TokenKind::word) return unexpected("a member's name");
        member->names.push_back(token_.text);
        FOGBANK_SQL_TRY(advance());
    }
    return finish(std::move(member));
}

Result<ExpressionPtr> Parser::literal(ExpressionKind kind) {
    auto parsed = make(kind, token_.position);
    parsed->text = token_.text;
    parsed->boolean = at_keyword("TRUE");
    FOGBANK_SQL_TRY(advance());
    return finish(std::move(parsed));
}

Result<ExpressionPtr> Parser::primary() {
    switch (token_.kind) {
        case TokenKind::integer:
            return literal(ExpressionKind::literal_integer);
        case TokenKind::decimal:
            return literal(ExpressionKind::literal_decimal);
        case TokenKind::string:
            return literal(ExpressionKind::literal_string);
        case TokenKind::variable:
            return literal(ExpressionKind::variable);
        case TokenKind::word:
            return word();
        default:
            break;
    }
    if (at_symbol("(")) return parenthesised();
    if (at_symbol("[")) return array();
    if (at_symbol("{")) return object();
    return unexpected("an expression");
}

Result<ExpressionPtr> Parser::word() {
    if (at_keyword("NULL")) return literal(ExpressionKind::literal_null);
    if (at_keyword("TRUE") || at_keyword("FALSE")) return literal(ExpressionKind::literal_boolean);
    const Token name = token_;
    if (at_keyword("CASE")) return case_of(name.position);
    if (at_keyword("EXISTS")) return exists(name.position);
    if (at_reserved()) return unexpected("an expression");
    FOGBANK_SQL_TRY(advance());
    if (at_symbol("(")) return is_keyword(name, "CAST") ? cast(name.position) : call(name);
    auto field = make(ExpressionKind::name, name.position);
    field->names.push_back(name.text);
    return finish(std::move(field));
}

Result<ExpressionPtr> Parser::parenthesised() {
    const std::size_t position = token_.position;
    FOGBANK_SQL_TRY(advance());
    if (!at_keyword("SELECT")) {
        auto inner = expression();
        if (!inner) return inner;
        FOGBANK_SQL_TRY(expect(")"));
        (*inner)->position = position;
        (*inner)->end = previous_end_;
        return inner;
    }
    if (++depth_ > nesting_depth_max) return sql_error(position, "nested deeper than " + std::to_string(nesting_depth_max));
    auto query = nested_query();
    --depth_;
    if (!query) return query.error();
    FOGBANK_SQL_TRY(expect(")"));
    auto parsed = make(ExpressionKind::query, position);
    parsed->query = std::move(*query);
    parsed->height = query_height(*parsed->query) + 1;
    return finish(std::move(parsed));
}

Result<ExpressionPtr> Parser::exists(std::size_t position) {
    FOGBANK_SQL_TRY(advance());
    if (!at_symbol("(") || !is_keyword(next_, "SELECT")) return unexpected("`(SELECT …)`");
    auto parsed = parenthesised();
    if (!parsed) return parsed;
    (*parsed)->kind = ExpressionKind::exists;
    (*parsed)->position = position;
    return parsed;
}

Result<ExpressionPtr> Parser::array() {
    auto parsed = make(ExpressionKind::array, token_.position);
    FOGBANK_SQL_TRY(advance());
    while (!at_symbol("]")) {
        if (!parsed->children.empty()) {
            FOGBANK_SQL_TRY(expect(","));
        }
        auto item = expression();
        if (!item) return item;
        parsed->children.push_back(std::move(*item));
    }
    FOGBANK_SQL_TRY(advance());
    return finish(std::move(parsed));
}

Result<ExpressionPtr> Parser::object() {
    auto parsed = make(ExpressionKind::object, token_.position);
    FOGBANK_SQL_TRY(advance());
    while (!at_symbol("}")) {
        if (!parsed->children.empty()) {
            FOGBANK_SQL_TRY(expect(","));
        }
        if (token_.kind != TokenKind::string) return unexpected("a key in quotes");
        parsed->names.push_back(token_.text);
        FOGBANK_SQL_TRY(advance());
        FOGBANK_SQL_TRY(expect(":"));
        auto value = expression();
        if (!value) return value;
        parsed->children.push_back(std::move(*value));
    }
    FOGBANK_SQL_TRY(advance());
    return finish(std::move(parsed));
}

Result<ExpressionPtr> Parser::argument() {
    if (!at_symbol("*")) return expression();
    auto star = make(ExpressionKind::star, token_.position);
    FOGBANK_SQL_TRY(advance());
    return finish(std::move(star));
}

Result<void> Parser::list_of_arguments(Expression& call) {
    FOGBANK_SQL_TRY(expect("("));
    while (!at_symbol(")")) {
        if (!call.children.empty()) {
            FOGBANK_SQL_TRY(expect(","));
        }
        auto parsed = argument();
        if (!parsed) return parsed.error();
        call.children.push_back(std::move(*parsed));
    }
    return advance();
}

Result<ExpressionPtr> Parser::call(Token name) {
    auto parsed = make(ExpressionKind::call, name.position);
    parsed->text = std::move(name.text);
    FOGBANK_SQL_TRY(list_of_arguments(*parsed));
    return finish(std::move(parsed));
}

Result<ExpressionPtr> Parser::cast(std::size_t position) {
    auto parsed = make(ExpressionKind::cast, position);
    FOGBANK_SQL_TRY(expect("("));
    auto operand = expression();
    if (!operand) return operand;
    parsed->children.push_back(std::move(*operand));
    FOGBANK_SQL_TRY(expect_keyword("AS"));
    if (token_.kind != TokenKind::word) return unexpected("a type");
    parsed->text = token_.text;
    FOGBANK_SQL_TRY(advance());
    FOGBANK_SQL_TRY(expect(")"));
    return finish(std::move(parsed));
}

Result<ExpressionPtr> Parser::case_of(std::size_t position) {
    auto parsed = make(ExpressionKind::case_of, position);
    FOGBANK_SQL_TRY(advance());
    if (at_keyword("WHEN")) return sql_error(position, "CASE needs a value to compare: CASE value WHEN … THEN … END");
    const auto add = [&]() -> Result<void> {
        auto child = expression();
        if (!child) return child.error();
        parsed->children.push_back(std::move(*child));
        return {};
    };
    FOGBANK_SQL_TRY(add());
    if (!at_keyword("WHEN")) return unexpected("WHEN");
    while (at_keyword("WHEN")) {
        FOGBANK_SQL_TRY(advance());
        FOGBANK_SQL_TRY(add());
        FOGBANK_SQL_TRY(expect_keyword("THEN"));
        FOGBANK_SQL_TRY(add());
    }
    if (at_keyword("ELSE")) {
        FOGBANK_SQL_TRY(advance());
        FOGBANK_SQL_TRY(add());
    }
    FOGBANK_SQL_TRY(expect_keyword("END"));
    return finish(std::move(parsed));
}

Result<ExpressionPtr> Parser::additive() {
    return chain(additions, &Parser::multiplicative);
}

Result<ExpressionPtr> Parser::multiplicative() {
    return chain(multiplications, &Parser::negation);
}

}  // namespace fogbank::rules::sql
