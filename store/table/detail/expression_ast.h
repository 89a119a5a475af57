/// Expressions as they were written, before any name is looked up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fogbank::store::table {

/// One step of `a.#b[3]`: a name (or its placeholder) or a list index.
struct PathStep {
    std::string name;  ///< as written; empty for an index
    std::optional<std::uint32_t> index;
    bool is_placeholder() const { return name.starts_with('#'); }
};
using PathSyntax = std::vector<PathStep>;

struct OperandSyntax {
    enum class Kind : unsigned char { path, value, function };
    Kind kind = Kind::path;
    PathSyntax path;
    std::string name;  ///< the value's placeholder with its colon, or the function's name
    std::vector<OperandSyntax> arguments;
};

/// A comparison, BETWEEN, IN or function call over operands; or AND, OR, NOT over conditions.
struct ConditionSyntax {
    enum class Kind : unsigned char { all_of, any_of, negation, comparison, between, in, function };
    Kind kind = Kind::comparison;
    std::string operation;                  ///< `=`, `BETWEEN`, `AND`, …, or the function's name
    std::vector<ConditionSyntax> children;  ///< of all_of and any_of two or more, of negation one
    std::vector<OperandSyntax> operands;    ///< compared ones; BETWEEN: value, lower, upper; IN: value, list; a function's arguments
    bool in_parentheses = false;
    bool redundant_parentheses = false;  ///< `((…))`
};

struct UpdateActionSyntax {
    enum class Kind : unsigned char { set, remove, add, subtract_set };  ///< the last is DELETE
    Kind kind = Kind::set;
    PathSyntax path;
    std::vector<OperandSyntax> operands;  ///< of SET one, or two around `arithmetic`; of ADD and DELETE the value; of REMOVE none
    char arithmetic = 0;                  ///< `+`, `-` or none
};
struct UpdateSyntax {
    std::vector<UpdateActionSyntax> actions;
};

}  // namespace fogbank::store::table
