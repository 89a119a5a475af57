/// CA certificates, the registration code, and certificates registered under them. Source: AWS IoT API reference (reference "registry",
/// sections 2, 6 and 6.1).
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "api/iot_certificate_lists.h"
#include "api/iot_members.h"
#include "api/iot_new_tags.h"
#include "api/members.h"
#include "common/encoding.h"
#include "registry/certificate_registration.h"
#include "registry/device_access.h"
#include "registry/provisioning_template.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using registry::CaCertificate;
using registry::DeviceAccessState;
using registry::RegistrationConfig;

/// Source: AWS General Reference: CAs with one subject; AWS has no quota on all of them, this bounds what is kept in memory.
constexpr std::size_t cas_max = 500;

Error not_found(const std::string& id) {
    return Error(registry::Errc::resource_not_found, "CA Certificate with id " + id + " does not exist");
}

asio::awaitable<Outcome> get_registration_code(const Services& services, const Call&) {
    std::string raw(32, '\0');
    services.rooms.random.fill({reinterpret_cast<std::uint8_t*>(raw.data()), raw.size()});
    UniqueFunction<Result<void>(DeviceAccessState&)> edit = [fresh = hex_encode(raw)](DeviceAccessState& state) -> Result<void> {
        if (state.registration_code.empty()) state.registration_code = fresh;
        return {};
    };
    const auto done = co_await services.rooms.access.change(std::move(edit));
    if (!done) co_return done.error();
    co_return json_response({{"registrationCode", services.rooms.access.state()->registration_code}});
}

asio::awaitable<Outcome> delete_registration_code(const Services& services, const Call&) {
    UniqueFunction<Result<void>(DeviceAccessState&)> edit = [](DeviceAccessState& state) -> Result<void> {
        if (state.registration_code.empty()) return Error(registry::Errc::resource_not_found, "There is no registration code");
        state.registration_code.clear();
        return {};
    };
    const auto done = co_await services.rooms.access.change(std::move(edit));
    if (!done) co_return done.error();
    co_return empty_response();
}

Result<std::optional<RegistrationConfig>> read_registration(const json& body) {
    const json* config = find_member(body, "registrationConfig");
    if (config == nullptr) return std::optional<RegistrationConfig>();
    if (!config->is_object()) return validation_error("registrationConfig must be an object");
    RegistrationConfig out;
    for (const auto& [member, target] : {std::pair("templateBody", &out.template_body), std::pair("roleArn", &out.role_arn),
                                         std::pair("templateName", &out.template_name)}) {
        auto value = optional_string(*config, member);
        if (!value) return value.error();
        *target = value->value_or("");
    }
    if (!out.template_body.empty() && !out.template_name.empty())
        return validation_error("registrationConfig takes either templateBody or templateName");
    if (!out.template_body.empty()) {
        if (auto valid = registry::check_template(out.template_body, registry::TemplateKind::jitp); !valid) return valid.error();
    }
    return std::optional<RegistrationConfig>(std::move(out));
}

Result<void> check_template_name(const DeviceAccessState& state, const RegistrationConfig& config) {
    if (config.template_name.empty()) return {};
    const auto found = state.templates.find(config.template_name);
    if (found == state.templates.end())
        return Error(registry::Errc::resource_not_found, "Provisioning template " + config.template_name + " not found");
    if (found->second.type != "JITP") return validation_error("Provisioning template " + config.template_name + " is not of type JITP");
    return {};
}

