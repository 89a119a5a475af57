/// CertificateRegistration on the registry's core.
#pragma once

#include <atomic>
#include <boost/asio/thread_pool.hpp>

#include "registry/certificate_registration.h"
#include "registry/detail/core.h"

namespace fogbank::registry {

class CertificatePart final : public CertificateRegistration {
  public:
    explicit CertificatePart(Core& core) : core_(core) {}
    ~CertificatePart() override { pool_.join(); }

    // certificate_registration.cpp
    Awaitable<CertificateRecord> register_certificate(RegisterCertificateRequest request) override;
    Awaitable<ListPage<CertificateRecord>> list_certificates_by_ca(std::string ca_id, PageRequest page) override;

    // certificate_transfer.cpp
    Awaitable<void> transfer_certificate(CertificateId id, std::string target_account, std::string message) override;
    Awaitable<void> accept_transfer(CertificateId id, bool set_as_active) override;
    Awaitable<void> reject_transfer(CertificateId id, std::string reason) override;
    Awaitable<void> cancel_transfer(CertificateId id) override;
    Awaitable<ListPage<CertificateRecord>> list_outgoing_certificates(PageRequest page) override;

    // unclaimed_certificates.cpp
    Awaitable<UnclaimedCertificate> issue_unclaimed(std::optional<std::string> csr_pem) override;
    Awaitable<CertificateRecord> redeem_ownership(std::string ownership_token) override;
    Awaitable<void> finish_provisioning(CertificateId id, bool active) override;
    Awaitable<KeysAndCertificate> create_claim(std::string template_name) override;

    void observe_newcomers(NewcomerObserver* observer) override { newcomers_ = observer; }

    /// Just-in-time registration: registers a certificate that was never seen if an active CA with auto-registration signed it, and tells
    /// of it. @return certificate_pending if so, else certificate_not_registered.
    boost::asio::awaitable<Error> meet_newcomer(std::string der);
    /// The same for one that is registered and still PENDING_ACTIVATION.
    boost::asio::awaitable<void> meet_again(CertificateId id);

  private:
    Awaitable<ListPage<CertificateRecord>> read_page(Range range, PageRequest page);
    Awaitable<CertificateRecord> store(StoredCertificate fresh, bool listed);
    /// Ends a transfer that is under way; `end` says how. Errors: see accept_transfer.
    using EndTransfer = UniqueFunction<void(StoredCertificate&)>;
    Awaitable<void> end_transfer(CertificateId id, bool as_recipient, EndTransfer end);
    std::shared_ptr<const DeviceAccessState> access() const;

    Core& core_;
    std::atomic<NewcomerObserver*> newcomers_{nullptr};
    boost::asio::thread_pool pool_{1};  ///< makes keys and signs, apart from the API's: a fleet that provisions must not hold it up
};

/// A record for `certificate`, without what depends on how it came. Errors: what OpenSSL says.
Result<StoredCertificate> certificate_record(const x509::Certificate& certificate, CertificateStatus status, WallTime now,
                                             const ArnFactory& arns);
/// Erases the record and everything that leads to it, but attachments.
void erase_certificate(Transaction& tx, const StoredCertificate& certificate);
/// The policy that a provisioning claim is held to.
std::string claim_policy(const std::string& template_name, const ArnFactory& arns);

}  // namespace fogbank::registry
