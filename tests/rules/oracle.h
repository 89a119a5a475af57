/// The obvious interpreter of IoT SQL: walks a tree of its own over plain values, written from the documented tables and nothing else of
/// the room.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/decimal.h"

namespace fogbank::rules::oracle {

struct Datum {
    enum class Kind { undefined, null, boolean, integer, decimal, string, array, object };
    Kind kind = Kind::undefined;
    bool boolean = false;
    Decimal number;
    std::string text;
    std::vector<Datum> items;
    std::vector<std::pair<std::string, Datum>> members;
};

/// An expression. `op` names it: `literal`, `variable` (text `@name`, its value in `literal`), `field` (names), `member` (names), `+` … `=`
/// … `AND` `OR` `IN`, `NOT`, `negate`, `case`, `array`, `object` (names), `cast` (text), `select` (children: FROM, WHERE, items; names:
/// `VALUE` or the items' aliases), `exists`, or a function's name.
struct Tree {
    std::string op, text;
    std::vector<std::string> names;
    std::vector<Tree> children;
    Datum literal;
};

/// An item of the statement's own SELECT list; no alias with `star` means that its members are merged.
struct Item {
    bool star = false;
    std::vector<std::string> alias;
    Tree tree;
};

/// Version 2016-03-23. `scope` is the payload, or inside a nested query its element.
Datum evaluate(const Tree& tree, const Datum& scope);
/// The Object that a SELECT list makes of `payload`.
Datum select_items(const std::vector<Item>& items, const Datum& payload);
/// The value of a function that the oracle knows (oracle_functions_test.cpp); nothing if it knows none of that name.
std::optional<Datum> call(const std::string& name, const std::vector<Datum>& arguments);
/// SQL text with every operation in parentheses.
std::string sql(const Tree& tree);
/// Compact JSON; empty for Undefined.
std::string json(const Datum& value);

// What the interpreter's parts share.

/// 2016-03-23: whole numbers of up to 34 digits are Int.
Datum number(const std::optional<Decimal>& value);
Datum string(std::string text);
Datum boolean(bool value);
// Conversions (section 4).
std::optional<Decimal> as_number(const Datum& d);
std::optional<std::string> as_text(const Datum& d);
/// To the nearest whole number, halves away from zero.
Decimal nearest(const Decimal& x);
/// UTF-8 text as its characters.
std::vector<std::string> characters(const std::string& text);

}  // namespace fogbank::rules::oracle
