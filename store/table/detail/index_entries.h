/// The entries of secondary indexes, written in the transaction that changes the item.
///
/// Key: `idx` · table number · index number · bucket · the index's partition attributes · its sort attributes · the table's primary key.
/// Value: the projected item, as items are stored. An item that lacks a key attribute of an index has no entry in it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/table/detail/table_definition.h"

namespace fogbank::store::table {

/// One item as a write sees it; `item` null: there is none.
struct ItemState {
    const Item* item = nullptr;
    std::string_view encoded;
    std::size_t bytes = 0;
};

struct IndexEntry {
    std::string key, value;
    std::size_t bytes = 0;  ///< of the projected item
};

/// Whether the item's attributes that are keys of an index have that index's types and sizes.
/// @param is_update  UpdateItem words it differently. Errors: validation.
Result<void> check_index_keys(const TableDefinition& table, const Item& item, bool is_update);

/// The item's entry, if it has one.
std::optional<IndexEntry> index_entry(const TableDefinition& table, const IndexDefinition& index, const ItemState& state);

/// The key of the entry of an item of which only the key attributes are known.
std::string index_entry_key(const TableDefinition& table, const IndexDefinition& index, const Item& item);

/// Writes what differs between the entries of `before` and `after`. @param local_bytes  gets what local indexes grew by.
Result<void> write_index_entries(kv::Transaction& transaction, const TableDefinition& table, const ItemState& before,
                                 const ItemState& after, ConsumedUnits& units, std::int64_t& local_bytes);

/// Names of the attributes that the index projects; nothing: all.
std::optional<std::vector<std::string>> projected_attributes(const TableDefinition& table, const IndexDefinition& index);

}  // namespace fogbank::store::table
