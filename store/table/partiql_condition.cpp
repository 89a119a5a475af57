// WHERE: the same conditions as ConditionExpression has.
#include "store/table/detail/errors.h"
#include "store/table/detail/limits.h"
#include "store/table/detail/partiql_parser.h"

namespace fogbank::store::table {

namespace {

using Kind = ConditionSyntax::Kind;

struct FunctionName {
    std::string_view name;
    ConditionFunction function;
};

}  // namespace

Result<Condition> PartiQlParser::joined(Kind kind, std::string_view keyword, Result<Condition> (PartiQlParser::*part)()) {
    auto first = (this->*part)();
    if (!first || !is_word(keyword)) return first;
    Condition out;
    out.kind = kind;
    out.children.push_back(std::move(*first));
    while (take_word(keyword)) {
        auto next = (this->*part)();
        if (!next) return next;
        out.children.push_back(std::move(*next));
    }
    return out;
}

Condition PartiQlParser::negated(Condition inner) {
    Condition out;
    out.kind = Kind::negation;
    out.children.push_back(std::move(inner));
    return out;
}

Result<Condition> PartiQlParser::negation() {
    if (auto depth = deeper(); !depth) return depth.error();
    Result<Condition> out = Condition();
    if (take_word("NOT")) {
        out = negation();
        if (out) out = negated(std::move(*out));
    } else if (take("(")) {
        out = any_of();
        if (out && !take(")")) out = unexpected();
    } else {
        out = predicate();
    }
    --depth_;
    return out;
}

Result<Condition> PartiQlParser::predicate() {
    static constexpr FunctionName functions[] = {{"BEGINS_WITH", ConditionFunction::begins_with},
                                                 {"CONTAINS", ConditionFunction::contains},
                                                 {"ATTRIBUTE_TYPE", ConditionFunction::attribute_type},
                                                 {"ATTRIBUTE_EXISTS", ConditionFunction::attribute_exists},
                                                 {"ATTRIBUTE_NOT_EXISTS", ConditionFunction::attribute_not_exists}};
    for (const auto& [function_name, function] : functions) {
        if (is_word(function_name) && after().kind == PartiQlWord::Kind::symbol && after().text == "(") return call(function);
    }
    auto first = operand();
    if (!first) return first.error();
    if (take_word("IS")) return presence(std::move(*first));
    const bool is_negated = take_word("NOT");
    Condition out;
    if (take_word("BETWEEN")) {
        out.kind = Kind::between;
        auto lower = operand();
        if (!lower) return lower.error();
        if (auto word = expect_word("AND"); !word) return word.error();
        auto upper = operand();
        if (!upper) return upper.error();
        out.operands = {std::move(*first), std::move(*lower), std::move(*upper)};
    } else if (take_word("IN")) {
        out.kind = Kind::in;
        out.operands.push_back(std::move(*first));
        if (auto list = members(out); !list) return list.error();
    } else {
        if (is_negated) return unexpected();
        return comparison(std::move(*first));
    }
    return is_negated ? negated(std::move(out)) : out;
}

Result<Condition> PartiQlParser::comparison(Operand first) {
    static constexpr std::pair<std::string_view, Comparator> comparators[] = {
        {"=", Comparator::equal},          {"<>", Comparator::not_equal}, {"!=", Comparator::not_equal},       {"<", Comparator::less},
        {"<=", Comparator::less_or_equal}, {">", Comparator::greater},    {">=", Comparator::greater_or_equal}};
    for (const auto& [symbol, comparator] : comparators) {
        if (!take(symbol)) continue;
        Condition out;
        out.kind = Kind::comparison;
        out.comparator = comparator;
        auto second = operand();
        if (!second) return second.error();
        out.operands = {std::move(first), std::move(*second)};
        return out;
    }
    return unexpected();
}

Result<Condition> PartiQlParser::presence(Operand operand) {
    const bool is_negated = take_word("NOT");
    Condition out;
    out.kind = Kind::function;
    if (take_word("MISSING")) {
        out.function = ConditionFunction::attribute_not_exists;
        out.operands.push_back(std::move(operand));
    } else if (take_word("NULL")) {
        out.function = ConditionFunction::attribute_type;
        Operand type;
        type.value = AttributeValue("NULL");
        out.operands = {std::move(operand), std::move(type)};
    } else {
        return unexpected();
    }
    return is_negated ? negated(std::move(out)) : out;
}

Result<Condition> PartiQlParser::call(ConditionFunction function) {
    at_ += 2;
    Condition out;
    out.kind = Kind::function;
    out.function = function;
    do {
        auto argument = operand();
        if (!argument) return argument.error();
        out.operands.push_back(std::move(*argument));
    } while (take(","));
    if (auto close = expect(")"); !close) return close.error();
    const bool one = function == ConditionFunction::attribute_exists || function == ConditionFunction::attribute_not_exists;
    if (out.operands.size() != (one ? 1U : 2U)) return validation("Incorrect number of operands for a function in the statement");
    return out;
}

Result<void> PartiQlParser::members(Condition& out) {
    const bool brackets = take("[");
    if (!brackets && !take("(")) return unexpected();
    do {
        auto one = operand();
        if (!one) return one.error();
        out.operands.push_back(std::move(*one));
    } while (take(","));
    if (out.operands.size() - 1 > in_operands_max)
        return validation("The IN operator is provided with too many operands; number of operands: " +
                          std::to_string(out.operands.size() - 1));
    return expect(brackets ? "]" : ")");
}

Result<Operand> PartiQlParser::operand() {
    Operand out;
    if (is_word("SIZE") && after().text == "(") {
        at_ += 2;
        auto source = path();
        if (!source) return source.error();
        out.path = std::move(*source);
        out.is_size = true;
        if (auto close = expect(")"); !close) return close.error();
        return out;
    }
    if (is_path()) {
        auto source = path();
        if (!source) return source.error();
        out.path = std::move(*source);
        return out;
    }
    auto value = literal();
    if (!value) return value.error();
    out.value = std::move(*value);
    return out;
}

}  // namespace fogbank::store::table
