/// The parser's class: parser.cpp reads tokens and clauses, parser_expressions.cpp expressions.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "rules/ast.h"
#include "rules/lexer.h"

namespace fogbank::rules::sql {

struct BinaryOperator {
    std::string_view text;
    Operator op;
};
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
    bool at_reserved() const;
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
    Parsed additive();
    Parsed multiplicative();
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

}  // namespace fogbank::rules::sql
