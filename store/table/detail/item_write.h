/// One write of one item: compiled from a request, run in an engine's transaction. Everything that changes items comes through here, but
/// unconditional puts and deletes in tables without indexes and streams.
#pragma once

#include <memory>

#include "store/table/detail/condition.h"
#include "store/table/detail/index_entries.h"
#include "store/table/detail/stream_log.h"
#include "store/table/detail/update.h"

namespace fogbank::store::table {

/// Checked as far as possible without its table. Shared with the engine's thread while a transaction runs.
struct ItemWrite {
    enum class Kind : unsigned char { put, update, remove, check };
    Kind kind = Kind::put;
    TableName table;
    Item item;                   ///< the whole item to put, else the key
    std::size_t size_bytes = 0;  ///< of the item to put
    Condition condition;
    bool has_condition = false;
    Update update;
    ReturnValues return_values = ReturnValues::none;
    bool return_old_on_failure = false;
    bool wants_collection = true;
    bool must_exist = false;      ///< PartiQL's UPDATE makes no items
    bool must_not_exist = false;  ///< PartiQL's INSERT replaces none

    // Set by `run_write`, anew in each run.
    std::optional<Item> old_item, new_item;
    std::size_t old_size_bytes = 0, new_size_bytes = 0;
    ConsumedUnits units;
    std::optional<ItemCollection> collection;

    bool is_blind() const {
        return (kind == Kind::put || kind == Kind::remove) && !has_condition && return_values == ReturnValues::none && !must_not_exist;
    }
};
using SharedWrite = std::shared_ptr<ItemWrite>;

/// What all writes of a transaction share.
struct WriteContext {
    const Clock& clock;
    bool by_time_to_live = false;
};

// From requests; all checks that need no table. Errors: validation.
Result<SharedWrite> compile_put(PutItemRequest request, std::size_t item_bytes_max);
Result<SharedWrite> compile_delete(DeleteItemRequest request);
Result<SharedWrite> compile_update(UpdateItemRequest request);
Result<SharedWrite> compile_check(ConditionCheckRequest request);

/// The checks of the write against its table. Errors: validation.
Result<void> check_against(const ItemWrite& write, const TableDefinition& table);

/// Whether the table is there and is as `table` says. Errors: resource_not_found; kv precondition_failed: read the definition again.
Result<void> check_marker(kv::Transaction& transaction, const TableDefinition& table);

/// The same as a batch's precondition.
kv::Precondition unchanged(const TableDefinition& table);

/// Reads the old item, asks the condition, writes the item, its index entries and its stream record.
/// Errors: conditional_check_failed (`old_item` is set), duplicate_item, validation, item_collection_too_large, unavailable.
Result<void> run_write(kv::Transaction& transaction, const TableDefinition& table, ItemWrite& write, const WriteContext& context,
                       std::size_t item_bytes_max);

/// Puts or erases an item that is known, with everything that hangs on it.
struct ItemChange {
    std::string key;
    ItemState before, after;
};
Result<void> write_change(kv::Transaction& transaction, const TableDefinition& table, const ItemChange& change, const WriteContext& context,
                          ConsumedUnits& units, std::optional<ItemCollection>* collection);

/// What the request asked to get back.
WriteOutcome outcome_of(ItemWrite& write);

}  // namespace fogbank::store::table
