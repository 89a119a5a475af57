// Statements.
#include "store/table/detail/partiql_parser.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/limits.h"

namespace fogbank::store::table {

bool PartiQlParser::take(std::string_view symbol) {
    if (now().kind != PartiQlWord::Kind::symbol || now().text != symbol) return false;
    ++at_;
    return true;
}

bool PartiQlParser::take_word(std::string_view upper) {
    if (!is_word(upper)) return false;
    ++at_;
    return true;
}

Error PartiQlParser::unexpected() const {
    return partiql_error(now().position,
                         now().kind == PartiQlWord::Kind::end ? "Unexpected end of the statement" : "Unexpected `" + now().text + "`");
}

Result<void> PartiQlParser::deeper() {
    if (++depth_ > expression_depth_max)
        return validation("The statement is nested too deeply; maximum depth: " + std::to_string(expression_depth_max));
    return {};
}

Result<PartiQlStatement> PartiQlParser::statement() {
    auto parsed = any_statement();
    if (!parsed) return parsed;
    if (now().kind != PartiQlWord::Kind::end && !(take(";") && now().kind == PartiQlWord::Kind::end)) return unexpected();
    if (parameters_ != nullptr && next_parameter_ != parameters_->size())
        return validation("Number of parameters in request and statement don't match.");
    return parsed;
}

Result<PartiQlStatement> PartiQlParser::any_statement() {
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

Result<void> PartiQlParser::table_name(PartiQlStatement& out) {
    auto table = name();
    if (!table) return table.error();
    out.table = TableName(std::move(*table));
    if (!take(".")) return {};
    auto index = name();
    if (!index) return index.error();
    out.index = std::move(*index);
    return {};
}

Result<void> PartiQlParser::where(PartiQlStatement& out) {
    if (!take_word("WHERE")) return {};
    auto condition = any_of();
    if (!condition) return condition.error();
    out.where = std::move(*condition);
    return {};
}

Result<PartiQlStatement> PartiQlParser::select() {
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

Result<PartiQlStatement> PartiQlParser::insert() {
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

Result<PartiQlStatement> PartiQlParser::update() {
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

Result<PartiQlStatement> PartiQlParser::remove() {
    PartiQlStatement out;
    out.kind = StatementTarget::Kind::remove;
    if (auto word = expect_word("FROM"); !word) return word.error();
    if (auto table = table_name(out); !table) return table.error();
    if (auto condition = where(out); !condition) return condition.error();
    if (auto returned = returning(out); !returned) return returned.error();
    return out;
}

Result<void> PartiQlParser::returning(PartiQlStatement& out) {
    if (!take_word("RETURNING")) return {};
    const bool all = take_word("ALL");
    if (!all && !take_word("MODIFIED")) return unexpected();
    const bool old = take_word("OLD");
    if (!old && !take_word("NEW")) return unexpected();
    out.returning =
        all ? (old ? ReturnValues::all_old : ReturnValues::all_new) : (old ? ReturnValues::updated_old : ReturnValues::updated_new);
    return expect("*");
}

Result<UpdateAction> PartiQlParser::removal() {
    UpdateAction out;
    out.kind = UpdateAction::Kind::remove;
    auto target = path();
    if (!target) return target.error();
    out.path = std::move(*target);
    return out;
}

Result<UpdateAction> PartiQlParser::assignment() {
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

Result<UpdateOperand> PartiQlParser::update_operand() {
    if (auto depth = deeper(); !depth) return depth.error();
    auto out = inner_update_operand();
    --depth_;
    return out;
}

Result<UpdateOperand> PartiQlParser::inner_update_operand() {
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

Result<PartiQlStatement> parse_partiql(std::string_view text, const std::vector<AttributeValue>* parameters) {
    if (text.empty()) return constraint_violated("", "statement", "have length greater than or equal to 1");
    if (text.size() > statement_bytes_max)
        return constraint_violated(std::string(text.substr(0, 64)) + "...", "statement", "have length less than or equal to 8192");
    auto words = split_partiql(text);
    if (!words) return words.error();
    return PartiQlParser(std::move(*words), parameters).statement();
}

}  // namespace fogbank::store::table
