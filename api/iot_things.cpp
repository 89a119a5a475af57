/// Things and their principals. Source: AWS IoT API reference (reference "registry", sections 1 to 3).
#include <array>
#include <nlohmann/json.hpp>

#include "api/members.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr std::int64_t page_max = 250;      // model: RegistryMaxResults
constexpr int filtered_pages_max = 40;      // Fogbank: how far one filtered ListThings looks; the rest follows with nextToken
constexpr std::int64_t default_page = 100;  // the service's own default is not documented

Result<std::map<std::string, std::string>> read_attributes(const json& body) {
    std::map<std::string, std::string> out;
    const json* payload = find_member(body, "attributePayload");
    if (payload == nullptr) return out;
    if (!payload->is_object()) return validation_error("attributePayload must be an object");
    const json* attributes = find_member(*payload, "attributes");
    if (attributes == nullptr) return out;
    if (!attributes->is_object()) return validation_error("attributePayload.attributes must be an object");
    for (const auto& [name, value] : attributes->items()) {
        if (!value.is_string()) return validation_error("the value of attribute `" + name + "` must be a string");
        out.emplace(name, value.get<std::string>());
    }
    return out;
}

Result<registry::CreateThingRequest> read_create_thing(const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) return body.error();
    const auto type_name = optional_string(*body, "thingTypeName");
    if (!type_name) return type_name.error();
    const auto billing_group = optional_string(*body, "billingGroupName");
    if (!billing_group) return billing_group.error();
    auto attributes = read_attributes(*body);
    if (!attributes) return attributes.error();
    registry::CreateThingRequest request;
    request.name = ThingName(call.label("thingName"));
    request.type_name = type_name->value_or(std::string());
    request.billing_group_name = billing_group->value_or(std::string());
    request.attributes = std::move(*attributes);
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
    std::map<std::string, std::string> members{{"resourceArn", services.rooms.arns.thing(name)}};
    if (existing) members.emplace("resourceId", existing->id);
    co_return error_response(Family::control, thing.error(), call.request_id, members);
}

asio::awaitable<Outcome> describe_thing(const Services& services, const Call& call) {
    const auto thing = co_await services.rooms.registry.describe_thing(ThingName(call.label("thingName")));
    if (!thing) co_return thing.error();
    json answer{{"defaultClientId", thing->name.str()}, {"thingName", thing->name.str()}, {"thingId", thing->id}, {"thingArn", thing->arn},
                {"attributes", thing->attributes},      {"version", thing->version}};
    if (!thing->type_name.empty()) answer["thingTypeName"] = thing->type_name;
    if (!thing->billing_group_name.empty()) answer["billingGroupName"] = thing->billing_group_name;
    co_return json_response(answer);
}

asio::awaitable<Outcome> delete_thing(const Services& services, const Call& call) {
    const auto expected = query_integer(call, "expectedVersion", 0, INT64_MAX);
    if (!expected) co_return expected.error();
    const auto done = co_await services.rooms.registry.delete_thing(ThingName(call.label("thingName")), *expected);
    if (!done) co_return done.error();
    co_return empty_response();
}

struct ThingFilter {
    const std::string *type_name, *attribute_name, *attribute_value;
    bool prefix = false;

    bool accepts(const registry::Thing& thing) const {
        if (type_name != nullptr && thing.type_name != *type_name) return false;
        if (attribute_name == nullptr) return true;
        const auto found = thing.attributes.find(*attribute_name);
        if (found == thing.attributes.end()) return false;
        if (attribute_value == nullptr) return true;
        return prefix ? found->second.starts_with(*attribute_value) : found->second == *attribute_value;
    }
    bool empty() const { return type_name == nullptr && attribute_name == nullptr; }
};

json thing_entry(const registry::Thing& thing) {
    json entry{{"thingName", thing.name.str()}, {"thingArn", thing.arn}, {"attributes", thing.attributes}, {"version", thing.version}};
    if (!thing.type_name.empty()) entry["thingTypeName"] = thing.type_name;
    return entry;
}

