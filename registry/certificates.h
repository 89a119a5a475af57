/// Device certificates. Source: AWS IoT API reference (reference "registry", section 6). Rules for all calls: registry/registry.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/ids.h"
#include "registry/errc.h"
#include "registry/paging.h"

namespace fogbank::registry {

enum class CertificateStatus : std::uint8_t { active, inactive, revoked, pending_transfer, register_inactive, pending_activation };
std::string_view certificate_status_name(CertificateStatus status);  ///< `ACTIVE` …

/// Where a certificate was offered to, and what became of it. `at` is not set: never.
struct CertificateTransfer {
    std::string target_account, message, reject_reason;
    WallTime at{}, accepted_at{}, rejected_at{};
};

struct CertificateRecord {
    CertificateId id;
    std::string arn;
    CertificateStatus status = CertificateStatus::inactive;
    std::string pem;
    WallTime created_at{}, modified_at{}, not_before{}, not_after{};
    std::string ca_certificate_id;  ///< the registered CA that signed it; empty: issued here, or registered without one
    std::string mode = "DEFAULT";   ///< or `SNI_ONLY`
    CertificateTransfer transfer;
};

struct KeysAndCertificate {
    CertificateRecord certificate;
    std::string public_key_pem, private_key_pem;  ///< handed out once, never stored
};

class Certificates {
  public:
    virtual ~Certificates() = default;
    virtual Awaitable<KeysAndCertificate> create_keys_and_certificate(bool set_as_active) = 0;
    /// `csr_pem`: at most 4096 bytes. Errors: invalid_request.
    virtual Awaitable<CertificateRecord> create_certificate_from_csr(std::string csr_pem, bool set_as_active) = 0;
    virtual Awaitable<CertificateRecord> describe_certificate(CertificateId id) = 0;
    /// `new_status`: active, inactive or revoked; others are invalid_request.
    virtual Awaitable<void> update_certificate(CertificateId id, CertificateStatus new_status) = 0;
    /// Errors: certificate_state while active, delete_conflict while things or (without `force`) policies are attached.
    virtual Awaitable<void> delete_certificate(CertificateId id, bool force) = 0;
    virtual Awaitable<ListPage<CertificateRecord>> list_certificates(PageRequest page) = 0;
};

}  // namespace fogbank::registry
