/// Text to syntax tree. Source: AWS IoT Developer Guide, "AWS IoT SQL reference" (grammar: reference "rules-sql", section 1).
#pragma once

#include <string_view>

#include "common/result.h"
#include "rules/ast.h"

namespace fogbank::rules::sql {

/// Parentheses, calls, literals, CASE and nested queries inside each other. Fogbank's own bound.
inline constexpr std::size_t nesting_depth_max = 64;
/// Levels of the tree; long chains such as `a + b + c …` are one level per operator. Fogbank's own bound, keeps recursion shallow.
inline constexpr std::size_t expression_height_max = 1000;

/// A whole statement. `sql` must be UTF-8 of at most `bytes_max` bytes (quota rule_payload_bytes). Errors: sql_parse with position and
/// reason.
Result<Statement> parse_statement(std::string_view sql, std::size_t bytes_max);

/// One expression that begins at byte `begin` of `text`, followed by `}`: the inside of a substitution template.
/// @param end  receives the position after the `}`.
Result<ExpressionPtr> parse_template_expression(std::string_view text, std::size_t begin, std::size_t& end);

}  // namespace fogbank::rules::sql
