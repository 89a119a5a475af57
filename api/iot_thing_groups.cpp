/// Static and dynamic thing groups. Source: AWS IoT API reference (reference "registry", sections 2 and 5).
#include <array>
#include <nlohmann/json.hpp>

#include "api/iot_members.h"
#include "registry/thing_groups.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using registry::ThingGroup;

constexpr std::string_view default_index = "AWS_Things";
constexpr std::string_view default_query_version = "2017-09-30";

json name_and_arn(const Services& services, const std::string& group) {
    return {{"groupName", group}, {"groupArn", services.rooms.arns.iot("thinggroup/" + group)}};
}

/// The members that CreateThingGroup and CreateDynamicThingGroup share.
Result<registry::CreateThingGroupRequest> read_create(const Call& call, const json& body) {
    const auto properties = optional_object(body, "thingGroupProperties");
    if (!properties) return properties.error();
    const auto description = optional_string(*properties, "thingGroupDescription");
    if (!description) return description.error();
    auto payload = read_attribute_payload(*properties);
    if (!payload) return payload.error();
    auto tags = read_tags(body);
    if (!tags) return tags.error();
    registry::CreateThingGroupRequest request;
    request.name = call.label("thingGroupName");
    request.description = description->value_or("");
    request.attributes = std::move(payload->attributes).value_or(registry::Attributes());
    request.tags = std::move(*tags);
    return request;
}

asio::awaitable<Outcome> create(const Services& services, const Call& call, Result<registry::CreateThingGroupRequest> request) {
    if (!request) co_return request.error();
    auto& groups = services.rooms.registry.thing_groups();
    const auto made = co_await groups.create_thing_group(std::move(*request));
    if (!made && made.error().code == registry::Errc::resource_already_exists) {
        const auto existing = co_await groups.describe_thing_group(call.label("thingGroupName"));
        co_return already_exists(call, made.error(), existing ? existing->id : "",
                                 services.rooms.arns.iot("thinggroup/" + call.label("thingGroupName")));
    }
    if (!made) co_return made.error();
    json answer{{"thingGroupName", made->name}, {"thingGroupArn", made->arn}, {"thingGroupId", made->id}};
    if (made->dynamic) {
        answer["indexName"] = made->dynamic->index_name;
        answer["queryString"] = made->dynamic->query;
        answer["queryVersion"] = made->dynamic->query_version;
    }
    co_return json_response(answer);
}

Result<registry::CreateThingGroupRequest> read_create_static(const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) return body.error();
    const auto parent = optional_string(*body, "parentGroupName");
    if (!parent) return parent.error();
    auto request = read_create(call, *body);
    if (request) request->parent = parent->value_or("");
    return request;
}

Result<registry::CreateThingGroupRequest> read_create_dynamic(const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) return body.error();
    const auto index = optional_string(*body, "indexName");
    if (!index) return index.error();
    const auto query = required_string(*body, "queryString");
    if (!query) return query.error();
    const auto version = optional_string(*body, "queryVersion");
    if (!version) return version.error();
    auto request = read_create(call, *body);
    if (request) {
        request->dynamic = registry::GroupQuery{index->value_or(std::string(default_index)), *query,
                                                version->value_or(std::string(default_query_version))};
    }
    return request;
}

asio::awaitable<Outcome> create_thing_group(const Services& services, const Call& call) {
    return create(services, call, read_create_static(call));
}
asio::awaitable<Outcome> create_dynamic_thing_group(const Services& services, const Call& call) {
    return create(services, call, read_create_dynamic(call));
}

json properties_json(const ThingGroup& group) {
    json out = json::object();
    if (!group.description.empty()) out["thingGroupDescription"] = group.description;
    out["attributePayload"] = {{"attributes", group.attributes}};
    return out;
}

json metadata_json(const Services& services, const ThingGroup& group) {
    json path = json::array();
    for (const std::string& one : group.ancestors) path.push_back(name_and_arn(services, one));
    json out{{"rootToParentThingGroups", std::move(path)}, {"creationDate", epoch_seconds(group.created_at)}};
    if (!group.parent().empty()) out["parentGroupName"] = group.parent();
    return out;
}

asio::awaitable<Outcome> describe_thing_group(const Services& services, const Call& call) {
    const auto found = co_await services.rooms.registry.thing_groups().describe_thing_group(call.label("thingGroupName"));
    if (!found) co_return found.error();
    json answer{{"thingGroupName", found->name},
                {"thingGroupId", found->id},
                {"thingGroupArn", found->arn},
                {"version", found->version},
                {"thingGroupProperties", properties_json(*found)},
                {"thingGroupMetadata", metadata_json(services, *found)}};
    if (found->dynamic) {
        answer["indexName"] = found->dynamic->index_name;
        answer["queryString"] = found->dynamic->query;
        answer["queryVersion"] = found->dynamic->query_version;
        answer["status"] = found->building ? "BUILDING" : "ACTIVE";
    }
    co_return json_response(answer);
}

