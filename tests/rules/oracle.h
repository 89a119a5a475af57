/// The obvious interpreter of IoT SQL: walks a tree of its own over plain values, written from the documented tables and nothing else of
/// the room.
#pragma once

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

/// An expression. `op` names it: `literal`, `field` (names), `member` (names), `+` … `=` … `AND` `OR` `IN`, `NOT`, `negate`, `case`,
/// `array`, `object` (names), `cast` (text), `select` (names: VALUE or not; children: FROM, item, WHERE), `exists`, or a function's name.
struct Tree {
    std::string op, text;
    std::vector<std::string> names;
    std::vector<Tree> children;
    Datum literal;
};

/// Version 2016-03-23. `scope` is the payload, or inside a nested query its element.
Datum evaluate(const Tree& tree, const Datum& scope);
/// SQL text with every operation in parentheses.
std::string sql(const Tree& tree);
/// Compact JSON; empty for Undefined.
std::string json(const Datum& value);

}  // namespace fogbank::rules::oracle
