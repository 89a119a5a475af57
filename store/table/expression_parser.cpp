#include "store/table/detail/expression_parser.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "store/table/detail/errors.h"
#include "store/table/detail/expression_lexer.h"
#include "store/table/detail/limits.h"

namespace fogbank::store::table {
namespace {

bool equals_ignoring_case(std::string_view text, std::string_view upper) {
    return std::equal(text.begin(), text.end(), upper.begin(), upper.end(),
                      [](char a, char b) { return (a >= 'a' && a <= 'z' ? static_cast<char>(a - 'a' + 'A') : a) == b; });
}

bool is_keyword(std::string_view word) {
    for (const std::string_view keyword : {"AND", "OR", "NOT", "BETWEEN", "IN"}) {
        if (equals_ignoring_case(word, keyword)) return true;
    }
    return false;
}

/// In the order of UpdateActionSyntax::Kind.
constexpr std::array<std::string_view, 4> update_sections{"SET", "REMOVE", "ADD", "DELETE"};

bool is_comparator(const Token& token) {
    static constexpr std::string_view comparators[] = {"=", "<>", "<", "<=", ">", ">="};
    return token.kind == Token::Kind::symbol &&
           std::find(std::begin(comparators), std::end(comparators), token.text) != std::end(comparators);
}

/// Recursive descent over the tokens; each function leaves `at_` after what it took.
class Parser {
  public:
    explicit Parser(std::string_view text) : text_(text), tokens_(tokenize(text)) {}

    Result<ConditionSyntax> condition() {
        auto parsed = any_of();
        if (parsed && !at_end()) return syntax_error();
        return parsed;
    }

    Result<std::vector<PathSyntax>> projection() {
        std::vector<PathSyntax> paths;
        do {
            auto path = document_path();
            if (!path) return path.error();
            paths.push_back(std::move(*path));
        } while (take(","));
        if (!at_end()) return syntax_error();
        return paths;
    }

    Result<UpdateSyntax> update() {
        UpdateSyntax out;
        std::array<bool, update_sections.size()> used{};
        while (!at_end()) {
            std::size_t section = 0;
            while (section < update_sections.size() && !is_word(update_sections[section])) ++section;
            if (section == update_sections.size()) return syntax_error();
            if (used[section]) {
                return validation("The \"" + std::string(update_sections[section]) +
                                  "\" section can only be used once in an update expression;");
            }
            used[section] = true;
            ++at_;
            do {
                auto action = update_action(static_cast<UpdateActionSyntax::Kind>(section));
                if (!action) return action.error();
                out.actions.push_back(std::move(*action));
            } while (take(","));
        }
        return out;
    }

  private:
    using Kind = ConditionSyntax::Kind;

    Result<UpdateActionSyntax> update_action(UpdateActionSyntax::Kind kind) {
        UpdateActionSyntax out;
        out.kind = kind;
        auto path = document_path();
        if (!path) return path.error();
        out.path = std::move(*path);
        if (kind == UpdateActionSyntax::Kind::remove) return out;
        if (kind == UpdateActionSyntax::Kind::set && !take("=")) return syntax_error();
        if (auto counted = count_operator(); !counted) return counted.error();
        if (kind != UpdateActionSyntax::Kind::set && now().kind != Token::Kind::value_placeholder) return syntax_error();
        auto first = update_operand();
        if (!first) return first.error();
        out.operands.push_back(std::move(*first));
        if (kind != UpdateActionSyntax::Kind::set) return out;
        for (const char sign : {'+', '-'}) {
            if (!take(std::string_view(&sign, 1))) continue;
            if (auto counted = count_operator(); !counted) return counted.error();
            auto second = update_operand();
            if (!second) return second.error();
            out.operands.push_back(std::move(*second));
            out.arithmetic = sign;
            break;
        }
        return out;
    }

    /// SET takes operands in parentheses too.
    Result<OperandSyntax> update_operand() {
        if (!take("(")) return operand();
        if (depth_ >= expression_depth_max) return too_deep();
        ++depth_;
        auto inner = update_operand();
        --depth_;
        if (inner && !take(")")) return syntax_error();
        return inner;
    }

    static Error too_deep() {
        return validation("The expression is nested too deeply; maximum depth: " + std::to_string(expression_depth_max));
    }

