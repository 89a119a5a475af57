#include "registry/detail/records.h"

#include <array>
#include "registry/detail/record_json.h"

namespace fogbank::registry {

using namespace record_json;

namespace {

constexpr std::array<std::string_view, 6> status_names{"ACTIVE",           "INACTIVE",          "REVOKED",
                                                       "PENDING_TRANSFER", "REGISTER_INACTIVE", "PENDING_ACTIVATION"};

CertificateStatus status_of(const std::string& name) {
    for (std::size_t i = 0; i < status_names.size(); ++i) {
        if (status_names[i] == name) return static_cast<CertificateStatus>(i);
    }
    return CertificateStatus::inactive;  // what is not known to be active is not
}

void add_attributes(const std::string& prefix, const std::vector<x509::NameAttribute>& attributes, CertificateVariables& out) {
    for (const x509::NameAttribute& one : attributes) out[prefix + one.field].push_back(one.value);
}

}  // namespace

std::string_view certificate_status_name(CertificateStatus status) {
    return status_names[static_cast<std::size_t>(status)];
}

std::string encode(const Thing& thing) {
    return dump({{"v", format_version},
                 {"id", thing.id},
                 {"type", thing.type_name},
                 {"attributes", thing.attributes},
                 {"billing_group", thing.billing_group_name},
                 {"version", thing.version}});
}

Result<Thing> decode_thing(const ThingName& name, std::string_view bytes, const ArnFactory& arns) {
    return decode<Thing>("thing", name.view(), bytes, [&](const json& value) {
        Thing out;
        out.name = name;
        out.arn = arns.thing(name);
        out.id = value.at("id").get<std::string>();
        out.type_name = value.at("type").get<std::string>();
        out.attributes = value.at("attributes").get<std::map<std::string, std::string>>();
        out.billing_group_name = value.at("billing_group").get<std::string>();
        out.version = value.at("version").get<std::int64_t>();
        return out;
    });
}

std::string encode(const StoredCertificate& certificate) {
    const CertificateRecord& record = certificate.record;
    json out({{"v", format_version},
              {"status", certificate_status_name(record.status)},
              {"pem", record.pem},
              {"created", ms(record.created_at)},
              {"modified", ms(record.modified_at)},
              {"not_before", ms(record.not_before)},
              {"not_after", ms(record.not_after)},
              {"variables", certificate.variables}});
    if (!record.ca_certificate_id.empty()) out["ca"] = record.ca_certificate_id;
    if (record.mode != "DEFAULT") out["mode"] = record.mode;
    if (!certificate.ownership_sha256.empty()) out["ownership"] = certificate.ownership_sha256;
    if (!certificate.claim_template.empty()) out["claim"] = certificate.claim_template;
    if (certificate.unclaimed_until != WallTime{}) out["unclaimed_until"] = ms(certificate.unclaimed_until);
    const CertificateTransfer& transfer = record.transfer;
    if (transfer.at != WallTime{}) {
        out["transfer"] = {{"to", transfer.target_account},           {"message", transfer.message},
                           {"reject_reason", transfer.reject_reason}, {"at", ms(transfer.at)},
                           {"accepted", ms(transfer.accepted_at)},    {"rejected", ms(transfer.rejected_at)}};
    }
    return dump(out);
}

Result<StoredCertificate> decode_certificate(const CertificateId& id, std::string_view bytes, const ArnFactory& arns) {
    return decode<StoredCertificate>("certificate", id.view(), bytes, [&](const json& value) {
        StoredCertificate out;
        out.record.id = id;
        out.record.arn = arns.certificate(id);
        out.record.status = status_of(value.at("status").get<std::string>());
        out.record.pem = value.at("pem").get<std::string>();
        out.record.created_at = time_at(value, "created");
        out.record.modified_at = time_at(value, "modified");
        out.record.not_before = time_at(value, "not_before");
        out.record.not_after = time_at(value, "not_after");
        out.variables = value.at("variables").get<CertificateVariables>();
        out.record.ca_certificate_id = value.value("ca", "");
        out.record.mode = value.value("mode", "DEFAULT");
        out.ownership_sha256 = value.value("ownership", "");
        out.claim_template = value.value("claim", "");
        if (value.contains("unclaimed_until")) out.unclaimed_until = time_at(value, "unclaimed_until");
        if (value.contains("transfer")) {
            const json& transfer = value.at("transfer");
            out.record.transfer.target_account = transfer.at("to").get<std::string>();
            out.record.transfer.message = transfer.at("message").get<std::string>();
            out.record.transfer.reject_reason = transfer.at("reject_reason").get<std::string>();
            out.record.transfer.at = time_at(transfer, "at");
            out.record.transfer.accepted_at = time_at(transfer, "accepted");
            out.record.transfer.rejected_at = time_at(transfer, "rejected");
        }
        return out;
    });
}

std::string encode(const StoredPolicy& policy) {
    return dump({{"v", format_version},
                 {"default", policy.default_version},
                 {"next", policy.next_version},
                 {"created", ms(policy.created_at)},
                 {"modified", ms(policy.modified_at)}});
}

Result<StoredPolicy> decode_policy(const PolicyName& name, std::string_view bytes) {
    return decode<StoredPolicy>("policy", name.view(), bytes, [&](const json& value) {
        StoredPolicy out;
        out.default_version = value.at("default").get<std::uint64_t>();
        out.next_version = value.at("next").get<std::uint64_t>();
        out.created_at = time_at(value, "created");
        out.modified_at = time_at(value, "modified");
        return out;
    });
}

std::string encode(const StoredPolicyVersion& version) {
    return dump({{"v", format_version}, {"document", version.document}, {"created", ms(version.created_at)}});
}

Result<StoredPolicyVersion> decode_policy_version(const PolicyName& name, std::string_view bytes) {
    return decode<StoredPolicyVersion>("policy version", name.view(), bytes, [&](const json& value) {
        StoredPolicyVersion out;
        out.document = value.at("document").get<std::string>();
        out.created_at = time_at(value, "created");
        return out;
    });
}

CertificateVariables certificate_variables(const x509::Certificate& certificate) {
    CertificateVariables out;
    out["SerialNumber"] = {x509::serial_number(certificate)};
    add_attributes("Subject.", x509::subject_attributes(certificate), out);
    add_attributes("Issuer.", x509::issuer_attributes(certificate), out);
    add_attributes("Subject.AlternativeName.", x509::subject_alternative_attributes(certificate), out);
    add_attributes("Issuer.AlternativeName.", x509::issuer_alternative_attributes(certificate), out);
    return out;
}

}  // namespace fogbank::registry
