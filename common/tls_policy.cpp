#include "common/tls_policy.h"

#include <algorithm>
#include <array>

namespace fogbank {
namespace {

#define FOGBANK_ECDHE_CIPHERS                                                                                      \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:" \
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"       \
    "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:"

constexpr const char* all_suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* aes_suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384";
constexpr const char* ciphers =
    FOGBANK_ECDHE_CIPHERS "AES128-GCM-SHA256:AES128-SHA256:AES128-SHA:AES256-GCM-SHA384:AES256-SHA256:AES256-SHA";
constexpr const char* ciphers_with_dhe =
    FOGBANK_ECDHE_CIPHERS "DHE-RSA-AES256-SHA:AES128-GCM-SHA256:AES128-SHA256:AES128-SHA:AES256-GCM-SHA384:AES256-SHA256:AES256-SHA";
constexpr const char* ciphers_without_plain_rsa_gcm = FOGBANK_ECDHE_CIPHERS "AES128-SHA:AES256-SHA";

#undef FOGBANK_ECDHE_CIPHERS

constexpr std::array<TlsPolicy, 6> table{{
    {"IoTSecurityPolicy_TLS13_1_2_2022_10", true, true, all_suites, ciphers},
    {"IoTSecurityPolicy_TLS13_1_3_2022_10", false, true, all_suites, ciphers},
    {"IoTSecurityPolicy_TLS12_1_2_2022_10", true, false, all_suites, ciphers},
    {"IoTSecurityPolicy_TLS12_1_0_2016_01", true, false, all_suites, ciphers},
    {"IoTSecurityPolicy_TLS12_1_0_2015_01", true, false, all_suites, ciphers_with_dhe},
    {"IoTSecurityPolicy_TLS13_1_2_2022_01", true, true, aes_suites, ciphers_without_plain_rsa_gcm},
}};

}  // namespace

std::span<const TlsPolicy> tls_policies() {
    return table;
}

const TlsPolicy* find_tls_policy(std::string_view name) {
    const auto found = std::find_if(table.begin(), table.end(), [name](const TlsPolicy& policy) { return policy.name == name; });
    return found == table.end() ? nullptr : &*found;
}

}  // namespace fogbank
