/// Things and their principals. Source: AWS IoT API reference (reference "registry", sections 1 to 3).
#include <array>
#include <nlohmann/json.hpp>

#include "api/iot_members.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

Result<registry::CreateThingRequest> read_create_thing(const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) return body.error();
    const auto type_name = optional_string(*body, "thingTypeName");
    if (!type_name) return type_name.error();
    const auto billing_group = optional_string(*body, "billingGroupName");
    if (!billing_group) return billing_group.error();
    auto payload = read_attribute_payload(*body);
    if (!payload) return payload.error();
    registry::CreateThingRequest request;
    request.name = ThingName(call.label("thingName"));
    request.type_name = type_name->value_or(std::string());
    request.billing_group_name = billing_group->value_or(std::string());
    request.attributes = std::move(payload->attributes).value_or(registry::Attributes());
    return request;
}

asio::awaitable<Outcome> create_thing(const Services& services, const Call& call) {
    auto request = read_create_thing(call);
    if (!request) co_return request.error();
    const ThingName name = request->name;
    const auto thing = co_await services.rooms.registry.create_thing(std::move(*request));
    if (thing) co_return json_response({{"thingName", thing->name.str()}, {"thingArn", thing->arn}, {"thingId", thing->id}});
    if (thing.error().code != registry::Errc::resource_already_exists) co_return thing.error();
    const auto existing = co_await services.rooms.registry.describe_thing(name);
    co_return already_exists(call, thing.error(), existing ? existing->id : "", services.rooms.arns.thing(name));
}

asio::awaitable<Outcome> describe_thing(const Services& services, const Call& call) {
    auto text = co_await services.rooms.registry.describe_thing_json(ThingName(call.label("thingName")));
    if (!text) co_return text.error();
    Response response;
    response.content_type = "application/json";
    response.body = std::move(*text);
    co_return response;
}

Result<registry::UpdateThingRequest> read_update_thing(const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) return body.error();
    const auto type_name = optional_string(*body, "thingTypeName");
    if (!type_name) return type_name.error();
    const auto remove_type = optional_bool(*body, "removeThingType");
    if (!remove_type) return remove_type.error();
    const auto expected = optional_integer(*body, "expectedVersion");
    if (!expected) return expected.error();
    auto payload = read_attribute_payload(*body);
    if (!payload) return payload.error();
    registry::UpdateThingRequest request;
    request.name = ThingName(call.label("thingName"));
    request.type_name = type_name->value_or(std::string());
    request.remove_type = remove_type->value_or(false);
    request.attributes = std::move(payload->attributes);
    request.merge = payload->merge;
    request.expected_version = *expected;
    return request;
}

asio::awaitable<Outcome> update_thing(const Services& services, const Call& call) {
    auto request = read_update_thing(call);
    if (!request) co_return request.error();
    const auto done = co_await services.rooms.registry.update_thing(std::move(*request));
    if (!done) co_return done.error();
    co_return json_response(json::object());
}

asio::awaitable<Outcome> delete_thing(const Services& services, const Call& call) {
    const auto expected = query_integer(call, "expectedVersion", 0, INT64_MAX);
    if (!expected) co_return expected.error();
    const auto done = co_await services.rooms.registry.delete_thing(ThingName(call.label("thingName")), *expected);
    if (!done) co_return done.error();
    co_return empty_response();
}

json thing_entry(const registry::Thing& thing) {
    json entry{{"thingName", thing.name.str()}, {"thingArn", thing.arn}, {"attributes", thing.attributes}, {"version", thing.version}};
    if (!thing.type_name.empty()) entry["thingTypeName"] = thing.type_name;
    return entry;
}

std::optional<std::string> query_text(const Call& call, std::string_view name) {
    const std::string* value = call.query_value(name);
    return value == nullptr || value->empty() ? std::nullopt : std::optional<std::string>(*value);
}

asio::awaitable<Outcome> list_things(const Services& services, const Call& call) {
    auto page = read_token_page(call);
    if (!page) co_return page.error();
    const auto prefix = query_bool(call, "usePrefixAttributeValue", false);
    if (!prefix) co_return prefix.error();
    registry::ThingFilter filter;
    filter.type_name = query_text(call, "thingTypeName");
    filter.attribute_name = query_text(call, "attributeName");
    filter.attribute_value = query_text(call, "attributeValue");
    filter.value_is_prefix = *prefix;
    const auto found = co_await services.rooms.registry.list_things(std::move(filter), std::move(*page));
    if (!found) co_return found.error();
    json things = json::array();
    for (const auto& thing : found->items) things.push_back(thing_entry(thing));
    json answer{{"things", std::move(things)}};
    if (found->next) answer["nextToken"] = encode_token(*found->next);
    co_return json_response(answer);
}

/// `thingPrincipalType` of the query; nothing if it is not given.
Result<std::optional<registry::PrincipalType>> read_principal_type(const Call& call) {
    const auto* text = call.query_value("thingPrincipalType");
    if (text == nullptr || text->empty()) return std::optional<registry::PrincipalType>();
    const auto type = registry::principal_type_of(*text);
    if (!type)
        return constraint_error(*text, "thingPrincipalType", "Member must satisfy enum value set: [EXCLUSIVE_THING, NON_EXCLUSIVE_THING]");
    return type;
}

