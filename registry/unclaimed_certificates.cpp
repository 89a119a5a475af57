// Certificates on their way to a device: PENDING_ACTIVATION until RegisterThing, and claims for provisioning by a trusted user.

#include "common/encoding.h"
#include "registry/detail/certificate_part.h"
#include "registry/detail/keys.h"
#include "registry/detail/offload.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {
namespace {

/// Source: AWS IoT Core Developer Guide, "Device provisioning MQTT API": the token and the certificate live for an hour.
constexpr std::chrono::minutes unclaimed_life{60};
/// Source: AWS IoT API reference, CreateProvisioningClaim.
constexpr std::chrono::minutes claim_life{5};
/// How many expired certificates one request clears away at most.
constexpr std::size_t cleared_max = 100;
constexpr std::size_t token_secret_bytes = 32;

struct Made {
    x509::Certificate certificate;
    std::string public_key_pem, private_key_pem;
};

Result<Made> make_keys(CertificateAuthority& authority, std::optional<WallTime> not_after) {
    auto key = x509::generate_rsa_2048();
    if (!key) return key.error();
    auto public_key = x509::public_key_pem(*key);
    if (!public_key) return public_key.error();
    auto private_key = x509::private_key_pem(*key);
    if (!private_key) return private_key.error();
    auto certificate = not_after ? authority.issue_device_until(*key, *not_after) : authority.issue_device(*key);
    if (!certificate) return certificate.error();
    return Made{std::move(*certificate), std::move(*public_key), std::move(*private_key)};
}

/// Deletes what nobody has claimed in time. Attached ones have an owner and stay.
Result<void> clear_expired(Core& core, Transaction& tx, WallTime now, Affected& affected) {
    const Range all = keys::unclaimed_certificates();
    store::kv::ScanOptions options;
    options.range = all;
    options.range.end = keys::unclaimed_certificate(now, CertificateId());
    options.items_max = cleared_max;
    const auto expired = tx.scan(options);
    if (!expired) return expired.error();
    for (const KeyValue& item : expired->items) {
        const CertificateId id(keys::part_after_time(item.key, all));
        tx.erase(item.key);
        const auto stored = core.require_certificate(tx, id);
        if (!stored) continue;
        const auto no_things = empty_in(tx, keys::principal_things(stored->record.arn));
        const auto no_policies = empty_in(tx, keys::target_policies(stored->record.arn));
        if (!no_things || !no_policies || !*no_things || !*no_policies) continue;
        erase_certificate(tx, *stored);
        affected.certificates.push_back(id);
    }
    return {};
}

Awaitable<void> clear(Core& core) {
    ChangeBody<void> body = [&core, now = core.deps().clock.now()](Transaction& tx, Affected& affected) -> Result<void> {
        return clear_expired(core, tx, now, affected);
    };
    co_return co_await core.change<void>(std::move(body));
}

}  // namespace

std::string claim_policy(const std::string& template_name, const ArnFactory& arns) {
    const std::string topics[] = {"$aws/certificates/create/*", "$aws/certificates/create-from-csr/*",
                                  "$aws/provisioning-templates/" + template_name + "/provision/*"};
    std::string topic_arns, filter_arns;
    for (const std::string& topic : topics) {
        topic_arns += (topic_arns.empty() ? "\"" : ",\"") + arns.iot("topic/" + topic) + "\"";
        filter_arns += (filter_arns.empty() ? "\"" : ",\"") + arns.iot("topicfilter/" + topic) + "\"";
    }
    return R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:Connect","Resource":"*"},)"
           R"({"Effect":"Allow","Action":["iot:Publish","iot:Receive"],"Resource":[)" +
           topic_arns + R"(]},{"Effect":"Allow","Action":"iot:Subscribe","Resource":[)" + filter_arns + "]}]}";
}

