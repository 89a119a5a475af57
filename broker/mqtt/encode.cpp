// What a server sends (OASIS MQTT 3.1.1, section 3).
#include <array>

#include "broker/mqtt/detail/writer.h"
#include "broker/mqtt/packet.h"

namespace fogbank::broker::mqtt {

using namespace detail;

void encode_connack(std::string& out, bool session_present, ConnectReturnCode code) {
    put_fixed_header(out, PacketType::connack, reserved_flags_0000, 2);
    // A refusal never says that there is a session (MQTT-3.2.2-4).
    put_byte(out, session_present && code == ConnectReturnCode::accepted ? 1 : 0);
    put_byte(out, static_cast<unsigned>(code));
}

void encode_puback(std::string& out, std::uint16_t packet_id) {
    put_fixed_header(out, PacketType::puback, reserved_flags_0000, packet_id_bytes);
    put_number(out, packet_id);
}

void encode_qos2(std::string& out, std::uint8_t type, std::uint16_t packet_id) {
    const auto packet_type = static_cast<PacketType>(type);
    put_fixed_header(out, packet_type, packet_type == PacketType::pubrel ? reserved_flags_0010 : reserved_flags_0000, packet_id_bytes);
    put_number(out, packet_id);
}

void encode_suback(std::string& out, std::uint16_t packet_id, std::span<const std::uint8_t> return_codes) {
    put_fixed_header(out, PacketType::suback, reserved_flags_0000, packet_id_bytes + return_codes.size());
    put_number(out, packet_id);
    for (const std::uint8_t code : return_codes) put_byte(out, code);
}

void encode_unsuback(std::string& out, std::uint16_t packet_id) {
    put_fixed_header(out, PacketType::unsuback, reserved_flags_0000, packet_id_bytes);
    put_number(out, packet_id);
}

void encode_pingresp(std::string& out) {
    put_fixed_header(out, PacketType::pingresp, reserved_flags_0000, 0);
}

namespace {

/// What stands before a PUBLISH's topic name: first byte, remaining length, the topic name's length.
class PublishHead {
  public:
    PublishHead(std::size_t topic_bytes, std::size_t payload_bytes, Qos qos, bool retain, bool dup) {
        const unsigned flags = static_cast<unsigned>(qos) << publish_qos_shift | (retain ? publish_retain : 0U) | (dup ? publish_dup : 0U);
        put(static_cast<unsigned>(PacketType::publish) << 4U | flags);
        std::size_t remaining = length_prefix_bytes + topic_bytes + (qos != Qos::at_most_once ? packet_id_bytes : 0) + payload_bytes;
        while (remaining > length_bits) {
            put(static_cast<unsigned>(remaining & length_bits) | length_continues);
            remaining >>= 7U;
        }
        put(static_cast<unsigned>(remaining));
        put(static_cast<unsigned>(topic_bytes >> 8U));
        put(static_cast<unsigned>(topic_bytes));
    }
    std::string_view bytes() const { return {bytes_.data(), size_}; }

  private:
    void put(unsigned byte) { bytes_[size_++] = static_cast<char>(static_cast<std::uint8_t>(byte)); }

    std::array<char, 1 + remaining_length_bytes_max + length_prefix_bytes> bytes_;
    std::size_t size_ = 0;
};

}  // namespace

void append_publish(std::string& out, std::string_view topic_name, std::string_view payload, Qos qos, bool retain, std::uint16_t packet_id,
                    bool dup) {
    out.append(PublishHead(topic_name.size(), payload.size(), qos, retain, dup).bytes());
    out.append(topic_name);
    if (qos != Qos::at_most_once) put_number(out, packet_id);
    out.append(payload);
}

EncodedPublish encode_publish(std::string_view topic_name, std::string_view payload, Qos qos, bool retain) {
    EncodedPublish out;
    out.bytes.reserve(1 + remaining_length_bytes_max + length_prefix_bytes + topic_name.size() + packet_id_bytes + payload.size());
    append_publish(out.bytes, topic_name, payload, qos, retain, 0, false);
    if (qos != Qos::at_most_once) out.packet_id_offset = out.bytes.size() - payload.size() - packet_id_bytes;
    return out;
}

void append_publish(std::string& out, const EncodedPublish& publish, std::uint16_t packet_id, bool dup) {
    const std::size_t start = out.size();
    out.append(publish.bytes);
    if (publish.packet_id_offset == 0) return;  // QoS 0 has neither (MQTT-3.3.1-2, MQTT-2.3.1-5)
    if (dup) out[start] = static_cast<char>(static_cast<std::uint8_t>(out[start]) | publish_dup);
    out[start + publish.packet_id_offset] = static_cast<char>(packet_id >> 8U);
    out[start + publish.packet_id_offset + 1] = static_cast<char>(packet_id & 0xFFU);
}

}  // namespace fogbank::broker::mqtt
