// CA certificates: what is registered as one, and which one signed a device's certificate.

#include <openssl/x509v3.h>

#include "registry/device_access.h"

namespace fogbank::registry {
namespace {

/// Source: AWS IoT service model, CertificatePem.
constexpr std::size_t pem_bytes_max = 65'536;

bool is_ca(const x509::Certificate& certificate) {
    return X509_check_ca(certificate.get()) == 1;
}

bool issued_by(const x509::Certificate& certificate, const x509::Certificate& ca) {
    return X509_NAME_cmp(X509_get_issuer_name(certificate.get()), X509_get_subject_name(ca.get())) == 0 &&
           x509::is_signed_by(certificate, ca);
}

Error invalid(std::string text) {
    return Error(Errc::certificate_validation, std::move(text));
}

}  // namespace

const CaCertificate* issuer_of(const DeviceAccessState& state, const x509::Certificate& certificate) {
    const CaCertificate* found = nullptr;
    for (const auto& [id, ca] : state.cas) {
        const auto parsed = x509::read_certificate_pem(ca.pem);
        if (!parsed || !issued_by(certificate, *parsed)) continue;
        if (ca.active) return &ca;
        found = &ca;
    }
    return found;
}

Result<CaCertificate> read_ca_certificate(std::string_view pem, std::string_view verification_pem, std::string_view registration_code,
                                          std::string_view mode) {
    if (pem.size() > pem_bytes_max || verification_pem.size() > pem_bytes_max) return invalid("The certificate is too large");
    const auto certificate = x509::read_certificate_pem(pem);
    if (!certificate) return invalid("CA Certificate is not valid: " + certificate.error().message);
    if (!is_ca(*certificate)) return invalid("CA certificate must have CA:TRUE in its basic constraints");
    const auto der = x509::certificate_der(*certificate);
    const auto validity = x509::validity(*certificate);
    if (!der || !validity) return invalid("CA Certificate is not valid");
    if (mode == "DEFAULT") {
        const auto verification = x509::read_certificate_pem(verification_pem);
        if (!verification) return invalid("Verification certificate is not valid: " + verification.error().message);
        if (!issued_by(*verification, *certificate)) return invalid("Verification certificate is not signed by the CA certificate");
        if (registration_code.empty() || x509::subject_common_name(*verification) != registration_code) {
            return Error(Errc::registration_code_validation,
                         "Registration code in the verification certificate's common name does not match the account's registration code");
        }
    }
    CaCertificate out;
    out.id = x509::certificate_id(*der);
    out.pem = std::string(pem);
    out.mode = std::string(mode);
    out.not_before = validity->not_before;
    out.not_after = validity->not_after;
    return out;
}

}  // namespace fogbank::registry
