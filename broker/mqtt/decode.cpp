// From bytes to packets: the fixed header's flags, the small packets, and the choice of the decoder.
#include "broker/mqtt/detail/decode.h"

#include <limits>

namespace fogbank::broker::mqtt {
namespace {

using namespace detail;

/// How a type of packet is treated before its fields are read.
struct TypeRow {
    std::string_view name;
    bool from_client = false;
    std::uint8_t flags = reserved_flags_0000;  ///< what the reserved bits must be; PUBLISH has none
    std::string_view flags_clause = "MQTT-2.2.2-2";
};
const TypeRow& type_row(PacketType type) {
    static constexpr TypeRow rows[] = {
        {"reserved", false},
        {"CONNECT", true},
        {"CONNACK", false},
        {"PUBLISH", true},
        {"PUBACK", true},
        {"PUBREC", true},
        {"PUBREL", true, reserved_flags_0010, "MQTT-3.6.1-1"},
        {"PUBCOMP", true},
        {"SUBSCRIBE", true, reserved_flags_0010, "MQTT-3.8.1-1"},
        {"SUBACK", false},
        {"UNSUBSCRIBE", true, reserved_flags_0010, "MQTT-3.10.1-1"},
        {"UNSUBACK", false},
        {"PINGREQ", true},
        {"PINGRESP", false},
        {"DISCONNECT", true, reserved_flags_0000, "MQTT-3.14.1-1"},
        {"reserved", false},
    };
    return rows[static_cast<std::size_t>(type)];
}

Result<ClientPacket> decode_acknowledgement(Reader reader, PacketType type) {
    const std::uint16_t packet_id = reader.number("packet identifier");
    // An acknowledgement repeats the identifier of its packet, which is never 0.
    if (packet_id == 0) reader.fail("packet identifier", "must not be 0", "MQTT-2.3.1-6");
    if (type == PacketType::puback) return reader.finish(Puback{packet_id});
    return reader.finish(Qos2Packet{static_cast<std::uint8_t>(type), packet_id});
}

Result<ClientPacket> decode_body(Reader reader, PacketType type, std::uint8_t flags) {
    switch (type) {
        case PacketType::connect:
            return decode_connect(reader);
        case PacketType::publish:
            return decode_publish(reader, flags);
        case PacketType::puback:
        case PacketType::pubrec:
        case PacketType::pubrel:
        case PacketType::pubcomp:
            return decode_acknowledgement(reader, type);
        case PacketType::subscribe:
            return decode_subscribe(reader);
        case PacketType::unsubscribe:
            return decode_unsubscribe(reader);
        case PacketType::pingreq:
            return reader.finish(Pingreq{});
        case PacketType::disconnect:
            return reader.finish(Disconnect{});
        case PacketType::connack:
        case PacketType::suback:
        case PacketType::unsuback:
        case PacketType::pingresp:
            break;
    }
    reader.fail_with(Errc::protocol_violation, "", "only a server sends it", "section 2.2.1");
    return reader.error();
}

}  // namespace

Result<ClientPacket> decode_client_packet(std::string_view packet) {
    auto frame = find_frame(packet, std::numeric_limits<std::size_t>::max());
    if (!frame) return frame.error();
    if (!*frame || (*frame)->bytes != packet.size()) {
        return Error(Errc::malformed, "the packet's size differs from its remaining length [section 2.2.3]");
    }
    const auto first = static_cast<std::uint8_t>(packet.front());
    const auto type = static_cast<PacketType>(first >> 4);
    const auto flags = static_cast<std::uint8_t>(first & 0x0F);
    const TypeRow& row = type_row(type);
    Reader reader(row.name, packet.substr((*frame)->header_bytes));
    if (row.from_client && type != PacketType::publish && flags != row.flags) {
        reader.fail("fixed header flags", "the reserved bits are not as prescribed", row.flags_clause);
        return reader.error();
    }
    return decode_body(reader, type, flags);
}

}  // namespace fogbank::broker::mqtt