asio::awaitable<Outcome> register_ca_certificate(const Services& services, const Call& call) {
    const auto active = query_bool(call, "setAsActive", false);
    if (!active) co_return active.error();
    const auto automatic = query_bool(call, "allowAutoRegistration", false);
    if (!automatic) co_return automatic.error();
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    const auto pem = required_string(*body, "caCertificate");
    if (!pem) co_return pem.error();
    const auto verification = optional_string(*body, "verificationCertificate");
    if (!verification) co_return verification.error();
    const auto mode = optional_string(*body, "certificateMode");
    if (!mode) co_return mode.error();
    const std::string mode_name = mode->value_or("DEFAULT");
    if (mode_name != "DEFAULT" && mode_name != "SNI_ONLY")
        co_return constraint_error(mode_name, "certificateMode", "Member must satisfy enum value set: [DEFAULT, SNI_ONLY]");
    if (mode_name == "SNI_ONLY" && *verification) co_return validation_error("verificationCertificate must not be given in SNI_ONLY mode");
    if (mode_name == "DEFAULT" && !*verification) co_return missing_member("verificationCertificate");
    auto config = read_registration(*body);
    if (!config) co_return config.error();
    auto tags = new_tags(*body);
    if (!tags) co_return tags.error();
    auto ca = registry::read_ca_certificate(*pem, verification->value_or(""), services.rooms.access.state()->registration_code, mode_name);
    if (!ca) co_return ca.error();
    ca->active = *active;
    ca->auto_registration = *automatic;
    if (*config) ca->registration = std::move(**config);
    ca->created_at = ca->modified_at = services.rooms.clock.now();
    ca->generation_id = services.rooms.random.uuid();
    const std::string arn = services.rooms.arns.iot("cacert/" + ca->id), id = ca->id;
    UniqueFunction<Result<void>(DeviceAccessState&)> edit = [fresh = *ca](DeviceAccessState& state) -> Result<void> {
        if (auto valid = check_template_name(state, fresh.registration); !valid) return valid;
        if (state.cas.contains(fresh.id))
            return Error(registry::Errc::resource_already_exists, "CA certificate is already registered. Id: " + fresh.id);
        if (state.cas.size() >= cas_max)
            return Error(registry::Errc::limit_exceeded, "The account has the maximum number of CA certificates");
        state.cas.emplace(fresh.id, fresh);
        return {};
    };
    const auto done = co_await services.rooms.access.change(std::move(edit));
    if (!done && done.error().code == registry::Errc::resource_already_exists)
        co_return error_response(Family::control, done.error(), call.request_id, {{"resourceId", id}, {"resourceArn", arn}});
    if (!done) co_return done.error();
    const auto tagged = co_await tag_new_resource(services, arn, std::move(*tags));
    if (!tagged) co_return tagged.error();
    co_return json_response({{"certificateArn", arn}, {"certificateId", id}});
}

json summary(const Services& services, const CaCertificate& ca) {
    return {{"certificateArn", services.rooms.arns.iot("cacert/" + ca.id)},
            {"certificateId", ca.id},
            {"status", ca.active ? "ACTIVE" : "INACTIVE"},
            {"creationDate", epoch_seconds(ca.created_at)}};
}

asio::awaitable<Outcome> describe_ca_certificate(const Services& services, const Call& call) {
    const auto state = services.rooms.access.state();
    const auto found = state->cas.find(call.label("caCertificateId"));
    if (found == state->cas.end()) co_return not_found(call.label("caCertificateId"));
    const CaCertificate& ca = found->second;
    json description = summary(services, ca);
    description["certificatePem"] = ca.pem;
    description["ownedBy"] = services.rooms.arns.account().str();
    description["autoRegistrationStatus"] = ca.auto_registration ? "ENABLE" : "DISABLE";
    description["lastModifiedDate"] = epoch_seconds(ca.modified_at);
    description["customerVersion"] = ca.customer_version;
    description["generationId"] = ca.generation_id;
    description["validity"] = {{"notBefore", epoch_seconds(ca.not_before)}, {"notAfter", epoch_seconds(ca.not_after)}};
    description["certificateMode"] = ca.mode;
    json out{{"certificateDescription", std::move(description)}};
    if (!ca.registration.empty()) {
        json config = json::object();
        if (!ca.registration.template_body.empty()) config["templateBody"] = ca.registration.template_body;
        if (!ca.registration.role_arn.empty()) config["roleArn"] = ca.registration.role_arn;
        if (!ca.registration.template_name.empty()) config["templateName"] = ca.registration.template_name;
        out["registrationConfig"] = std::move(config);
    }
    co_return json_response(out);
}

