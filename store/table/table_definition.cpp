#include "store/table/detail/table_definition.h"

#include <nlohmann/json.hpp>

#include "store/kv/key.h"
#include "store/table/detail/errors.h"

namespace fogbank::store::table {
namespace {

using nlohmann::json;

constexpr std::string_view table_room = "tbl";
constexpr std::string_view names_part = "name", markers_part = "live", erasures_part = "gone", sequence_part = "sequence";

kv::KeyBuilder room_key(std::string_view part) {
    return std::move(kv::KeyBuilder(table_room).text(part));
}

json to_json(const KeyAttribute& attribute) {
    return {{"name", attribute.name}, {"type", key_type_name(attribute.type)}};
}

KeyAttribute key_attribute_from(const json& stored) {
    const auto& type = stored.at("type").get_ref<const std::string&>();
    return {stored.at("name").get<std::string>(), type == "S" ? KeyType::string : type == "N" ? KeyType::number : KeyType::binary};
}

TableDefinition definition_from(const json& stored) {
    TableDefinition out;
    out.number = stored.at("number").get<std::uint64_t>();
    out.id = stored.at("id").get<std::string>();
    out.name = TableName(stored.at("table_name").get<std::string>());
    out.key_schema.partition_key = key_attribute_from(stored.at("partition_key"));
    if (stored.contains("sort_key")) out.key_schema.sort_key = key_attribute_from(stored["sort_key"]);
    out.created_at = WallTime(std::chrono::milliseconds(stored.at("created_at_ms").get<std::int64_t>()));
    if (const auto found = stored.find("provisioned_throughput"); found != stored.end()) {
        out.provisioned_throughput = {found->at("read_capacity_units").get<std::int64_t>(),
                                      found->at("write_capacity_units").get<std::int64_t>()};
    }
    out.deletion_protection = stored.at("deletion_protection").get<bool>();
    return out;
}

}  // namespace

std::string encode_definition(const TableDefinition& definition) {
    json out = {{"number", definition.number},
                {"id", definition.id},
                {"table_name", definition.name.str()},
                {"partition_key", to_json(definition.key_schema.partition_key)},
                {"created_at_ms", definition.created_at.time_since_epoch().count()},
                {"deletion_protection", definition.deletion_protection}};
    if (const auto& sort_key = definition.key_schema.sort_key) out["sort_key"] = to_json(*sort_key);
    if (const auto& throughput = definition.provisioned_throughput) {
        out["provisioned_throughput"] = {{"read_capacity_units", throughput->read_capacity_units},
                                         {"write_capacity_units", throughput->write_capacity_units}};
    }
    return out.dump();
}

Result<TableDefinition> decode_definition(std::string_view bytes) {
    try {
        return definition_from(json::parse(bytes));
    } catch (const json::exception& e) {
        return Error(Errc::unavailable, std::string("a stored table definition is corrupt: ") + e.what());
    }
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
    return out;
}

std::string definition_key(const TableName& name) {
    return std::move(room_key(names_part).text(name.view())).str();
}
kv::Range definitions_range() {
    return room_key(names_part).prefix_range();
}
std::string marker_key(TableNumber number) {
    return std::move(room_key(markers_part).number(number)).str();
}
std::string erasure_key(TableNumber number) {
    return std::move(room_key(erasures_part).number(number)).str();
}
kv::Range erasures_range() {
    return room_key(erasures_part).prefix_range();
}
std::string sequence_key() {
    return room_key(sequence_part).str();
}

}  // namespace fogbank::store::table
