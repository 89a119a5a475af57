/// One decoder per kind of packet; `decode_client_packet` chooses. A decoder gets the packet without its fixed header.
#pragma once

#include "broker/mqtt/detail/reader.h"
#include "broker/mqtt/detail/wire.h"
#include "broker/mqtt/packet.h"
#include "common/result.h"

namespace fogbank::broker::mqtt::detail {

Result<ClientPacket> decode_connect(Reader reader);
Result<Publish> decode_publish_body(Reader& reader, std::uint8_t flags, Version version);
Result<ClientPacket> decode_subscribe(Reader reader, Version version);
Result<ClientPacket> decode_unsubscribe(Reader reader, Version version);

/// Where properties stand: which of them are allowed there (MQTT 5, table 2-4).
enum class PropertyPlace : std::uint16_t {
    connect = 1,
    will = 2,
    publish = 4,
    ack = 8,
    subscribe = 16,
    unsubscribe = 32,
    disconnect = 64,
    auth = 128
};
/// Reads the properties' length and the properties, checks them, and gives them as they are.
std::string_view checked_properties(Reader& reader, PropertyPlace place);

}  // namespace fogbank::broker::mqtt::detail
