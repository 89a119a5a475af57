/// Fleet indexing. Source: AWS IoT API reference (reference "registry", sections 2 and 15).
#include <array>
#include <nlohmann/json.hpp>

#include "api/iot_members.h"
#include "registry/fleet_index.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using registry::CustomField;
using registry::IndexingConfiguration;
using registry::IndexRequest;

constexpr std::int64_t default_buckets = 10000;
constexpr std::size_t percents_max = 100;
constexpr std::array default_percents{1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0};

/// What the service indexes of its own accord. Source: AWS IoT Core Developer Guide, "Managed fields".
struct ManagedField {
    const char *name, *type;
};
constexpr std::array registry_fields{ManagedField{"thingName", "String"},
                                     ManagedField{"thingId", "String"},
                                     ManagedField{"thingTypeName", "String"},
                                     ManagedField{"registry.version", "Number"},
                                     ManagedField{"registry.thingTypeName", "String"},
                                     ManagedField{"registry.thingGroupNames", "String"}};
constexpr std::array shadow_fields{ManagedField{"shadow.version", "Number"}, ManagedField{"shadow.hasDelta", "Boolean"}};
constexpr std::array connectivity_fields{ManagedField{"connectivity.timestamp", "Number"}, ManagedField{"connectivity.version", "Number"},
                                         ManagedField{"connectivity.connected", "Boolean"},
                                         ManagedField{"connectivity.disconnectReason", "String"}};
constexpr std::array group_fields{ManagedField{"name", "String"}, ManagedField{"parentGroupNames", "String"},
                                  ManagedField{"description", "String"}, ManagedField{"version", "Number"}};

template <class Fields>
void add_managed(json& list, const Fields& fields) {
    for (const ManagedField& one : fields) list.push_back({{"name", one.name}, {"type", one.type}});
}

Result<std::vector<CustomField>> read_custom_fields(const json& object) {
    std::vector<CustomField> out;
    const json* list = find_member(object, "customFields");
    if (list == nullptr) return out;
    if (!list->is_array()) return validation_error("customFields must be a list");
    for (const json& one : *list) {
        if (!one.is_object()) return validation_error("each of customFields must be an object");
        const auto name = required_string(one, "name");
        if (!name) return name.error();
        const auto type = required_string(one, "type");
        if (!type) return type.error();
        out.push_back({*name, *type});
    }
    return out;
}

Result<std::string> read_mode(const json& object, std::string_view member) {
    const auto mode = optional_string(object, member);
    if (!mode) return mode.error();
    return mode->value_or("OFF");
}

Result<void> read_things(const json& object, IndexingConfiguration& out) {
    if (find_member(object, "thingIndexingMode") == nullptr) return missing_member("thingIndexingConfiguration.thingIndexingMode");
    const auto mode = read_mode(object, "thingIndexingMode");
    if (!mode) return mode.error();
    const auto connectivity = read_mode(object, "thingConnectivityIndexingMode");
    if (!connectivity) return connectivity.error();
    const auto named = read_mode(object, "namedShadowIndexingMode");
    if (!named) return named.error();
    const auto defender = read_mode(object, "deviceDefenderIndexingMode");
    if (!defender) return defender.error();
    if (*defender != "OFF") return validation_error("deviceDefenderIndexingMode: this server has no Device Defender, only OFF is possible");
    const auto filter = optional_object(object, "filter");
    if (!filter) return filter.error();
    if (find_member(*filter, "geoLocations") != nullptr) return validation_error("filter.geoLocations is not supported by this server");
    auto names = optional_strings(*filter, "namedShadowNames");
    if (!names) return names.error();
    auto fields = read_custom_fields(object);
    if (!fields) return fields.error();
    out.thing_mode = *mode;
    out.connectivity_mode = *connectivity;
    out.named_shadow_mode = *named;
    out.named_shadows = std::move(*names);
    out.custom_fields = std::move(*fields);
    return {};
}

asio::awaitable<Outcome> update_indexing_configuration(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    registry::IndexingUpdate update;
    update.things = find_member(*body, "thingIndexingConfiguration") != nullptr;
    update.groups = find_member(*body, "thingGroupIndexingConfiguration") != nullptr;
    const auto things = optional_object(*body, "thingIndexingConfiguration");
    if (!things) co_return things.error();
    if (update.things) {
        if (auto read = read_things(*things, update.configuration); !read) co_return read.error();
    }
    const auto groups = optional_object(*body, "thingGroupIndexingConfiguration");
    if (!groups) co_return groups.error();
    if (update.groups) {
        const auto mode = read_mode(*groups, "thingGroupIndexingMode");
        if (!mode) co_return mode.error();
        auto fields = read_custom_fields(*groups);
        if (!fields) co_return fields.error();
        update.configuration.group_mode = *mode;
        update.configuration.group_custom_fields = std::move(*fields);
    }
    const auto done = co_await services.rooms.registry.index().update_indexing_configuration(std::move(update));
    if (!done) co_return done.error();
    co_return json_response(json::object());
}