struct CaUpdate {
    std::optional<bool> active, automatic;
    std::optional<RegistrationConfig> config;
    bool remove_config = false;
};

Result<std::optional<bool>> read_choice(const Call& call, std::string_view member, std::string_view yes, std::string_view no) {
    const std::string* text = call.query_value(member);
    if (text == nullptr || text->empty()) return std::optional<bool>();
    if (*text == yes) return std::optional<bool>(true);
    if (*text == no) return std::optional<bool>(false);
    return constraint_error(*text, member, "Member must satisfy enum value set: [" + std::string(yes) + ", " + std::string(no) + "]");
}

Result<CaUpdate> read_update(const Call& call) {
    CaUpdate out;
    auto active = read_choice(call, "newStatus", "ACTIVE", "INACTIVE");
    if (!active) return active.error();
    auto automatic = read_choice(call, "newAutoRegistrationStatus", "ENABLE", "DISABLE");
    if (!automatic) return automatic.error();
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) return body.error();
    auto config = read_registration(*body);
    if (!config) return config.error();
    const auto remove = optional_bool(*body, "removeAutoRegistration");
    if (!remove) return remove.error();
    out.active = *active;
    out.automatic = *automatic;
    out.config = std::move(*config);
    out.remove_config = remove->value_or(false);
    return out;
}

asio::awaitable<Outcome> update_ca_certificate(const Services& services, const Call& call) {
    auto update = read_update(call);
    if (!update) co_return update.error();
    UniqueFunction<Result<void>(DeviceAccessState&)> edit = [update = std::move(*update), id = call.label("caCertificateId"),
                                                             now = services.rooms.clock.now()](DeviceAccessState& state) -> Result<void> {
        const auto found = state.cas.find(id);
        if (found == state.cas.end()) return not_found(id);
        CaCertificate& ca = found->second;
        if (update.config) {
            if (auto valid = check_template_name(state, *update.config); !valid) return valid;
            ca.registration = *update.config;
        }
        if (update.remove_config) ca.registration = RegistrationConfig();
        ca.active = update.active.value_or(ca.active);
        ca.auto_registration = update.automatic.value_or(ca.auto_registration);
        ca.modified_at = now;
        ++ca.customer_version;
        return {};
    };
    const auto done = co_await services.rooms.access.change(std::move(edit));
    if (!done) co_return done.error();
    co_return empty_response();
}

asio::awaitable<Outcome> delete_ca_certificate(const Services& services, const Call& call) {
    UniqueFunction<Result<void>(DeviceAccessState&)> edit = [id = call.label("caCertificateId")](DeviceAccessState& state) -> Result<void> {
        const auto found = state.cas.find(id);
        if (found == state.cas.end()) return not_found(id);
        if (found->second.active) {
            return Error(registry::Errc::certificate_state, "CA certificate must be deactivated (not ACTIVE) before deletion. Id: " + id);
        }
        state.cas.erase(found);
        return {};
    };
    const auto done = co_await services.rooms.access.change(std::move(edit));
    if (!done) co_return done.error();
    co_await forget_tags(services, services.rooms.arns.iot("cacert/" + call.label("caCertificateId")));
    co_return empty_response();
}

asio::awaitable<Outcome> list_ca_certificates(const Services& services, const Call& call) {
    const auto limit = query_integer(call, "pageSize", 1, marker_page_max);
    if (!limit) co_return limit.error();
    const auto ascending = query_bool(call, "isAscendingOrder", false);
    if (!ascending) co_return ascending.error();
    const std::string* wanted = call.query_value("templateName");
    const auto state = services.rooms.access.state();
    std::vector<const CaCertificate*> all;
    for (const auto& [id, ca] : state->cas) {
        if (wanted == nullptr || ca.registration.template_name == *wanted) all.push_back(&ca);
    }
    std::sort(all.begin(), all.end(), [&](const CaCertificate* a, const CaCertificate* b) {
        const auto left = std::tie(a->created_at, a->id), right = std::tie(b->created_at, b->id);
        return *ascending ? left < right : right < left;
    });
    const auto part = slice(call.query_value("marker"), all.size(), static_cast<std::size_t>(limit->value_or(marker_page_default)));
    if (!part) co_return part.error();
    json certificates = json::array();
    for (std::size_t i = part->begin; i < part->end; ++i) certificates.push_back(summary(services, *all[i]));
    json out{{"certificates", std::move(certificates)}};
    if (part->next) out["nextMarker"] = *part->next;
    co_return json_response(out);
}

