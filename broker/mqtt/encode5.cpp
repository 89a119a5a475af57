// What a server sends in MQTT 5 (OASIS MQTT 5, section 3).
#include "broker/mqtt/detail/writer.h"
#include "broker/mqtt/packet.h"
#include "broker/mqtt/properties.h"

namespace fogbank::broker::mqtt {

using namespace detail;

namespace {

void put_packet(std::string& out, PacketType type, unsigned flags, const std::string& body) {
    put_fixed_header(out, type, flags, body.size());
    out.append(body);
}

void put_reason_string(std::string& body, std::string_view reason_string) {
    Properties properties;
    if (!reason_string.empty()) properties.reason_string = reason_string;
    encode_properties(body, properties);
}

}  // namespace

void encode_connack5(std::string& out, bool session_present, Reason reason, const Properties& properties) {
    std::string body;
    // A refusal never says that there is a session (MQTT-3.2.2-6).
    put_byte(body, session_present && reason == Reason::success ? 1 : 0);
    put_byte(body, static_cast<unsigned>(reason));
    encode_properties(body, properties);
    put_packet(out, PacketType::connack, reserved_flags_0000, body);
}

void encode_ack5(std::string& out, std::uint8_t type, std::uint16_t packet_id, Reason reason, std::string_view reason_string) {
    std::string body;
    put_number(body, packet_id);
    if (reason != Reason::success || !reason_string.empty()) put_byte(body, static_cast<unsigned>(reason));
    if (!reason_string.empty()) put_reason_string(body, reason_string);
    const auto packet_type = static_cast<PacketType>(type);
    put_packet(out, packet_type, packet_type == PacketType::pubrel ? reserved_flags_0010 : reserved_flags_0000, body);
}

void encode_suback5(std::string& out, std::uint16_t packet_id, std::span<const std::uint8_t> reason_codes, std::string_view reason_string) {
    std::string body;
    put_number(body, packet_id);
    put_reason_string(body, reason_string);
    for (const std::uint8_t code : reason_codes) put_byte(body, code);
    put_packet(out, PacketType::suback, reserved_flags_0000, body);
}

void encode_unsuback5(std::string& out, std::uint16_t packet_id, std::span<const std::uint8_t> reason_codes) {
    std::string body;
    put_number(body, packet_id);
    put_reason_string(body, {});
    for (const std::uint8_t code : reason_codes) put_byte(body, code);
    put_packet(out, PacketType::unsuback, reserved_flags_0000, body);
}

void encode_disconnect5(std::string& out, Reason reason, std::string_view reason_string) {
    std::string body;
    put_byte(body, static_cast<unsigned>(reason));
    if (!reason_string.empty()) put_reason_string(body, reason_string);
    put_packet(out, PacketType::disconnect, reserved_flags_0000, body);
}

EncodedPublish encode_publish5(std::string_view topic_name, std::string_view payload, Qos qos, bool retain, const Properties& properties) {
    std::string encoded_properties;
    encode_properties(encoded_properties, properties);
    const bool has_packet_id = qos != Qos::at_most_once;
    const std::size_t remaining =
        length_prefix_bytes + topic_name.size() + (has_packet_id ? packet_id_bytes : 0) + encoded_properties.size() + payload.size();
    EncodedPublish out;
    out.bytes.reserve(1 + remaining_length_bytes_max + remaining);
    put_fixed_header(out.bytes, PacketType::publish, static_cast<unsigned>(qos) << publish_qos_shift | (retain ? publish_retain : 0U),
                     remaining);
    put_text(out.bytes, topic_name);
    if (has_packet_id) {
        out.packet_id_offset = out.bytes.size();
        put_number(out.bytes, 0);
    }
    out.bytes.append(encoded_properties);
    out.bytes.append(payload);
    return out;
}

}  // namespace fogbank::broker::mqtt
