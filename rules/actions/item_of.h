/// SQL values as DynamoDB attributes, for dynamoDB and dynamoDBv2: string→S, Int and Decimal→N, Boolean→BOOL, Null→NULL, Object→M, Array→L.
#pragma once

#include "common/result.h"
#include "rules/value.h"
#include "store/table/attribute_value.h"

namespace fogbank::rules {

/// Errors: store::table::Errc::validation for more than 32 levels and numbers out of DynamoDB's range.
Result<store::table::AttributeValue> attribute_of(const sql::Value& value);
Result<store::table::Item> item_of(const sql::Object& members);

}  // namespace fogbank::rules
