// What a client sends (OASIS MQTT 3.1.1 and MQTT 5, section 3), for tests, fuzzing and the load generator.
#include "broker/mqtt/detail/writer.h"
#include "broker/mqtt/packet.h"

namespace fogbank::broker::mqtt {

using namespace detail;

namespace {

unsigned connect_flags(const Connect& connect) {
    unsigned flags = connect.clean_session ? connect_clean_session : 0U;
    if (connect.will) {
        flags |= connect_will | static_cast<unsigned>(connect.will->qos) << connect_will_qos_shift;
        if (connect.will->retain) flags |= connect_will_retain;
    }
    if (connect.user_name) flags |= connect_user_name;
    if (connect.password) flags |= connect_password;
    return flags;
}

void put_properties(std::string& out, std::string_view raw) {
    put_variable(out, raw.size());
    out.append(raw);
}

/// A packet of MQTT 5 that ends with a reason code and properties: both are left out if they say nothing.
void put_reason(std::string& out, PacketType type, unsigned flags, std::string_view start, std::uint8_t reason_code,
                std::string_view properties) {
    std::string body(start);
    if (reason_code != 0 || !properties.empty()) put_byte(body, reason_code);
    if (!properties.empty()) put_properties(body, properties);
    put_fixed_header(out, type, flags, body.size());
    out.append(body);
}

void put_acknowledgement(std::string& out, PacketType type, std::uint16_t packet_id, std::uint8_t reason_code,
                         std::string_view properties) {
    std::string start;
    put_number(start, packet_id);
    put_reason(out, type, type == PacketType::pubrel ? reserved_flags_0010 : reserved_flags_0000, start, reason_code, properties);
}

struct EncodeClient {
    std::string& out;
    Version version;

    void operator()(const Connect& packet) const { encode_connect(out, packet); }
    void operator()(const Publish& packet) const {
        if (version == Version::v3_1_1) {
            append_publish(out, encode_publish(packet.topic_name, packet.payload, packet.qos, packet.retain), packet.packet_id, packet.dup);
            return;
        }
        std::string body;
        put_text(body, packet.topic_name);
        if (packet.qos != Qos::at_most_once) put_number(body, packet.packet_id);
        put_properties(body, packet.properties);
        body.append(packet.payload);
        const unsigned flags = static_cast<unsigned>(packet.qos) << publish_qos_shift | (packet.retain ? publish_retain : 0U) |
                               (packet.dup ? publish_dup : 0U);
        put_fixed_header(out, PacketType::publish, flags, body.size());
        out.append(body);
    }
    void operator()(const Puback& packet) const {
        put_acknowledgement(out, PacketType::puback, packet.packet_id, packet.reason_code, packet.properties);
    }
    void operator()(const Subscribe& packet) const { encode_subscribe(out, packet, version); }
    void operator()(const Unsubscribe& packet) const { encode_unsubscribe(out, packet, version); }
    void operator()(const Pingreq&) const { encode_pingreq(out); }
    void operator()(const Disconnect& packet) const {
        put_reason(out, PacketType::disconnect, reserved_flags_0000, {}, packet.reason_code, packet.properties);
    }
    void operator()(const Qos2Packet& packet) const {
        put_acknowledgement(out, static_cast<PacketType>(packet.type), packet.packet_id, packet.reason_code, packet.properties);
    }
    void operator()(const Auth& packet) const {
        put_reason(out, PacketType::auth, reserved_flags_0000, {}, packet.reason_code, packet.properties);
    }
};

}  // namespace

void encode_connect(std::string& out, const Connect& connect) {
    std::string body;
    put_text(body, protocol_name);
    put_byte(body, connect.protocol_level);
    put_byte(body, connect_flags(connect));
    put_number(body, connect.keep_alive_s);
    const bool mqtt5 = connect.protocol_level == protocol_level_5;
    if (mqtt5) put_properties(body, connect.properties);
    put_text(body, connect.client_id);
    if (connect.will) {
        if (mqtt5) put_properties(body, connect.will->properties);
        put_text(body, connect.will->topic_name);
        put_text(body, connect.will->payload);
    }
    if (connect.user_name) put_text(body, *connect.user_name);
    if (connect.password) put_text(body, *connect.password);
    put_fixed_header(out, PacketType::connect, reserved_flags_0000, body.size());
    out.append(body);
}

void encode_subscribe(std::string& out, const Subscribe& subscribe, Version version) {
    std::string body;
    put_number(body, subscribe.packet_id);
    if (version == Version::v5) put_properties(body, subscribe.properties);
    for (const TopicRequest& request : subscribe.topics) {
        put_text(body, request.topic_filter);
        const unsigned options = (request.no_local ? option_no_local : 0U) |
                                 (request.retain_as_published ? option_retain_as_published : 0U) |
                                 static_cast<unsigned>(request.retain_handling) << option_retain_handling_shift;
        put_byte(body, version == Version::v5 ? request.qos | options : request.qos);
    }
    put_fixed_header(out, PacketType::subscribe, reserved_flags_0010, body.size());
    out.append(body);
}

void encode_unsubscribe(std::string& out, const Unsubscribe& unsubscribe, Version version) {
    std::string body;
    put_number(body, unsubscribe.packet_id);
    if (version == Version::v5) put_properties(body, unsubscribe.properties);
    for (const std::string_view filter : unsubscribe.topic_filters) put_text(body, filter);
    put_fixed_header(out, PacketType::unsubscribe, reserved_flags_0010, body.size());
    out.append(body);
}

void encode_pingreq(std::string& out) {
    put_fixed_header(out, PacketType::pingreq, reserved_flags_0000, 0);
}
void encode_disconnect(std::string& out) {
    put_fixed_header(out, PacketType::disconnect, reserved_flags_0000, 0);
}

void encode_client_packet(std::string& out, const ClientPacket& packet, Version version) {
    std::visit(EncodeClient{out, version}, packet);
}

}  // namespace fogbank::broker::mqtt
