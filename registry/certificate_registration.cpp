// Certificates made elsewhere: by a registered CA, or without one; and those that register themselves by connecting.

#include <openssl/x509.h>

#include "registry/detail/certificate_part.h"
#include "registry/detail/keys.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {
namespace {

/// Source: AWS IoT service model, CertificatePem.
constexpr std::size_t pem_bytes_max = 65'536;

Error validation(std::string text) {
    return Error(Errc::certificate_validation, std::move(text));
}

/// How many registered CAs have the name of the certificate's issuer.
std::size_t cas_of_that_name(const DeviceAccessState& state, const x509::Certificate& certificate) {
    std::size_t count = 0;
    for (const auto& [id, ca] : state.cas) {
        const auto parsed = x509::read_certificate_pem(ca.pem);
        if (parsed && X509_NAME_cmp(X509_get_issuer_name(certificate.get()), X509_get_subject_name(parsed->get())) == 0) ++count;
    }
    return count;
}

/// The CA to register under. Errors: see register_certificate.
Result<std::string> registering_ca(const DeviceAccessState& state, const x509::Certificate& certificate, const std::string& ca_pem) {
    const CaCertificate* ca = nullptr;
    if (!ca_pem.empty()) {
        const auto given = x509::read_certificate_pem(ca_pem);
        const auto der = given ? x509::certificate_der(*given) : Result<std::string>(given.error());
        if (!der) return validation("CA Certificate is not valid");
        const auto found = state.cas.find(x509::certificate_id(*der));
        if (found == state.cas.end()) return validation("The CA certificate is not registered");
        if (!x509::is_signed_by(certificate, *given)) return validation("The certificate is not signed by the CA certificate");
        ca = &found->second;
    } else {
        if (cas_of_that_name(state, certificate) > 1) {
            return Error(Errc::certificate_conflict,
                         "Several CA certificates with the issuer's subject are registered: caCertificatePem must say which");
        }
        ca = issuer_of(state, certificate);
        if (ca == nullptr) return validation("CA Certificate of the certificate is not registered");
    }
    if (!ca->active) return Error(Errc::certificate_state, "The CA certificate is not ACTIVE. Id: " + ca->id);
    return ca->id;
}

}  // namespace

Result<StoredCertificate> certificate_record(const x509::Certificate& certificate, CertificateStatus status, WallTime now,
                                             const ArnFactory& arns) {
    auto der = x509::certificate_der(certificate);
    if (!der) return der.error();
    auto pem = x509::certificate_pem(certificate);
    if (!pem) return pem.error();
    auto validity = x509::validity(certificate);
    if (!validity) return validity.error();
    StoredCertificate out;
    out.record.id = CertificateId(x509::certificate_id(*der));
    out.record.arn = arns.certificate(out.record.id);
    out.record.status = status;
    out.record.pem = std::move(*pem);
    out.record.created_at = out.record.modified_at = now;
    out.record.not_before = validity->not_before;
    out.record.not_after = validity->not_after;
    out.variables = certificate_variables(certificate);
    return out;
}

void erase_certificate(Transaction& tx, const StoredCertificate& certificate) {
    const CertificateRecord& record = certificate.record;
    tx.erase(keys::certificate(record.id));
    tx.erase(keys::certificate_by_time(record.created_at, record.id));
    if (!record.ca_certificate_id.empty()) tx.erase(keys::certificate_by_ca(record.ca_certificate_id, record.created_at, record.id));
    if (certificate.unclaimed_until != WallTime{}) tx.erase(keys::unclaimed_certificate(certificate.unclaimed_until, record.id));
    if (record.transfer.at != WallTime{}) tx.erase(keys::outgoing_certificate(record.transfer.at, record.id));
}

std::shared_ptr<const DeviceAccessState> CertificatePart::access() const {
    static const auto none = std::make_shared<const DeviceAccessState>();
    return core_.deps().access == nullptr ? none : core_.deps().access->state();
}

Awaitable<CertificateRecord> CertificatePart::store(StoredCertificate fresh, bool listed) {
    ChangeBody<CertificateRecord> body = [fresh = std::move(fresh), listed](Transaction& tx,
                                                                            Affected& affected) -> Result<CertificateRecord> {
        const CertificateRecord& record = fresh.record;
        auto stored = tx.get(keys::certificate(record.id));
        if (!stored) return stored.error();
        if (*stored) return Error(Errc::resource_already_exists, "The certificate is already provisioned or registered");
        tx.put(keys::certificate(record.id), encode(fresh));
        if (listed) tx.put(keys::certificate_by_time(record.created_at, record.id), "");
        if (!record.ca_certificate_id.empty()) tx.put(keys::certificate_by_ca(record.ca_certificate_id, record.created_at, record.id), "");
        if (fresh.unclaimed_until != WallTime{}) tx.put(keys::unclaimed_certificate(fresh.unclaimed_until, record.id), "");
        affected.certificates = {record.id};
        return record;
    };
    co_return co_await core_.change<CertificateRecord>(std::move(body));
}

