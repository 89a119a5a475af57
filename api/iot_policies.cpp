/// Policies, their versions and attachments. Source: AWS IoT API reference (reference "registry", sections 2 and 7).
#include <array>
#include <nlohmann/json.hpp>

#include "api/iot_members.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using registry::PolicyRecord;

PolicyName policy_name(const Call& call) {
    return PolicyName(call.label("policyName"));
}

asio::awaitable<Outcome> create_policy(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    const auto document = required_string(*body, "policyDocument");
    if (!document) co_return document.error();
    auto tags = read_tags(*body);
    if (!tags) co_return tags.error();
    const auto made = co_await services.rooms.registry.create_policy(policy_name(call), *document, std::move(*tags));
    if (!made) {
        if (made.error().code != registry::Errc::resource_already_exists) co_return made.error();
        const std::string name = call.label("policyName");
        co_return already_exists(call, made.error(), name, services.rooms.arns.policy(PolicyName(name)));
    }
    co_return json_response({{"policyName", made->name.str()},
                             {"policyArn", made->arn},
                             {"policyDocument", made->document},
                             {"policyVersionId", made->version_id}});
}

asio::awaitable<Outcome> get_policy(const Services& services, const Call& call) {
    const auto found = co_await services.rooms.registry.get_policy(policy_name(call));
    if (!found) co_return found.error();
    co_return json_response({{"policyName", found->name.str()},
                             {"policyArn", found->arn},
                             {"policyDocument", found->document},
                             {"defaultVersionId", found->version_id},
                             {"creationDate", epoch_seconds(found->created_at)},
                             {"lastModifiedDate", epoch_seconds(found->modified_at)}});
}

asio::awaitable<Outcome> delete_policy(const Services& services, const Call& call) {
    const auto done = co_await services.rooms.registry.delete_policy(policy_name(call));
    if (!done) co_return done.error();
    co_return empty_response();
}

Response policy_page(const registry::ListPage<PolicyRecord>& page) {
    json policies = json::array();
    for (const auto& one : page.items) policies.push_back({{"policyName", one.name.str()}, {"policyArn", one.arn}});
    json answer{{"policies", std::move(policies)}};
    if (page.next) answer["nextMarker"] = encode_token(*page.next);
    return json_response(answer);
}

asio::awaitable<Outcome> list_policies(const Services& services, const Call& call) {
    auto page = read_marker_page(call);
    if (!page) co_return page.error();
    const auto found = co_await services.rooms.registry.list_policies(std::move(*page));
    if (!found) co_return found.error();
    co_return policy_page(*found);
}

asio::awaitable<Outcome> create_policy_version(const Services& services, const Call& call) {
    const auto as_default = query_bool(call, "setAsDefault", false);
    if (!as_default) co_return as_default.error();
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    const auto document = required_string(*body, "policyDocument");
    if (!document) co_return document.error();
    const auto made = co_await services.rooms.registry.create_policy_version(policy_name(call), *document, *as_default);
    if (!made) co_return made.error();
    co_return json_response({{"policyArn", made->arn},
                             {"policyDocument", made->document},
                             {"policyVersionId", made->version_id},
                             {"isDefaultVersion", made->is_default}});
}

asio::awaitable<Outcome> get_policy_version(const Services& services, const Call& call) {
    const auto found = co_await services.rooms.registry.get_policy_version(policy_name(call), call.label("policyVersionId"));
    if (!found) co_return found.error();
    co_return json_response({{"policyArn", found->arn},
                             {"policyName", found->name.str()},
                             {"policyDocument", found->document},
                             {"policyVersionId", found->version_id},
                             {"isDefaultVersion", found->is_default},
                             {"creationDate", epoch_seconds(found->created_at)},
                             {"lastModifiedDate", epoch_seconds(found->modified_at)}});
}

asio::awaitable<Outcome> list_policy_versions(const Services& services, const Call& call) {
    const auto found = co_await services.rooms.registry.list_policy_versions(policy_name(call));
    if (!found) co_return found.error();
    json versions = json::array();
    for (const auto& one : *found) {
        versions.push_back(
            {{"versionId", one.version_id}, {"isDefaultVersion", one.is_default}, {"createDate", epoch_seconds(one.created_at)}});
    }
    co_return json_response({{"policyVersions", std::move(versions)}});
}

asio::awaitable<Outcome> set_default_policy_version(const Services& services, const Call& call) {
    const auto done = co_await services.rooms.registry.set_default_policy_version(policy_name(call), call.label("policyVersionId"));
    if (!done) co_return done.error();
    co_return empty_response();
}

asio::awaitable<Outcome> delete_policy_version(const Services& services, const Call& call) {
    const auto done = co_await services.rooms.registry.delete_policy_version(policy_name(call), call.label("policyVersionId"));
    if (!done) co_return done.error();
    co_return empty_response();
}

Result<std::string> read_target(const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) return body.error();
    return required_string(*body, "target");
}

asio::awaitable<Outcome> attach(const Services& services, const Call& call, Result<std::string> target) {
    if (!target) co_return target.error();
    const auto done = co_await services.rooms.registry.attach_policy(policy_name(call), std::move(*target));
    if (!done) co_return done.error();
    co_return empty_response();
}

asio::awaitable<Outcome> detach(const Services& services, const Call& call, Result<std::string> target) {
    if (!target) co_return target.error();
    const auto done = co_await services.rooms.registry.detach_policy(policy_name(call), std::move(*target));
    if (!done) co_return done.error();
    co_return empty_response();
}

