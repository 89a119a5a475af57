// Random statements on random payloads: the compiled form must agree with the obvious interpreter.

#include "tests/rules/oracle.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <random>

#include "tests/rules/sql_harness.h"

namespace fogbank::rules {
namespace {

using oracle::Datum;
using oracle::Tree;
using Kind = Datum::Kind;

const std::vector<std::string> field_names{"a", "b", "c", "d", "e"};

class Generator {
  public:
    explicit Generator(std::uint32_t seed) : random_(seed) {}

    /// A payload value with its JSON text as a device might write it.
    Datum datum(int depth) {
        Datum out;
        switch (pick(depth > 0 ? 9 : 6)) {
            case 0:
                out.kind = Kind::null;
                return out;
            case 1:
                return scalar("true").literal;
            case 2:
                return scalar("false").literal;
            case 3:
            case 4:
                return scalar(number_texts[pick(number_texts.size())]).literal;
            case 5:
                return scalar("'" + strings[pick(strings.size())] + "'").literal;
            case 6:
            case 7:
                out.kind = Kind::array;
                for (std::size_t i = pick(4); i > 0; --i) out.items.push_back(datum(depth - 1));
                return out;
            default:
                break;
        }
        out.kind = Kind::object;
        for (const std::string& name : field_names) {
            if (pick(2) == 0) out.members.emplace_back(name, datum(depth - 1));
        }
        return out;
    }

    Tree tree(int depth) {
        if (depth == 0 || pick(6) == 0) return leaf();
        switch (pick(17)) {
            case 0:
            case 1:
                return node(operators[pick(operators.size())], depth, 2);
            case 2:
                return node(comparisons[pick(comparisons.size())], depth, 2);
            case 3:
                return node(pick(2) == 0 ? "AND" : "OR", depth, 2);
            case 4:
                return node(pick(2) == 0 ? "NOT" : "negate", depth, 1);
            case 5:
                return cast(depth);
            case 6:
                return node("case", depth, 3 + pick(3));
            case 7:
                return container(depth);
            case 8:
                return query(depth);
            case 9:
                return node(pick(2) == 0 ? "isUndefined" : "isNull", depth, 1);
            case 10:
                return node(pick(2) == 0 ? "nanvl" : "get", depth, 2);
            case 11:
            case 12:
                return node(functions1[pick(functions1.size())], depth, 1);
            case 13:
            case 14:
                return node(functions2[pick(functions2.size())], depth, 2);
            case 15:
                return function(depth);
            default:
                break;
        }
        Tree member = node("member", depth, 1);
        member.names = {field_names[pick(field_names.size())]};
        return member;
    }

    /// Variables that expressions may read from now on.
    std::vector<Tree> variables;

    /// The statement's own SELECT list.
    std::vector<oracle::Item> items() {
        std::vector<oracle::Item> out(1 + pick(4));
        for (oracle::Item& item : out) {
            item.star = pick(6) == 0;
            item.tree = tree(3);
            for (std::size_t i = item.star ? pick(2) : 1 + pick(3) / 2; i > 0; --i)
                item.alias.push_back(field_names[pick(field_names.size())]);
        }
        return out;
    }

    std::size_t pick(std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_); }

  private:
    Tree leaf() {
        if (!variables.empty() && pick(4) == 0) return variables[pick(variables.size())];
        if (pick(12) == 0) return time();
        if (pick(2) == 0) {
            Tree field;
            field.op = "field";
            for (std::size_t i = 1 + pick(2); i > 0; --i) field.names.push_back(field_names[pick(field_names.size())]);
            return field;
        }
        switch (pick(4)) {
            case 0:
                return scalar("NULL");
            case 1:
                return scalar(pick(2) == 0 ? "true" : "false");
            case 2:
                return scalar("'" + strings[pick(strings.size())] + "'");
            default:
                break;
        }
        std::string text = number_texts[pick(number_texts.size())];
        if (text[0] == '-') text.erase(0, 1);
        return scalar(text);
    }

