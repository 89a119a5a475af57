/// The registry's records as stored: JSON objects with a version `v`. Decoding what this version did not write gives
/// Errc::store_unavailable.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "registry/registry.h"

namespace fogbank::registry {

/// Values of the certificate's policy variables (`Subject.CommonName` …), read once when it is registered, so that a connect parses no
/// X.509.
using CertificateVariables = std::map<std::string, std::vector<std::string>>;

struct StoredCertificate {
    CertificateRecord record;  ///< without `arn`
    CertificateVariables variables;
    std::string ownership_sha256;  ///< of the token that RegisterThing must bring, hex; empty: none
    std::string claim_template;    ///< a provisioning claim for that template; empty: an ordinary certificate
    WallTime unclaimed_until{};    ///< deleted then unless it has got an owner; not set: never
};

struct StoredPolicy {
    std::uint64_t default_version = 1;
    std::uint64_t next_version = 2;  ///< numbers are not used again
    WallTime created_at{}, modified_at{};
};

struct StoredPolicyVersion {
    std::string document;
    WallTime created_at{};
};

std::string encode(const Thing& thing);  ///< without `name` and `arn`
std::string encode(const StoredCertificate& certificate);
std::string encode(const StoredPolicy& policy);
std::string encode(const StoredPolicyVersion& version);

Result<Thing> decode_thing(const ThingName& name, std::string_view bytes, const ArnFactory& arns);
Result<StoredCertificate> decode_certificate(const CertificateId& id, std::string_view bytes, const ArnFactory& arns);
Result<StoredPolicy> decode_policy(const PolicyName& name, std::string_view bytes);
Result<StoredPolicyVersion> decode_policy_version(const PolicyName& name, std::string_view bytes);

/// The variables that `certificate` gives values to.
CertificateVariables certificate_variables(const x509::Certificate& certificate);

}  // namespace fogbank::registry
