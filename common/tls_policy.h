/// AWS IoT's TLS security policies: which versions and ciphers a door takes. Source: AWS IoT developer guide, "Transport security"
/// (reference "broker", section 3).
#pragma once

#include <span>
#include <string_view>

namespace fogbank {

struct TlsPolicy {
    std::string_view name;  ///< `IoTSecurityPolicy_TLS13_1_2_2022_10` …
    bool tls12 = true, tls13 = true;
    const char* tls13_suites;   ///< in OpenSSL's notation
    const char* tls12_ciphers;  ///< ditto
};
inline constexpr std::string_view default_tls_policy_name = "IoTSecurityPolicy_TLS13_1_2_2022_10";

std::span<const TlsPolicy> tls_policies();
/// Null if there is none of that name.
const TlsPolicy* find_tls_policy(std::string_view name);

}  // namespace fogbank
