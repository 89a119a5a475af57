#include "store/table/detail/table_definition.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "store/kv/key.h"
#include "store/table/detail/definition_json.h"
#include "store/table/detail/errors.h"

namespace fogbank::store::table {
namespace {

constexpr std::string_view table_room = "tbl";

kv::KeyBuilder room_key(std::string_view part) {
    return std::move(kv::KeyBuilder(table_room).text(part));
}
std::string numbered(std::string_view part, std::uint64_t number) {
    return std::move(room_key(part).number(number)).str();
}

}  // namespace

bool TableDefinition::has_local_indexes() const {
    return std::any_of(indexes.begin(), indexes.end(), [](const IndexDefinition& one) { return !one.request.is_global; });
}

bool TableDefinition::is_updating() const {
    return std::any_of(indexes.begin(), indexes.end(), [](const IndexDefinition& one) { return one.status != IndexStatus::active; });
}

const IndexDefinition* TableDefinition::index(std::string_view index_name) const {
    const auto found =
        std::find_if(indexes.begin(), indexes.end(), [&](const IndexDefinition& one) { return one.request.name == index_name; });
    return found == indexes.end() ? nullptr : &*found;
}

std::string encode_definition(const TableDefinition& definition) {
    return definition_to_json(definition).dump();
}

Result<TableDefinition> decode_definition(std::string_view bytes) {
    try {
        return definition_from_json(nlohmann::json::parse(bytes));
    } catch (const nlohmann::json::exception& e) {
        return Error(Errc::unavailable, std::string("a stored table definition is corrupt: ") + e.what());
    }
}

TableStatus status_of(const TableDefinition& definition) {
    if (definition.is_restoring) return TableStatus::creating;
    return definition.is_updating() ? TableStatus::updating : TableStatus::active;
}

std::string stream_arn(const TableDefinition& definition, const ArnFactory& arns) {
    return definition.stream_label.empty() ? std::string() : arns.table(definition.name) + "/stream/" + definition.stream_label;
}

TableDescription describe(const TableDefinition& definition, TableStatus status, const ArnFactory& arns) {
    TableDescription out;
    out.name = definition.name;
    out.arn = arns.table(definition.name);
    out.id = definition.id;
    out.key_schema = definition.key_schema;
    out.status = status;
    out.created_at = definition.created_at;
    out.provisioned_throughput = definition.provisioned_throughput;
    out.deletion_protection = definition.deletion_protection;
    for (const IndexDefinition& index : definition.indexes) {
        IndexDescription shown;
        shown.index = index.request;
        shown.arn = out.arn + "/index/" + index.request.name;
        shown.status = status == TableStatus::active || status == TableStatus::updating ? index.status : IndexStatus::creating;
        if (status == TableStatus::deleting) shown.status = IndexStatus::deleting;
        shown.is_backfilling = index.is_backfilling;
        out.indexes.push_back(std::move(shown));
    }
    out.stream = definition.stream;
    out.stream_arn = stream_arn(definition, arns);
    out.stream_label = definition.stream_label;
    out.table_class = definition.table_class;
    out.table_class_changed_at = definition.table_class_changed_at;
    out.pay_per_request_since = definition.pay_per_request_since;
    out.throughput_raised_at = definition.throughput_raised_at;
    out.throughput_lowered_at = definition.throughput_lowered_at;
    out.sse = definition.sse;
    out.on_demand_throughput = definition.on_demand_throughput;
    out.restored_from_backup_arn = definition.restored_from_backup_arn;
    out.restored_from_table_arn = definition.restored_from_table_arn;
    out.restored_to = definition.restored_to;
    out.is_restoring = definition.is_restoring;
    return out;
}

std::string definition_key(const TableName& name) {
    return std::move(room_key("name").text(name.view())).str();
}
kv::Range definitions_range() {
    return room_key("name").prefix_range();
}
std::string marker_key(TableNumber number) {
    return numbered("live", number);
}
std::string erasure_key(TableNumber number) {
    return numbered("gone", number);
}
kv::Range erasures_range() {
    return room_key("gone").prefix_range();
}
std::string sequence_key() {
    return room_key("sequence").str();
}
std::string tags_key(TableNumber number) {
    return numbered("tags", number);
}
std::string collection_key(TableNumber number, const AttributeValue& partition_key) {
    return std::move(room_key("collection").number(number).raw(sortable_key_value(partition_key))).str();
}
kv::Range collections_range(TableNumber number) {
    return room_key("collection").number(number).prefix_range();
}
std::string token_key(std::string_view token) {
    return std::move(room_key("token").text(token)).str();
}
kv::Range tokens_range() {
    return room_key("token").prefix_range();
}
std::string task_key(std::string_view kind, std::uint64_t number, std::uint64_t part) {
    return std::move(room_key("task").text(kind).number(number).number(part)).str();
}
kv::Range tasks_range() {
    return room_key("task").prefix_range();
}
std::string backup_key(std::uint64_t number) {
    return numbered("backup", number);
}
kv::Range backups_range() {
    return room_key("backup").prefix_range();
}

Result<std::uint64_t> next_number(kv::Transaction& transaction) {
    auto stored = transaction.get(sequence_key());
    if (!stored) return stored.error();
    std::uint64_t number = 0;
    if (*stored) {
        const std::string& text = **stored;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc() || end != text.data() + text.size())
            return Error(Errc::unavailable, "the stored table sequence is corrupt");
    }
    ++number;
    transaction.put(sequence_key(), std::to_string(number));
    return number;
}

}  // namespace fogbank::store::table
