#include "rules/parser.h"

#include <algorithm>
#include <array>

#include "common/encoding.h"
#include "rules/lexer.h"

namespace fogbank::rules::sql {
namespace {

constexpr std::array<std::string_view, 19> reserved_words{"SELECT", "FROM",   "WHERE", "AS",   "AND",  "OR",   "NOT",
                                                          "IN",     "EXISTS", "CASE",  "WHEN", "THEN", "ELSE", "END",
                                                          "TRUE",   "FALSE",  "NULL",  "SET",  "LIKE"};

struct BinaryOperator {
    std::string_view text;
    Operator op;
};
constexpr std::array<BinaryOperator, 6> comparisons{
    {{"=", Operator::eq}, {"<>", Operator::ne}, {"<", Operator::lt}, {"<=", Operator::le}, {">", Operator::gt}, {">=", Operator::ge}}};
constexpr std::array<BinaryOperator, 2> additions{{{"+", Operator::add}, {"-", Operator::subtract}}};
constexpr std::array<BinaryOperator, 3> multiplications{{{"*", Operator::multiply}, {"/", Operator::divide}, {"%", Operator::remainder}}};

std::size_t query_height(const Query& query) {
    std::size_t height = query.from->height;
    for (const SelectItem& item : query.items) height = std::max(height, item.expression->height);
    return query.where ? std::max(height, query.where->height) : height;
}

/// Recursive descent, one method per rule of the grammar. Two tokens of lookahead.
class Parser {
  public:
    explicit Parser(std::string_view sql, std::size_t begin = 0) : sql_(sql), lexer_(sql, begin) {}

    Result<void> start() {
        if (auto read = advance(); !read) return read;
        return advance();
    }
    Result<Statement> statement();
    Result<ExpressionPtr> template_expression(std::size_t& end);

  private:
    using Parsed = Result<ExpressionPtr>;

    Result<void> advance();
    Result<void> expect(std::string_view symbol);
    Result<void> expect_keyword(std::string_view keyword);
    Error unexpected(std::string_view wanted) const;
    bool at_symbol(std::string_view symbol) const { return token_.kind == TokenKind::symbol && token_.text == symbol; }
    bool at_keyword(std::string_view keyword) const { return is_keyword(token_, keyword); }
    bool at_reserved() const {
        return std::any_of(reserved_words.begin(), reserved_words.end(), [this](auto word) { return at_keyword(word); });
    }
    bool value_is_keyword() const;

    Result<void> assignments(Statement& statement);
    Result<void> select_list(Query& query);
    Result<SelectItem> select_item();
    Result<std::vector<std::string>> alias();
    std::vector<std::string> default_alias(const Expression& expression) const;
    Result<std::unique_ptr<Query>> nested_query();

    template <std::size_t size>
    Parsed chain(const std::array<BinaryOperator, size>& operators, Parsed (Parser::*operand)());
    Parsed expression();
    Parsed logical_or() { return keyword_chain("OR", Operator::logical_or, &Parser::logical_and); }
    Parsed logical_and() { return keyword_chain("AND", Operator::logical_and, &Parser::logical_not); }
    Parsed keyword_chain(std::string_view keyword, Operator op, Parsed (Parser::*operand)());
    Parsed logical_not();
    Parsed comparison();
    Parsed additive() { return chain(additions, &Parser::multiplicative); }
    Parsed multiplicative() { return chain(multiplications, &Parser::negation); }
    Parsed negation();
    Parsed postfix();
    Parsed primary();
    Parsed word();
    Parsed parenthesised();
    Parsed array();
    Parsed object();
    Parsed call(Token name);
    Parsed cast(std::size_t position);
    Parsed case_of(std::size_t position);
    Parsed exists(std::size_t position);
    Parsed argument();
    Result<void> list_of_arguments(Expression& call);

    ExpressionPtr make(ExpressionKind kind, std::size_t position) const;
    Parsed finish(ExpressionPtr expression) const;
    Parsed literal(ExpressionKind kind);
    Parsed join(Operator op, ExpressionPtr left, ExpressionPtr right) const;

