// Recursive descent over PartiQL's text.
#include <algorithm>
#include <cctype>
#include <charconv>

#include "store/table/detail/errors.h"
#include "store/table/detail/limits.h"
#include "store/table/detail/number.h"
#include "store/table/detail/partiql.h"
#include "store/table/detail/value_check.h"

namespace fogbank::store::table {
namespace {

using Kind = ConditionSyntax::Kind;

struct Word {
    enum class Kind : unsigned char { identifier, quoted, string, number, symbol, end };
    Kind kind = Kind::end;
    std::string text;
    std::size_t position = 0;
};

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool same_word(std::string_view a, std::string_view upper) {
    return std::equal(a.begin(), a.end(), upper.begin(), upper.end(),
                      [](char x, char y) { return std::toupper(static_cast<unsigned char>(x)) == y; });
}

Error at_position(std::size_t position, const std::string& why) {
    return validation("Statement wasn't well formed, can't be processed: " + why + " at byte " + std::to_string(position + 1));
}

/// `'it''s'` or `"a""b"`: up to the single quote mark; two stand for one.
Result<std::string> quoted_text(std::string_view text, std::size_t& at) {
    const char mark = text[at];
    const std::size_t begin = at++;
    std::string out;
    for (; at < text.size(); ++at) {
        if (text[at] != mark) {
            out += text[at];
        } else if (at + 1 < text.size() && text[at + 1] == mark) {
            out += text[at++];
        } else {
            ++at;
            return out;
        }
    }
    return at_position(begin, "Unterminated quoted text");
}

std::string symbol_at(std::string_view rest) {
    for (const std::string_view two : {"<<", ">>", "<>", "<=", ">=", "!="}) {
        if (rest.starts_with(two)) return std::string(two);
    }
    return std::string(rest.substr(0, 1));
}

Result<std::vector<Word>> split(std::string_view text) {
    std::vector<Word> words;
    std::size_t at = 0;
    while (at < text.size()) {
        if (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r') {
            ++at;
            continue;
        }
        Word word;
        word.position = at;
        if (is_letter(text[at])) {
            word.kind = Word::Kind::identifier;
            const std::size_t begin = at;
            while (at < text.size() && (is_letter(text[at]) || is_digit(text[at]))) ++at;
            word.text = text.substr(begin, at - begin);
        } else if (is_digit(text[at]) || (text[at] == '.' && at + 1 < text.size() && is_digit(text[at + 1]))) {
            word.kind = Word::Kind::number;
            const std::size_t begin = at;
            while (at < text.size() && (is_digit(text[at]) || text[at] == '.' || text[at] == 'e' || text[at] == 'E' ||
                                        ((text[at] == '+' || text[at] == '-') && (text[at - 1] == 'e' || text[at - 1] == 'E'))))
                ++at;
            word.text = text.substr(begin, at - begin);
        } else if (text[at] == '\'' || text[at] == '"') {
            word.kind = text[at] == '"' ? Word::Kind::quoted : Word::Kind::string;
            auto content = quoted_text(text, at);
            if (!content) return content.error();
            word.text = std::move(*content);
        } else {
            word.kind = Word::Kind::symbol;
            word.text = symbol_at(text.substr(at));
            at += word.text.size();
        }
        words.push_back(std::move(word));
    }
    Word end;
    end.position = text.size();
    words.push_back(std::move(end));
    return words;
}

class Parser {
  public:
    Parser(std::vector<Word> words, const std::vector<AttributeValue>* parameters) : words_(std::move(words)), parameters_(parameters) {}

    Result<PartiQlStatement> statement() {
        auto parsed = any_statement();
        if (!parsed) return parsed;
        if (now().kind != Word::Kind::end && !(take(";") && now().kind == Word::Kind::end)) return unexpected();
        if (parameters_ != nullptr && next_parameter_ != parameters_->size())
            return validation("Number of parameters in request and statement don't match.");
        return parsed;
    }

  private:
    const Word& now() const { return words_[at_]; }
    const Word& after() const { return words_[std::min(at_ + 1, words_.size() - 1)]; }
    bool take(std::string_view symbol) {
        if (now().kind != Word::Kind::symbol || now().text != symbol) return false;
        ++at_;
        return true;
    }
    bool is_word(std::string_view upper) const { return now().kind == Word::Kind::identifier && same_word(now().text, upper); }
    bool take_word(std::string_view upper) {
        if (!is_word(upper)) return false;
        ++at_;
        return true;
    }
    Error unexpected() const {
        return at_position(now().position,
                           now().kind == Word::Kind::end ? "Unexpected end of the statement" : "Unexpected `" + now().text + "`");
    }
    Result<void> expect(std::string_view symbol) { return take(symbol) ? Result<void>() : unexpected(); }
    Result<void> expect_word(std::string_view upper) { return take_word(upper) ? Result<void>() : unexpected(); }
    Result<void> deeper() {
        if (++depth_ > expression_depth_max)
            return validation("The statement is nested too deeply; maximum depth: " + std::to_string(expression_depth_max));
        return {};
    }

