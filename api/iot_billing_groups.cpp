/// Billing groups. Source: AWS IoT API reference (reference "registry", sections 2 and 5).
#include <array>
#include <nlohmann/json.hpp>

#include "api/iot_members.h"
#include "registry/billing_groups.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

Result<std::string> read_description(const json& body) {
    const auto properties = optional_object(body, "billingGroupProperties");
    if (!properties) return properties.error();
    const auto description = optional_string(*properties, "billingGroupDescription");
    if (!description) return description.error();
    return description->value_or("");
}

asio::awaitable<Outcome> create_billing_group(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    auto description = read_description(*body);
    if (!description) co_return description.error();
    auto tags = read_tags(*body);
    if (!tags) co_return tags.error();
    const std::string name = call.label("billingGroupName");
    auto& groups = services.rooms.registry.billing_groups();
    const auto made = co_await groups.create_billing_group(name, std::move(*description), std::move(*tags));
    if (made) co_return json_response({{"billingGroupName", made->name}, {"billingGroupArn", made->arn}, {"billingGroupId", made->id}});
    if (made.error().code != registry::Errc::resource_already_exists) co_return made.error();
    const auto existing = co_await groups.describe_billing_group(name);
    co_return already_exists(call, made.error(), existing ? existing->id : "", services.rooms.arns.iot("billinggroup/" + name));
}

asio::awaitable<Outcome> describe_billing_group(const Services& services, const Call& call) {
    const auto found = co_await services.rooms.registry.billing_groups().describe_billing_group(call.label("billingGroupName"));
    if (!found) co_return found.error();
    json properties = json::object();
    if (!found->description.empty()) properties["billingGroupDescription"] = found->description;
    co_return json_response({{"billingGroupName", found->name},
                             {"billingGroupId", found->id},
                             {"billingGroupArn", found->arn},
                             {"version", found->version},
                             {"billingGroupProperties", std::move(properties)},
                             {"billingGroupMetadata", {{"creationDate", epoch_seconds(found->created_at)}}}});
}

asio::awaitable<Outcome> update_billing_group(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    if (find_member(*body, "billingGroupProperties") == nullptr) co_return missing_member("billingGroupProperties");
    auto description = read_description(*body);
    if (!description) co_return description.error();
    const auto expected = optional_integer(*body, "expectedVersion");
    if (!expected) co_return expected.error();
    const auto version = co_await services.rooms.registry.billing_groups().update_billing_group(call.label("billingGroupName"),
                                                                                                std::move(*description), *expected);
    if (!version) co_return version.error();
    co_return json_response({{"version", *version}});
}

asio::awaitable<Outcome> delete_billing_group(const Services& services, const Call& call) {
    const auto expected = query_integer(call, "expectedVersion", 0, INT64_MAX);
    if (!expected) co_return expected.error();
    const auto done = co_await services.rooms.registry.billing_groups().delete_billing_group(call.label("billingGroupName"), *expected);
    if (!done) co_return done.error();
    co_return json_response(json::object());
}

asio::awaitable<Outcome> list_billing_groups(const Services& services, const Call& call) {
    auto page = read_token_page(call);
    if (!page) co_return page.error();
    const auto* prefix = call.query_value("namePrefixFilter");
    std::string wanted = prefix == nullptr ? std::string() : *prefix;
    const auto found = co_await services.rooms.registry.billing_groups().list_billing_groups(std::move(wanted), std::move(*page));
    if (!found) co_return found.error();
    json list = json::array();
    for (const auto& one : found->items) list.push_back({{"groupName", one.name}, {"groupArn", one.arn}});
    json answer{{"billingGroups", std::move(list)}};
    if (found->next) answer["nextToken"] = encode_token(*found->next);
    co_return json_response(answer);
}

struct Membership {
    std::string group;
    ThingName thing;
};

Result<Membership> read_membership(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) return body.error();
    auto group = name_or_arn(*body, "billingGroupName", "billingGroupArn", "billinggroup", services.rooms.arns);
    if (!group) return group.error();
    auto thing = name_or_arn(*body, "thingName", "thingArn", "thing", services.rooms.arns);
    if (!thing) return thing.error();
    return Membership{std::move(*group), ThingName(std::move(*thing))};
}

asio::awaitable<Outcome> add_thing(const Services& services, const Call& call) {
    const auto asked = read_membership(services, call);
    if (!asked) co_return asked.error();
    const auto done = co_await services.rooms.registry.billing_groups().add_thing_to_billing_group(asked->group, asked->thing);
    if (!done) co_return done.error();
    co_return json_response(json::object());
}

asio::awaitable<Outcome> remove_thing(const Services& services, const Call& call) {
    const auto asked = read_membership(services, call);
    if (!asked) co_return asked.error();
    const auto done = co_await services.rooms.registry.billing_groups().remove_thing_from_billing_group(asked->group, asked->thing);
    if (!done) co_return done.error();
    co_return json_response(json::object());
}

asio::awaitable<Outcome> list_things(const Services& services, const Call& call) {
    auto page = read_token_page(call);
    if (!page) co_return page.error();
    const auto found =
        co_await services.rooms.registry.billing_groups().list_things_in_billing_group(call.label("billingGroupName"), std::move(*page));
    if (!found) co_return found.error();
    json list = json::array();
    for (const ThingName& one : found->items) list.push_back(one.str());
    json answer{{"things", std::move(list)}};
    if (found->next) answer["nextToken"] = encode_token(*found->next);
    co_return json_response(answer);
}

constexpr std::array operations{
    Operation{"CreateBillingGroup", "POST", "/billing-groups/{billingGroupName}", create_billing_group},
    Operation{"DescribeBillingGroup", "GET", "/billing-groups/{billingGroupName}", describe_billing_group},
    Operation{"UpdateBillingGroup", "PATCH", "/billing-groups/{billingGroupName}", update_billing_group},
    Operation{"DeleteBillingGroup", "DELETE", "/billing-groups/{billingGroupName}", delete_billing_group},
    Operation{"ListBillingGroups", "GET", "/billing-groups", list_billing_groups},
    Operation{"AddThingToBillingGroup", "PUT", "/billing-groups/addThingToBillingGroup", add_thing},
    Operation{"RemoveThingFromBillingGroup", "PUT", "/billing-groups/removeThingFromBillingGroup", remove_thing},
    Operation{"ListThingsInBillingGroup", "GET", "/billing-groups/{billingGroupName}/things", list_things},
};

}  // namespace

std::span<const Operation> iot_billing_groups_operations() {
    return operations;
}

}  // namespace fogbank::api
