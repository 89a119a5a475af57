/// Why a connection ended, in the words of AWS's lifecycle events. Source: AWS IoT developer guide, "Lifecycle events" (reference "broker",
/// section 17).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fogbank::broker {

/// Values count from 0 without gaps, so they index arrays.
enum class DisconnectReason : std::uint8_t {
    auth_error,                   ///< authentication or authorization failed
    client_initiated_disconnect,  ///< MQTT DISCONNECT, or the WebSocket's close
    client_error,                 ///< the client broke the protocol: a second CONNECT, a payload too large, …
    connection_lost,              ///< the network connection ended without DISCONNECT
    duplicate_clientid,           ///< displaced by a newer connection with the same client id
    forbidden_access,             ///< not allowed to be connected, for example from this address
    mqtt_keep_alive_timeout,      ///< silent for 1.5 times the keep-alive
    server_error,                 ///< a fault of the server's own
    server_initiated_disconnect,  ///< the server stops
    api_initiated_disconnect,     ///< DeleteConnection
    throttled,                    ///< a limit that ends connections was exceeded
    websocket_ttl_expiration,     ///< the WebSocket is older than it may be
    customauth_ttl_expiration,    ///< what the custom authorizer granted is over
};
inline constexpr std::size_t disconnect_reason_count = 13;

inline constexpr std::array<DisconnectReason, disconnect_reason_count> all_disconnect_reasons = {
    DisconnectReason::auth_error,
    DisconnectReason::client_initiated_disconnect,
    DisconnectReason::client_error,
    DisconnectReason::connection_lost,
    DisconnectReason::duplicate_clientid,
    DisconnectReason::forbidden_access,
    DisconnectReason::mqtt_keep_alive_timeout,
    DisconnectReason::server_error,
    DisconnectReason::server_initiated_disconnect,
    DisconnectReason::api_initiated_disconnect,
    DisconnectReason::throttled,
    DisconnectReason::websocket_ttl_expiration,
    DisconnectReason::customauth_ttl_expiration,
};

/// The event's `disconnectReason`: `AUTH_ERROR`, `CONNECTION_LOST`, …; static storage.
std::string_view disconnect_reason_name(DisconnectReason reason);

/// Whether the will of a connection that ends so is published: always, but after the client's own DISCONNECT (MQTT-3.1.2-8, MQTT-3.14.4-3).
/// DeleteConnection may suppress it (`preventWillMessage`); that is the caller's to know.
bool sends_will(DisconnectReason reason);

/// The event's `clientInitiatedDisconnect`.
bool is_client_initiated(DisconnectReason reason);

}  // namespace fogbank::broker
