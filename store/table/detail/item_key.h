/// Where an item lies in the key-value engine, and the checks of its primary key.
///
/// Key: `itm` · table number (8 bytes) · bucket (1 byte) · partition key · sort key. Within a partition the engine's byte order is
/// DynamoDB's order of the sort key. The bucket is the top of a hash of the partition key: it spreads the partitions over the table's
/// range, as DynamoDB does, so that the segments of a parallel scan are ranges, whatever the keys look like. The hash is part of the stored
/// format.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/kv/engine.h"
#include "store/table/table_service.h"

namespace fogbank::store::table {

/// A table's number in the engine's keys. Never used again, so the items of a deleted table never show in another of the same name.
using TableNumber = std::uint64_t;
/// An index's number in its table.
using IndexNumber = std::uint64_t;

bool has_type(const AttributeValue& value, KeyType type);
std::string_view key_type_name(KeyType type);

/// PutItem's checks: each key attribute is there, has its type, is not empty and not too large. Other attributes are not looked at.
Result<void> check_item_key(const KeySchema& schema, const Item& item);
/// GetItem's and DeleteItem's checks: exactly the key attributes.
Result<void> check_key(const KeySchema& schema, const Item& key);
/// Size and emptiness of one key value; its type is right already.
Result<void> check_partition_key_value(const KeyAttribute& attribute, const AttributeValue& value);
Result<void> check_sort_key_value(const KeyAttribute& attribute, const AttributeValue& value);

/// The primary key's attributes of an item that has them.
Item key_of(const KeySchema& schema, const Item& item);

/// Order-preserving bytes of a key value: string, number or binary.
std::string sortable_key_value(const AttributeValue& value);
/// The part of sortable_key_value that all strings (binaries) with this beginning share.
std::string sortable_key_beginning(const AttributeValue& value);

/// The key attributes of a table in the form that tables and indexes share.
IndexKeys layout_of(const KeySchema& schema);
Item key_of(const IndexKeys& layout, const Item& item);

/// What the engine's keys of all items of a table, or of all entries of an index, begin with.
std::string keyspace(TableNumber table);
std::string keyspace(TableNumber table, IndexNumber index);
/// All indexes of a table.
kv::Range indexes_range(TableNumber table);

/// The engine's key of the item; `item` holds the key attributes with their types (checked before).
std::string item_key(TableNumber table, const KeySchema& schema, const Item& item);
/// What the keys of all items (entries) of one partition begin with. @param values  of the partition key's attributes, in order.
std::string partition_prefix(std::string_view space, const std::vector<const AttributeValue*>& values);

kv::Range space_range(std::string_view space);
inline kv::Range table_range(TableNumber table) {
    return space_range(keyspace(table));
}

/// One of `total` parts of a table in a parallel scan. Every partition belongs to exactly one segment.
struct Segment {
    std::uint64_t index = 0, total = 1;
};
/// A range that holds the segment, and at most a bucket's more at each end.
kv::Range segment_range(std::string_view space, Segment segment);
bool is_in_segment(const std::vector<const AttributeValue*>& partition_key, Segment segment);
/// The values of attributes that the item has.
std::vector<const AttributeValue*> values_of(const std::vector<KeyAttribute>& attributes, const Item& item);

}  // namespace fogbank::store::table
