/// Why a WebSocket ends; other streams have no word for it.
#pragma once

#include <cstdint>

namespace fogbank::broker {

/// Why a WebSocket ends. Source: RFC 6455, section 7.4.1.
enum class CloseCode : std::uint16_t {
    normal = 1000,
    going_away = 1001,
    protocol_error = 1002,
    unsupported_data = 1003,
    policy_violation = 1008,
    message_too_big = 1009,
    internal_error = 1011,
};

}  // namespace fogbank::broker