    Result<PartiQlStatement> any_statement() {
        if (take_word("SELECT")) return select();
        if (take_word("INSERT")) return insert();
        if (take_word("UPDATE")) return update();
        if (take_word("DELETE")) return remove();
        if (take_word("EXISTS")) {
            if (auto open = expect("("); !open) return open.error();
            if (auto word = expect_word("SELECT"); !word) return word.error();
            auto inner = select();
            if (!inner) return inner;
            if (auto close = expect(")"); !close) return close.error();
            inner->is_exists = true;
            return inner;
        }
        return unexpected();
    }

    Result<std::string> name() {
        if (now().kind != Word::Kind::identifier && now().kind != Word::Kind::quoted) return unexpected();
        return words_[at_++].text;
    }

    Result<void> table_name(PartiQlStatement& out) {
        auto table = name();
        if (!table) return table.error();
        out.table = TableName(std::move(*table));
        if (!take(".")) return {};
        auto index = name();
        if (!index) return index.error();
        out.index = std::move(*index);
        return {};
    }

    Result<void> where(PartiQlStatement& out) {
        if (!take_word("WHERE")) return {};
        auto condition = any_of();
        if (!condition) return condition.error();
        out.where = std::move(*condition);
        return {};
    }

    Result<PartiQlStatement> select() {
        PartiQlStatement out;
        if (!take("*")) {
            do {
                auto one = path();
                if (!one) return one.error();
                out.paths.push_back(std::move(*one));
            } while (take(","));
        }
        if (auto word = expect_word("FROM"); !word) return word.error();
        if (auto table = table_name(out); !table) return table.error();
        if (auto condition = where(out); !condition) return condition.error();
        if (!take_word("ORDER")) return out;
        if (auto word = expect_word("BY"); !word) return word.error();
        do {
            if (auto key = path(); !key) return key.error();
            const bool descending = take_word("DESC");
            if (!descending) take_word("ASC");
            if (!out.descending || descending) out.descending = descending;
        } while (take(","));
        return out;
    }

    Result<PartiQlStatement> insert() {
        PartiQlStatement out;
        out.kind = StatementTarget::Kind::insert;
        if (auto word = expect_word("INTO"); !word) return word.error();
        if (auto table = table_name(out); !table) return table.error();
        if (!take_word("VALUE") && !take_word("VALUES")) return unexpected();
        auto item = literal();
        if (!item) return item.error();
        if (item->map() == nullptr) return validation("The value of an INSERT statement must be a tuple");
        out.item = std::move(*item->map());
        return out;
    }

    Result<PartiQlStatement> update() {
        PartiQlStatement out;
        out.kind = StatementTarget::Kind::update;
        if (auto table = table_name(out); !table) return table.error();
        while (is_word("SET") || is_word("REMOVE")) {
            const bool sets = take_word("SET");
            if (!sets) take_word("REMOVE");
            do {
                auto action = sets ? assignment() : removal();
                if (!action) return action.error();
                out.actions.push_back(std::move(*action));
            } while (take(","));
        }
        if (out.actions.empty()) return unexpected();
        if (auto condition = where(out); !condition) return condition.error();
        if (auto returned = returning(out); !returned) return returned.error();
        return out;
    }

    Result<PartiQlStatement> remove() {
        PartiQlStatement out;
        out.kind = StatementTarget::Kind::remove;
        if (auto word = expect_word("FROM"); !word) return word.error();
        if (auto table = table_name(out); !table) return table.error();
        if (auto condition = where(out); !condition) return condition.error();
        if (auto returned = returning(out); !returned) return returned.error();
        return out;
    }

    Result<void> returning(PartiQlStatement& out) {
        if (!take_word("RETURNING")) return {};
        const bool all = take_word("ALL");
        if (!all && !take_word("MODIFIED")) return unexpected();
        const bool old = take_word("OLD");
        if (!old && !take_word("NEW")) return unexpected();
        out.returning =
            all ? (old ? ReturnValues::all_old : ReturnValues::all_new) : (old ? ReturnValues::updated_old : ReturnValues::updated_new);
        return expect("*");
    }

