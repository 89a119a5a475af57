/// Text to syntax trees: conditions (ConditionExpression, FilterExpression, KeyConditionExpression), projections and updates. Grammar:
/// Developer Guide, "Condition and filter expressions, operators, and functions" and "Using update expressions in DynamoDB".
#pragma once

#include <string_view>
#include <vector>

#include "common/result.h"
#include "store/table/detail/expression_ast.h"

namespace fogbank::store::table {

/// Errors: validation with DynamoDB's text after `Invalid …Expression: `; bounded by expression_bytes_max, expression_depth_max,
/// expression_operators_max and in_operands_max.
Result<ConditionSyntax> parse_condition(std::string_view text);
Result<std::vector<PathSyntax>> parse_projection(std::string_view text);
Result<UpdateSyntax> parse_update(std::string_view text);

}  // namespace fogbank::store::table
