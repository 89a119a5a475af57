/// The wills of connected clients in the store, so that they are published although the server was killed: at the next start, which is when
/// the end of those connections is noticed (MQTT-3.1.2-8).
///
///     mqtt c <number>  ConnectedWill
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/message.h"

namespace fogbank::broker::records {

struct ConnectedWill {
    std::uint64_t session = 0;  ///< 0: a clean one, which ends with its connection
    std::chrono::seconds delay{0};
    MessagePtr message;
};
std::string connected_will_key(std::uint64_t number);
std::string encode(const ConnectedWill& will);
/// Nothing if damaged. @param ended_at  when the connection ended: what the message's expiry counts from.
std::optional<ConnectedWill> decode_connected_will(std::string_view bytes, WallTime ended_at);

}  // namespace fogbank::broker::records