Result<registry::UpdateThingGroupRequest> read_update(const Call& call, bool dynamic) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) return body.error();
    if (find_member(*body, "thingGroupProperties") == nullptr) return missing_member("thingGroupProperties");
    const auto properties = optional_object(*body, "thingGroupProperties");
    if (!properties) return properties.error();
    auto description = optional_string(*properties, "thingGroupDescription");
    if (!description) return description.error();
    auto payload = read_attribute_payload(*properties);
    if (!payload) return payload.error();
    const auto expected = optional_integer(*body, "expectedVersion");
    if (!expected) return expected.error();
    registry::UpdateThingGroupRequest request;
    request.name = call.label("thingGroupName");
    request.description = std::move(*description);
    request.attributes = std::move(payload->attributes);
    request.merge = payload->merge;
    request.expected_version = *expected;
    request.is_dynamic = dynamic;
    if (!dynamic) return request;
    auto index = optional_string(*body, "indexName");
    if (!index) return index.error();
    auto query = optional_string(*body, "queryString");
    if (!query) return query.error();
    auto version = optional_string(*body, "queryVersion");
    if (!version) return version.error();
    request.index_name = std::move(*index);
    request.query = std::move(*query);
    request.query_version = std::move(*version);
    return request;
}

asio::awaitable<Outcome> update(const Services& services, Result<registry::UpdateThingGroupRequest> request) {
    if (!request) co_return request.error();
    const auto version = co_await services.rooms.registry.thing_groups().update_thing_group(std::move(*request));
    if (!version) co_return version.error();
    co_return json_response({{"version", *version}});
}

asio::awaitable<Outcome> update_thing_group(const Services& services, const Call& call) {
    return update(services, read_update(call, false));
}
asio::awaitable<Outcome> update_dynamic_thing_group(const Services& services, const Call& call) {
    return update(services, read_update(call, true));
}

asio::awaitable<Outcome> remove(const Services& services, const Call& call, bool dynamic) {
    const auto expected = query_integer(call, "expectedVersion", 0, INT64_MAX);
    if (!expected) co_return expected.error();
    const auto done = co_await services.rooms.registry.thing_groups().delete_thing_group(call.label("thingGroupName"), dynamic, *expected);
    if (!done) co_return done.error();
    co_return json_response(json::object());
}

asio::awaitable<Outcome> delete_thing_group(const Services& services, const Call& call) {
    return remove(services, call, false);
}
asio::awaitable<Outcome> delete_dynamic_thing_group(const Services& services, const Call& call) {
    return remove(services, call, true);
}

json group_page(const Services& services, const registry::ListPage<std::string>& page) {
    json list = json::array();
    for (const std::string& one : page.items) list.push_back(name_and_arn(services, one));
    json answer{{"thingGroups", std::move(list)}};
    if (page.next) answer["nextToken"] = encode_token(*page.next);
    return answer;
}

asio::awaitable<Outcome> list_thing_groups(const Services& services, const Call& call) {
    auto page = read_token_page(call);
    if (!page) co_return page.error();
    registry::GroupListFilter filter;
    if (const auto* parent = call.query_value("parentGroup"); parent != nullptr) filter.parent = *parent;
    if (const auto* prefix = call.query_value("namePrefixFilter"); prefix != nullptr) filter.name_prefix = *prefix;
    if (call.query_value("recursive") != nullptr) {
        const auto recursive = query_bool(call, "recursive", false);
        if (!recursive) co_return recursive.error();
        filter.recursive = *recursive;
    }
    const auto found = co_await services.rooms.registry.thing_groups().list_thing_groups(std::move(filter), std::move(*page));
    if (!found) co_return found.error();
    co_return json_response(group_page(services, *found));
}

asio::awaitable<Outcome> list_groups_for_thing(const Services& services, const Call& call) {
    auto page = read_token_page(call);
    if (!page) co_return page.error();
    const auto found =
        co_await services.rooms.registry.thing_groups().list_groups_of_thing(ThingName(call.label("thingName")), std::move(*page));
    if (!found) co_return found.error();
    co_return json_response(group_page(services, *found));
}

