/// STS: who am I, and temporary credentials. Source: STS API reference 2011-06-15.
#include <array>
#include <nlohmann/json.hpp>

#include "api/members.h"
#include "api/query_protocol.h"
#include "registry/errc.h"
#include "registry/iam.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::ordered_json;
using registry::Trust;

constexpr std::string_view sts_namespace = "https://sts.amazonaws.com/doc/2011-06-15/";
constexpr std::int64_t duration_s_min = 900, assume_s_default = 3600, session_s_default = 43'200, session_s_max = 129'600;
/// A session that takes on a role has at most one hour (IAM User Guide, "Role chaining").
constexpr std::int64_t chained_s_max = 3600;
constexpr std::size_t session_policy_max = 2048;

Outcome answer(const Call& call, std::string_view operation, const ordered_json& result) {
    return xml_response(operation, sts_namespace, result, call.request_id);
}

ordered_json credentials_json(const TemporaryCredentials& credentials) {
    return {{"AccessKeyId", credentials.access_key_id},
            {"SecretAccessKey", credentials.secret_access_key},
            {"SessionToken", credentials.session_token},
            {"Expiration", xml_time(credentials.expires_at)}};
}

asio::awaitable<Outcome> get_caller_identity(const Services& services, const Call& call) {
    const ordered_json result{{"Arn", call.principal.arn}, {"UserId", call.principal.id}, {"Account", services.rooms.arns.account().str()}};
    co_return answer(call, "GetCallerIdentity", result);
}

Error denied(const Call& call, const std::string& action, const std::string& resource) {
    return Error(Errc::forbidden, "User: " + call.principal.arn + " is not authorized to perform: " + action + " on resource: " + resource);
}

asio::awaitable<Outcome> get_session_token(const Services& services, const Call& call) {
    if (call.temporary_credentials) co_return Error(Errc::forbidden, "Cannot call GetSessionToken with session credentials");
    const auto duration = form_integer(call, "DurationSeconds", duration_s_min, session_s_max, session_s_default);
    if (!duration) co_return duration.error();
    registry::SessionRequest request;
    const bool root = call.principal.arn == services.rooms.arns.root_user();
    if (!root) request.user_name = call.principal.arn.substr(call.principal.arn.rfind('/') + 1);
    // Root's sessions last an hour (STS API reference).
    request.duration = std::chrono::seconds(root ? std::min<std::int64_t>(*duration, 3600) : *duration);
    const ordered_json result{{"Credentials", credentials_json(services.rooms.iam.issue(request))}};
    co_return answer(call, "GetSessionToken", result);
}

/// The request's members, checked. Errors: validation, malformed_policy.
Result<registry::SessionRequest> read_assume_role(const Call& call) {
    registry::SessionRequest out;
    auto arn = required_form(call, "RoleArn");
    if (!arn) return arn.error();
    auto name = required_form(call, "RoleSessionName");
    if (!name) return name.error();
    if (auto valid = check_form("roleSessionName", *name, 2, 64, "=,.@-"); !valid) return valid.error();
    const auto duration = form_integer(call, "DurationSeconds", duration_s_min, session_s_default, assume_s_default);
    if (!duration) return duration.error();
    out.session_policy = optional_form(call, "Policy");
    if (out.session_policy.size() > session_policy_max)
        return Error(registry::Errc::malformed_policy, "The session policy has more than 2048 characters.");
    if (!out.session_policy.empty()) {
        if (auto valid = registry::check_identity_policy(out.session_policy); !valid) return valid.error();
    }
    if (call.query_value("PolicyArns.member.1.arn") != nullptr) return validation_error("PolicyArns is not supported by this server");
    out.role_arn = std::move(*arn);
    out.role_name = out.role_arn.substr(out.role_arn.rfind('/') + 1);
    out.session_name = std::move(*name);
    out.duration = std::chrono::seconds(*duration);
    return out;
}

/// Both sides must agree: the role's trust policy and, unless it names the caller, the caller's own policies.
bool may_assume(const Services& services, const Call& call, const registry::IamRole& role, const std::string& arn) {
    registry::TrustQuestion question;
    question.caller_arn = call.principal.arn;
    question.external_id = optional_form(call, "ExternalId");
    question.facts.source_ip = call.request.remote_ip;
    question.facts.secure_transport = call.request.secure;
    question.facts.now = services.rooms.clock.now();
    const Trust trust = services.rooms.iam.trusts(role, question);
    if (trust == Trust::no) return false;
    if (call.access == nullptr) return true;
    const AccessDecision own = call.access->check({"sts:AssumeRole", arn, {}});
    return own.allowed() || (trust == Trust::directly && own.outcome != AccessDecision::Outcome::explicit_deny);
}

asio::awaitable<Outcome> assume_role(const Services& services, const Call& call) {
    auto request = read_assume_role(call);
    if (!request) co_return request.error();
    const auto state = services.rooms.iam.state();
    const auto role = state->roles.find(request->role_name);
    const bool exists = role != state->roles.end() && services.rooms.iam.role_arn(role->second) == request->role_arn;
    // AWS does not tell a role that does not exist from one that does not trust the caller.
    if (!exists || !may_assume(services, call, role->second, request->role_arn))
        co_return denied(call, "sts:AssumeRole", request->role_arn);
    const bool chained = call.temporary_credentials && call.principal.arn.find(":assumed-role/") != std::string::npos;
    const std::int64_t longest = chained ? chained_s_max : role->second.session_s_max;
    if (request->duration.count() > longest) {
        co_return validation_error(
            chained ? "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
                    : "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
    }
    const Principal session = services.rooms.iam.session_principal(*request);
    ordered_json result{{"Credentials", credentials_json(services.rooms.iam.issue(*request))},
                        {"AssumedRoleUser", {{"AssumedRoleId", session.id}, {"Arn", session.arn}}}};
    co_return answer(call, "AssumeRole", result);
}

constexpr std::array operations{
    Operation{"GetCallerIdentity", "", "", get_caller_identity},
    Operation{"GetSessionToken", "", "", get_session_token},
    Operation{"AssumeRole", "", "", assume_role},
};

}  // namespace

std::span<const Operation> sts_operations() {
    return operations;
}

}  // namespace fogbank::api