    const Token& now() const { return tokens_[at_]; }
    bool at_end() const { return now().kind == Token::Kind::end; }
    bool take(std::string_view symbol) {
        if (now().kind != Token::Kind::symbol || now().text != symbol) return false;
        ++at_;
        return true;
    }
    bool is_word(std::string_view keyword) const {
        return now().kind == Token::Kind::identifier && equals_ignoring_case(now().text, keyword);
    }
    bool take_word(std::string_view keyword) {
        if (!is_word(keyword)) return false;
        ++at_;
        return true;
    }

    /// DynamoDB names the token and quotes it with its neighbours as they were written.
    Error syntax_error() const {
        const Token& first = at_ > 0 ? tokens_[at_ - 1] : now();
        const Token& last = at_ + 1 < tokens_.size() && tokens_[at_ + 1].kind != Token::Kind::end ? tokens_[at_ + 1] : now();
        const std::size_t end = last.kind == Token::Kind::end ? text_.size() : last.position + last.text.size();
        return validation("Syntax error; token: \"" + std::string(now().text) + "\", near: \"" +
                          std::string(text_.substr(first.position, end - first.position)) + "\"");
    }

    Result<void> count_operator() {
        if (++operators_ > expression_operators_max) {
            return validation("The expression contains too many operators; maximum number of operators: " +
                              std::to_string(expression_operators_max));
        }
        return {};
    }

    Result<ConditionSyntax> any_of() { return joined(Kind::any_of, "OR", &Parser::all_of); }
    Result<ConditionSyntax> all_of() { return joined(Kind::all_of, "AND", &Parser::negation); }

    Result<ConditionSyntax> joined(Kind kind, std::string_view keyword, Result<ConditionSyntax> (Parser::*part)()) {
        auto first = (this->*part)();
        if (!first || !is_word(keyword)) return first;
        ConditionSyntax out;
        out.kind = kind;
        out.operation = keyword;
        out.children.push_back(std::move(*first));
        while (take_word(keyword)) {
            if (auto counted = count_operator(); !counted) return counted.error();
            auto next = (this->*part)();
            if (!next) return next;
            out.children.push_back(std::move(*next));
        }
        return out;
    }

    Result<ConditionSyntax> negation() {
        if (depth_ >= expression_depth_max) {
            return too_deep();
        }
        ++depth_;
        auto parsed = take_word("NOT") ? negated() : primary();
        --depth_;
        return parsed;
    }

    Result<ConditionSyntax> negated() {
        if (auto counted = count_operator(); !counted) return counted.error();
        auto inner = negation();
        if (!inner) return inner;
        ConditionSyntax out;
        out.kind = Kind::negation;
        out.operation = "NOT";
        out.children.push_back(std::move(*inner));
        return out;
    }

    Result<ConditionSyntax> primary() {
        if (!take("(")) return predicate();
        auto inner = any_of();
        if (!inner) return inner;
        if (!take(")")) return syntax_error();
        inner->redundant_parentheses = inner->redundant_parentheses || inner->in_parentheses;
        inner->in_parentheses = true;
        return inner;
    }

    Result<ConditionSyntax> predicate() {
        auto first = operand();
        if (!first) return first.error();
        ConditionSyntax out;
        if (is_comparator(now())) {
            out.kind = Kind::comparison;
            out.operation = now().text;
            ++at_;
            return comparison(std::move(out), std::move(*first));
        }
        if (take_word("BETWEEN")) return between(std::move(out), std::move(*first));
        if (take_word("IN")) return membership(std::move(out), std::move(*first));
        if (first->kind != OperandSyntax::Kind::function) return syntax_error();
        out.kind = Kind::function;
        out.operation = std::move(first->name);
        out.operands = std::move(first->arguments);
        return out;
    }

    Result<ConditionSyntax> comparison(ConditionSyntax out, OperandSyntax first) {
        if (auto counted = count_operator(); !counted) return counted.error();
        auto second = operand();
        if (!second) return second.error();
        out.operands.push_back(std::move(first));
        out.operands.push_back(std::move(*second));
        return out;
    }

    Result<ConditionSyntax> between(ConditionSyntax out, OperandSyntax value) {
        if (auto counted = count_operator(); !counted) return counted.error();
        out.kind = Kind::between;
        out.operation = "BETWEEN";
        auto lower = operand();
        if (!lower) return lower.error();
        if (!take_word("AND")) return syntax_error();
        auto upper = operand();
        if (!upper) return upper.error();
        out.operands.push_back(std::move(value));
        out.operands.push_back(std::move(*lower));
        out.operands.push_back(std::move(*upper));
        return out;
    }

