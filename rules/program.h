/// A statement in the form that the hot path runs: a flat tree with split paths, folded constants and functions looked up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rules/ast.h"
#include "rules/functions.h"
#include "rules/value.h"

namespace fogbank::rules::sql {

enum class Op : std::uint8_t {
    constant,      ///< constants[data]
    payload,       ///< the whole JSON payload
    payload_path,  ///< paths[data] in the payload
    raw_payload,   ///< the payload's bytes as a String
    element,       ///< the element that a nested query is at
    element_path,  ///< paths[data] in that element
    variable,      ///< data: number of the assignment
    member,        ///< paths[data] in the child
    unary,
    binary,
    call,  ///< functions[data]
    cast,
    case_of,
    array,
    object,  ///< names in paths[data]
    query,   ///< queries[data]
    exists,  ///< queries[data]
};

struct Node {
    Op op = Op::constant;
    Operator oper = Operator::none;
    CastType cast_type = CastType::string;
    std::uint32_t data = 0;
    std::uint32_t first = 0, count = 0;   ///< children[first] … are indices of nodes
    std::uint32_t position = 0, end = 0;  ///< byte range in the text
};

struct PlannedItem {
    std::uint32_t node = 0;
    bool star = false;
    std::vector<std::string> alias;
    std::string json_name;  ///< of a distinct plan: the name as JSON, with its colon
};

struct QueryPlan {
    bool value = false;
    bool distinct = false;  ///< every item is a member of its own: no star, no nested alias, no name twice
    std::vector<PlannedItem> items;
    std::optional<std::uint32_t> from, where;
};

struct Program {
    Version version = Version::v2015_10_08;
    std::vector<Node> nodes;
    std::vector<std::uint32_t> children;
    std::vector<Value> constants;
    std::vector<std::vector<std::string>> paths;
    std::vector<const Function*> functions;
    std::vector<QueryPlan> queries;
    std::vector<std::uint32_t> assignments;  ///< nodes, in order
    QueryPlan main;
    bool asks = false;  ///< calls functions that ask other services: runs need `CallContext::externals`

    /// Whether any part reads the payload as JSON; without it the payload need not be parsed.
    bool reads_json() const;
    /// The paths that are read from the payload, each once; an empty one stands for all of it.
    std::vector<std::vector<std::string>> payload_paths() const;
};

/// A resolved statement, which is used up.
/// @param fold  whether constants are computed once; without it a trace shows every sub-expression.
Program compile(Statement statement, Version version, bool fold = true);
/// A resolved expression as a program whose only item is it; `variables` are the names that it may read, in the statement's order.
Program compile_expression(ExpressionPtr expression, const std::vector<std::string>& variables, Version version, bool fold = true);

}  // namespace fogbank::rules::sql
