/// Device certificates. Source: AWS IoT API reference (reference "registry", sections 2 and 6).
#include <array>
#include <nlohmann/json.hpp>

#include "api/iot_certificate_lists.h"
#include "api/iot_members.h"
#include "api/members.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using registry::CertificateStatus;

constexpr std::array all_statuses{
    CertificateStatus::active,           CertificateStatus::inactive,          CertificateStatus::revoked,
    CertificateStatus::pending_transfer, CertificateStatus::register_inactive, CertificateStatus::pending_activation};

asio::awaitable<Outcome> create_keys_and_certificate(const Services& services, const Call& call) {
    const auto active = query_bool(call, "setAsActive", false);
    if (!active) co_return active.error();
    const auto made = co_await services.rooms.registry.create_keys_and_certificate(*active);
    if (!made) co_return made.error();
    co_return json_response({{"certificateArn", made->certificate.arn},
                             {"certificateId", made->certificate.id.str()},
                             {"certificatePem", made->certificate.pem},
                             {"keyPair", {{"PublicKey", made->public_key_pem}, {"PrivateKey", made->private_key_pem}}}});
}

asio::awaitable<Outcome> create_certificate_from_csr(const Services& services, const Call& call) {
    const auto active = query_bool(call, "setAsActive", false);
    if (!active) co_return active.error();
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    const auto csr = required_string(*body, "certificateSigningRequest");
    if (!csr) co_return csr.error();
    const auto made = co_await services.rooms.registry.create_certificate_from_csr(*csr, *active);
    if (!made) co_return made.error();
    co_return json_response({{"certificateArn", made->arn}, {"certificateId", made->id.str()}, {"certificatePem", made->pem}});
}

asio::awaitable<Outcome> describe_certificate(const Services& services, const Call& call) {
    const auto found = co_await services.rooms.registry.describe_certificate(CertificateId(call.label("certificateId")));
    if (!found) co_return found.error();
    json description{{"certificateArn", found->arn},
                     {"certificateId", found->id.str()},
                     {"status", registry::certificate_status_name(found->status)},
                     {"certificatePem", found->pem},
                     {"ownedBy", services.rooms.arns.account().str()},
                     {"creationDate", epoch_seconds(found->created_at)},
                     {"lastModifiedDate", epoch_seconds(found->modified_at)},
                     {"validity", {{"notBefore", epoch_seconds(found->not_before)}, {"notAfter", epoch_seconds(found->not_after)}}},
                     {"certificateMode", found->mode}};
    if (!found->ca_certificate_id.empty()) description["caCertificateId"] = found->ca_certificate_id;
    const registry::CertificateTransfer& transfer = found->transfer;
    if (transfer.at != WallTime{}) {
        json data{{"transferDate", epoch_seconds(transfer.at)}};
        if (!transfer.message.empty()) data["transferMessage"] = transfer.message;
        if (!transfer.reject_reason.empty()) data["rejectReason"] = transfer.reject_reason;
        if (transfer.accepted_at != WallTime{}) data["acceptDate"] = epoch_seconds(transfer.accepted_at);
        if (transfer.rejected_at != WallTime{}) data["rejectDate"] = epoch_seconds(transfer.rejected_at);
        description["transferData"] = std::move(data);
    }
    co_return json_response({{"certificateDescription", description}});
}

Result<CertificateStatus> read_status(const std::string* text) {
    if (text == nullptr) return missing_member("newStatus");
    for (const CertificateStatus status : all_statuses) {
        if (registry::certificate_status_name(status) == *text) return status;
    }
    return constraint_error(
        *text, "newStatus",
        "Member must satisfy enum value set: [ACTIVE, INACTIVE, REVOKED, PENDING_TRANSFER, REGISTER_INACTIVE, PENDING_ACTIVATION]");
}

asio::awaitable<Outcome> update_certificate(const Services& services, const Call& call) {
    const auto status = read_status(call.query_value("newStatus"));
    if (!status) co_return status.error();
    const auto done = co_await services.rooms.registry.update_certificate(CertificateId(call.label("certificateId")), *status);
    if (!done) co_return done.error();
    co_return empty_response();
}

asio::awaitable<Outcome> delete_certificate(const Services& services, const Call& call) {
    const auto force = query_bool(call, "forceDelete", false);
    if (!force) co_return force.error();
    const auto done = co_await services.rooms.registry.delete_certificate(CertificateId(call.label("certificateId")), *force);
    if (!done) co_return done.error();
    co_return empty_response();
}

asio::awaitable<Outcome> list_certificates(const Services& services, const Call& call) {
    auto page = read_marker_page(call);
    if (!page) co_return page.error();
    const auto found = co_await services.rooms.registry.list_certificates(std::move(*page));
    if (!found) co_return found.error();
    co_return certificate_list(*found);
}

constexpr std::array operations{
    Operation{"CreateKeysAndCertificate", "POST", "/keys-and-certificate", create_keys_and_certificate},
    Operation{"CreateCertificateFromCsr", "POST", "/certificates", create_certificate_from_csr},
    Operation{"DescribeCertificate", "GET", "/certificates/{certificateId}", describe_certificate},
    Operation{"UpdateCertificate", "PUT", "/certificates/{certificateId}", update_certificate},
    Operation{"DeleteCertificate", "DELETE", "/certificates/{certificateId}", delete_certificate},
    Operation{"ListCertificates", "GET", "/certificates", list_certificates},
};

}  // namespace

std::span<const Operation> iot_certificates_operations() {
    return operations;
}

}  // namespace fogbank::api
