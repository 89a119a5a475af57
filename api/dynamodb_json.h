/// DynamoDB's request bodies to the table room's requests. Pure; refuses what this server does not do instead of ignoring it.
/// Errors: store::table::Errc::validation or serialization with DynamoDB's texts.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "common/result.h"
#include "store/table/table_service.h"

namespace fogbank::api::dynamodb {

enum class ReturnCapacity : std::uint8_t { none, total, indexes };

/// What every request with items may ask for.
Result<ReturnCapacity> read_return_capacity(const nlohmann::json& body);

Result<TableName> read_table_name(const nlohmann::json& body);
Result<store::table::CreateTableRequest> read_create_table(const nlohmann::json& body);
Result<store::table::PutItemRequest> read_put_item(const nlohmann::json& body);
Result<store::table::DeleteItemRequest> read_delete_item(const nlohmann::json& body);
Result<store::table::GetItemRequest> read_get_item(const nlohmann::json& body);
Result<store::table::QueryRequest> read_query(const nlohmann::json& body);
Result<store::table::ScanRequest> read_scan(const nlohmann::json& body);

struct ListTablesRequest {
    std::optional<TableName> exclusive_start;
    std::int64_t limit = 100;  ///< 1 to 100
};
Result<ListTablesRequest> read_list_tables(const nlohmann::json& body);

/// TableDescription as DescribeTable answers it.
nlohmann::json describe(const store::table::TableDescription& table);
nlohmann::json consumed_capacity(const TableName& table, double units, ReturnCapacity wanted);

}  // namespace fogbank::api::dynamodb