Awaitable<UnclaimedCertificate> CertificatePart::issue_unclaimed(std::optional<std::string> csr_pem) {
    if (csr_pem) {
        if (auto valid = Validation().certificate_signing_request(*csr_pem).result(); !valid) co_return valid.error();
    }
    static_cast<void>(co_await clear(core_));
    UniqueFunction<Result<Made>()> make = [&authority = core_.deps().authority, csr_pem]() -> Result<Made> {
        if (!csr_pem) return make_keys(authority, std::nullopt);
        auto certificate = authority.issue_device_from_csr(*csr_pem);
        if (!certificate) return Error(Errc::invalid_request, "Invalid CSR: " + certificate.error().message);
        return Made{std::move(*certificate), {}, {}};
    };
    auto made = co_await offload<Made>(pool_, std::move(make));
    if (!made) co_return made.error();
    const WallTime now = core_.deps().clock.now();
    auto fresh = certificate_record(made->certificate, CertificateStatus::pending_activation, now, core_.deps().arns);
    if (!fresh) co_return fresh.error();
    std::string secret(token_secret_bytes, '\0');
    core_.deps().random.fill({reinterpret_cast<std::uint8_t*>(secret.data()), secret.size()});
    // The token names its certificate, and is kept as a hash only.
    const std::string token = base64_encode(hex_decode(fresh->record.id.view()).value_or("") + secret);
    fresh->ownership_sha256 = hex_encode(sha256(token));
    fresh->unclaimed_until = now + unclaimed_life;
    auto record = co_await store(std::move(*fresh), true);
    if (!record) co_return record.error();
    UnclaimedCertificate out;
    out.certificate = std::move(*record);
    out.private_key_pem = std::move(made->private_key_pem);
    out.ownership_token = token;
    co_return out;
}

Awaitable<CertificateRecord> CertificatePart::redeem_ownership(std::string ownership_token) {
    constexpr std::size_t id_bytes = 32;
    const Error wrong(Errc::invalid_request, "The certificate ownership token is invalid or has expired");
    const auto bytes = base64_decode(ownership_token);
    if (!bytes || bytes->size() != id_bytes + token_secret_bytes) co_return wrong;
    const CertificateId id(hex_encode(std::string_view(*bytes).substr(0, id_bytes)));
    const auto record = co_await core_.read(keys::certificate(id));
    if (!record) co_return record.error();
    if (!*record) co_return wrong;
    auto stored = decode_certificate(id, **record, core_.deps().arns);
    if (!stored) co_return stored.error();
    const bool ours = !stored->ownership_sha256.empty() && stored->ownership_sha256 == hex_encode(sha256(ownership_token));
    if (!ours || core_.deps().clock.now() >= stored->unclaimed_until) co_return wrong;
    co_return std::move(stored->record);
}

Awaitable<void> CertificatePart::finish_provisioning(CertificateId id, bool active) {
    ChangeBody<void> body = [this, id, active, now = core_.deps().clock.now()](Transaction& tx, Affected& affected) -> Result<void> {
        auto stored = core_.require_certificate(tx, id);
        if (!stored) return stored.error();
        if (stored->unclaimed_until != WallTime{}) tx.erase(keys::unclaimed_certificate(stored->unclaimed_until, id));
        stored->unclaimed_until = WallTime{};
        stored->ownership_sha256.clear();
        stored->record.status = active ? CertificateStatus::active : CertificateStatus::inactive;
        stored->record.modified_at = now;
        tx.put(keys::certificate(id), encode(*stored));
        affected.certificates = {id};
        return {};
    };
    co_return co_await core_.change<void>(std::move(body));
}

Awaitable<KeysAndCertificate> CertificatePart::create_claim(std::string template_name) {
    static_cast<void>(co_await clear(core_));
    const WallTime now = core_.deps().clock.now();
    UniqueFunction<Result<Made>()> make = [&authority = core_.deps().authority, until = now + claim_life] {
        return make_keys(authority, until);
    };
    auto made = co_await offload<Made>(pool_, std::move(make));
    if (!made) co_return made.error();
    auto fresh = certificate_record(made->certificate, CertificateStatus::active, now, core_.deps().arns);
    if (!fresh) co_return fresh.error();
    fresh->claim_template = std::move(template_name);
    fresh->unclaimed_until = now + claim_life;
    auto record = co_await store(std::move(*fresh), false);
    if (!record) co_return record.error();
    KeysAndCertificate out;
    out.certificate = std::move(*record);
    out.public_key_pem = std::move(made->public_key_pem);
    out.private_key_pem = std::move(made->private_key_pem);
    co_return out;
}

}  // namespace fogbank::registry
