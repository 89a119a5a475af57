#include "store/table/detail/index_entries.h"

#include <algorithm>

#include "store/table/detail/capacity.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/item_codec.h"
#include "store/table/detail/limits.h"

namespace fogbank::store::table {
namespace {

std::size_t key_bytes(const AttributeValue& value) {
    if (value.string() != nullptr) return value.string()->size();
    return value.binary() != nullptr ? value.binary()->bytes.size() : 0;
}

Result<void> check_attribute(const IndexRequest& index, const KeyAttribute& attribute, const AttributeValue& value, bool is_update) {
    if (!has_type(value, attribute.type)) {
        if (is_update) return validation("The update expression attempted to update the secondary index key to unsupported type");
        return invalid_parameter("Type mismatch for Index Key " + attribute.name +
                                 " Expected: " + std::string(key_type_name(attribute.type)) + " Actual: " + std::string(value.type_name()) +
                                 " IndexName: " + index.name);
    }
    if (attribute.type == KeyType::number || key_bytes(value) > 0) return {};
    return validation(
        "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for "
        "a "
        "key attribute cannot contain an empty " +
        std::string(attribute.type == KeyType::string ? "string" : "binary") + " value. IndexName: " + index.name +
        ", IndexKey: " + attribute.name);
}

Result<void> check_attributes(const IndexRequest& index, const std::vector<KeyAttribute>& attributes, const Item& item, bool is_update,
                              std::size_t& bytes) {
    for (const auto& attribute : attributes) {
        const auto found = item.find(attribute.name);
        if (found == item.end()) continue;
        if (auto checked = check_attribute(index, attribute, found->second, is_update); !checked) return checked;
        bytes += key_bytes(found->second);
    }
    return {};
}

bool has_all(const std::vector<KeyAttribute>& attributes, const Item& item) {
    return std::all_of(attributes.begin(), attributes.end(), [&](const KeyAttribute& attribute) {
        const auto found = item.find(attribute.name);
        return found != item.end() && has_type(found->second, attribute.type);
    });
}

/// Backfilling meets items that were written before the index: what is too large or empty has no entry.
bool fits(const IndexDefinition& index, const Item& item) {
    std::size_t partition = 0, sort = 0;
    return check_attributes(index.request, index.request.keys.partition, item, false, partition) &&
           check_attributes(index.request, index.request.keys.sort, item, false, sort) && partition <= partition_key_bytes_max &&
           sort <= sort_key_bytes_max;
}

void add_units(ConsumedUnits& units, const IndexRequest& index, double more) {
    (index.is_global ? units.global_indexes : units.local_indexes)[index.name] += more;
}

}  // namespace

Result<void> check_index_keys(const TableDefinition& table, const Item& item, bool is_update) {
    for (const IndexDefinition& index : table.indexes) {
        if (!index.is_maintained()) continue;
        std::size_t partition = 0, sort = 0;
        const IndexKeys& keys = index.request.keys;
        if (auto checked = check_attributes(index.request, keys.partition, item, is_update, partition); !checked) return checked;
        if (auto checked = check_attributes(index.request, keys.sort, item, is_update, sort); !checked) return checked;
        if (partition > partition_key_bytes_max)
            return invalid_parameter("Size of hashkey has exceeded the maximum size limit of2048 bytes");
        if (sort > sort_key_bytes_max)
            return invalid_parameter("Aggregated size of all range keys has exceeded the size limit of 1024 bytes");
    }
    return {};
}

std::optional<std::vector<std::string>> projected_attributes(const TableDefinition& table, const IndexDefinition& index) {
    if (index.request.projection.type == ProjectionType::all) return std::nullopt;
    std::vector<std::string> names{table.key_schema.partition_key.name};
    if (table.key_schema.sort_key) names.push_back(table.key_schema.sort_key->name);
    for (const auto& attribute : index.request.keys.partition) names.push_back(attribute.name);
    for (const auto& attribute : index.request.keys.sort) names.push_back(attribute.name);
    if (index.request.projection.type == ProjectionType::include) {
        for (const auto& name : index.request.projection.non_key_attributes) names.push_back(name);
    }
    return names;
}

std::string index_entry_key(const TableDefinition& table, const IndexDefinition& index, const Item& item) {
    std::string key = partition_prefix(keyspace(table.number, index.number), values_of(index.request.keys.partition, item));
    for (const AttributeValue* value : values_of(index.request.keys.sort, item)) key += sortable_key_value(*value);
    key += sortable_key_value(item.find(table.key_schema.partition_key.name)->second);
    if (table.key_schema.sort_key) key += sortable_key_value(item.find(table.key_schema.sort_key->name)->second);
    return key;
}

std::optional<IndexEntry> index_entry(const TableDefinition& table, const IndexDefinition& index, const ItemState& state) {
    if (state.item == nullptr) return std::nullopt;
    const Item& item = *state.item;
    const IndexKeys& keys = index.request.keys;
    if (!has_all(keys.partition, item) || !has_all(keys.sort, item) || !fits(index, item)) return std::nullopt;
    IndexEntry entry;
    entry.key = index_entry_key(table, index, item);
    const auto names = projected_attributes(table, index);
    if (!names) {
        entry.value = state.encoded;
        entry.bytes = state.bytes;
        return entry;
    }
    Item projected;
    for (const auto& name : *names) {
        if (const auto found = item.find(name); found != item.end()) projected.emplace(found->first, found->second);
    }
    entry.bytes = item_size_bytes(projected);
    entry.value = encode_item(projected, entry.bytes);
    return entry;
}

Result<void> write_index_entries(kv::Transaction& transaction, const TableDefinition& table, const ItemState& before,
                                 const ItemState& after, ConsumedUnits& units, std::int64_t& local_bytes) {
    for (const IndexDefinition& index : table.indexes) {
        if (!index.is_maintained()) continue;
        const auto old = index_entry(table, index, before);
        const auto now = index_entry(table, index, after);
        if (!index.request.is_global) {
            local_bytes += static_cast<std::int64_t>(now ? now->bytes : 0) - static_cast<std::int64_t>(old ? old->bytes : 0);
        }
        if (old && now && old->key == now->key) {
            if (old->value == now->value) continue;
            transaction.put(now->key, now->value);
            add_units(units, index.request, write_units(std::max(old->bytes, now->bytes)));
            continue;
        }
        if (old) {
            transaction.erase(old->key);
            add_units(units, index.request, write_units(old->bytes));
        }
        if (now) {
            transaction.put(now->key, now->value);
            add_units(units, index.request, write_units(now->bytes));
        }
    }
    return {};
}

}  // namespace fogbank::store::table
