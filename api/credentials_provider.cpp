/// The credentials provider: temporary credentials of a role for a client certificate. Source: AWS IoT Core Developer Guide, "Authorizing
/// direct calls to AWS services" (reference "auth", section 6). Only on the ports for client certificates.
#include <array>
#include <nlohmann/json.hpp>

#include "api/members.h"
#include "api/query_protocol.h"
#include "registry/device_access.h"
#include "registry/errc.h"
#include "registry/iam.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

/// The provider answers errors as a bare message.
Response refusal(unsigned status, std::string_view message) {
    return json_response({{"message", std::string(message)}}, status);
}

/// The role of an alias, if there is one that the service may take on.
struct Chosen {
    std::string role_arn;
    std::int64_t session_s_max = 43'200;
    bool allowed = true;
};

/// A role that was never created may do everything (docs/parity.md); one that exists must trust the credentials provider.
Chosen choose_role(const Services& services, const Call& call, const registry::RoleAlias& alias) {
    Chosen out;
    out.role_arn = alias.role_arn;
    const auto state = services.rooms.iam.state();
    const auto role = state->roles.find(alias.role_arn.substr(alias.role_arn.rfind('/') + 1));
    if (role == state->roles.end()) return out;
    out.session_s_max = role->second.session_s_max;
    registry::TrustQuestion question;
    question.service = "credentials.iot.amazonaws.com";
    question.facts.source_ip = call.request.remote_ip;
    question.facts.secure_transport = true;
    question.facts.now = services.rooms.clock.now();
    out.allowed = services.rooms.iam.role_arn(role->second) == alias.role_arn &&
                  services.rooms.iam.trusts(role->second, question) != registry::Trust::no;
    return out;
}

asio::awaitable<Outcome> get_credentials(const Services& services, const Call& call) {
    const bool by_certificate = call.permissions != nullptr && call.principal.kind == Principal::Kind::certificate;
    if (!by_certificate) co_return refusal(403, "Certificate is invalid on this endpoint");
    const auto state = services.rooms.access.state();
    const auto alias = state->role_aliases.find(call.label("roleAlias"));
    if (alias == state->role_aliases.end()) co_return refusal(404, "Role alias does not exist");
    registry::SessionRequest request;
    if (const auto thing = call.request.header("x-amzn-iot-thingname")) {
        const auto things = co_await services.rooms.registry.list_principal_things(call.principal.arn);
        if (!things) co_return things.error();
        const bool attached = std::any_of(things->begin(), things->end(), [&](const auto& one) { return one.what.view() == *thing; });
        if (!attached) co_return refusal(403, "Invalid thing name passed");
        request.condition_keys.emplace_back("credentials-iot:ThingName", std::string(*thing));
        const auto described = co_await services.rooms.registry.describe_thing(ThingName(*thing));
        if (described && !described->type_name.empty())
            request.condition_keys.emplace_back("credentials-iot:ThingTypeName", described->type_name);
    }
    if (!call.permissions->allows(IotAction::assume_role_with_certificate, alias->first)) co_return refusal(403, "Access Denied");
    const Chosen role = choose_role(services, call, alias->second);
    if (!role.allowed) co_return refusal(400, "Unable to assume the role, or the role to assume does not exist");
    if (alias->second.duration_s > role.session_s_max)
        co_return refusal(400, "The requested CredentialDurationSeconds exceeds the MaxSessionDuration set for the role");
    request.condition_keys.emplace_back("credentials-iot:AwsCertificateId", call.principal.id);
    request.role_arn = role.role_arn;
    request.role_name = role.role_arn.substr(role.role_arn.rfind('/') + 1);
    request.session_name = call.principal.id;
    request.unmanaged = !services.rooms.iam.state()->roles.contains(request.role_name);
    request.duration = std::chrono::seconds(alias->second.duration_s);
    const TemporaryCredentials made = services.rooms.iam.issue(request);
    co_return json_response({{"credentials",
                              {{"accessKeyId", made.access_key_id},
                               {"secretAccessKey", made.secret_access_key},
                               {"sessionToken", made.session_token},
                               {"expiration", xml_time(made.expires_at)}}}});
}

constexpr std::array operations{
    Operation{"AssumeRoleWithCertificate", "GET", "/role-aliases/{roleAlias}/credentials", get_credentials},
};

}  // namespace

std::span<const Operation> credentials_provider_operations() {
    return operations;
}

}  // namespace fogbank::api
