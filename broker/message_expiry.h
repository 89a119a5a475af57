/// Message Expiry Interval (OASIS MQTT 5, section 3.3.2.3.3; reference "broker", section 8).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "common/message.h"

namespace fogbank::broker {

/// What is left of the message's interval in whole seconds, rounded down; nothing if it has none. 0 for an expired one, too.
inline std::optional<std::uint32_t> remaining_expiry_s(const Message& message, WallTime now) {
    const MessageProperties* properties = message.properties();
    if (properties == nullptr || !properties->message_expiry_interval_s) return std::nullopt;
    const auto end = message.received_at() + std::chrono::seconds(*properties->message_expiry_interval_s);
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(end - now).count();
    return static_cast<std::uint32_t>(std::max<std::int64_t>(left, 0));
}

inline bool is_expired(const Message& message, WallTime now) {
    const MessageProperties* properties = message.properties();
    if (properties == nullptr || !properties->message_expiry_interval_s) return false;
    return now >= message.received_at() + std::chrono::seconds(*properties->message_expiry_interval_s);
}

}  // namespace fogbank::broker
