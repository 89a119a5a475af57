/// TestAuthorization. Source: AWS IoT API reference (reference "policy", section 14).
#include <array>
#include <nlohmann/json.hpp>

#include "api/iot_members.h"
#include "registry/authorization.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using registry::AuthAnswer;

constexpr std::size_t auth_infos_max = 10;  // model: AuthInfos
constexpr std::size_t resources_max = 100;  // Fogbank: bounds the work of one call
constexpr std::size_t resource_bytes_max = 2048;

/// What one authInfo asks, beside its text for the answer.
struct AuthInfo {
    std::string action_type;
    registry::AuthQuestion question;
};

std::optional<std::string> action_of(std::string_view type) {
    if (type == "PUBLISH") return "iot:Publish";
    if (type == "SUBSCRIBE") return "iot:Subscribe";
    if (type == "RECEIVE") return "iot:Receive";
    if (type == "CONNECT") return "iot:Connect";
    return std::nullopt;
}

Result<AuthInfo> read_auth_info(const json& entry) {
    if (!entry.is_object()) return validation_error("each of authInfos must be an object");
    const auto type = optional_string(entry, "actionType");
    if (!type) return type.error();
    const auto action = action_of(type->value_or(""));
    if (!action) {
        return constraint_error(*type, "authInfos.actionType",
                                "Member must satisfy enum value set: [PUBLISH, SUBSCRIBE, RECEIVE, CONNECT]");
    }
    if (find_member(entry, "resources") == nullptr) return missing_member("authInfos.resources");
    auto resources = optional_strings(entry, "resources");
    if (!resources) return resources.error();
    if (resources->size() > resources_max) return validation_error("authInfos.resources has too many entries");
    for (const std::string& one : *resources) {
        if (one.size() > resource_bytes_max) return validation_error("a resource is longer than 2048 bytes");
    }
    AuthInfo out;
    out.action_type = **type;
    out.question.action = *action;
    out.question.resources = std::move(*resources);
    return out;
}

Result<std::vector<AuthInfo>> read_auth_infos(const json& body) {
    const json* infos = find_member(body, "authInfos");
    if (infos == nullptr) return missing_member("authInfos");
    if (!infos->is_array() || infos->empty() || infos->size() > auth_infos_max)
        return validation_error("authInfos must be a list of 1 to 10 entries");
    std::vector<AuthInfo> out;
    for (const json& entry : *infos) {
        auto one = read_auth_info(entry);
        if (!one) return one.error();
        out.push_back(std::move(*one));
    }
    return out;
}

Result<std::vector<PolicyName>> read_policy_names(const json& body, std::string_view member) {
    const auto names = optional_strings(body, member);
    if (!names) return names.error();
    std::vector<PolicyName> out;
    for (const std::string& name : *names) out.emplace_back(name);
    return out;
}

json policies_json(const Services& services, const std::vector<PolicyName>& names) {
    json list = json::array();
    for (const PolicyName& name : names) list.push_back({{"policyName", name.str()}, {"policyArn", services.rooms.arns.policy(name)}});
    return {{"policies", std::move(list)}};
}

std::string_view decision_name(AccessDecision::Outcome outcome) {
    switch (outcome) {
        case AccessDecision::Outcome::allowed:
            return "ALLOWED";
        case AccessDecision::Outcome::explicit_deny:
            return "EXPLICIT_DENY";
        case AccessDecision::Outcome::implicit_deny:
            break;
    }
    return "IMPLICIT_DENY";
}

json result_json(const Services& services, const AuthInfo& info, const AuthAnswer& answer) {
    return {
        {"authInfo", {{"actionType", info.action_type}, {"resources", info.question.resources}}},
        {"allowed", policies_json(services, answer.allowed_by)},
        {"denied", {{"implicitDeny", policies_json(services, answer.silent)}, {"explicitDeny", policies_json(services, answer.denied_by)}}},
        {"authDecision", decision_name(answer.outcome)},
        {"missingContextValues", answer.missing_context}};
}

asio::awaitable<Outcome> test_authorization(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    const auto principal = optional_string(*body, "principal");
    if (!principal) co_return principal.error();
    if (find_member(*body, "cognitoIdentityPoolId") != nullptr)
        co_return validation_error("Cognito identity pools are not known to this server");
    const auto infos = read_auth_infos(*body);
    if (!infos) co_return infos.error();
    auto add = read_policy_names(*body, "policyNamesToAdd");
    if (!add) co_return add.error();
    auto skip = read_policy_names(*body, "policyNamesToSkip");
    if (!skip) co_return skip.error();
    registry::AuthTest test;
    test.principal = principal->value_or("");
    if (const auto* client = call.query_value("clientId"); client != nullptr) test.client_id = ClientId(*client);
    test.add = std::move(*add);
    test.skip = std::move(*skip);
    for (const AuthInfo& info : *infos) test.questions.push_back(info.question);
    const auto answers = co_await services.rooms.registry.authorization().test_authorization(std::move(test));
    if (!answers) co_return answers.error();
    json results = json::array();
    for (std::size_t i = 0; i < infos->size(); ++i) results.push_back(result_json(services, (*infos)[i], (*answers)[i]));
    co_return json_response({{"authResults", std::move(results)}});
}

constexpr std::array operations{
    Operation{"TestAuthorization", "POST", "/test-authorization", test_authorization},
};

}  // namespace

std::span<const Operation> iot_authorization_operations() {
    return operations;
}

}  // namespace fogbank::api
