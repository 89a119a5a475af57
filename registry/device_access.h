/// How devices get in besides a registered certificate: registered CAs, provisioning templates, role aliases, custom authorizers.
/// Source: AWS IoT API reference 2015-05-28 (reference "registry", sections 6.1, 10 to 12; reference "auth", sections 6 and 7).
///
/// There are at most hundreds of each; all are kept in memory as one immutable state. Names and bounds are checked by whoever edits.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "common/arn.h"
#include "common/clock.h"
#include "common/function.h"
#include "common/random.h"
#include "common/result.h"
#include "common/x509.h"
#include "registry/errc.h"
#include "store/kv/engine.h"

namespace fogbank::registry {

/// What happens when a device shows a certificate of this CA for the first time (just-in-time provisioning).
struct RegistrationConfig {
    std::string template_body, role_arn, template_name;
    bool empty() const { return template_body.empty() && template_name.empty() && role_arn.empty(); }
};

struct CaCertificate {
    std::string id, pem, mode = "DEFAULT", generation_id;
    bool active = false, auto_registration = false;
    RegistrationConfig registration;
    std::int64_t customer_version = 1;
    WallTime created_at{}, modified_at{}, not_before{}, not_after{};
};

struct TemplateVersion {
    std::string body;
    WallTime created_at{};
};

struct ProvisioningTemplate {
    std::string name, description, type = "FLEET_PROVISIONING", role_arn;
    std::string hook_payload_version, hook_function_arn;  ///< empty: no pre-provisioning hook
    bool enabled = false;
    std::int64_t default_version = 1, next_version = 2;
    std::map<std::int64_t, TemplateVersion> versions;
    WallTime created_at{}, modified_at{};
};

struct RoleAlias {
    std::string name, role_arn;
    std::int64_t duration_s = 3600;
    WallTime created_at{}, modified_at{};
};

struct CustomAuthorizer {
    std::string name, function_arn, token_key_name;
    std::map<std::string, std::string> signing_keys;  ///< name to PEM of an RSA public key
    bool active = true, signing_disabled = false, caching_for_http = false;
    WallTime created_at{}, modified_at{};
};

struct DeviceAccessState {
    std::map<std::string, CaCertificate> cas;  ///< by certificate id
    std::map<std::string, ProvisioningTemplate> templates;
    std::map<std::string, RoleAlias> role_aliases;
    std::map<std::string, CustomAuthorizer> authorizers;
    std::string default_authorizer, registration_code;  ///< empty: none
};

class DeviceAccess {
  public:
    /// Reads what there is. The engine outlives it.
    static boost::asio::awaitable<Result<std::unique_ptr<DeviceAccess>>> open(store::kv::Engine& engine);
    virtual ~DeviceAccess() = default;
    virtual std::shared_ptr<const DeviceAccessState> state() const = 0;
    /// Applies `edit` to the newest state as one transaction; it may be run again and must have no other effects. Its error is passed on
    /// and nothing changes. Errors: also store_unavailable.
    virtual boost::asio::awaitable<Result<void>> change(UniqueFunction<Result<void>(DeviceAccessState&)> edit) = 0;
};

/// The registered CA that signed `certificate`: issuer and subject agree and the signature is right. Null: none. Of several, an active one.
const CaCertificate* issuer_of(const DeviceAccessState& state, const x509::Certificate& certificate);

/// Checks a CA certificate and, in DEFAULT mode, its verification certificate. Errors: certificate_validation,
/// registration_code_validation, invalid_request.
Result<CaCertificate> read_ca_certificate(std::string_view pem, std::string_view verification_pem, std::string_view registration_code,
                                          std::string_view mode);

}  // namespace fogbank::registry
