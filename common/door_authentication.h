/// Who comes in through doors other than a client certificate: SigV4-signed WebSocket upgrades and custom authorizers. Defined here because
/// the broker opens the doors while api/ knows SigV4 and registry/ knows authorizers; app/ hands the implementations over.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/authenticator.h"

namespace fogbank {

/// The HTTP request that asks for a WebSocket, nothing decoded.
struct UpgradeRequest {
    std::string method, path, query;
    std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case
    std::string remote_ip, server_name;
};

/// Implemented by api/ over its SigV4 and the registry's access keys.
class UpgradeAuthenticator {
  public:
    virtual ~UpgradeAuthenticator() = default;
    /// Whether the request carries a SigV4 signature at all (header or query form).
    virtual bool is_signed(const UpgradeRequest& request) const = 0;
    /// Checks the signature (services iotdevicegateway, iotdata) and answers who signed. Any thread, no suspension. The message is for the
    /// log and the 403.
    virtual Result<Principal> authenticate_upgrade(const UpgradeRequest& request) const = 0;
};

/// What a client gave to a custom authorizer. Source: AWS IoT developer guide, "Custom authentication" (reference "auth").
struct CustomCredentials {
    std::string authorizer_name;         ///< empty: the default authorizer, or that of the domain
    std::string token, token_signature;  ///< signature in base64; both may be empty when signing is disabled
    bool over_mqtt = false;              ///< an MQTT CONNECT (on TCP or WebSocket), else an HTTP publish
    std::string client_id, user_name, password;
    std::vector<std::pair<std::string, std::string>> headers;  ///< of the HTTP request or upgrade, names in lower case
    std::string query_string;
    std::string server_name, remote_ip;
};

/// What the authorizer granted.
struct CustomGrant {
    Principal principal;
    std::unique_ptr<Permissions> permissions;
    std::optional<std::chrono::seconds> disconnect_after;  ///< 300 to 86,400
    std::optional<std::chrono::seconds> refresh_after;     ///< when the authorizer is to be asked again
};

/// Implemented by registry/ (which asks a function for it).
class CustomAuthenticator {
  public:
    virtual ~CustomAuthenticator() = default;
    /// Errors: not authorized (with the reason), no such authorizer, the authorizer failed.
    virtual boost::asio::awaitable<Result<CustomGrant>> authenticate_custom(CustomCredentials credentials, ConnectionFacts facts) = 0;
};

}  // namespace fogbank