asio::awaitable<Outcome> list_things(const Services& services, const Call& call) {
    const auto limit = query_integer(call, "maxResults", 1, page_max);
    if (!limit) co_return limit.error();
    const auto marker = decode_token(call.query_value("nextToken"));
    if (!marker) co_return marker.error();
    const auto prefix = query_bool(call, "usePrefixAttributeValue", false);
    if (!prefix) co_return prefix.error();
    const ThingFilter filter{call.query_value("thingTypeName"), call.query_value("attributeName"), call.query_value("attributeValue"),
                             *prefix};
    const auto wanted = limit->value_or(default_page);
    registry::PageRequest page;
    page.marker = *marker;
    json things = json::array();
    // One page of the registry unless a filter leaves the answer short.
    for (int pages = 0; pages < filtered_pages_max; ++pages) {
        page.items_max = wanted - static_cast<std::int64_t>(things.size());
        const auto found = co_await services.rooms.registry.list_things(page);
        if (!found) co_return found.error();
        for (const auto& thing : found->items) {
            if (filter.accepts(thing)) things.push_back(thing_entry(thing));
        }
        page.marker = found->next;
        if (!page.marker || filter.empty() || static_cast<std::int64_t>(things.size()) >= wanted) break;
    }
    json answer{{"things", std::move(things)}};
    if (page.marker) answer["nextToken"] = encode_token(*page.marker);
    co_return json_response(answer);
}

asio::awaitable<Outcome> attach_thing_principal(const Services& services, const Call& call) {
    const auto principal = required_header(call, "x-amzn-principal", "principal");
    if (!principal) co_return principal.error();
    if (const auto* type = call.query_value("thingPrincipalType"); type != nullptr && *type != "NON_EXCLUSIVE_THING") {
        co_return validation_error("thingPrincipalType `" + *type + "` is not supported by this server");
    }
    const auto done = co_await services.rooms.registry.attach_thing_principal(ThingName(call.label("thingName")), *principal);
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

Outcome name_list(const Call& call, std::string_view member, const std::vector<std::string>& names) {
    const auto limit = query_integer(call, "maxResults", 1, page_max);
    if (!limit) return limit.error();
    const auto part = slice(call.query_value("nextToken"), names.size(), static_cast<std::size_t>(limit->value_or(default_page)));
    if (!part) return part.error();
    json list = json::array();
    for (std::size_t i = part->begin; i < part->end; ++i) list.push_back(names[i]);
    json answer{{std::string(member), std::move(list)}};
    if (part->next) answer["nextToken"] = *part->next;
    return json_response(answer);
}

asio::awaitable<Outcome> list_thing_principals(const Services& services, const Call& call) {
    const auto principals = co_await services.rooms.registry.list_thing_principals(ThingName(call.label("thingName")));
    if (!principals) co_return principals.error();
    co_return name_list(call, "principals", *principals);
}

asio::awaitable<Outcome> list_principal_things(const Services& services, const Call& call) {
    const auto principal = required_header(call, "x-amzn-principal", "principal");
    if (!principal) co_return principal.error();
    const auto things = co_await services.rooms.registry.list_principal_things(*principal);
    if (!things) co_return things.error();
    std::vector<std::string> names;
    for (const ThingName& name : *things) names.push_back(name.str());
    co_return name_list(call, "things", names);
}

constexpr std::array operations{
    Operation{"CreateThing", "POST", "/things/{thingName}", create_thing},
    Operation{"DescribeThing", "GET", "/things/{thingName}", describe_thing},
    Operation{"DeleteThing", "DELETE", "/things/{thingName}", delete_thing},
    Operation{"ListThings", "GET", "/things", list_things},
    Operation{"AttachThingPrincipal", "PUT", "/things/{thingName}/principals", attach_thing_principal},
    Operation{"DetachThingPrincipal", "DELETE", "/things/{thingName}/principals", detach_thing_principal},
    Operation{"ListThingPrincipals", "GET", "/things/{thingName}/principals", list_thing_principals},
    Operation{"ListPrincipalThings", "GET", "/principals/things", list_principal_things},
};

}  // namespace

std::span<const Operation> iot_things_operations() {
    return operations;
}

}  // namespace fogbank::api
