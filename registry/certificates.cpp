#include "registry/detail/impl.h"
#include "registry/detail/keys.h"
#include "registry/detail/offload.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {
namespace {

/// The keys of a device before its certificate is stored.
struct NewDevice {
    x509::Certificate certificate;
    std::string public_key_pem, private_key_pem;
};

Result<NewDevice> make_device(CertificateAuthority& authority) {
    auto key = x509::generate_rsa_2048();
    if (!key) return key.error();
    auto public_key = x509::public_key_pem(*key);
    if (!public_key) return public_key.error();
    auto private_key = x509::private_key_pem(*key);
    if (!private_key) return private_key.error();
    auto certificate = authority.issue_device(*key);
    if (!certificate) return certificate.error();
    return NewDevice{std::move(*certificate), std::move(*public_key), std::move(*private_key)};
}

/// Whether UpdateCertificate may leave this state. Source: reference "registry", section 6, transitions.
bool may_be_updated(CertificateStatus status) {
    return status != CertificateStatus::pending_transfer;
}

/// Takes the certificate's policies away, from both sides.
Result<void> detach_policies(Transaction& tx, const std::string& arn, const std::vector<KeyValue>& attached) {
    const Range range = keys::target_policies(arn);
    for (const KeyValue& item : attached) {
        tx.erase(item.key);
        tx.erase(keys::policy_target(PolicyName(keys::last_part(item.key, range)), arn));
    }
    return {};
}

}  // namespace

Result<StoredCertificate> Core::require_certificate(Transaction& tx, const CertificateId& id) const {
    auto bytes = tx.get(keys::certificate(id));
    if (!bytes) return bytes.error();
    if (!*bytes) return not_found("Certificate", id.view());
    return decode_certificate(id, **bytes, deps_.arns);
}

Awaitable<CertificateRecord> RegistryImpl::store_certificate(x509::Certificate certificate, bool active) {
    auto fresh =
        certificate_record(certificate, active ? CertificateStatus::active : CertificateStatus::inactive, deps_.clock.now(), deps_.arns);
    if (!fresh) co_return fresh.error();
    ChangeBody<CertificateRecord> body = [fresh = std::move(*fresh)](Transaction& tx, Affected& affected) -> Result<CertificateRecord> {
        const CertificateRecord& record = fresh.record;
        auto stored = tx.get(keys::certificate(record.id));
        if (!stored) return stored.error();
        if (*stored) return Error(Errc::resource_already_exists, "The certificate is already provisioned or registered");
        tx.put(keys::certificate(record.id), encode(fresh));
        tx.put(keys::certificate_by_time(record.created_at, record.id), "");
        affected.certificates = {record.id};
        return record;
    };
    co_return co_await change<CertificateRecord>(std::move(body));
}

Awaitable<KeysAndCertificate> RegistryImpl::create_keys_and_certificate(bool set_as_active) {
    UniqueFunction<Result<NewDevice>()> make = [&authority = deps_.authority] { return make_device(authority); };
    auto device = co_await offload<NewDevice>(pool_, std::move(make));
    if (!device) co_return device.error();
    auto record = co_await store_certificate(std::move(device->certificate), set_as_active);
    if (!record) co_return record.error();
    KeysAndCertificate out;
    out.certificate = std::move(*record);
    out.public_key_pem = std::move(device->public_key_pem);
    out.private_key_pem = std::move(device->private_key_pem);
    co_return out;
}

Awaitable<CertificateRecord> RegistryImpl::create_certificate_from_csr(std::string csr_pem, bool set_as_active) {
    if (auto valid = Validation().certificate_signing_request(csr_pem).result(); !valid) co_return valid.error();
    UniqueFunction<Result<x509::Certificate>()> make = [&authority = deps_.authority, csr_pem = std::move(csr_pem)] {
        return authority.issue_device_from_csr(csr_pem);
    };
    auto certificate = co_await offload<x509::Certificate>(pool_, std::move(make));
    if (!certificate) co_return Error(Errc::invalid_request, "Invalid CSR: " + certificate.error().message);
    co_return co_await store_certificate(std::move(*certificate), set_as_active);
}

Awaitable<CertificateRecord> RegistryImpl::describe_certificate(CertificateId id) {
    if (auto valid = Validation().certificate_id(id).result(); !valid) co_return valid.error();
    auto bytes = co_await read(keys::certificate(id));
    if (!bytes) co_return bytes.error();
    if (!*bytes) co_return not_found("Certificate", id.view());
    auto stored = decode_certificate(id, **bytes, deps_.arns);
    if (!stored) co_return stored.error();
    co_return std::move(stored->record);
}