asio::awaitable<Outcome> list_things_in_group(const Services& services, const Call& call) {
    auto page = read_token_page(call);
    if (!page) co_return page.error();
    const auto recursive = query_bool(call, "recursive", false);
    if (!recursive) co_return recursive.error();
    const auto found =
        co_await services.rooms.registry.thing_groups().list_things_in_group(call.label("thingGroupName"), *recursive, std::move(*page));
    if (!found) co_return found.error();
    json list = json::array();
    for (const ThingName& one : found->items) list.push_back(one.str());
    json answer{{"things", std::move(list)}};
    if (found->next) answer["nextToken"] = encode_token(*found->next);
    co_return json_response(answer);
}

/// What AddThingToThingGroup and RemoveThingFromThingGroup name.
struct Membership {
    std::string group;
    ThingName thing;
    bool override_dynamic = false;
};

Result<Membership> read_membership(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) return body.error();
    auto group = name_or_arn(*body, "thingGroupName", "thingGroupArn", "thinggroup", services.rooms.arns);
    if (!group) return group.error();
    auto thing = name_or_arn(*body, "thingName", "thingArn", "thing", services.rooms.arns);
    if (!thing) return thing.error();
    const auto override_dynamic = optional_bool(*body, "overrideDynamicGroups");
    if (!override_dynamic) return override_dynamic.error();
    return Membership{std::move(*group), ThingName(std::move(*thing)), override_dynamic->value_or(false)};
}

asio::awaitable<Outcome> add_thing(const Services& services, const Call& call) {
    const auto asked = read_membership(services, call);
    if (!asked) co_return asked.error();
    const auto done =
        co_await services.rooms.registry.thing_groups().add_thing_to_group(asked->group, asked->thing, asked->override_dynamic);
    if (!done) co_return done.error();
    co_return json_response(json::object());
}

asio::awaitable<Outcome> remove_thing(const Services& services, const Call& call) {
    const auto asked = read_membership(services, call);
    if (!asked) co_return asked.error();
    const auto done = co_await services.rooms.registry.thing_groups().remove_thing_from_group(asked->group, asked->thing);
    if (!done) co_return done.error();
    co_return json_response(json::object());
}

asio::awaitable<Outcome> update_groups_for_thing(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    const auto thing = required_string(*body, "thingName");
    if (!thing) co_return thing.error();
    auto add = optional_strings(*body, "thingGroupsToAdd");
    if (!add) co_return add.error();
    auto remove_from = optional_strings(*body, "thingGroupsToRemove");
    if (!remove_from) co_return remove_from.error();
    const auto override_dynamic = optional_bool(*body, "overrideDynamicGroups");
    if (!override_dynamic) co_return override_dynamic.error();
    const auto done = co_await services.rooms.registry.thing_groups().update_groups_of_thing(
        ThingName(*thing), std::move(*add), std::move(*remove_from), override_dynamic->value_or(false));
    if (!done) co_return done.error();
    co_return json_response(json::object());
}

constexpr std::array operations{
    Operation{"CreateThingGroup", "POST", "/thing-groups/{thingGroupName}", create_thing_group},
    Operation{"DescribeThingGroup", "GET", "/thing-groups/{thingGroupName}", describe_thing_group},
    Operation{"UpdateThingGroup", "PATCH", "/thing-groups/{thingGroupName}", update_thing_group},
    Operation{"DeleteThingGroup", "DELETE", "/thing-groups/{thingGroupName}", delete_thing_group},
    Operation{"ListThingGroups", "GET", "/thing-groups", list_thing_groups},
    Operation{"AddThingToThingGroup", "PUT", "/thing-groups/addThingToThingGroup", add_thing},
    Operation{"RemoveThingFromThingGroup", "PUT", "/thing-groups/removeThingFromThingGroup", remove_thing},
    Operation{"UpdateThingGroupsForThing", "PUT", "/thing-groups/updateThingGroupsForThing", update_groups_for_thing},
    Operation{"ListThingGroupsForThing", "GET", "/things/{thingName}/thing-groups", list_groups_for_thing},
    Operation{"ListThingsInThingGroup", "GET", "/thing-groups/{thingGroupName}/things", list_things_in_group},
    Operation{"CreateDynamicThingGroup", "POST", "/dynamic-thing-groups/{thingGroupName}", create_dynamic_thing_group},
    Operation{"UpdateDynamicThingGroup", "PATCH", "/dynamic-thing-groups/{thingGroupName}", update_dynamic_thing_group},
    Operation{"DeleteDynamicThingGroup", "DELETE", "/dynamic-thing-groups/{thingGroupName}", delete_dynamic_thing_group},
};

}  // namespace

std::span<const Operation> iot_thing_groups_operations() {
    return operations;
}

}  // namespace fogbank::api
