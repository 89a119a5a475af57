/// The installation's own root: issues the server's certificate and those of devices. Its key never leaves the data folder (mode 0600).
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/random.h"
#include "common/result.h"
#include "common/x509.h"

namespace fogbank::registry {

struct IssuedServerCertificate {
    std::string chain_pem, key_pem;
    bool reissued = false;  ///< false: the stored one still has exactly these names
};

/// Thread-safe after opening.
class CertificateAuthority {
  public:
    /// Opens `folder`/root-ca.pem and root-ca.key, or makes them (RSA-2048, SHA-256, valid for 100 years; kept for ever). A half-written
    /// pair is an error, never silently replaced. Errors: CommonErrc::io_error, crypto_failure.
    static Result<std::unique_ptr<CertificateAuthority>> open(const std::filesystem::path& folder, const Clock& clock,
                                                              RandomSource& random);

    const std::string& root_pem() const { return root_pem_; }
    const std::filesystem::path& root_file() const { return root_file_; }

    /// The server's RSA-2048 certificate in the same folder, valid for 825 days; made anew when its names are not exactly `names` (in any
    /// order and spelling), when it is within 30 days of its end or damaged, the root unchanged. Errors: CommonErrc::malformed for what is
    /// no name; io_error, crypto_failure.
    Result<IssuedServerCertificate> server_certificate(const std::vector<std::string>& names);

    /// A device certificate as AWS issues them: subject CN "AWS IoT Certificate", valid until 2049-12-31T23:59:59Z.
    Result<x509::Certificate> issue_device(const x509::Key& public_key);
    /// The same with an earlier end.
    Result<x509::Certificate> issue_device_until(const x509::Key& public_key, WallTime not_after);
    Result<x509::Certificate> issue_device_from_csr(std::string_view csr_pem);

  private:
    CertificateAuthority(std::filesystem::path folder, const Clock& clock, RandomSource& random);
    std::filesystem::path folder_, root_file_;
    const Clock& clock_;
    RandomSource& random_;
    x509::Key key_;
    x509::Certificate root_;
    std::string root_pem_;
};

}  // namespace fogbank::registry
