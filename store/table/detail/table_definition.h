/// A table as it is stored: everything about it but its items.
#pragma once

#include <string>
#include <string_view>

#include "store/table/detail/item_key.h"
#include "store/table/table_service.h"

namespace fogbank::store::table {

struct TableDefinition {
    TableNumber number = 0;
    std::string id;  ///< the UUID that clients see
    TableName name;
    KeySchema key_schema;
    WallTime created_at{};
    std::optional<ProvisionedThroughput> provisioned_throughput;
    bool deletion_protection = false;
};

/// JSON, so that later versions add members and a person can read the store.
std::string encode_definition(const TableDefinition& definition);
/// Error: unavailable, the stored definition is corrupt.
Result<TableDefinition> decode_definition(std::string_view bytes);

/// What clients see; counts are left 0.
TableDescription describe(const TableDefinition& definition, TableStatus status, const ArnFactory& arns);

// The engine's keys of the room `tbl`.
std::string definition_key(const TableName& name);  ///< holds the definition
kv::Range definitions_range();                      ///< all definitions, in order of the names
/// Exists as long as the table does. Every write of an item has it as a precondition; it is small and never changes.
std::string marker_key(TableNumber number);
/// Exists while the items of a deleted table are being erased.
std::string erasure_key(TableNumber number);
kv::Range erasures_range();
/// Its value counts the tables ever made.
std::string sequence_key();

}  // namespace fogbank::store::table