    Result<UpdateAction> removal() {
        UpdateAction out;
        out.kind = UpdateAction::Kind::remove;
        auto target = path();
        if (!target) return target.error();
        out.path = std::move(*target);
        return out;
    }

    Result<UpdateAction> assignment() {
        UpdateAction out;
        auto target = path();
        if (!target) return target.error();
        out.path = std::move(*target);
        if (auto equals = expect("="); !equals) return equals.error();
        if (is_word("SET_ADD") || is_word("SET_DELETE")) {
            out.kind = is_word("SET_ADD") ? UpdateAction::Kind::add : UpdateAction::Kind::subtract_set;
            ++at_;
            if (auto open = expect("("); !open) return open.error();
            if (auto source = path(); !source) return source.error();
            if (auto comma = expect(","); !comma) return comma.error();
            auto value = literal();
            if (!value) return value.error();
            out.value = std::move(*value);
            if (auto close = expect(")"); !close) return close.error();
            return out;
        }
        auto left = update_operand();
        if (!left) return left.error();
        out.left = std::move(*left);
        for (const char sign : {'+', '-'}) {
            if (!take(std::string_view(&sign, 1))) continue;
            auto right = update_operand();
            if (!right) return right.error();
            out.right = std::move(*right);
            out.arithmetic = sign;
            break;
        }
        return out;
    }

    Result<UpdateOperand> update_operand() {
        if (auto depth = deeper(); !depth) return depth.error();
        auto out = inner_update_operand();
        --depth_;
        return out;
    }

    Result<UpdateOperand> inner_update_operand() {
        UpdateOperand out;
        if (is_word("LIST_APPEND") || is_word("IF_NOT_EXISTS")) {
            out.kind = is_word("LIST_APPEND") ? UpdateOperand::Kind::list_append : UpdateOperand::Kind::if_not_exists;
            ++at_;
            if (auto open = expect("("); !open) return open.error();
            if (out.kind == UpdateOperand::Kind::if_not_exists) {
                auto source = path();
                if (!source) return source.error();
                out.path = std::move(*source);
            } else {
                auto first = update_operand();
                if (!first) return first;
                out.inner.push_back(std::move(*first));
            }
            if (auto comma = expect(","); !comma) return comma.error();
            auto second = update_operand();
            if (!second) return second;
            out.inner.push_back(std::move(*second));
            if (auto close = expect(")"); !close) return close.error();
            return out;
        }
        if (is_path()) {
            auto source = path();
            if (!source) return source.error();
            out.kind = UpdateOperand::Kind::path;
            out.path = std::move(*source);
            return out;
        }
        auto value = literal();
        if (!value) return value.error();
        out.value = std::move(*value);
        return out;
    }

    // Conditions.