Awaitable<void> RegistryImpl::update_certificate(CertificateId id, CertificateStatus new_status) {
    Validation check;
    if (auto valid = check.certificate_id(id).result(); !valid) co_return valid.error();
    if (new_status != CertificateStatus::active && new_status != CertificateStatus::inactive && new_status != CertificateStatus::revoked) {
        co_return Error(Errc::invalid_request, "The certificate status " + std::string(certificate_status_name(new_status)) +
                                                   " cannot be set by UpdateCertificate");
    }
    ChangeBody<void> body = [this, id, new_status, now = deps_.clock.now()](Transaction& tx, Affected& affected) -> Result<void> {
        auto stored = require_certificate(tx, id);
        if (!stored) return stored.error();
        if (stored->record.status == new_status) return {};
        if (!may_be_updated(stored->record.status)) {
            return Error(Errc::certificate_state, "The certificate is being transferred. Id: " + id.str());
        }
        stored->record.status = new_status;
        stored->record.modified_at = now;
        // Whoever sets its status owns it: it is no longer deleted for want of an owner.
        if (stored->unclaimed_until != WallTime{} && stored->claim_template.empty()) {
            tx.erase(keys::unclaimed_certificate(stored->unclaimed_until, id));
            stored->unclaimed_until = WallTime{};
            stored->ownership_sha256.clear();
        }
        tx.put(keys::certificate(id), encode(*stored));
        affected.certificates = {id};
        return {};
    };
    auto done = co_await change<void>(std::move(body));
    if (done && new_status != CertificateStatus::active) {
        tell_revoked(id, new_status == CertificateStatus::revoked ? "the certificate was revoked" : "the certificate was deactivated");
    }
    co_return done;
}

Awaitable<void> RegistryImpl::delete_certificate(CertificateId id, bool force) {
    if (auto valid = Validation().certificate_id(id).result(); !valid) co_return valid.error();
    ChangeBody<void> body = [this, id, force](Transaction& tx, Affected& affected) -> Result<void> {
        const auto stored = require_certificate(tx, id);
        if (!stored) return stored.error();
        const std::string& arn = stored->record.arn;
        if (stored->record.status == CertificateStatus::active) {
            return Error(Errc::certificate_state, "Certificate must be deactivated (not ACTIVE) before deletion. Id: " + id.str());
        }
        const auto no_things = empty_in(tx, keys::principal_things(arn));
        if (!no_things) return no_things.error();
        if (!*no_things) return Error(Errc::delete_conflict, "Things must be detached before deletion (arn: " + arn + ")");
        const auto attached = scan_in(tx, keys::target_policies(arn));
        if (!attached) return attached.error();
        if (!attached->empty() && !force)
            return Error(Errc::delete_conflict, "Certificate policies must be detached before deletion (arn: " + arn + ")");
        if (auto done = detach_policies(tx, arn, *attached); !done) return done;
        erase_certificate(tx, *stored);
        affected.certificates = {id};
        return {};
    };
    auto done = co_await change<void>(std::move(body));
    if (done) tell_revoked(id, "the certificate was deleted");
    co_return done;
}

Awaitable<ListPage<CertificateRecord>> RegistryImpl::list_certificates(PageRequest page) {
    if (auto valid = Validation().page(page, "pageSize").result(); !valid) co_return valid.error();
    auto found = co_await scan_page(keys::certificates_by_time(), std::move(page));
    if (!found) co_return found.error();
    std::vector<CertificateId> ids;
    std::vector<std::string> wanted;
    for (const KeyValue& item : found->items) {
        ids.emplace_back(keys::part_after_time(item.key, keys::certificates_by_time()));
        wanted.push_back(keys::certificate(ids.back()));
    }
    auto records = co_await read_all(std::move(wanted));
    if (!records) co_return records.error();
    ListPage<CertificateRecord> out;
    out.next = std::move(found->next);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (!(*records)[i]) continue;  // deleted since the scan
        auto stored = decode_certificate(ids[i], *(*records)[i], deps_.arns);
        if (!stored) co_return stored.error();
        out.items.push_back(std::move(stored->record));
    }
    co_return out;
}

}  // namespace fogbank::registry
