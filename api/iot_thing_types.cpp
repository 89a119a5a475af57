/// Thing types. Source: AWS IoT API reference (reference "registry", sections 2 and 4).
#include <array>
#include <nlohmann/json.hpp>

#include "api/iot_members.h"
#include "registry/thing_types.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using registry::PropagatingAttribute;
using registry::ThingType;
using registry::ThingTypeProperties;

Result<std::vector<PropagatingAttribute>> read_propagating(const json& properties) {
    std::vector<PropagatingAttribute> out;
    const auto configuration = optional_object(properties, "mqtt5Configuration");
    if (!configuration) return configuration.error();
    const json* list = find_member(*configuration, "propagatingAttributes");
    if (list == nullptr) return out;
    if (!list->is_array()) return validation_error("propagatingAttributes must be a list");
    for (const json& one : *list) {
        if (!one.is_object()) return validation_error("each of propagatingAttributes must be an object");
        const auto key = optional_string(one, "userPropertyKey");
        if (!key) return key.error();
        const auto thing = optional_string(one, "thingAttribute");
        if (!thing) return thing.error();
        const auto connection = optional_string(one, "connectionAttribute");
        if (!connection) return connection.error();
        out.push_back({key->value_or(""), thing->value_or(""), connection->value_or("")});
    }
    return out;
}

Result<ThingTypeProperties> read_properties(const json& body) {
    const auto properties = optional_object(body, "thingTypeProperties");
    if (!properties) return properties.error();
    const auto description = optional_string(*properties, "thingTypeDescription");
    if (!description) return description.error();
    auto searchable = optional_strings(*properties, "searchableAttributes");
    if (!searchable) return searchable.error();
    auto propagating = read_propagating(*properties);
    if (!propagating) return propagating.error();
    return ThingTypeProperties{description->value_or(""), std::move(*searchable), std::move(*propagating)};
}

json properties_json(const ThingTypeProperties& properties) {
    json out = json::object();
    if (!properties.description.empty()) out["thingTypeDescription"] = properties.description;
    if (!properties.searchable_attributes.empty()) out["searchableAttributes"] = properties.searchable_attributes;
    if (properties.propagating_attributes.empty()) return out;
    json list = json::array();
    for (const PropagatingAttribute& one : properties.propagating_attributes) {
        json entry = json::object();
        if (!one.user_property_key.empty()) entry["userPropertyKey"] = one.user_property_key;
        if (!one.thing_attribute.empty()) entry["thingAttribute"] = one.thing_attribute;
        if (!one.connection_attribute.empty()) entry["connectionAttribute"] = one.connection_attribute;
        list.push_back(std::move(entry));
    }
    out["mqtt5Configuration"] = {{"propagatingAttributes", std::move(list)}};
    return out;
}

json metadata_json(const ThingType& type) {
    json out{{"deprecated", type.deprecated}, {"creationDate", epoch_seconds(type.created_at)}};
    if (type.deprecated) out["deprecationDate"] = epoch_seconds(type.deprecated_at);
    return out;
}

asio::awaitable<Outcome> create_thing_type(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    auto properties = read_properties(*body);
    if (!properties) co_return properties.error();
    auto tags = read_tags(*body);
    if (!tags) co_return tags.error();
    const std::string name = call.label("thingTypeName");
    auto& types = services.rooms.registry.thing_types();
    const auto made = co_await types.create_thing_type(name, std::move(*properties), std::move(*tags));
    if (made) co_return json_response({{"thingTypeName", made->name}, {"thingTypeArn", made->arn}, {"thingTypeId", made->id}});
    if (made.error().code != registry::Errc::resource_already_exists) co_return made.error();
    const auto existing = co_await types.describe_thing_type(name);
    co_return already_exists(call, made.error(), existing ? existing->id : "", services.rooms.arns.iot("thingtype/" + name));
}

asio::awaitable<Outcome> describe_thing_type(const Services& services, const Call& call) {
    const auto found = co_await services.rooms.registry.thing_types().describe_thing_type(call.label("thingTypeName"));
    if (!found) co_return found.error();
    co_return json_response({{"thingTypeName", found->name},
                             {"thingTypeId", found->id},
                             {"thingTypeArn", found->arn},
                             {"thingTypeProperties", properties_json(found->properties)},
                             {"thingTypeMetadata", metadata_json(*found)}});
}

asio::awaitable<Outcome> list_thing_types(const Services& services, const Call& call) {
    auto page = read_token_page(call);
    if (!page) co_return page.error();
    const std::string* name = call.query_value("thingTypeName");
    std::string wanted = name == nullptr ? std::string() : *name;
    const auto found = co_await services.rooms.registry.thing_types().list_thing_types(std::move(wanted), std::move(*page));
    if (!found) co_return found.error();
    json list = json::array();
    for (const ThingType& one : found->items) {
        list.push_back({{"thingTypeName", one.name},
                        {"thingTypeArn", one.arn},
                        {"thingTypeProperties", properties_json(one.properties)},
                        {"thingTypeMetadata", metadata_json(one)}});
    }
    json answer{{"thingTypes", std::move(list)}};
    if (found->next) answer["nextToken"] = encode_token(*found->next);
    co_return json_response(answer);
}

asio::awaitable<Outcome> update_thing_type(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    auto properties = read_properties(*body);
    if (!properties) co_return properties.error();
    const auto done = co_await services.rooms.registry.thing_types().update_thing_type(call.label("thingTypeName"), std::move(*properties));
    if (!done) co_return done.error();
    co_return json_response(json::object());
}

asio::awaitable<Outcome> deprecate_thing_type(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    const auto undo = optional_bool(*body, "undoDeprecate");
    if (!undo) co_return undo.error();
    const auto done =
        co_await services.rooms.registry.thing_types().deprecate_thing_type(call.label("thingTypeName"), undo->value_or(false));
    if (!done) co_return done.error();
    co_return json_response(json::object());
}

asio::awaitable<Outcome> delete_thing_type(const Services& services, const Call& call) {
    const auto done = co_await services.rooms.registry.thing_types().delete_thing_type(call.label("thingTypeName"));
    if (!done) co_return done.error();
    co_return json_response(json::object());
}

constexpr std::array operations{
    Operation{"CreateThingType", "POST", "/thing-types/{thingTypeName}", create_thing_type},
    Operation{"DescribeThingType", "GET", "/thing-types/{thingTypeName}", describe_thing_type},
    Operation{"ListThingTypes", "GET", "/thing-types", list_thing_types},
    Operation{"UpdateThingType", "PATCH", "/thing-types/{thingTypeName}", update_thing_type},
    Operation{"DeprecateThingType", "POST", "/thing-types/{thingTypeName}/deprecate", deprecate_thing_type},
    Operation{"DeleteThingType", "DELETE", "/thing-types/{thingTypeName}", delete_thing_type},
};

}  // namespace

std::span<const Operation> iot_thing_types_operations() {
    return operations;
}

}  // namespace fogbank::api