asio::awaitable<Outcome> attach_thing_principal(const Services& services, const Call& call) {
    const auto principal = required_header(call, "x-amzn-principal", "principal");
    if (!principal) co_return principal.error();
    const auto type = read_principal_type(call);
    if (!type) co_return type.error();
    const auto done = co_await services.rooms.registry.attach_thing_principal(ThingName(call.label("thingName")), *principal,
                                                                              type->value_or(registry::PrincipalType::non_exclusive));
    if (!done) co_return done.error();
    co_return empty_response();
}

asio::awaitable<Outcome> detach_thing_principal(const Services& services, const Call& call) {
    const auto principal = required_header(call, "x-amzn-principal", "principal");
    if (!principal) co_return principal.error();
    const auto done = co_await services.rooms.registry.detach_thing_principal(ThingName(call.label("thingName")), *principal);
    if (!done) co_return done.error();
    co_return empty_response();
}

/// A part of a list that is there whole.
Outcome part_of_list(const Call& call, std::string_view member, const std::vector<json>& items) {
    const auto limit = query_integer(call, "maxResults", 1, registry_page_max);
    if (!limit) return limit.error();
    const auto part = slice(call.query_value("nextToken"), items.size(), static_cast<std::size_t>(limit->value_or(registry_page_default)));
    if (!part) return part.error();
    json list = json::array();
    for (std::size_t i = part->begin; i < part->end; ++i) list.push_back(items[i]);
    json answer{{std::string(member), std::move(list)}};
    if (part->next) answer["nextToken"] = *part->next;
    return json_response(answer);
}

asio::awaitable<Outcome> list_thing_principals(const Services& services, const Call& call) {
    const auto principals = co_await services.rooms.registry.list_thing_principals(ThingName(call.label("thingName")));
    if (!principals) co_return principals.error();
    std::vector<json> items;
    for (const auto& one : *principals) items.emplace_back(one.what);
    co_return part_of_list(call, "principals", items);
}

asio::awaitable<Outcome> list_thing_principals_v2(const Services& services, const Call& call) {
    const auto type = read_principal_type(call);
    if (!type) co_return type.error();
    const auto principals = co_await services.rooms.registry.list_thing_principals(ThingName(call.label("thingName")));
    if (!principals) co_return principals.error();
    std::vector<json> items;
    for (const auto& one : *principals) {
        if (*type && **type != one.type) continue;
        items.push_back({{"principal", one.what}, {"thingPrincipalType", registry::principal_type_name(one.type)}});
    }
    co_return part_of_list(call, "thingPrincipalObjects", items);
}

asio::awaitable<Outcome> list_principal_things(const Services& services, const Call& call) {
    const auto principal = required_header(call, "x-amzn-principal", "principal");
    if (!principal) co_return principal.error();
    const auto things = co_await services.rooms.registry.list_principal_things(*principal);
    if (!things) co_return things.error();
    std::vector<json> items;
    for (const auto& one : *things) items.emplace_back(one.what.str());
    co_return part_of_list(call, "things", items);
}

asio::awaitable<Outcome> list_principal_things_v2(const Services& services, const Call& call) {
    const auto principal = required_header(call, "x-amzn-principal", "principal");
    if (!principal) co_return principal.error();
    const auto type = read_principal_type(call);
    if (!type) co_return type.error();
    const auto things = co_await services.rooms.registry.list_principal_things(*principal);
    if (!things) co_return things.error();
    std::vector<json> items;
    for (const auto& one : *things) {
        if (*type && **type != one.type) continue;
        items.push_back({{"thingName", one.what.str()}, {"thingPrincipalType", registry::principal_type_name(one.type)}});
    }
    co_return part_of_list(call, "principalThingObjects", items);
}

constexpr std::array operations{
    Operation{"CreateThing", "POST", "/things/{thingName}", create_thing},
    Operation{"DescribeThing", "GET", "/things/{thingName}", describe_thing},
    Operation{"UpdateThing", "PATCH", "/things/{thingName}", update_thing},
    Operation{"DeleteThing", "DELETE", "/things/{thingName}", delete_thing},
    Operation{"ListThings", "GET", "/things", list_things},
    Operation{"AttachThingPrincipal", "PUT", "/things/{thingName}/principals", attach_thing_principal},
    Operation{"DetachThingPrincipal", "DELETE", "/things/{thingName}/principals", detach_thing_principal},
    Operation{"ListThingPrincipals", "GET", "/things/{thingName}/principals", list_thing_principals},
    Operation{"ListThingPrincipalsV2", "GET", "/things/{thingName}/principals-v2", list_thing_principals_v2},
    Operation{"ListPrincipalThings", "GET", "/principals/things", list_principal_things},
    Operation{"ListPrincipalThingsV2", "GET", "/principals/things-v2", list_principal_things_v2},
};

}  // namespace

std::span<const Operation> iot_things_operations() {
    return operations;
}

}  // namespace fogbank::api
