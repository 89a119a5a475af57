#include "broker/disconnect_reason.h"

namespace fogbank::broker {

std::string_view disconnect_reason_name(DisconnectReason reason) {
    static constexpr std::array<std::string_view, disconnect_reason_count> names = {
        "AUTH_ERROR",
        "CLIENT_INITIATED_DISCONNECT",
        "CLIENT_ERROR",
        "CONNECTION_LOST",
        "DUPLICATE_CLIENTID",
        "FORBIDDEN_ACCESS",
        "MQTT_KEEP_ALIVE_TIMEOUT",
        "SERVER_ERROR",
        "SERVER_INITIATED_DISCONNECT",
        "API_INITIATED_DISCONNECT",
        "THROTTLED",
        "WEBSOCKET_TTL_EXPIRATION",
        "CUSTOMAUTH_TTL_EXPIRATION",
    };
    return names[static_cast<std::size_t>(reason)];
}

bool sends_will(DisconnectReason reason) {
    return !is_client_initiated(reason);
}

bool is_client_initiated(DisconnectReason reason) {
    return reason == DisconnectReason::client_initiated_disconnect;
}

}  // namespace fogbank::broker
