/// Recursive descent over PartiQL's words. The methods are in partiql_parser.cpp (statements), partiql_condition.cpp (WHERE) and
/// partiql_literal.cpp (paths, literals, parameters).
#pragma once

#include "store/table/detail/partiql.h"
#include "store/table/detail/partiql_lexer.h"

namespace fogbank::store::table {

/// One statement; used once. Bounded by expression_depth_max.
class PartiQlParser {
  public:
    PartiQlParser(std::vector<PartiQlWord> words, const std::vector<AttributeValue>* parameters)
        : words_(std::move(words)), parameters_(parameters) {}

    Result<PartiQlStatement> statement();

  private:
    const PartiQlWord& now() const { return words_[at_]; }
    const PartiQlWord& after() const { return words_[std::min(at_ + 1, words_.size() - 1)]; }
    bool take(std::string_view symbol);
    bool is_word(std::string_view upper) const {
        return now().kind == PartiQlWord::Kind::identifier && is_partiql_keyword(now().text, upper);
    }
    bool take_word(std::string_view upper);
    Error unexpected() const;
    Result<void> expect(std::string_view symbol) { return take(symbol) ? Result<void>() : unexpected(); }
    Result<void> expect_word(std::string_view upper) { return take_word(upper) ? Result<void>() : unexpected(); }
    Result<void> deeper();

    // Statements.
    Result<PartiQlStatement> any_statement();
    Result<void> table_name(PartiQlStatement& out);
    Result<void> where(PartiQlStatement& out);
    Result<PartiQlStatement> select();
    Result<PartiQlStatement> insert();
    Result<PartiQlStatement> update();
    Result<PartiQlStatement> remove();
    Result<void> returning(PartiQlStatement& out);
    Result<UpdateAction> removal();
    Result<UpdateAction> assignment();
    Result<UpdateOperand> update_operand();
    Result<UpdateOperand> inner_update_operand();

    // Conditions.
    Result<Condition> joined(ConditionSyntax::Kind kind, std::string_view keyword, Result<Condition> (PartiQlParser::*part)());
    Result<Condition> any_of() { return joined(ConditionSyntax::Kind::any_of, "OR", &PartiQlParser::all_of); }
    Result<Condition> all_of() { return joined(ConditionSyntax::Kind::all_of, "AND", &PartiQlParser::negation); }
    static Condition negated(Condition inner);
    Result<Condition> negation();
    Result<Condition> predicate();
    Result<Condition> comparison(Operand first);
    Result<Condition> presence(Operand operand);
    Result<Condition> call(ConditionFunction function);
    Result<void> members(Condition& out);
    Result<Operand> operand();

    // Paths, literals, parameters.
    bool is_path() const;
    Result<std::string> name();
    Result<DocumentPath> path();
    Result<AttributeValue> literal();
    Result<AttributeValue> inner_literal();
    Result<AttributeValue> parameter();
    Result<AttributeValue> list();
    Result<AttributeValue> set();
    Result<AttributeValue> map();

    std::vector<PartiQlWord> words_;
    const std::vector<AttributeValue>* parameters_;
    std::size_t at_ = 0, next_parameter_ = 0;
    int depth_ = 0;
};

}  // namespace fogbank::store::table
