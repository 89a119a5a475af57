/// Conditions from before expressions: Expected, QueryFilter, ScanFilter, KeyConditions. Source: Developer Guide, "Legacy conditional
/// parameters".
#pragma once

#include "store/table/detail/condition.h"
#include "store/table/detail/key_condition.h"
#include "store/table/detail/projection.h"
#include "store/table/table_service.h"

namespace fogbank::store::table {

/// Whether the operator has its number of values and takes their types. Errors: validation.
Result<void> check_legacy_condition(const LegacyCondition& condition);

/// The conditions as one; none are always true. Errors: validation.
Result<Condition> compile_legacy(const LegacyConditions& conditions);

/// KeyConditions. Errors: validation.
Result<std::vector<AttributeCondition>> compile_legacy_keys(const std::vector<LegacyCondition>& conditions);

/// AttributesToGet. Errors: validation, a name twice.
Result<Projection> compile_attributes_to_get(const std::vector<std::string>& names);

}  // namespace fogbank::store::table
