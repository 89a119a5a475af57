#include "rules/parser.h"

#include <algorithm>

#include "common/encoding.h"
#include "rules/detail/parser_class.h"

namespace fogbank::rules::sql {
namespace {

constexpr std::array<std::string_view, 19> reserved_words{"SELECT", "FROM",   "WHERE", "AS",   "AND",  "OR",   "NOT",
                                                          "IN",     "EXISTS", "CASE",  "WHEN", "THEN", "ELSE", "END",
                                                          "TRUE",   "FALSE",  "NULL",  "SET",  "LIKE"};

}  // namespace

bool Parser::at_reserved() const {
    return std::any_of(reserved_words.begin(), reserved_words.end(), [this](auto word) { return at_keyword(word); });
}

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
