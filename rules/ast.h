/// The parsed statement: what the text says, with byte positions, before any name is looked up.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fogbank::rules::sql {

struct Expression;
struct Function;
using ExpressionPtr = std::unique_ptr<Expression>;

/// One entry of a SELECT list.
struct SelectItem {
    ExpressionPtr expression;        ///< kind `star` for `*`
    std::vector<std::string> alias;  ///< segments; for an item without AS the name that its output gets; empty for `*` without AS
};

/// `SELECT …` with its clauses; both the statement itself and nested queries.
struct Query {
    bool value = false;  ///< SELECT VALUE
    std::vector<SelectItem> items;
    ExpressionPtr from;  ///< nested queries only
    std::string from_alias;
    ExpressionPtr where;  ///< may be null
    std::size_t position = 0;
};

enum class ExpressionKind : std::uint8_t {
    literal_null,
    literal_boolean,  ///< boolean
    literal_integer,  ///< text
    literal_decimal,  ///< text
    literal_string,   ///< text
    name,             ///< names[0]: a field
    variable,         ///< text
    star,             ///< `*` as a SELECT item or argument; `boolean`: the JSON payload, not its bytes
    member,           ///< children[0] . names[0] . names[1] …
    unary,            ///< op `-` or `NOT`
    binary,           ///< op, two children
    call,             ///< text: name as written; children: arguments
    cast,             ///< children[0], text: type's name as written
    case_of,          ///< children: value, then WHEN, THEN pairs, then ELSE if there is an odd number after the value
    array,            ///< children
    object,           ///< names and children in parallel
    query,            ///< a nested SELECT
    exists,           ///< EXISTS(query)
};

enum class CastType : std::uint8_t { decimal, real, integer, boolean, string };

enum class Operator : std::uint8_t {
    none,
    negate,
    logical_not,
    logical_and,
    logical_or,
    eq,
    ne,
    lt,
    le,
    gt,
    ge,
    in,
    add,
    subtract,
    multiply,
    divide,
    remainder
};

struct Expression {
    ExpressionKind kind = ExpressionKind::literal_null;
    Operator op = Operator::none;
    bool boolean = false;
    std::size_t position = 0, end = 0;  ///< byte range in the text
    std::size_t height = 1;             ///< levels of expressions below and including this one
    std::string text;
    std::vector<std::string> names;
    std::vector<ExpressionPtr> children;
    std::unique_ptr<Query> query;
    const Function* function = nullptr;     ///< of a call; set by resolve
    CastType cast_type = CastType::string;  ///< set by resolve
};

struct Assignment {
    std::string name;
    ExpressionPtr value;
    std::size_t position = 0;
};

struct Statement {
    std::vector<Assignment> assignments;
    Query query;
    std::optional<std::string> topic_filter;  ///< nothing: no FROM
    std::size_t topic_filter_position = 0;
};

}  // namespace fogbank::rules::sql
