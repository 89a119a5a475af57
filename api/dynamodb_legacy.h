/// The parameters from before expressions: Expected, AttributeUpdates, KeyConditions, QueryFilter, ScanFilter, AttributesToGet,
/// ConditionalOperator.
#pragma once

#include "api/dynamodb_reader.h"
#include "store/table/table_api.h"

namespace fogbank::api::dynamodb {

/// Refuses requests that use both forms. Both lists in the order in which DynamoDB names them.
void check_forms(const Reader& root, std::initializer_list<std::string_view> legacy, std::initializer_list<std::string_view> expressions);

store::table::LegacyConditions read_expected(const Reader& root);
/// QueryFilter or ScanFilter, with ConditionalOperator.
store::table::LegacyConditions read_filter(const Reader& root, std::string_view member);
std::vector<store::table::LegacyCondition> read_key_conditions(const Reader& root);
std::vector<store::table::LegacyUpdate> read_attribute_updates(const Reader& root);
std::vector<std::string> read_attributes_to_get(const Reader& root);

}  // namespace fogbank::api::dynamodb
