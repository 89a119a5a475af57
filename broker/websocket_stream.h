/// MQTT's bytes inside WebSocket frames inside another stream.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "broker/stream.h"

namespace fogbank::broker {

/// @param inner            after its handshake and after the answer to the upgrade.
/// @param first_bytes      what was read behind the upgrade's head.
/// @param frame_bytes_max  a larger frame ends the connection with close code 1009.
///
/// Frames are decoded in the caller's own buffer. What is written leaves as binary frames that each fill at most one TLS record; pings are
/// answered by reads. Reading tells `closed` with `ended_in_order` after the client's Close, and `violated` after an error of framing.
std::unique_ptr<Stream> make_websocket_stream(std::unique_ptr<Stream> inner, std::string first_bytes, std::uint64_t frame_bytes_max);

}  // namespace fogbank::broker