Awaitable<CertificateRecord> CertificatePart::register_certificate(RegisterCertificateRequest request) {
    if (request.pem.size() > pem_bytes_max || request.ca_pem.size() > pem_bytes_max)
        co_return Error(Errc::invalid_request, "The certificate is longer than 65536 bytes");
    const auto certificate = x509::read_certificate_pem(request.pem);
    if (!certificate) co_return validation("Certificate is not valid: " + certificate.error().message);
    auto fresh = certificate_record(*certificate, request.status, core_.deps().clock.now(), core_.deps().arns);
    if (!fresh) co_return validation("Certificate is not valid: " + fresh.error().message);
    if (request.without_ca) {
        fresh->record.mode = "SNI_ONLY";
    } else {
        auto ca = registering_ca(*access(), *certificate, request.ca_pem);
        if (!ca) co_return ca.error();
        fresh->record.ca_certificate_id = std::move(*ca);
    }
    co_return co_await store(std::move(*fresh), true);
}

Awaitable<ListPage<CertificateRecord>> CertificatePart::read_page(Range range, PageRequest page) {
    if (auto valid = Validation().page(page, "pageSize").result(); !valid) co_return valid.error();
    auto found = co_await core_.scan_page(range, std::move(page));
    if (!found) co_return found.error();
    std::vector<CertificateId> ids;
    std::vector<std::string> wanted;
    for (const KeyValue& item : found->items) {
        ids.emplace_back(keys::part_after_time(item.key, range));
        wanted.push_back(keys::certificate(ids.back()));
    }
    auto records = co_await core_.read_all(std::move(wanted));
    if (!records) co_return records.error();
    ListPage<CertificateRecord> out;
    out.next = std::move(found->next);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (!(*records)[i]) continue;  // deleted since the scan
        auto stored = decode_certificate(ids[i], *(*records)[i], core_.deps().arns);
        if (!stored) co_return stored.error();
        out.items.push_back(std::move(stored->record));
    }
    co_return out;
}

Awaitable<ListPage<CertificateRecord>> CertificatePart::list_certificates_by_ca(std::string ca_id, PageRequest page) {
    co_return co_await read_page(keys::certificates_by_ca(ca_id), std::move(page));
}

boost::asio::awaitable<Error> CertificatePart::meet_newcomer(std::string der) {
    const CertificateId id(x509::certificate_id(der));
    Error unknown(Errc::certificate_not_registered, "certificate " + id.str() + " is not registered");
    const auto state = access();
    if (state->cas.empty()) co_return unknown;
    const auto certificate = x509::read_certificate_der(der);
    if (!certificate) co_return unknown;
    const CaCertificate* ca = issuer_of(*state, *certificate);
    if (ca == nullptr) co_return unknown;
    if (!ca->active || !ca->auto_registration) {
        unknown.message +=
            ca->active ? ", and auto-registration of its CA " + ca->id + " is off" : ", and its CA " + ca->id + " is INACTIVE";
        co_return unknown;
    }
    auto fresh = certificate_record(*certificate, CertificateStatus::pending_activation, core_.deps().clock.now(), core_.deps().arns);
    if (!fresh) co_return unknown;
    fresh->record.ca_certificate_id = ca->id;
    fresh->record.mode = ca->mode;
    auto stored = co_await store(std::move(*fresh), true);
    // Of two first connects at once the second one finds it registered.
    if (!stored && stored.error().code != Errc::resource_already_exists) co_return stored.error();
    if (stored) {
        if (NewcomerObserver* observer = newcomers_) co_await observer->newcomer_connected(*ca, std::move(*stored));
    }
    co_return Error(Errc::certificate_pending, "certificate " + id.str() + " was registered just now and is PENDING_ACTIVATION");
}

boost::asio::awaitable<void> CertificatePart::meet_again(CertificateId id) {
    NewcomerObserver* observer = newcomers_;
    if (observer == nullptr) co_return;
    const auto bytes = co_await core_.read(keys::certificate(id));
    if (!bytes || !*bytes) co_return;
    auto stored = decode_certificate(id, **bytes, core_.deps().arns);
    if (!stored || stored->record.status != CertificateStatus::pending_activation) co_return;
    const auto state = access();
    const auto ca = state->cas.find(stored->record.ca_certificate_id);
    if (ca == state->cas.end() || !ca->second.active || !ca->second.auto_registration) co_return;
    co_await observer->newcomer_connected(ca->second, std::move(stored->record));
}

}  // namespace fogbank::registry
