/// CreateTable and UpdateTable: from AttributeDefinitions, key schemas and indexes that refer to each other to what the table room takes.
#pragma once

#include "api/dynamodb_reader.h"
#include "store/table/table_api.h"

namespace fogbank::api::dynamodb {

store::table::CreateTableRequest read_create_table(const Reader& root);
store::table::UpdateTableRequest read_update_table(const Reader& root);
std::vector<store::table::Tag> read_tags(const Reader& root);
std::optional<store::table::ProvisionedThroughput> read_throughput(const Reader& root, std::string_view name = "ProvisionedThroughput");

}  // namespace fogbank::api::dynamodb
