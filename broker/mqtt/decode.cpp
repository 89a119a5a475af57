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
        {"AUTH", true, reserved_flags_0000, "MQTT-3.15.1-1"},
    };
    return rows[static_cast<std::size_t>(type)];
}

/// Reason code and properties, both of which may be left out (MQTT 5, sections 3.4.2.1, 3.14.2.1 and 3.15.2.1).
template <class Packet>
void read_reason(Reader& reader, Packet& packet, PropertyPlace place) {
    if (reader.failed() || reader.at_end()) return;
    packet.reason_code = reader.byte("reason code");
    if (!reader.at_end()) packet.properties = checked_properties(reader, place);
}

bool is_ack_reason(PacketType type, std::uint8_t code) {
    const auto reason = static_cast<Reason>(code);
    if (reason == Reason::success) return true;
    if (type == PacketType::pubrel || type == PacketType::pubcomp) return reason == Reason::packet_identifier_not_found;
    using enum Reason;
    switch (reason) {
        case no_matching_subscribers:
        case unspecified_error:
        case implementation_specific_error:
        case not_authorized:
        case topic_name_invalid:
        case packet_identifier_in_use:
        case quota_exceeded:
        case payload_format_invalid:
            return true;
        default:
            return false;
    }
}

bool is_disconnect_reason(std::uint8_t code) {
    const auto reason = static_cast<Reason>(code);
    using enum Reason;
    switch (reason) {
        case success:
        case disconnect_with_will:
        case unspecified_error:
        case malformed_packet:
        case protocol_error:
        case implementation_specific_error:
        case topic_name_invalid:
        case receive_maximum_exceeded:
        case topic_alias_invalid:
        case packet_too_large:
        case message_rate_too_high:
        case quota_exceeded:
        case administrative_action:
        case payload_format_invalid:
            return true;
        default:
            return false;
    }
}

Result<ClientPacket> decode_disconnect(Reader reader, Version version) {
    Disconnect packet;
    if (version == Version::v5) read_reason(reader, packet, PropertyPlace::disconnect);
    if (!is_disconnect_reason(packet.reason_code)) reader.fail("reason code", "is not one that a client may send", "MQTT-3.14.2-1");
    return reader.finish(packet);
}

Result<ClientPacket> decode_auth(Reader reader, Version version) {
    Auth packet;
    if (version != Version::v5) {
        reader.fail("", "packet type 15 is reserved", "section 2.2.1");
        return reader.error();
    }
    read_reason(reader, packet, PropertyPlace::auth);
    return reader.finish(packet);
}

Result<ClientPacket> decode_acknowledgement(Reader reader, PacketType type, Version version) {
    const std::uint16_t packet_id = reader.number("packet identifier");
    // An acknowledgement repeats the identifier of its packet, which is never 0.
    if (packet_id == 0) reader.fail("packet identifier", "must not be 0", "MQTT-2.3.1-6");
    Qos2Packet packet{static_cast<std::uint8_t>(type), packet_id};
    if (version == Version::v5) read_reason(reader, packet, PropertyPlace::ack);
    if (!is_ack_reason(type, packet.reason_code)) reader.fail("reason code", "is not one of this packet's", "MQTT-3.4.2-1");
    if (type == PacketType::puback) return reader.finish(Puback{packet_id, packet.reason_code, packet.properties});
    return reader.finish(packet);
}

Result<ClientPacket> decode_body(Reader reader, PacketType type, std::uint8_t flags, Version version) {
    switch (type) {
        case PacketType::connect:
            return decode_connect(reader);
        case PacketType::publish:
            if (const auto publish = decode_publish_body(reader, flags, version)) return ClientPacket(*publish);
            return reader.error();
        case PacketType::puback:
        case PacketType::pubrec:
        case PacketType::pubrel:
        case PacketType::pubcomp:
            return decode_acknowledgement(reader, type, version);
        case PacketType::subscribe:
            return decode_subscribe(reader, version);
        case PacketType::unsubscribe:
            return decode_unsubscribe(reader, version);
        case PacketType::pingreq:
            return reader.finish(Pingreq{});
        case PacketType::disconnect:
            return decode_disconnect(reader, version);
        case PacketType::auth:
            return decode_auth(reader, version);
        case PacketType::connack:
        case PacketType::suback:
        case PacketType::unsuback:
        case PacketType::pingresp:
            break;
    }
    reader.fail_with(Errc::protocol_violation, "", "only a server sends it", "section 2.2.1");
    return reader.error();
}

/// What follows the fixed header.
Reader body_reader(const TypeRow& row, std::string_view packet, const Frame& frame, Version version) {
    Reader reader(row.name, packet.substr(frame.header_bytes));
    // 3.1.1 does not forbid it, and small devices pad the length to a fixed size.
    if (version == Version::v5 && frame.header_bytes > 2 && packet[frame.header_bytes - 1] == 0)
        reader.fail("remaining length", "in more bytes than it needs", "MQTT-1.5.5-1");
    return reader;
}

}  // namespace

Result<ClientPacket> decode_client_packet(std::string_view packet, Version version) {
    auto frame = find_frame(packet, std::numeric_limits<std::size_t>::max());
    if (!frame) return frame.error();
    if (!*frame || (*frame)->bytes != packet.size()) {
        return Error(Errc::malformed, "the packet's size differs from its remaining length [section 2.2.3]");
    }
    return decode_client_packet(packet, **frame, version);
}

Result<ClientPacket> decode_client_packet(std::string_view packet, const Frame& frame, Version version) {
    const auto first = static_cast<std::uint8_t>(packet.front());
    const auto type = static_cast<PacketType>(first >> 4);
    const auto flags = static_cast<std::uint8_t>(first & 0x0F);
    const TypeRow& row = type_row(type);
    Reader reader = body_reader(row, packet, frame, version);
    if (row.from_client && type != PacketType::publish && flags != row.flags) {
        reader.fail("fixed header flags", "the reserved bits are not as prescribed", row.flags_clause);
        return reader.error();
    }
    return decode_body(reader, type, flags, version);
}

Result<Publish> decode_publish(std::string_view packet, const Frame& frame, Version version) {
    Reader reader = body_reader(type_row(PacketType::publish), packet, frame, version);
    return decode_publish_body(reader, static_cast<std::uint8_t>(static_cast<std::uint8_t>(packet.front()) & 0x0F), version);
}

}  // namespace fogbank::broker::mqtt