asio::awaitable<Outcome> list_certificates_by_ca(const Services& services, const Call& call) {
    auto page = read_marker_page(call);
    if (!page) co_return page.error();
    const auto found = co_await services.rooms.registry.certificate_registration().list_certificates_by_ca(call.label("caCertificateId"),
                                                                                                           std::move(*page));
    if (!found) co_return found.error();
    co_return certificate_list(*found);
}

/// ACTIVE, INACTIVE or REVOKED.
Result<registry::CertificateStatus> read_status(const json& body, bool set_as_active) {
    using registry::CertificateStatus;
    const auto text = optional_string(body, "status");
    if (!text) return text.error();
    if (!*text) return set_as_active ? CertificateStatus::active : CertificateStatus::inactive;
    for (const CertificateStatus status : {CertificateStatus::active, CertificateStatus::inactive, CertificateStatus::revoked}) {
        if (registry::certificate_status_name(status) == **text) return status;
    }
    return constraint_error(**text, "status", "Member must satisfy enum value set: [ACTIVE, INACTIVE, REVOKED]");
}

asio::awaitable<Outcome> register_one(const Services& services, const Call& call, bool without_ca) {
    const auto active = query_bool(call, "setAsActive", false);
    if (!active) co_return active.error();
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    auto pem = required_string(*body, "certificatePem");
    if (!pem) co_return pem.error();
    auto ca_pem = optional_string(*body, "caCertificatePem");
    if (!ca_pem) co_return ca_pem.error();
    const auto status = read_status(*body, *active && !without_ca);
    if (!status) co_return status.error();
    registry::RegisterCertificateRequest request;
    request.pem = *pem;
    if (!without_ca) request.ca_pem = ca_pem->value_or("");
    request.without_ca = without_ca;
    request.status = *status;
    const auto made = co_await services.rooms.registry.certificate_registration().register_certificate(std::move(request));
    if (!made && made.error().code == registry::Errc::resource_already_exists) {
        const auto parsed = x509::read_certificate_pem(*pem);
        const auto der = parsed ? x509::certificate_der(*parsed) : Result<std::string>(std::string());
        const CertificateId id(x509::certificate_id(der ? *der : std::string()));
        co_return error_response(Family::control, made.error(), call.request_id,
                                 {{"resourceId", id.str()}, {"resourceArn", services.rooms.arns.certificate(id)}});
    }
    if (!made) co_return made.error();
    co_return json_response({{"certificateArn", made->arn}, {"certificateId", made->id.str()}});
}

asio::awaitable<Outcome> register_certificate(const Services& services, const Call& call) {
    co_return co_await register_one(services, call, false);
}
asio::awaitable<Outcome> register_certificate_without_ca(const Services& services, const Call& call) {
    co_return co_await register_one(services, call, true);
}

asio::awaitable<Outcome> transfer_certificate(const Services& services, const Call& call) {
    const std::string* account = call.query_value("targetAwsAccount");
    if (account == nullptr) co_return missing_member("targetAwsAccount");
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    const auto message = optional_string(*body, "transferMessage");
    if (!message) co_return message.error();
    const CertificateId id(call.label("certificateId"));
    const auto done = co_await services.rooms.registry.certificate_registration().transfer_certificate(id, *account, message->value_or(""));
    if (!done) co_return done.error();
    co_return json_response(
        {{"transferredCertificateArn", "arn:aws:iot:" + services.rooms.arns.region().str() + ":" + *account + ":cert/" + id.str()}});
}

