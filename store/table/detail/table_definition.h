/// A table as it is stored: everything about it but its items and tags.
#pragma once

#include <string>
#include <string_view>

#include "store/table/detail/item_key.h"
#include "store/table/table_api.h"

namespace fogbank::store::table {

struct IndexDefinition {
    IndexNumber number = 0;  ///< in its table, never used again
    IndexRequest request;
    IndexStatus status = IndexStatus::active;
    bool is_backfilling = false;
    /// Whether writes must keep it: from the first moment of its creation to the first of its deletion.
    bool is_maintained() const { return status != IndexStatus::deleting; }
};

struct TableDefinition {
    TableNumber number = 0;
    std::uint64_t version = 0;  ///< grows with each change of what writes must know; the marker in the engine has it too
    std::string id;             ///< the UUID that clients see
    TableName name;
    KeySchema key_schema;
    WallTime created_at{};
    std::optional<ProvisionedThroughput> provisioned_throughput;
    bool deletion_protection = false;

    std::vector<IndexDefinition> indexes;
    IndexNumber last_index = 0;
    StreamSpecification stream;
    std::uint64_t stream_number = 0;  ///< of the newest stream; 0: never had one
    std::string stream_label;
    TableClass table_class = TableClass::standard;
    std::optional<WallTime> table_class_changed_at, pay_per_request_since, throughput_raised_at, throughput_lowered_at;
    std::optional<SseSettings> sse;
    std::optional<OnDemandThroughput> on_demand_throughput;
    TimeToLive time_to_live;
    std::optional<WallTime> point_in_time_since;
    std::string restored_from_backup_arn, restored_from_table_arn;
    std::optional<WallTime> restored_to;
    bool is_restoring = false;  ///< its items are still being copied

    bool has_local_indexes() const;
    bool is_updating() const;  ///< an index is being made or deleted
    const IndexDefinition* index(std::string_view index_name) const;
    /// Whether a write can go down without looking at the item that it replaces.
    bool allows_blind_writes() const { return indexes.empty() && !stream.enabled; }
    /// What the marker holds.
    std::string marker() const { return version == 0 ? std::string() : std::to_string(version); }
};

/// JSON, so that later versions add members and a person can read the store.
std::string encode_definition(const TableDefinition& definition);
/// Error: unavailable, the stored definition is corrupt.
Result<TableDefinition> decode_definition(std::string_view bytes);

/// What clients see; counts are left 0.
TableDescription describe(const TableDefinition& definition, TableStatus status, const ArnFactory& arns);
/// The status outside of CreateTable's and DeleteTable's answers.
TableStatus status_of(const TableDefinition& definition);
std::string stream_arn(const TableDefinition& definition, const ArnFactory& arns);

// The engine's keys of the room `tbl`.
std::string definition_key(const TableName& name);  ///< holds the definition
kv::Range definitions_range();                      ///< all definitions, in order of the names
/// Exists as long as the table does and holds its definition's version. Every write of an item has it as a precondition.
std::string marker_key(TableNumber number);
/// Exists while the items of a deleted table are being erased.
std::string erasure_key(TableNumber number);
kv::Range erasures_range();
/// Its value counts the tables ever made.
std::string sequence_key();
std::string tags_key(TableNumber number);
/// Size of the items with one partition key.
std::string collection_key(TableNumber number, const AttributeValue& partition_key);
kv::Range collections_range(TableNumber number);
std::string token_key(std::string_view token);  ///< ClientRequestTokens of the last ten minutes
kv::Range tokens_range();
/// Work in pieces that goes on after a restart; `kind` tells whose it is.
std::string task_key(std::string_view kind, std::uint64_t number, std::uint64_t part);
kv::Range tasks_range();
std::string backup_key(std::uint64_t number);
kv::Range backups_range();

/// Takes the next number of the sequence, which tables, streams and backups share; it only grows.
Result<std::uint64_t> next_number(kv::Transaction& transaction);

}  // namespace fogbank::store::table
