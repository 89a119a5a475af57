#include "store/table/detail/item_key.h"

#include "store/kv/key.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/limits.h"

namespace fogbank::store::table {
namespace {

constexpr std::string_view item_room = "itm", index_room = "idx";
constexpr unsigned bucket_bits = 6;
constexpr std::size_t end_of_part_bytes = 2;  // KeyBuilder::text ends a part with two bytes

/// FNV-1a with a final mix, so that the upper bits depend on every byte. Stored: never change it.
std::uint32_t partition_hash(std::string_view bytes) {
    std::uint64_t hash = 0xCBF29CE484222325U;
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCDU;
    hash ^= hash >> 33;
    return static_cast<std::uint32_t>(hash >> 32);
}

std::string_view content_of(const AttributeValue& value) {
    if (const auto* text = value.string()) return *text;
    if (const auto* binary = value.binary()) return binary->bytes;
    return {};
}

/// The engine's key where bucket number `bucket` begins; for the one after the last, where the space ends.
std::string bucket_begin(std::string_view space, std::uint64_t bucket) {
    if (bucket >> bucket_bits != 0) return kv::prefix_end(space);
    return std::string(space) + static_cast<char>(bucket);
}

std::string sortable(const std::vector<const AttributeValue*>& values) {
    std::string out;
    for (const AttributeValue* value : values) out += sortable_key_value(*value);
    return out;
}

Error does_not_match() {
    return validation("The provided key element does not match the schema");
}

Result<void> check_not_empty(const KeyAttribute& attribute, const AttributeValue& value) {
    if (attribute.type == KeyType::number || !content_of(value).empty()) return {};
    return validation("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty " +
                      std::string(attribute.type == KeyType::string ? "string" : "binary") + " value. Key: " + attribute.name);
}

Result<const AttributeValue*> item_key_attribute(const KeyAttribute& attribute, const Item& item) {
    const auto found = item.find(attribute.name);
    if (found == item.end()) return invalid_parameter("Missing the key " + attribute.name + " in the item");
    if (!has_type(found->second, attribute.type)) {
        return invalid_parameter("Type mismatch for key " + attribute.name + " expected: " + std::string(key_type_name(attribute.type)) +
                                 " actual: " + std::string(found->second.type_name()));
    }
    return &found->second;
}

Result<const AttributeValue*> exact_key_attribute(const KeyAttribute& attribute, const Item& key) {
    const auto found = key.find(attribute.name);
    if (found == key.end() || !has_type(found->second, attribute.type)) return does_not_match();
    return &found->second;
}

template <class Find>
Result<void> check_both(const KeySchema& schema, const Item& item, Find find) {
    auto partition = find(schema.partition_key, item);
    if (!partition) return partition.error();
    if (schema.sort_key) {
        auto sort = find(*schema.sort_key, item);
        if (!sort) return sort.error();
        if (auto checked = check_partition_key_value(schema.partition_key, **partition); !checked) return checked;
        return check_sort_key_value(*schema.sort_key, **sort);
    }
    return check_partition_key_value(schema.partition_key, **partition);
}

}  // namespace

bool has_type(const AttributeValue& value, KeyType type) {
    switch (type) {
        case KeyType::string:
            return value.type() == AttributeValue::Type::string;
        case KeyType::number:
            return value.type() == AttributeValue::Type::number;
        case KeyType::binary:
            return value.type() == AttributeValue::Type::binary;
    }
    return false;
}

std::string_view key_type_name(KeyType type) {
    return type == KeyType::string ? "S" : type == KeyType::number ? "N" : "B";
}

Result<void> check_item_key(const KeySchema& schema, const Item& item) {
    return check_both(schema, item, item_key_attribute);
}

Result<void> check_key(const KeySchema& schema, const Item& key) {
    if (key.size() != (schema.sort_key ? 2U : 1U)) return does_not_match();
    return check_both(schema, key, exact_key_attribute);
}

Result<void> check_partition_key_value(const KeyAttribute& attribute, const AttributeValue& value) {
    if (auto checked = check_not_empty(attribute, value); !checked) return checked;
    if (content_of(value).size() <= partition_key_bytes_max) return {};
    return invalid_parameter("Size of hashkey has exceeded the maximum size limit of2048 bytes");  // the missing space is DynamoDB's
}

Result<void> check_sort_key_value(const KeyAttribute& attribute, const AttributeValue& value) {
    if (auto checked = check_not_empty(attribute, value); !checked) return checked;
    if (content_of(value).size() <= sort_key_bytes_max) return {};
    return invalid_parameter("Aggregated size of all range keys has exceeded the size limit of 1024 bytes");
}

Item key_of(const KeySchema& schema, const Item& item) {
    return key_of(layout_of(schema), item);
}

IndexKeys layout_of(const KeySchema& schema) {
    IndexKeys out;
    out.partition.push_back(schema.partition_key);
    if (schema.sort_key) out.sort.push_back(*schema.sort_key);
    return out;
}

Item key_of(const IndexKeys& layout, const Item& item) {
    Item key;
    for (const auto* attributes : {&layout.partition, &layout.sort}) {
        for (const auto& attribute : *attributes) {
            if (const auto found = item.find(attribute.name); found != item.end()) key.emplace(found->first, found->second);
        }
    }
    return key;
}

std::string sortable_key_value(const AttributeValue& value) {
    if (const auto* number = value.number()) return number->sortable_bytes();
    return std::move(kv::KeyBuilder().text(content_of(value))).str();
}

std::string sortable_key_beginning(const AttributeValue& value) {
    std::string bytes = sortable_key_value(value);
    if (value.number() == nullptr) bytes.resize(bytes.size() - end_of_part_bytes);
    return bytes;
}

std::string keyspace(TableNumber table) {
    return std::move(kv::KeyBuilder(item_room).number(table)).str();
}
std::string keyspace(TableNumber table, IndexNumber index) {
    return std::move(kv::KeyBuilder(index_room).number(table).number(index)).str();
}
kv::Range indexes_range(TableNumber table) {
    return kv::KeyBuilder(index_room).number(table).prefix_range();
}

std::string item_key(TableNumber table, const KeySchema& schema, const Item& item) {
    std::string key = partition_prefix(keyspace(table), {&item.find(schema.partition_key.name)->second});
    if (schema.sort_key) key += sortable_key_value(item.find(schema.sort_key->name)->second);
    return key;
}

std::string partition_prefix(std::string_view space, const std::vector<const AttributeValue*>& values) {
    const std::string bytes = sortable(values);
    std::string key(space);
    key += static_cast<char>(partition_hash(bytes) >> (32 - bucket_bits));
    return key += bytes;
}

kv::Range space_range(std::string_view space) {
    return {std::string(space), kv::prefix_end(space)};
}

kv::Range segment_range(std::string_view space, Segment segment) {
    // Segment i owns the hashes h with h * total >> 32 == i; a bucket is a range of hashes.
    const std::uint64_t first = (segment.index << bucket_bits) / segment.total;
    const std::uint64_t last = (((segment.index + 1) << bucket_bits) - 1) / segment.total;
    return {bucket_begin(space, first), bucket_begin(space, last + 1)};
}

bool is_in_segment(const std::vector<const AttributeValue*>& partition_key, Segment segment) {
    return (partition_hash(sortable(partition_key)) * segment.total) >> 32 == segment.index;
}

std::vector<const AttributeValue*> values_of(const std::vector<KeyAttribute>& attributes, const Item& item) {
    std::vector<const AttributeValue*> out;
    for (const auto& attribute : attributes) {
        if (const auto found = item.find(attribute.name); found != item.end()) out.push_back(&found->second);
    }
    return out;
}

}  // namespace fogbank::store::table
