// The obvious interpreter (declared in tests/rules/oracle.h) and a check that it is not blind.

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "tests/rules/oracle.h"

namespace fogbank::rules {
namespace oracle {

using Kind = Datum::Kind;

Datum boolean(bool value) {
    Datum out;
    out.kind = Kind::boolean;
    out.boolean = value;
    return out;
}

Datum string(std::string text) {
    Datum out;
    out.kind = Kind::string;
    out.text = std::move(text);
    return out;
}

Datum number(const std::optional<Decimal>& value) {
    Datum out;
    if (!value || value->magnitude() > 999 || value->magnitude() < -999) return out;
    out.kind = value->is_integer() && value->magnitude() < 34 ? Kind::integer : Kind::decimal;
    out.number = *value;
    return out;
}

namespace {

bool is_number(const Datum& d) {
    return d.kind == Kind::integer || d.kind == Kind::decimal;
}

/// Section 4, the row of Strings, as a state machine: sign, digits, fraction, exponent.
bool looks_numeric(const std::string& text) {
    std::size_t i = 0;
    const auto digits = [&] {
        const std::size_t begin = i;
        while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
        return i > begin;
    };
    if (i < text.size() && text[i] == '-') ++i;
    if (!digits()) return false;
    if (i < text.size() && text[i] == '.') {
        ++i;
        if (!digits()) return false;
    }
    if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
        ++i;
        if (i < text.size() && text[i] == '-') ++i;
        if (!digits()) return false;
    }
    return i == text.size();
}

}  // namespace

std::optional<Decimal> as_number(const Datum& d) {
    if (is_number(d)) return d.number;
    if (d.kind == Kind::string && looks_numeric(d.text)) return Decimal::parse_rounded(d.text, 34);
    return std::nullopt;
}

std::optional<std::string> as_text(const Datum& d) {
    if (d.kind == Kind::undefined || d.kind == Kind::null) return std::nullopt;
    return d.kind == Kind::string ? d.text : json(d);
}

namespace {

std::optional<bool> as_boolean(const Datum& d) {
    if (d.kind == Kind::boolean) return d.boolean;
    if (d.kind != Kind::string) return std::nullopt;
    std::string lower;
    for (const char c : d.text) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (lower == "true") return true;
    if (lower == "false") return false;
    return std::nullopt;
}

/// Undefined inside an Array equals nothing but Undefined, though it is written as null.
bool same(const Datum& a, const Datum& b) {
    if (is_number(a) && is_number(b)) return a.number == b.number;
    if (a.kind != b.kind || a.items.size() != b.items.size() || a.members.size() != b.members.size()) return false;
    for (std::size_t i = 0; i < a.items.size(); ++i) {
        if (!same(a.items[i], b.items[i])) return false;
    }
    for (std::size_t i = 0; i < a.members.size(); ++i) {
        if (a.members[i].first != b.members[i].first || !same(a.members[i].second, b.members[i].second)) return false;
    }
    return a.boolean == b.boolean && a.text == b.text;
}

/// Objects compare whatever the order of their keys: sort before comparing text.
Datum sorted(Datum d) {
    for (auto& item : d.items) item = sorted(item);
    for (auto& member : d.members) member.second = sorted(member.second);
    std::sort(d.members.begin(), d.members.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    return d;
}

Datum member(const Datum& d, const std::string& name) {
    if (d.kind != Kind::object) return {};
    for (const auto& [key, value] : d.members) {
        if (key == name) return value;
    }
    return {};
}

Datum compare(const std::string& op, const Datum& a, const Datum& b) {
    if (op == "=" || op == "<>") {
        if (a.kind == Kind::undefined || b.kind == Kind::undefined) return {};
        return boolean(same(sorted(a), sorted(b)) == (op == "="));
    }
    const auto x = as_number(a);
    const auto y = as_number(b);
    if (!x || !y) return {};
    if (op == "<") return boolean(*x < *y);
    if (op == "<=") return boolean(*x <= *y);
    if (op == ">") return boolean(*x > *y);
    return boolean(*x >= *y);
}

Datum calculate(const std::string& op, const Datum& a, const Datum& b) {
    if (op == "+" && (a.kind == Kind::string || b.kind == Kind::string)) {
        const auto x = as_text(a);
        const auto y = as_text(b);
        return x && y ? string(*x + *y) : Datum();
    }
    const auto x = as_number(a);
    const auto y = as_number(b);
    if (!x || !y) return {};
    if (op == "+") return number(Decimal::add(*x, *y));
    if (op == "-") return number(Decimal::subtract(*x, *y));
    if (op == "*") return number(Decimal::multiply(*x, *y));
    if (op == "/") return number(Decimal::divide(*x, *y));
    return number(Decimal::remainder(*x, *y));
}

Datum logical(const std::string& op, const Datum& a, const Datum& b) {
    const auto x = as_boolean(a);
    const auto y = as_boolean(b);
    if (!x || !y) return {};
    return boolean(op == "AND" ? *x && *y : *x || *y);
}

Datum contained(const Datum& a, const Datum& b) {
    if (a.kind == Kind::undefined || b.kind != Kind::array) return {};
    for (const Datum& item : b.items) {
        if (item.kind != Kind::undefined && same(sorted(a), sorted(item))) return boolean(true);
    }
    return boolean(false);
}

Datum cast(const Datum& d, const std::string& type) {
    if (type == "String") {
        const auto text = as_text(d);
        return text ? string(*text) : Datum();
    }
    if (type == "Boolean") {
        if (is_number(d)) return boolean(!d.number.is_zero());
        const auto value = as_boolean(d);
        return value ? boolean(*value) : Datum();
    }
    auto value = as_number(d);
    if (d.kind == Kind::boolean) value = Decimal(d.boolean ? 1 : 0);
    if (value && type == "Int") value = value->floor();
    return number(value);
}

Datum case_of(const Tree& tree, const Datum& scope) {
    const Datum value = evaluate(tree.children[0], scope);
    if (value.kind == Kind::undefined) return {};
    std::size_t i = 1;
    for (; i + 1 < tree.children.size(); i += 2) {
        const Datum when = evaluate(tree.children[i], scope);
        if (when.kind != Kind::undefined && same(sorted(value), sorted(when))) return evaluate(tree.children[i + 1], scope);
    }
    return i < tree.children.size() ? evaluate(tree.children[i], scope) : Datum();
}

/// Sets a member and makes the Objects on the way; what is no Object gives way.
void set(Datum& object, const std::vector<std::string>& path, std::size_t at, const Datum& value) {
    Datum* place = nullptr;
    for (auto& [name, present] : object.members) {
        if (name == path[at]) place = &present;
    }
    if (place == nullptr) place = &object.members.emplace_back(path[at], Datum()).second;
    if (at + 1 == path.size()) {
        *place = value;
        return;
    }
    if (place->kind != Kind::object) *place = Datum{Kind::object, false, {}, {}, {}, {}};
    set(*place, path, at + 1, value);
}

/// children: FROM, WHERE, items; names: `VALUE` or the items' aliases.
Datum select(const Tree& tree, const Datum& scope) {
    const Datum from = evaluate(tree.children[0], scope);
    const auto row = [&](const Datum& element) -> std::optional<Datum> {
        const Datum where = evaluate(tree.children[1], element);
        if (where.kind != Kind::boolean || !where.boolean) return std::nullopt;
        if (tree.names[0] == "VALUE") return evaluate(tree.children[2], element);
        Datum object;
        object.kind = Kind::object;
        for (std::size_t i = 0; i < tree.names.size(); ++i) {
            const Datum item = evaluate(tree.children[2 + i], element);
            if (item.kind != Kind::undefined) set(object, {tree.names[i]}, 0, item);
        }
        return object;
    };
    Datum rows;
    rows.kind = Kind::array;
    const std::vector<Datum> elements = from.kind == Kind::array ? from.items : std::vector<Datum>{from};
    if (from.kind != Kind::array && from.kind != Kind::object) return tree.op == "exists" ? boolean(false) : Datum();
    bool passed = false;
    for (const Datum& element : elements) {
        const auto made = row(element);
        passed = passed || made;
        if (made && made->kind != Kind::undefined) rows.items.push_back(*made);
    }
    if (tree.op == "exists") return boolean(passed);
    if (from.kind == Kind::array) return rows;
    return rows.items.empty() ? Datum() : rows.items[0];
}

Datum get(const Datum& container, const Datum& key) {
    if (container.kind == Kind::object) return key.kind == Kind::string ? member(container, key.text) : Datum();
    const auto position = as_number(key);
    if (!position) return {};
    // A String's number loses its fraction, a Decimal is rounded (section 4).
    const auto index = key.kind == Kind::string ? position->truncate(0).to_int64() : nearest(*position).to_int64();
    std::vector<Datum> items = container.items;
    if (container.kind == Kind::string) {
        for (const std::string& c : characters(container.text)) items.push_back(string(c));
    }
    return index && *index >= 0 && static_cast<std::size_t>(*index) < items.size() ? items[static_cast<std::size_t>(*index)] : Datum();
}

Datum literal_container(const Tree& tree, const Datum& scope) {
    Datum out;
    out.kind = tree.op == "array" ? Kind::array : Kind::object;
    for (std::size_t i = 0; i < tree.children.size(); ++i) {
        const Datum value = evaluate(tree.children[i], scope);
        if (tree.op == "array") {
            out.items.push_back(value);
        } else if (value.kind != Kind::undefined) {
            out.members.emplace_back(tree.names[i], value);
        }
    }
    return out;
}

}  // namespace

Datum evaluate(const Tree& tree, const Datum& scope) {
    const std::string& op = tree.op;
    if (op == "literal" || op == "variable") return tree.literal;
    if (op == "field" || op == "member") {
        Datum at = op == "field" ? scope : evaluate(tree.children[0], scope);
        for (const std::string& name : tree.names) at = member(at, name);
        return at;
    }
    if (op == "case") return case_of(tree, scope);
    if (op == "select" || op == "exists") return select(tree, scope);
    if (op == "array" || op == "object") return literal_container(tree, scope);
    std::vector<Datum> arguments;
    for (const Tree& child : tree.children) arguments.push_back(evaluate(child, scope));
    if (const auto value = call(op, arguments)) return *value;
    const Datum& a = arguments[0];
    if (op == "cast") return cast(a, tree.text);
    if (op == "NOT") {
        const auto value = as_boolean(a);
        return value ? boolean(!*value) : Datum();
    }
    if (op == "negate") {
        const auto value = as_number(a);
        return value ? number(-*value) : Datum();
    }
    if (op == "isUndefined") return boolean(a.kind == Kind::undefined);
    if (op == "isNull") return boolean(a.kind == Kind::null);
    const Datum& b = arguments[1];
    if (op == "nanvl") return a.kind == Kind::undefined || a.kind == Kind::null ? b : a;
    if (op == "get") return get(a, b);
    if (op == "IN") return contained(a, b);
    if (op == "AND" || op == "OR") return logical(op, a, b);
    if (op == "=" || op[0] == '<' || op[0] == '>') return compare(op, a, b);
    return calculate(op, a, b);
}

Datum select_items(const std::vector<Item>& items, const Datum& payload) {
    Datum out;
    out.kind = Kind::object;
    for (const Item& item : items) {
        const Datum value = item.star ? payload : evaluate(item.tree, payload);
        if (!item.alias.empty()) {
            if (value.kind != Kind::undefined) set(out, item.alias, 0, value);
            continue;
        }
        for (const auto& [name, member] : value.members) set(out, {name}, 0, member);
    }
    return out;
}

std::string json(const Datum& d) {
    switch (d.kind) {
        case Kind::undefined:
            return "";
        case Kind::null:
            return "null";
        case Kind::boolean:
            return d.boolean ? "true" : "false";
        case Kind::integer:
            return d.number.to_plain_string();
        case Kind::decimal: {
            const int magnitude = d.number.magnitude();
            return magnitude < 34 && magnitude > -34 ? d.number.to_plain_string() : d.number.to_string();
        }
        case Kind::string: {
            std::string quoted = "\"";
            for (const char c : d.text) quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
            return quoted + "\"";
        }
        default:
            break;
    }
    std::string out;
    for (const Datum& item : d.items) out += (out.empty() ? "" : ",") + (item.kind == Kind::undefined ? std::string("null") : json(item));
    if (d.kind == Kind::array) return "[" + out + "]";
    for (const auto& [name, value] : d.members) out += (out.empty() ? "\"" : ",\"") + name + "\":" + json(value);
    return "{" + out + "}";
}

std::string sql(const Tree& tree) {
    const auto joined = [&](std::size_t begin) {
        std::string out;
        for (std::size_t i = begin; i < tree.children.size(); ++i) out += (i > begin ? ", " : "") + sql(tree.children[i]);
        return out;
    };
    const std::string& op = tree.op;
    if (op == "literal" || op == "variable") return tree.text;
    if (op == "field" || op == "member") {
        std::string out = op == "member" ? "(" + sql(tree.children[0]) + ")." : "";
        for (std::size_t i = 0; i < tree.names.size(); ++i) out += (i > 0 ? "." : "") + tree.names[i];
        return out;
    }
    if (op == "NOT") return "(NOT " + sql(tree.children[0]) + ")";
    if (op == "negate") return "(- " + sql(tree.children[0]) + ")";
    if (op == "cast") return "cast(" + sql(tree.children[0]) + " AS " + tree.text + ")";
    if (op == "array") return "[" + joined(0) + "]";
    if (op == "object") {
        std::string out;
        for (std::size_t i = 0; i < tree.children.size(); ++i) out += (i > 0 ? ", '" : "'") + tree.names[i] + "': " + sql(tree.children[i]);
        return "{" + out + "}";
    }
    if (op == "case") {
        std::string out = "CASE " + sql(tree.children[0]);
        std::size_t i = 1;
        for (; i + 1 < tree.children.size(); i += 2) out += " WHEN " + sql(tree.children[i]) + " THEN " + sql(tree.children[i + 1]);
        return out + (i < tree.children.size() ? " ELSE " + sql(tree.children[i]) : "") + " END";
    }
    if (op == "select" || op == "exists") {
        std::string item = tree.names[0] == "VALUE" ? "VALUE " + sql(tree.children[2]) : "";
        for (std::size_t i = 0; item.empty() || (tree.names[0] != "VALUE" && i < tree.names.size()); ++i)
            item += (i > 0 ? ", " : "") + sql(tree.children[2 + i]) + " AS " + tree.names[i];
        return (op == "exists" ? "EXISTS (SELECT " : "(SELECT ") + item + " FROM " + sql(tree.children[0]) + " WHERE " +
               sql(tree.children[1]) + ")";
    }
    if (std::isalpha(static_cast<unsigned char>(op[0])) != 0 && op != "AND" && op != "OR" && op != "IN") return op + "(" + joined(0) + ")";
    return "(" + sql(tree.children[0]) + " " + op + " " + sql(tree.children[1]) + ")";
}

}  // namespace oracle

namespace {

// An oracle that answered Undefined to everything would agree with nothing else, but not say so by itself.
TEST(Oracle, AddsTwoFields) {
    oracle::Datum seven;
    seven.kind = oracle::Datum::Kind::integer;
    seven.number = Decimal(7);
    oracle::Datum payload;
    payload.kind = oracle::Datum::Kind::object;
    payload.members.emplace_back("a", seven);
    oracle::Tree field;
    field.op = "field";
    field.names = {"a"};
    oracle::Tree sum;
    sum.op = "+";
    sum.children = {field, field};
    EXPECT_EQ(oracle::json(oracle::evaluate(sum, payload)), "14");
    EXPECT_EQ(oracle::sql(sum), "(a + a)");
}

}  // namespace
}  // namespace fogbank::rules