    static Tree scalar(const std::string& text) {
        Tree out;
        out.op = "literal";
        out.text = text;
        Datum& d = out.literal;
        if (text == "NULL") {
            d.kind = Kind::null;
        } else if (text == "true" || text == "false") {
            d.kind = Kind::boolean;
            d.boolean = text == "true";
        } else if (text[0] == '\'') {
            d.kind = Kind::string;
            d.text = text.substr(1, text.size() - 2);
        } else {
            d.number = Decimal::parse_rounded(text, 34).value_or(Decimal());
            d.kind = d.number.is_integer() ? Kind::integer : Kind::decimal;
        }
        return out;
    }

    Tree node(const std::string& op, int depth, std::size_t children) {
        Tree out;
        out.op = op;
        for (std::size_t i = 0; i < children; ++i) out.children.push_back(tree(depth - 1));
        return out;
    }

    Tree function(int depth) {
        switch (pick(4)) {
            case 0:
                return node("substring", depth, 2 + pick(2));
            case 1:
                return node("replace", depth, 3);
            case 2:
                return node("concat", depth, 1 + pick(6));
            default:
                break;
        }
        return node(pick(2) == 0 ? "lpad" : "rpad", depth, 2);
    }

    /// A time there or back; years 1653 to 2286.
    Tree time() {
        Tree out;
        const auto ms = std::uniform_int_distribution<std::int64_t>(-10'000'000'000'000, 9'999'999'999'999)(random_);
        const Tree pattern = scalar("'yyyy-MM-dd HH:mm:ss'");
        out.op = "parse_time";
        out.children = {pattern, scalar(std::to_string(ms))};
        if (pick(2) == 0) return out;
        const Datum written = oracle::evaluate(out, Datum());
        out.op = "time_to_epoch";
        out.children = {scalar("'" + written.text + "'"), pattern};
        return out;
    }

    Tree cast(int depth) {
        Tree out = node("cast", depth, 1);
        const std::vector<std::string> types{"String", "Boolean", "Int", "Decimal"};
        out.text = types[pick(types.size())];
        return out;
    }

    Tree container(int depth) {
        const bool array = pick(2) == 0;
        Tree out = node(array ? "array" : "object", depth, pick(4));
        for (std::size_t i = 0; !array && i < out.children.size(); ++i) out.names.push_back(field_names[i]);
        return out;
    }

    /// children: FROM, WHERE (true more often than not), item.
    Tree query(int depth) {
        const bool value = pick(2) == 0;
        const std::size_t items = value ? 1 : 1 + pick(3);
        Tree out = node(pick(3) == 0 ? "exists" : "select", depth, 2 + items);
        if (pick(2) == 0) out.children[1] = scalar("true");
        if (out.children[0].op == "literal") out.children[0] = leaf();
        if (value) out.names = {"VALUE"};
        for (std::size_t i = 0; !value && i < items; ++i) out.names.push_back(field_names[pick(field_names.size())]);
        return out;
    }

