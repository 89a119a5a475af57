/// One decoder per kind of packet; `decode_client_packet` chooses. A decoder gets the packet without its fixed header.
#pragma once

#include "broker/mqtt/detail/reader.h"
#include "broker/mqtt/detail/wire.h"
#include "broker/mqtt/packet.h"
#include "common/result.h"

namespace fogbank::broker::mqtt::detail {

Result<ClientPacket> decode_connect(Reader reader);
Result<ClientPacket> decode_publish(Reader reader, std::uint8_t flags);
Result<ClientPacket> decode_subscribe(Reader reader);
Result<ClientPacket> decode_unsubscribe(Reader reader);

}  // namespace fogbank::broker::mqtt::detail