    std::string_view sql_;
    Lexer lexer_;
    Token token_, next_;
    std::optional<Error> lexer_error_;
    std::size_t previous_end_ = 0;
    std::size_t depth_ = 0;
};

/// Returns the error of a Result from the enclosing function.
#define FOGBANK_SQL_TRY(result) \
    if (auto tried = (result); !tried) return tried.error()

Result<void> Parser::advance() {
    previous_end_ = token_.end;
    token_ = std::move(next_);
    // What the lexer refuses is an error only when it becomes the current token: behind a template's `}` comes plain text.
    if (lexer_error_) return *lexer_error_;
    auto read = lexer_.next();
    if (!read) {
        lexer_error_ = read.error();
        next_ = Token();
        return {};
    }
    next_ = std::move(*read);
    return {};
}

Error Parser::unexpected(std::string_view wanted) const {
    const std::string found =
        token_.kind == TokenKind::end
            ? "the text ends"
            : "found `" + std::string(sql_.substr(token_.position, std::min<std::size_t>(token_.end - token_.position, 40))) + "`";
    return sql_error(token_.position, std::string(wanted) + " is expected, " + found);
}

Result<void> Parser::expect(std::string_view symbol) {
    if (!at_symbol(symbol)) return unexpected("`" + std::string(symbol) + "`");
    return advance();
}

Result<void> Parser::expect_keyword(std::string_view keyword) {
    if (!at_keyword(keyword)) return unexpected(keyword);
    return advance();
}

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

Result<Statement> Parser::statement() {
    Statement statement;
    if (at_keyword("SET")) {
        FOGBANK_SQL_TRY(assignments(statement));
    }
    FOGBANK_SQL_TRY(select_list(statement.query));
    if (at_keyword("FROM")) {
        FOGBANK_SQL_TRY(advance());
        if (token_.kind != TokenKind::string) return unexpected("a topic filter in single quotes");
        statement.topic_filter = token_.text;
        statement.topic_filter_position = token_.position;
        FOGBANK_SQL_TRY(advance());
    }
    if (at_keyword("WHERE")) {
        FOGBANK_SQL_TRY(advance());
        auto where = expression();
        if (!where) return where.error();
        statement.query.where = std::move(*where);
    }
    if (token_.kind != TokenKind::end) return unexpected("the end of the statement");
    return statement;
}

Result<ExpressionPtr> Parser::template_expression(std::size_t& end) {
    auto parsed = expression();
    if (!parsed) return parsed;
    if (!at_symbol("}")) return unexpected("`}`");
    end = token_.end;
    return parsed;
}

Result<void> Parser::assignments(Statement& statement) {
    do {
        FOGBANK_SQL_TRY(advance());
        if (token_.kind != TokenKind::variable) return unexpected("a variable `@name`");
        Assignment assignment;
        assignment.name = token_.text;
        assignment.position = token_.position;
        FOGBANK_SQL_TRY(advance());
        FOGBANK_SQL_TRY(expect("="));
        auto value = expression();
        if (!value) return value.error();
        assignment.value = std::move(*value);
        statement.assignments.push_back(std::move(assignment));
    } while (at_symbol(","));
    return {};
}

/// VALUE is also a likely field name: it is the keyword only where an operand follows it.
bool Parser::value_is_keyword() const {
    if (!at_keyword("VALUE")) return false;
    switch (next_.kind) {
        case TokenKind::end:
            return false;
        case TokenKind::symbol:
            return next_.text == "(" || next_.text == "[" || next_.text == "{" || next_.text == "*";
        case TokenKind::word: {
            constexpr std::array<std::string_view, 6> operators{"FROM", "WHERE", "AS", "AND", "OR", "IN"};
            return std::none_of(operators.begin(), operators.end(), [this](auto keyword) { return is_keyword(next_, keyword); });
        }
        default:
            return true;
    }
}

Result<void> Parser::select_list(Query& query) {
    query.position = token_.position;
    FOGBANK_SQL_TRY(expect_keyword("SELECT"));
    if (value_is_keyword()) {
        query.value = true;
        FOGBANK_SQL_TRY(advance());
    }
    while (true) {
        auto item = select_item();
        if (!item) return item.error();
        query.items.push_back(std::move(*item));
        if (!at_symbol(",")) break;
        FOGBANK_SQL_TRY(advance());
    }
    if (query.value && query.items.size() > 1) return sql_error(query.position, "SELECT VALUE takes one item");
    return {};
}

Result<SelectItem> Parser::select_item() {
    SelectItem item;
    if (at_symbol("*")) {
        item.expression = make(ExpressionKind::star, token_.position);
        FOGBANK_SQL_TRY(advance());
        item.expression->end = previous_end_;
    } else {
        auto parsed = expression();
        if (!parsed) return parsed.error();
        item.expression = std::move(*parsed);
        item.alias = default_alias(*item.expression);
    }
    if (at_keyword("AS")) {
        FOGBANK_SQL_TRY(advance());
        auto named = alias();
        if (!named) return named.error();
        item.alias = std::move(*named);
    }
    return item;
}

Result<std::vector<std::string>> Parser::alias() {
    std::vector<std::string> segments;
    while (true) {
        if (token_.kind != TokenKind::word) return unexpected("an alias");
        segments.push_back(token_.text);
        if (segments.size() > nesting_depth_max)
            return sql_error(token_.position, "the alias is nested deeper than " + std::to_string(nesting_depth_max));
        FOGBANK_SQL_TRY(advance());
        if (!at_symbol(".")) return segments;
        FOGBANK_SQL_TRY(advance());
    }
}

/// Undocumented. A path is named by its last segment, a call by its function, anything else by its own text.
std::vector<std::string> Parser::default_alias(const Expression& expression) const {
    switch (expression.kind) {
        case ExpressionKind::name:
        case ExpressionKind::member:
            return {expression.names.back()};
        case ExpressionKind::call:
        case ExpressionKind::variable:
            return {expression.text};
        case ExpressionKind::cast:
            return {"cast"};
        default:
            return {std::string(sql_.substr(expression.position, expression.end - expression.position))};
    }
}

Result<std::unique_ptr<Query>> Parser::nested_query() {
    auto query = std::make_unique<Query>();
    FOGBANK_SQL_TRY(select_list(*query));
    FOGBANK_SQL_TRY(expect_keyword("FROM"));
    auto from = expression();
    if (!from) return from.error();
    query->from = std::move(*from);
    const bool with_as = at_keyword("AS");
    if (with_as) {
        FOGBANK_SQL_TRY(advance());
    }
    if (with_as || (token_.kind == TokenKind::word && !at_reserved())) {
        if (token_.kind != TokenKind::word) return unexpected("a name");
        query->from_alias = token_.text;
        FOGBANK_SQL_TRY(advance());
    }
    if (at_keyword("WHERE")) {
        FOGBANK_SQL_TRY(advance());
        auto where = expression();
        if (!where) return where.error();
        query->where = std::move(*where);
    }
    return query;
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

#undef FOGBANK_SQL_TRY

}  // namespace

Result<Statement> parse_statement(std::string_view sql, std::size_t bytes_max) {
    if (sql.size() > bytes_max) return sql_error(bytes_max, "the statement is longer than " + std::to_string(bytes_max) + " bytes");
    if (!is_valid_utf8(sql)) return sql_error(0, "the statement is not well-formed UTF-8");
    Parser parser(sql);
    if (auto started = parser.start(); !started) return started.error();
    return parser.statement();
}

Result<ExpressionPtr> parse_template_expression(std::string_view text, std::size_t begin, std::size_t& end) {
    Parser parser(text, begin);
    if (auto started = parser.start(); !started) return started.error();
    return parser.template_expression(end);
}

}  // namespace fogbank::rules::sql
