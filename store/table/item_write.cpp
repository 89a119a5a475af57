#include "store/table/detail/item_write.h"

#include <algorithm>

#include "store/table/detail/capacity.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/index_entries.h"
#include "store/table/detail/item_codec.h"
#include "store/table/detail/limits.h"
#include "store/table/detail/value_check.h"

namespace fogbank::store::table {
namespace {

/// Applies the write to what is there. Nothing: there is no item afterwards.
Result<std::optional<Item>> item_after(const ItemWrite& write, const TableDefinition& table, std::size_t item_bytes_max) {
    using Kind = ItemWrite::Kind;
    if (write.kind == Kind::remove) return std::optional<Item>();
    if (write.kind == Kind::put) return std::optional<Item>(write.item);
    if (!write.old_item && !write.update.creates_item()) return std::optional<Item>();
    auto updated = write.update.apply(write.old_item ? *write.old_item : write.item);
    if (!updated) return updated.error();
    if (write.update.nests()) {
        if (auto checked = check_attributes(*updated); !checked) return checked.error();
    }
    if (item_size_bytes(*updated) > item_bytes_max) return validation("Item size to update has exceeded the maximum allowed size");
    if (auto checked = check_index_keys(table, *updated, true); !checked) return checked.error();
    return std::optional<Item>(std::move(*updated));
}

/// Adds to the size of the partition's collection and bounds it.
Result<void> count_collection(kv::Transaction& transaction, const TableDefinition& table, const Item& item, std::int64_t grown,
                              std::optional<ItemCollection>* collection) {
    const AttributeValue& partition_key = item.find(table.key_schema.partition_key.name)->second;
    const std::string key = collection_key(table.number, partition_key);
    auto stored = transaction.get(key);
    if (!stored) return stored.error();
    std::int64_t size = 0;
    if (*stored) size = std::strtoll((*stored)->c_str(), nullptr, 10);
    size = std::max<std::int64_t>(0, size + grown);
    if (grown > 0 && size > item_collection_bytes_max)
        return Error(Errc::item_collection_too_large, "Item collection size limit of 10 GB exceeded");
    if (grown != 0) size == 0 ? transaction.erase(key) : transaction.put(key, std::to_string(size));
    if (collection != nullptr) *collection = ItemCollection{table.key_schema.partition_key.name, partition_key, size};
    return {};
}

}  // namespace

double ConsumedUnits::total() const {
    double sum = table;
    for (const auto& [name, units] : local_indexes) sum += units;
    for (const auto& [name, units] : global_indexes) sum += units;
    return sum;
}

void ConsumedUnits::add(const ConsumedUnits& other) {
    table += other.table;
    for (const auto& [name, units] : other.local_indexes) local_indexes[name] += units;
    for (const auto& [name, units] : other.global_indexes) global_indexes[name] += units;
}

Result<void> check_against(const ItemWrite& write, const TableDefinition& table) {
    if (table.is_restoring) return table_not_found();
    if (write.kind == ItemWrite::Kind::put) {
        if (auto checked = check_item_key(table.key_schema, write.item); !checked) return checked;
        return check_index_keys(table, write.item, false);
    }
    if (write.kind == ItemWrite::Kind::update) {
        if (auto checked = check_update_keys(write.update, table.key_schema); !checked) return checked;
    }
    return check_key(table.key_schema, write.item);
}

Result<void> check_marker(kv::Transaction& transaction, const TableDefinition& table) {
    auto marker = transaction.get(marker_key(table.number));
    if (!marker) return marker.error();
    if (!*marker) return table_not_found();
    if (**marker != table.marker()) return Error(kv::Errc::precondition_failed, "the table has changed");
    return {};
}

kv::Precondition unchanged(const TableDefinition& table) {
    kv::Precondition out;
    out.key = marker_key(table.number);
    out.kind = kv::Precondition::Kind::equals;
    out.value = table.marker();
    return out;
}

Result<void> write_change(kv::Transaction& transaction, const TableDefinition& table, const ItemChange& change, const WriteContext& context,
                          ConsumedUnits& units, std::optional<ItemCollection>* collection) {
    const ItemState& before = change.before;
    const ItemState& after = change.after;
    if (before.item == nullptr && after.item == nullptr) return {};
    const bool same = before.item != nullptr && after.item != nullptr && before.encoded == after.encoded;
    if (after.item == nullptr) {
        transaction.erase(change.key);
    } else if (!same) {
        transaction.put(change.key, after.encoded);
    }
    std::int64_t grown = static_cast<std::int64_t>(after.bytes) - static_cast<std::int64_t>(before.bytes);
    if (!same && !table.indexes.empty()) {
        if (auto written = write_index_entries(transaction, table, before, after, units, grown); !written) return written;
    }
    if (table.has_local_indexes()) {
        const Item& any = after.item != nullptr ? *after.item : *before.item;
        if (auto counted = count_collection(transaction, table, any, grown, collection); !counted) return counted;
    }
    if (same || !table.stream.enabled) return {};
    StreamChange record;
    record.old_item = before.item;
    record.new_item = after.item;
    record.old_bytes = before.bytes;
    record.new_bytes = after.bytes;
    record.now = context.clock.now();
    record.by_time_to_live = context.by_time_to_live;
    return append_record(transaction, table, record);
}

Result<void> run_write(kv::Transaction& transaction, const TableDefinition& table, ItemWrite& write, const WriteContext& context,
                       std::size_t item_bytes_max) {
    ItemChange change;
    change.key = item_key(table.number, table.key_schema, write.item);
    auto stored = transaction.get(change.key);
    if (!stored) return stored.error();
    write.old_item.reset();
    write.new_item.reset();
    write.collection.reset();
    write.old_size_bytes = write.new_size_bytes = 0;
    write.units = ConsumedUnits();
    if (*stored) {
        auto old = decode_item(**stored);
        if (!old) return old.error();
        write.old_item = std::move(*old);
        write.old_size_bytes = item_size_bytes(*write.old_item);
        change.before = ItemState{&*write.old_item, **stored, write.old_size_bytes};
    }
    if (write.must_not_exist && write.old_item) return Error(Errc::duplicate_item, "Duplicate primary key exists in table");
    static const Item nothing;
    if ((write.must_exist && !write.old_item) || !write.condition.matches(write.old_item ? *write.old_item : nothing)) {
        write.units.table = write_units(write.old_size_bytes);
        return conditional_check_failed();
    }
    if (write.kind == ItemWrite::Kind::check) {
        write.units.table = write_units(write.old_size_bytes);
        return {};
    }
    auto after = item_after(write, table, item_bytes_max);
    if (!after) return after.error();
    std::string encoded;
    if (*after) {
        write.new_item = std::move(**after);
        write.new_size_bytes = write.kind == ItemWrite::Kind::put ? write.size_bytes : item_size_bytes(*write.new_item);
        encoded = encode_item(*write.new_item, write.new_size_bytes);
        change.after = ItemState{&*write.new_item, encoded, write.new_size_bytes};
    }
    write.units.table = write_units(std::max(write.old_size_bytes, write.new_size_bytes));
    return write_change(transaction, table, change, context, write.units, &write.collection);
}

WriteOutcome outcome_of(ItemWrite& write) {
    WriteOutcome out;
    switch (write.return_values) {
        case ReturnValues::none:
            break;
        case ReturnValues::all_old:
            out.old_item = std::move(write.old_item);
            break;
        case ReturnValues::all_new:
            out.new_item = std::move(write.new_item);
            break;
        case ReturnValues::updated_old:
            if (write.old_item && !write.update.actions().empty()) out.old_item = write.update.updated().apply(std::move(*write.old_item));
            break;
        case ReturnValues::updated_new:
            if (write.new_item && !write.update.actions().empty()) out.new_item = write.update.updated().apply(std::move(*write.new_item));
            break;
    }
    for (auto* returned : {&out.old_item, &out.new_item}) {
        if (*returned && (*returned)->empty()) returned->reset();
    }
    out.units = std::move(write.units);
    out.capacity_units = out.units.total();
    out.collection = std::move(write.collection);
    return out;
}

}  // namespace fogbank::store::table