    const std::vector<std::string> number_texts{"0",   "1", "2", "-7", "10", "3.5", "-0.25", "10.0", "1e3", "12345678901234567890",
                                                "0.1", "33"};
    const std::vector<std::string> strings{"", "a", "red", "5", "-2.5", "TRUE", "false", "1e2", ".5", "x y", " pad ", "h\xC3\xA9"};
    const std::vector<std::string> operators{"+", "-", "*", "/", "%", "+"};
    const std::vector<std::string> comparisons{"=", "<>", "<", "<=", ">", ">=", "IN"};
    const std::vector<std::string> functions1{"abs",  "ceil",  "floor", "round",  "sign",     "upper", "lower",
                                              "trim", "ltrim", "rtrim", "length", "numbytes", "concat"};
    const std::vector<std::string> functions2{"trunc",  "mod",        "remainder", "bitand", "bitor",
                                              "bitxor", "startswith", "endswith",  "indexof"};
    std::mt19937 random_;
};

/// A number from the environment, for longer runs.
std::uint32_t setting(const char* name, std::uint32_t fallback) {
    const char* text = std::getenv(name);
    return text == nullptr ? fallback : static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
}

std::string sql_of(const std::vector<oracle::Item>& items) {
    std::string out;
    for (const oracle::Item& item : items) {
        out += (out.empty() ? "" : ", ") + (item.star ? std::string("*") : oracle::sql(item.tree));
        for (std::size_t i = 0; i < item.alias.size(); ++i) out += (i == 0 ? " AS " : ".") + item.alias[i];
    }
    return out;
}

/// `SET @v0 = …, @v1 = … `, and makes the variables known to the generator.
std::string assignments(Generator& generator, const Datum& payload) {
    std::string out;
    generator.variables.clear();
    for (std::size_t i = generator.pick(3); i > 0; --i) {
        const Tree value = generator.tree(2);
        Tree variable;
        variable.op = "variable";
        variable.text = "@v" + std::to_string(generator.variables.size());
        variable.literal = oracle::evaluate(value, payload);
        out += (out.empty() ? "SET " : ", ") + variable.text + " = " + oracle::sql(value);
        generator.variables.push_back(std::move(variable));
    }
    return out.empty() ? out : out + " ";
}

TEST(SqlOracle, CompiledStatementsAgreeWithTheObviousInterpreter) {
    // FOGBANK_ORACLE_STATEMENTS and FOGBANK_ORACLE_SEED: a longer run, or another one.
    const std::uint32_t statements = setting("FOGBANK_ORACLE_STATEMENTS", 5'000);
    std::uint32_t defined = 0;
    std::uint32_t filtered = 0;
    Generator generator(setting("FOGBANK_ORACLE_SEED", 20151008));
    for (std::uint32_t i = 0; i < statements; ++i) {
        Datum payload = generator.datum(3);
        if (payload.kind != Kind::object) payload = Datum{Kind::object, false, {}, {}, {}, {{"a", payload}, {"b", generator.datum(2)}}};
        const std::string set = assignments(generator, payload);
        const bool one_value = generator.pick(2) == 0;
        const Tree item = generator.tree(4);
        const std::vector<oracle::Item> items = generator.items();
        const bool whole = !one_value && items.size() == 1 && items[0].star && items[0].alias.empty();
        const bool with_where = generator.pick(4) == 0;
        const Tree where = generator.tree(3);
        testing::Published published;
        published.payload = oracle::json(payload);
        const std::string list = one_value ? "VALUE (" + oracle::sql(item) + ")" : sql_of(items);
        const std::string text = set + "SELECT " + list + " FROM 't'" + (with_where ? " WHERE " + oracle::sql(where) : "");
        const auto answer = testing::run_statement(text, sql::Version::v2016_03_23, published);
        const Datum passes = oracle::evaluate(where, payload);
        const bool expect_none = with_where && (passes.kind != Kind::boolean || !passes.boolean);
        const Datum selected = one_value ? oracle::evaluate(item, payload) : whole ? payload : oracle::select_items(items, payload);
        const std::string expected = oracle::json(selected);
        ASSERT_EQ(answer.error.value_or(""), "") << text;
        ASSERT_EQ(answer.none, expect_none) << text << "\n" << published.payload;
        if (!expect_none) {
            ASSERT_EQ(*answer.output, expected) << text << "\n" << published.payload;
        }
        filtered += expect_none ? 1 : 0;
        defined += expected.empty() ? 0 : 1;
    }
    // The generator must not drift into statements that say nothing.
    EXPECT_GT(defined, statements / 4);
    EXPECT_GT(filtered, statements / 20);
}

}  // namespace
}  // namespace fogbank::rules