    Result<ConditionSyntax> membership(ConditionSyntax out, OperandSyntax value) {
        if (auto counted = count_operator(); !counted) return counted.error();
        out.kind = Kind::in;
        out.operation = "IN";
        out.operands.push_back(std::move(value));
        if (!take("(")) return syntax_error();
        if (auto list = operand_list(out.operands); !list) return list.error();
        if (const std::size_t members = out.operands.size() - 1; members > in_operands_max) {
            return validation("The IN operator is provided with too many operands; number of operands: " + std::to_string(members));
        }
        return out;
    }

    /// After `(`: operands up to and with `)`.
    Result<void> operand_list(std::vector<OperandSyntax>& out) {
        do {
            auto next = operand();
            if (!next) return next.error();
            out.push_back(std::move(*next));
        } while (take(","));
        if (!take(")")) return syntax_error();
        return {};
    }

    Result<OperandSyntax> operand() {
        OperandSyntax out;
        if (now().kind == Token::Kind::value_placeholder) {
            out.kind = OperandSyntax::Kind::value;
            out.name = now().text;
            ++at_;
            return out;
        }
        const bool is_call = now().kind == Token::Kind::identifier && tokens_[at_ + 1].text == "(" && !is_keyword(now().text);
        if (is_call) return call();
        auto path = document_path();
        if (!path) return path.error();
        out.path = std::move(*path);
        return out;
    }

    Result<OperandSyntax> call() {
        if (auto counted = count_operator(); !counted) return counted.error();
        if (depth_ >= expression_depth_max) {
            return too_deep();
        }
        OperandSyntax out;
        out.kind = OperandSyntax::Kind::function;
        out.name = now().text;
        at_ += 2;  // the name and the parenthesis
        ++depth_;
        auto list = operand_list(out.arguments);
        --depth_;
        if (!list) return list.error();
        return out;
    }

    Result<PathSyntax> document_path() {
        PathSyntax path;
        if (auto first = path_name(path); !first) return first.error();
        for (;;) {
            if (take(".")) {
                if (auto next = path_name(path); !next) return next.error();
            } else if (take("[")) {
                if (auto next = path_index(path); !next) return next.error();
            } else {
                return path;
            }
        }
    }

    Result<void> path_name(PathSyntax& path) {
        const bool is_name =
            now().kind == Token::Kind::name_placeholder || (now().kind == Token::Kind::identifier && !is_keyword(now().text));
        if (!is_name) return syntax_error();
        PathStep step;
        step.name = now().text;
        path.push_back(std::move(step));
        ++at_;
        return {};
    }

    Result<void> path_index(PathSyntax& path) {
        if (now().kind != Token::Kind::index) return syntax_error();
        std::uint32_t index = 0;
        const auto [end, error] = std::from_chars(now().text.data(), now().text.data() + now().text.size(), index);
        if (error != std::errc())
            return validation("List index is not within the allowable range; index: [" + std::string(now().text) + "]");
        PathStep step;
        step.index = index;
        path.push_back(std::move(step));
        ++at_;
        if (!take("]")) return syntax_error();
        return {};
    }

    std::string_view text_;
    std::vector<Token> tokens_;
    std::size_t at_ = 0;
    std::size_t operators_ = 0;
    int depth_ = 0;
};

Result<void> check_text(std::string_view text) {
    if (text.size() > expression_bytes_max) {
        return validation("Expression size has exceeded the maximum allowed size; expression size: " + std::to_string(text.size()));
    }
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return validation("The expression can not be empty;");
    return {};
}

}  // namespace

Result<ConditionSyntax> parse_condition(std::string_view text) {
    if (auto checked = check_text(text); !checked) return checked.error();
    return Parser(text).condition();
}

Result<UpdateSyntax> parse_update(std::string_view text) {
    if (auto checked = check_text(text); !checked) return checked.error();
    return Parser(text).update();
}

Result<std::vector<PathSyntax>> parse_projection(std::string_view text) {
    if (auto checked = check_text(text); !checked) return checked.error();
    return Parser(text).projection();
}

}  // namespace fogbank::store::table