json custom_json(const std::vector<CustomField>& fields) {
    json out = json::array();
    for (const CustomField& one : fields) out.push_back({{"name", one.name}, {"type", one.type}});
    return out;
}

json things_json(const IndexingConfiguration& c) {
    json out{{"thingIndexingMode", c.thing_mode},
             {"thingConnectivityIndexingMode", c.connectivity_mode},
             {"deviceDefenderIndexingMode", "OFF"},
             {"namedShadowIndexingMode", c.named_shadow_mode}};
    json managed = json::array();
    if (c.things()) add_managed(managed, registry_fields);
    if (c.shadows()) add_managed(managed, shadow_fields);
    if (c.connectivity()) add_managed(managed, connectivity_fields);
    if (!managed.empty()) out["managedFields"] = std::move(managed);
    if (!c.custom_fields.empty()) out["customFields"] = custom_json(c.custom_fields);
    if (!c.named_shadows.empty()) out["filter"] = {{"namedShadowNames", c.named_shadows}};
    return out;
}

asio::awaitable<Outcome> get_indexing_configuration(const Services& services, const Call&) {
    const auto found = co_await services.rooms.registry.index().indexing_configuration();
    if (!found) co_return found.error();
    json groups{{"thingGroupIndexingMode", found->group_mode}};
    if (found->groups()) {
        groups["managedFields"] = json::array();
        add_managed(groups["managedFields"], group_fields);
    }
    if (!found->group_custom_fields.empty()) groups["customFields"] = custom_json(found->group_custom_fields);
    co_return json_response({{"thingIndexingConfiguration", things_json(*found)}, {"thingGroupIndexingConfiguration", std::move(groups)}});
}

/// The members that searches and aggregations share.
Result<IndexRequest> read_request(const json& body) {
    const auto index = optional_string(body, "indexName");
    if (!index) return index.error();
    const auto query = required_string(body, "queryString");
    if (!query) return query.error();
    const auto version = optional_string(body, "queryVersion");
    if (!version) return version.error();
    if (*version && **version != "2017-09-30") {
        return Error(registry::Errc::invalid_query, "Invalid query version: " + (*version)->substr(0, 64) + ". Supported: 2017-09-30");
    }
    const auto field = optional_string(body, "aggregationField");
    if (!field) return field.error();
    IndexRequest out;
    if (*index) out.index = **index;
    out.query = *query;
    if (*field) out.field = **field;
    return out;
}

asio::awaitable<Outcome> search_index(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    auto request = read_request(*body);
    if (!request) co_return request.error();
    const auto limit = optional_integer(*body, "maxResults");
    if (!limit) co_return limit.error();
    const auto token = optional_string(*body, "nextToken");
    if (!token) co_return token.error();
    auto marker = decode_token(*token ? &**token : nullptr);
    if (!marker) co_return marker.error();
    request->items_max = limit->value_or(registry_page_default);
    request->marker = std::move(*marker);
    const auto found = co_await services.rooms.registry.index().search(std::move(*request));
    if (!found) co_return found.error();
    json list = json::array();
    for (const std::string& one : found->documents) list.push_back(json::parse(one));
    json answer{{found->groups ? "thingGroups" : "things", std::move(list)}};
    if (found->next) answer["nextToken"] = encode_token(*found->next);
    co_return json_response(answer);
}

asio::awaitable<Outcome> describe_index(const Services& services, const Call& call) {
    const auto found = co_await services.rooms.registry.index().describe_index(call.label("indexName"));
    if (!found) co_return found.error();
    co_return json_response({{"indexName", found->name}, {"indexStatus", found->status}, {"schema", found->schema}});
}

asio::awaitable<Outcome> list_indices(const Services& services, const Call&) {
    const auto found = co_await services.rooms.registry.index().list_indices();
    if (!found) co_return found.error();
    co_return json_response({{"indexNames", *found}});
}

asio::awaitable<Outcome> get_statistics(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    auto request = read_request(*body);
    if (!request) co_return request.error();
    const auto found = co_await services.rooms.registry.index().statistics(std::move(*request));
    if (!found) co_return found.error();
    json statistics{{"count", found->count}};
    if (found->numeric) {
        statistics.update({{"average", found->average},
                           {"sum", found->sum},
                           {"minimum", found->minimum},
                           {"maximum", found->maximum},
                           {"sumOfSquares", found->sum_of_squares},
                           {"variance", found->variance},
                           {"stdDeviation", found->deviation}});
    }
    co_return json_response({{"statistics", std::move(statistics)}});
}