asio::awaitable<Outcome> accept_certificate_transfer(const Services& services, const Call& call) {
    const auto active = query_bool(call, "setAsActive", false);
    if (!active) co_return active.error();
    const auto done =
        co_await services.rooms.registry.certificate_registration().accept_transfer(CertificateId(call.label("certificateId")), *active);
    if (!done) co_return done.error();
    co_return empty_response();
}

asio::awaitable<Outcome> reject_certificate_transfer(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    const auto reason = optional_string(*body, "rejectReason");
    if (!reason) co_return reason.error();
    const auto done = co_await services.rooms.registry.certificate_registration().reject_transfer(
        CertificateId(call.label("certificateId")), reason->value_or(""));
    if (!done) co_return done.error();
    co_return empty_response();
}

asio::awaitable<Outcome> cancel_certificate_transfer(const Services& services, const Call& call) {
    const auto done =
        co_await services.rooms.registry.certificate_registration().cancel_transfer(CertificateId(call.label("certificateId")));
    if (!done) co_return done.error();
    co_return empty_response();
}

asio::awaitable<Outcome> list_outgoing_certificates(const Services& services, const Call& call) {
    auto page = read_marker_page(call);
    if (!page) co_return page.error();
    const auto found = co_await services.rooms.registry.certificate_registration().list_outgoing_certificates(std::move(*page));
    if (!found) co_return found.error();
    json certificates = json::array();
    for (const auto& one : found->items) {
        json item{{"certificateArn", one.arn},
                  {"certificateId", one.id.str()},
                  {"transferredTo", one.transfer.target_account},
                  {"transferDate", epoch_seconds(one.transfer.at)},
                  {"creationDate", epoch_seconds(one.created_at)}};
        if (!one.transfer.message.empty()) item["transferMessage"] = one.transfer.message;
        certificates.push_back(std::move(item));
    }
    json out{{"outgoingCertificates", std::move(certificates)}};
    if (found->next) out["nextMarker"] = encode_token(*found->next);
    co_return json_response(out);
}

constexpr std::array operations{
    Operation{"GetRegistrationCode", "GET", "/registrationcode", get_registration_code},
    Operation{"DeleteRegistrationCode", "DELETE", "/registrationcode", delete_registration_code},
    Operation{"RegisterCACertificate", "POST", "/cacertificate", register_ca_certificate},
    Operation{"DescribeCACertificate", "GET", "/cacertificate/{caCertificateId}", describe_ca_certificate},
    Operation{"UpdateCACertificate", "PUT", "/cacertificate/{caCertificateId}", update_ca_certificate},
    Operation{"DeleteCACertificate", "DELETE", "/cacertificate/{caCertificateId}", delete_ca_certificate},
    Operation{"ListCACertificates", "GET", "/cacertificates", list_ca_certificates},
    Operation{"ListCertificatesByCA", "GET", "/certificates-by-ca/{caCertificateId}", list_certificates_by_ca},
    Operation{"RegisterCertificate", "POST", "/certificate/register", register_certificate},
    Operation{"RegisterCertificateWithoutCA", "POST", "/certificate/register-no-ca", register_certificate_without_ca},
    Operation{"TransferCertificate", "PATCH", "/transfer-certificate/{certificateId}", transfer_certificate},
    Operation{"AcceptCertificateTransfer", "PATCH", "/accept-certificate-transfer/{certificateId}", accept_certificate_transfer},
    Operation{"RejectCertificateTransfer", "PATCH", "/reject-certificate-transfer/{certificateId}", reject_certificate_transfer},
    Operation{"CancelCertificateTransfer", "PATCH", "/cancel-certificate-transfer/{certificateId}", cancel_certificate_transfer},
    Operation{"ListOutgoingCertificates", "GET", "/certificates-out-going", list_outgoing_certificates},
};

}  // namespace

std::span<const Operation> iot_ca_certificates_operations() {
    return operations;
}

}  // namespace fogbank::api
