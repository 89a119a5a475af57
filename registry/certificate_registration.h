/// Certificates that come from elsewhere or are on their way: registration with and without a CA, transfer, provisioning. Source: AWS IoT
/// API reference (reference "registry", sections 6, 6.2, 10 to 12). Rules for all calls: registry/registry.h.
#pragma once

#include <optional>
#include <string>

#include "registry/certificates.h"
#include "registry/device_access.h"

namespace fogbank::registry {

struct RegisterCertificateRequest {
    std::string pem, ca_pem;  ///< `ca_pem`: which of several CAs with one subject; may be empty
    bool without_ca = false;
    CertificateStatus status = CertificateStatus::inactive;  ///< active, inactive or revoked
};

/// A certificate that a device has asked for and must claim within an hour by RegisterThing, or it is deleted.
struct UnclaimedCertificate {
    CertificateRecord certificate;
    std::string private_key_pem;  ///< empty if a request (CSR) was given
    std::string ownership_token;
};

/// Told of certificates that come in by connecting. Implemented by the provisioning service.
class NewcomerObserver {
  public:
    virtual ~NewcomerObserver() = default;
    /// A certificate signed by `ca` that is PENDING_ACTIVATION has connected; its connection is closed when this returns.
    virtual boost::asio::awaitable<void> newcomer_connected(CaCertificate ca, CertificateRecord certificate) = 0;
};

class CertificateRegistration {
  public:
    virtual ~CertificateRegistration() = default;

    /// Errors: resource_already_exists, certificate_validation (no registered CA signed it), certificate_conflict (several CAs have the
    /// issuer's name and `ca_pem` does not say which), certificate_state (the CA is not active), invalid_request.
    virtual Awaitable<CertificateRecord> register_certificate(RegisterCertificateRequest request) = 0;
    virtual Awaitable<ListPage<CertificateRecord>> list_certificates_by_ca(std::string ca_id, PageRequest page) = 0;

    // Transfer. There is one account here: a transfer to another one waits until it is cancelled; one to this account can be accepted or
    // rejected.

    /// Errors: certificate_state while active or pending, transfer_conflict while things or policies are attached.
    virtual Awaitable<void> transfer_certificate(CertificateId id, std::string target_account, std::string message) = 0;
    /// Errors: resource_not_found, transfer_already_completed for one that is not being transferred.
    virtual Awaitable<void> accept_transfer(CertificateId id, bool set_as_active) = 0;
    virtual Awaitable<void> reject_transfer(CertificateId id, std::string reason) = 0;
    virtual Awaitable<void> cancel_transfer(CertificateId id) = 0;
    virtual Awaitable<ListPage<CertificateRecord>> list_outgoing_certificates(PageRequest page) = 0;

    // Provisioning.

    /// A new PENDING_ACTIVATION certificate, for `csr_pem` if it is given. Errors: invalid_request for a bad CSR.
    virtual Awaitable<UnclaimedCertificate> issue_unclaimed(std::optional<std::string> csr_pem) = 0;
    /// The certificate that the token was handed out with. Errors: invalid_request for a wrong or expired token.
    virtual Awaitable<CertificateRecord> redeem_ownership(std::string ownership_token) = 0;
    /// The certificate has an owner: its status is set, the token is void.
    virtual Awaitable<void> finish_provisioning(CertificateId id, bool active) = 0;
    /// Keys and certificate valid for five minutes that may do nothing but provision with that template. Not listed.
    virtual Awaitable<KeysAndCertificate> create_claim(std::string template_name) = 0;

    /// Names the one who is told of newcomers from now on; null: nobody. Take it back before it goes.
    virtual void observe_newcomers(NewcomerObserver* observer) = 0;
};

}  // namespace fogbank::registry