asio::awaitable<Outcome> get_cardinality(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    auto request = read_request(*body);
    if (!request) co_return request.error();
    const auto found = co_await services.rooms.registry.index().cardinality(std::move(*request));
    if (!found) co_return found.error();
    co_return json_response({{"cardinality", *found}});
}

Result<std::vector<double>> read_percents(const json& body) {
    const json* list = find_member(body, "percents");
    if (list == nullptr) return std::vector<double>(default_percents.begin(), default_percents.end());
    if (!list->is_array() || list->size() > percents_max) return validation_error("percents must be a list of at most 100 numbers");
    std::vector<double> out;
    for (const json& one : *list) {
        if (!one.is_number()) return validation_error("percents must be a list of numbers");
        out.push_back(one.get<double>());
    }
    return out;
}

asio::awaitable<Outcome> get_percentiles(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    auto request = read_request(*body);
    if (!request) co_return request.error();
    auto percents = read_percents(*body);
    if (!percents) co_return percents.error();
    const auto found = co_await services.rooms.registry.index().percentiles(std::move(*request), std::move(*percents));
    if (!found) co_return found.error();
    json list = json::array();
    for (const auto& [percent, value] : *found) list.push_back({{"percent", percent}, {"value", value}});
    co_return json_response({{"percentiles", std::move(list)}});
}

asio::awaitable<Outcome> get_buckets(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    auto request = read_request(*body);
    if (!request) co_return request.error();
    if (find_member(*body, "aggregationField") == nullptr) co_return missing_member("aggregationField");
    if (find_member(*body, "bucketsAggregationType") == nullptr) co_return missing_member("bucketsAggregationType");
    const auto type = optional_object(*body, "bucketsAggregationType");
    if (!type) co_return type.error();
    const auto terms = optional_object(*type, "termsAggregation");
    if (!terms) co_return terms.error();
    const auto limit = optional_integer(*terms, "maxBuckets");
    if (!limit) co_return limit.error();
    request->items_max = limit->value_or(default_buckets);
    if (request->items_max < 1 || request->items_max > default_buckets)
        co_return validation_error("maxBuckets must be between 1 and 10000");
    const auto found = co_await services.rooms.registry.index().buckets(std::move(*request));
    if (!found) co_return found.error();
    json list = json::array();
    for (const auto& [value, count] : found->buckets) list.push_back({{"keyValue", value}, {"count", count}});
    co_return json_response({{"totalCount", found->total}, {"buckets", std::move(list)}});
}

asio::awaitable<Outcome> get_connectivity_data(const Services& services, const Call& call) {
    const std::string& thing = call.label("thingName");
    const auto found = co_await services.rooms.registry.index().connectivity_of(thing);
    if (!found) co_return found.error();
    if (!*found) co_return Error(registry::Errc::resource_not_found, "No connectivity data for thing " + thing);
    const json stored = json::parse(**found, nullptr, false);
    json answer{{"thingName", thing}};
    if (stored.is_object()) {
        answer["connected"] = stored.value("connected", false);
        answer["timestamp"] = static_cast<double>(stored.value("timestamp", std::int64_t{0})) / 1000.0;
        if (stored.contains("disconnectReason")) answer["disconnectReason"] = stored.at("disconnectReason");
    }
    co_return json_response(answer);
}

constexpr std::array operations{
    Operation{"UpdateIndexingConfiguration", "POST", "/indexing/config", update_indexing_configuration},
    Operation{"GetIndexingConfiguration", "GET", "/indexing/config", get_indexing_configuration},
    Operation{"SearchIndex", "POST", "/indices/search", search_index},
    Operation{"DescribeIndex", "GET", "/indices/{indexName}", describe_index},
    Operation{"ListIndices", "GET", "/indices", list_indices},
    Operation{"GetStatistics", "POST", "/indices/statistics", get_statistics},
    Operation{"GetCardinality", "POST", "/indices/cardinality", get_cardinality},
    Operation{"GetPercentiles", "POST", "/indices/percentiles", get_percentiles},
    Operation{"GetBucketsAggregation", "POST", "/indices/buckets", get_buckets},
    Operation{"GetThingConnectivityData", "POST", "/things/{thingName}/connectivity-data", get_connectivity_data},
};

}  // namespace

std::span<const Operation> iot_indexing_operations() {
    return operations;
}

}  // namespace fogbank::api
