#include "store/table/detail/definition_json.h"

#include <nlohmann/json.hpp>

namespace fogbank::store::table {
namespace {

using nlohmann::json;

json to_json(const KeyAttribute& attribute) {
    return {{"name", attribute.name}, {"type", key_type_name(attribute.type)}};
}
KeyAttribute key_attribute_from(const json& stored) {
    const auto& type = stored.at("type").get_ref<const std::string&>();
    return {stored.at("name").get<std::string>(), type == "S" ? KeyType::string : type == "N" ? KeyType::number : KeyType::binary};
}

json to_json(const std::vector<KeyAttribute>& attributes) {
    json out = json::array();
    for (const auto& one : attributes) out.push_back(to_json(one));
    return out;
}
std::vector<KeyAttribute> key_attributes_from(const json& stored) {
    std::vector<KeyAttribute> out;
    for (const auto& one : stored) out.push_back(key_attribute_from(one));
    return out;
}

json to_json(const ProvisionedThroughput& throughput) {
    return {{"read_capacity_units", throughput.read_capacity_units}, {"write_capacity_units", throughput.write_capacity_units}};
}
std::optional<ProvisionedThroughput> throughput_from(const json& stored) {
    const auto found = stored.find("provisioned_throughput");
    if (found == stored.end()) return std::nullopt;
    return ProvisionedThroughput{found->at("read_capacity_units").get<std::int64_t>(),
                                 found->at("write_capacity_units").get<std::int64_t>()};
}

json to_json(const OnDemandThroughput& throughput) {
    json out = json::object();
    if (throughput.max_read_request_units) out["read"] = *throughput.max_read_request_units;
    if (throughput.max_write_request_units) out["write"] = *throughput.max_write_request_units;
    return out;
}
std::optional<OnDemandThroughput> on_demand_from(const json& stored) {
    const auto found = stored.find("on_demand_throughput");
    if (found == stored.end()) return std::nullopt;
    OnDemandThroughput out;
    if (found->contains("read")) out.max_read_request_units = found->at("read").get<std::int64_t>();
    if (found->contains("write")) out.max_write_request_units = found->at("write").get<std::int64_t>();
    return out;
}

json to_json(const IndexDefinition& index) {
    const IndexRequest& request = index.request;
    json out{{"number", index.number},
             {"name", request.name},
             {"global", request.is_global},
             {"partition", to_json(request.keys.partition)},
             {"sort", to_json(request.keys.sort)},
             {"projection", static_cast<int>(request.projection.type)},
             {"included", request.projection.non_key_attributes},
             {"status", static_cast<int>(index.status)},
             {"backfilling", index.is_backfilling}};
    if (request.provisioned_throughput) out["provisioned_throughput"] = to_json(*request.provisioned_throughput);
    if (request.on_demand_throughput) out["on_demand_throughput"] = to_json(*request.on_demand_throughput);
    return out;
}

template <class Enum>
Enum enum_from(const json& stored, const char* member) {
    return static_cast<Enum>(stored.at(member).get<int>());
}

IndexDefinition index_from(const json& stored) {
    IndexDefinition out;
    out.number = stored.at("number").get<IndexNumber>();
    out.request.name = stored.at("name").get<std::string>();
    out.request.is_global = stored.at("global").get<bool>();
    out.request.keys.partition = key_attributes_from(stored.at("partition"));
    out.request.keys.sort = key_attributes_from(stored.at("sort"));
    out.request.projection.type = enum_from<ProjectionType>(stored, "projection");
    out.request.projection.non_key_attributes = stored.at("included").get<std::vector<std::string>>();
    out.request.provisioned_throughput = throughput_from(stored);
    out.request.on_demand_throughput = on_demand_from(stored);
    out.status = enum_from<IndexStatus>(stored, "status");
    out.is_backfilling = stored.at("backfilling").get<bool>();
    return out;
}

std::int64_t milliseconds(WallTime time) {
    return time.time_since_epoch().count();
}
WallTime wall_time(const json& stored) {
    return WallTime(std::chrono::milliseconds(stored.get<std::int64_t>()));
}

/// Times that are there only if something happened.
struct TimeMember {
    const char* name;
    std::optional<WallTime> TableDefinition::*member;
};
constexpr TimeMember time_members[] = {{"table_class_changed_at_ms", &TableDefinition::table_class_changed_at},
                                       {"pay_per_request_since_ms", &TableDefinition::pay_per_request_since},
                                       {"throughput_raised_at_ms", &TableDefinition::throughput_raised_at},
                                       {"throughput_lowered_at_ms", &TableDefinition::throughput_lowered_at},
                                       {"point_in_time_since_ms", &TableDefinition::point_in_time_since},
                                       {"restored_to_ms", &TableDefinition::restored_to}};

void write_options(const TableDefinition& definition, json& out) {
    if (definition.stream.enabled || definition.stream_number != 0) {
        out["stream"] = {{"enabled", definition.stream.enabled},
                         {"view", static_cast<int>(definition.stream.view)},
                         {"number", definition.stream_number},
                         {"label", definition.stream_label}};
    }
    if (definition.table_class != TableClass::standard) out["infrequent_access"] = true;
    if (definition.sse) out["sse"] = {{"kms", definition.sse->is_kms}, {"key", definition.sse->kms_key_arn}};
    if (definition.on_demand_throughput) out["on_demand_throughput"] = to_json(*definition.on_demand_throughput);
    if (!definition.time_to_live.attribute.empty()) {
        out["time_to_live"] = {{"enabled", definition.time_to_live.enabled}, {"attribute", definition.time_to_live.attribute}};
    }
    if (!definition.restored_from_backup_arn.empty()) out["restored_from_backup"] = definition.restored_from_backup_arn;
    if (!definition.restored_from_table_arn.empty()) out["restored_from_table"] = definition.restored_from_table_arn;
    if (definition.is_restoring) out["restoring"] = true;
}

void read_options(const json& stored, TableDefinition& out) {
    if (const auto found = stored.find("stream"); found != stored.end()) {
        out.stream.enabled = found->at("enabled").get<bool>();
        out.stream.view = enum_from<StreamViewType>(*found, "view");
        out.stream_number = found->at("number").get<std::uint64_t>();
        out.stream_label = found->at("label").get<std::string>();
    }
    if (stored.value("infrequent_access", false)) out.table_class = TableClass::standard_infrequent_access;
    if (const auto found = stored.find("sse"); found != stored.end())
        out.sse = SseSettings{found->at("kms").get<bool>(), found->at("key").get<std::string>()};
    out.on_demand_throughput = on_demand_from(stored);
    if (const auto found = stored.find("time_to_live"); found != stored.end()) {
        out.time_to_live.enabled = found->at("enabled").get<bool>();
        out.time_to_live.attribute = found->at("attribute").get<std::string>();
    }
    out.restored_from_backup_arn = stored.value("restored_from_backup", "");
    out.restored_from_table_arn = stored.value("restored_from_table", "");
    out.is_restoring = stored.value("restoring", false);
}

}  // namespace

json definition_to_json(const TableDefinition& definition) {
    json out = {{"number", definition.number},
                {"version", definition.version},
                {"id", definition.id},
                {"table_name", definition.name.str()},
                {"partition_key", to_json(definition.key_schema.partition_key)},
                {"created_at_ms", milliseconds(definition.created_at)},
                {"deletion_protection", definition.deletion_protection}};
    if (const auto& sort_key = definition.key_schema.sort_key) out["sort_key"] = to_json(*sort_key);
    if (definition.provisioned_throughput) out["provisioned_throughput"] = to_json(*definition.provisioned_throughput);
    if (definition.last_index != 0) {
        out["last_index"] = definition.last_index;
        out["indexes"] = json::array();
        for (const auto& index : definition.indexes) out["indexes"].push_back(to_json(index));
    }
    for (const TimeMember& one : time_members) {
        if (const auto& time = definition.*one.member) out[one.name] = milliseconds(*time);
    }
    write_options(definition, out);
    return out;
}

TableDefinition definition_from_json(const json& stored) {
    TableDefinition out;
    out.number = stored.at("number").get<std::uint64_t>();
    out.version = stored.value("version", std::uint64_t{0});
    out.id = stored.at("id").get<std::string>();
    out.name = TableName(stored.at("table_name").get<std::string>());
    out.key_schema.partition_key = key_attribute_from(stored.at("partition_key"));
    if (stored.contains("sort_key")) out.key_schema.sort_key = key_attribute_from(stored["sort_key"]);
    out.created_at = wall_time(stored.at("created_at_ms"));
    out.provisioned_throughput = throughput_from(stored);
    out.deletion_protection = stored.at("deletion_protection").get<bool>();
    out.last_index = stored.value("last_index", IndexNumber{0});
    if (const auto found = stored.find("indexes"); found != stored.end()) {
        for (const auto& one : *found) out.indexes.push_back(index_from(one));
    }
    for (const TimeMember& one : time_members) {
        if (const auto found = stored.find(one.name); found != stored.end()) out.*one.member = wall_time(*found);
    }
    read_options(stored, out);
    return out;
}

}  // namespace fogbank::store::table