// AttachPolicy names its target in the body; the deprecated principal forms name it in a header.

asio::awaitable<Outcome> attach_policy(const Services& services, const Call& call) {
    return attach(services, call, read_target(call));
}
asio::awaitable<Outcome> detach_policy(const Services& services, const Call& call) {
    return detach(services, call, read_target(call));
}
asio::awaitable<Outcome> attach_principal_policy(const Services& services, const Call& call) {
    return attach(services, call, required_header(call, "x-amzn-iot-principal", "principal"));
}
asio::awaitable<Outcome> detach_principal_policy(const Services& services, const Call& call) {
    return detach(services, call, required_header(call, "x-amzn-iot-principal", "principal"));
}

asio::awaitable<Outcome> list_attached(const Services& services, const Call& call, Result<std::string> target, bool recursive) {
    if (!target) co_return target.error();
    auto page = read_marker_page(call);
    if (!page) co_return page.error();
    const auto found = co_await services.rooms.registry.list_attached_policies(std::move(*target), recursive, std::move(*page));
    if (!found) co_return found.error();
    co_return policy_page(*found);
}

asio::awaitable<Outcome> list_attached_policies(const Services& services, const Call& call) {
    const auto recursive = query_bool(call, "recursive", false);
    if (!recursive) co_return recursive.error();
    co_return co_await list_attached(services, call, call.label("target"), *recursive);
}

asio::awaitable<Outcome> list_principal_policies(const Services& services, const Call& call) {
    return list_attached(services, call, required_header(call, "x-amzn-iot-principal", "principal"), false);
}

asio::awaitable<Outcome> list_targets(const Services& services, const Call& call, Result<std::string> policy, std::string_view member) {
    if (!policy) co_return policy.error();
    auto page = read_marker_page(call);
    if (!page) co_return page.error();
    const auto found = co_await services.rooms.registry.list_targets_for_policy(PolicyName(*policy), std::move(*page));
    if (!found) co_return found.error();
    json answer{{std::string(member), found->items}};
    if (found->next) answer["nextMarker"] = encode_token(*found->next);
    co_return json_response(answer);
}

asio::awaitable<Outcome> list_targets_for_policy(const Services& services, const Call& call) {
    return list_targets(services, call, call.label("policyName"), "targets");
}

asio::awaitable<Outcome> list_policy_principals(const Services& services, const Call& call) {
    return list_targets(services, call, required_header(call, "x-amzn-iot-policy", "policyName"), "principals");
}

asio::awaitable<Outcome> get_effective_policies(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    const auto principal = optional_string(*body, "principal");
    if (!principal) co_return principal.error();
    const auto pool = optional_string(*body, "cognitoIdentityPoolId");
    if (!pool) co_return pool.error();
    if (*pool) co_return validation_error("Cognito identity pools are not known to this server");
    std::optional<ThingName> thing;
    if (const auto* name = call.query_value("thingName"); name != nullptr) thing = ThingName(*name);
    const auto found = co_await services.rooms.registry.effective_policies(principal->value_or(""), std::move(thing));
    if (!found) co_return found.error();
    json policies = json::array();
    for (const auto& one : *found) {
        policies.push_back({{"policyName", one.name.str()}, {"policyArn", one.arn}, {"policyDocument", one.document}});
    }
    co_return json_response({{"effectivePolicies", std::move(policies)}});
}

constexpr std::array operations{
    Operation{"CreatePolicy", "POST", "/policies/{policyName}", create_policy},
    Operation{"GetPolicy", "GET", "/policies/{policyName}", get_policy},
    Operation{"DeletePolicy", "DELETE", "/policies/{policyName}", delete_policy},
    Operation{"ListPolicies", "GET", "/policies", list_policies},
    Operation{"CreatePolicyVersion", "POST", "/policies/{policyName}/version", create_policy_version},
    Operation{"ListPolicyVersions", "GET", "/policies/{policyName}/version", list_policy_versions},
    Operation{"GetPolicyVersion", "GET", "/policies/{policyName}/version/{policyVersionId}", get_policy_version},
    Operation{"SetDefaultPolicyVersion", "PATCH", "/policies/{policyName}/version/{policyVersionId}", set_default_policy_version},
    Operation{"DeletePolicyVersion", "DELETE", "/policies/{policyName}/version/{policyVersionId}", delete_policy_version},
    Operation{"AttachPolicy", "PUT", "/target-policies/{policyName}", attach_policy},
    Operation{"DetachPolicy", "POST", "/target-policies/{policyName}", detach_policy},
    Operation{"ListAttachedPolicies", "POST", "/attached-policies/{target}", list_attached_policies},
    Operation{"ListTargetsForPolicy", "POST", "/policy-targets/{policyName}", list_targets_for_policy},
    Operation{"AttachPrincipalPolicy", "PUT", "/principal-policies/{policyName}", attach_principal_policy},
    Operation{"DetachPrincipalPolicy", "DELETE", "/principal-policies/{policyName}", detach_principal_policy},
    Operation{"ListPrincipalPolicies", "GET", "/principal-policies", list_principal_policies},
    Operation{"GetEffectivePolicies", "POST", "/effective-policies", get_effective_policies},
    Operation{"ListPolicyPrincipals", "GET", "/policy-principals", list_policy_principals},
};

}  // namespace

std::span<const Operation> iot_policies_operations() {
    return operations;
}

}  // namespace fogbank::api
