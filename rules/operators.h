/// Operators and cast as pure functions on values. Source: reference "rules-sql", sections 4.1 and 5.
#pragma once

#include "rules/ast.h"
#include "rules/value.h"

namespace fogbank::rules::sql {

/// Any binary operator; never fails: what is not defined is Undefined.
Value apply_binary(Operator op, const Value& left, const Value& right, Version version);
/// `-` and NOT.
Value apply_unary(Operator op, const Value& operand, Version version);
Value apply_cast(const Value& value, CastType type, Version version);

}  // namespace fogbank::rules::sql