    Result<Condition> joined(Kind kind, std::string_view keyword, Result<Condition> (Parser::*part)()) {
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
    Result<Condition> any_of() { return joined(Kind::any_of, "OR", &Parser::all_of); }
    Result<Condition> all_of() { return joined(Kind::all_of, "AND", &Parser::negation); }

    static Condition negated(Condition inner) {
        Condition out;
        out.kind = Kind::negation;
        out.children.push_back(std::move(inner));
        return out;
    }

    Result<Condition> negation() {
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

    struct FunctionName {
        std::string_view name;
        ConditionFunction function;
    };

    Result<Condition> predicate() {
        static constexpr FunctionName functions[] = {{"BEGINS_WITH", ConditionFunction::begins_with},
                                                     {"CONTAINS", ConditionFunction::contains},
                                                     {"ATTRIBUTE_TYPE", ConditionFunction::attribute_type},
                                                     {"ATTRIBUTE_EXISTS", ConditionFunction::attribute_exists},
                                                     {"ATTRIBUTE_NOT_EXISTS", ConditionFunction::attribute_not_exists}};
        for (const auto& [function_name, function] : functions) {
            if (is_word(function_name) && after().kind == Word::Kind::symbol && after().text == "(") return call(function);
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

    Result<Condition> comparison(Operand first) {
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

    Result<Condition> presence(Operand operand) {
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

    Result<Condition> call(ConditionFunction function) {
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

    Result<void> members(Condition& out) {
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

    Result<Operand> operand() {
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

    bool is_path() const {
        if (now().kind == Word::Kind::quoted) return true;
        return now().kind == Word::Kind::identifier && !is_word("TRUE") && !is_word("FALSE") && !is_word("NULL");
    }

    Result<DocumentPath> path() {
        DocumentPath out;
        auto first = name();
        if (!first) return first.error();
        PathStep top;
        top.name = std::move(*first);
        out.steps.push_back(std::move(top));
        for (;;) {
            PathStep step;
            if (take(".")) {
                auto next = name();
                if (!next) return next.error();
                step.name = std::move(*next);
            } else if (now().text == "[" && now().kind == Word::Kind::symbol && after().kind == Word::Kind::number) {
                ++at_;
                std::uint32_t index = 0;
                const std::string& digits = now().text;
                const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
                if (error != std::errc() || end != digits.data() + digits.size()) return unexpected();
                ++at_;
                step.index = index;
                if (auto close = expect("]"); !close) return close.error();
            } else {
                return out;
            }
            out.steps.push_back(std::move(step));
        }
    }

    // Literals.

    Result<AttributeValue> literal() {
        if (auto depth = deeper(); !depth) return depth.error();
        auto value = inner_literal();
        --depth_;
        return value;
    }

    Result<AttributeValue> inner_literal() {
        if (take("?")) return parameter();
        if (take_word("TRUE")) return AttributeValue(true);
        if (take_word("FALSE")) return AttributeValue(false);
        if (take_word("NULL")) return AttributeValue(Null());
        if (now().kind == Word::Kind::string) return AttributeValue(words_[at_++].text);
        const bool negative = take("-");
        if (now().kind == Word::Kind::number) {
            auto number = parse_number((negative ? "-" : "") + words_[at_++].text);
            if (!number) return number.error();
            return AttributeValue(*number);
        }
        if (negative) return unexpected();
        if (take("[")) return list();
        if (take("<<")) return set();
        if (take("{")) return map();
        return unexpected();
    }

    Result<AttributeValue> parameter() {
        if (parameters_ == nullptr) return AttributeValue(Null());
        if (next_parameter_ >= parameters_->size()) return validation("Number of parameters in request and statement don't match.");
        return (*parameters_)[next_parameter_++];
    }

    Result<AttributeValue> list() {
        List out;
        if (take("]")) return AttributeValue(std::move(out));
        do {
            auto one = literal();
            if (!one) return one;
            out.push_back(std::move(*one));
        } while (take(","));
        if (auto close = expect("]"); !close) return close.error();
        return AttributeValue(std::move(out));
    }

    Result<AttributeValue> set() {
        StringSet strings;
        NumberSet numbers;
        do {
            auto one = literal();
            if (!one) return one;
            if (one->string() != nullptr) strings.insert(*one->string());
            if (one->number() != nullptr) numbers.insert(*one->number());
            if (one->string() == nullptr && one->number() == nullptr) return unexpected();
        } while (take(","));
        if (auto close = expect(">>"); !close) return close.error();
        if (!strings.empty() && !numbers.empty()) return validation("All members of a set must be of one type");
        return strings.empty() ? AttributeValue(std::move(numbers)) : AttributeValue(std::move(strings));
    }

    Result<AttributeValue> map() {
        Item out;
        if (take("}")) return AttributeValue(std::move(out));
        do {
            if (now().kind != Word::Kind::string && now().kind != Word::Kind::quoted) return unexpected();
            std::string key = words_[at_++].text;
            if (auto colon = expect(":"); !colon) return colon.error();
            auto value = literal();
            if (!value) return value;
            out.insert_or_assign(std::move(key), std::move(*value));
        } while (take(","));
        if (auto close = expect("}"); !close) return close.error();
        return AttributeValue(std::move(out));
    }

    std::vector<Word> words_;
    const std::vector<AttributeValue>* parameters_;
    std::size_t at_ = 0, next_parameter_ = 0;
    int depth_ = 0;
};

std::optional<AttributeCondition> key_condition_of(const Condition& condition) {
    using Operation = AttributeCondition::Operation;
    const auto is_literal = [](const Operand& operand) { return !operand.is_path() && !operand.is_size; };
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

}  // namespace

Result<PartiQlStatement> parse_partiql(std::string_view text, const std::vector<AttributeValue>* parameters) {
    if (text.empty()) return constraint_violated("", "statement", "have length greater than or equal to 1");
    if (text.size() > statement_bytes_max)
        return constraint_violated(std::string(text.substr(0, 64)) + "...", "statement", "have length less than or equal to 8192");
    auto words = split(text);
    if (!words) return words.error();
    return Parser(std::move(*words), parameters).statement();
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
