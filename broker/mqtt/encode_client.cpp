// What a client sends (OASIS MQTT 3.1.1, section 3), for tests, fuzzing and the load generator.
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

void encode(std::string& out, const Connect& packet) {
    encode_connect(out, packet);
}
void encode(std::string& out, const Publish& packet) {
    append_publish(out, encode_publish(packet.topic_name, packet.payload, packet.qos, packet.retain), packet.packet_id, packet.dup);
}
void encode(std::string& out, const Puback& packet) {
    encode_puback(out, packet.packet_id);
}
void encode(std::string& out, const Subscribe& packet) {
    encode_subscribe(out, packet);
}
void encode(std::string& out, const Unsubscribe& packet) {
    encode_unsubscribe(out, packet);
}
void encode(std::string& out, const Pingreq&) {
    encode_pingreq(out);
}
void encode(std::string& out, const Disconnect&) {
    encode_disconnect(out);
}
void encode(std::string& out, const Qos2Packet& packet) {
    const auto type = static_cast<PacketType>(packet.type);
    put_fixed_header(out, type, type == PacketType::pubrel ? reserved_flags_0010 : reserved_flags_0000, packet_id_bytes);
    put_number(out, packet.packet_id);
}

}  // namespace

void encode_connect(std::string& out, const Connect& connect) {
    std::string body;
    put_text(body, protocol_name);
    put_byte(body, connect.protocol_level);
    put_byte(body, connect_flags(connect));
    put_number(body, connect.keep_alive_s);
    put_text(body, connect.client_id);
    if (connect.will) {
        put_text(body, connect.will->topic_name);
        put_text(body, connect.will->payload);
    }
    if (connect.user_name) put_text(body, *connect.user_name);
    if (connect.password) put_text(body, *connect.password);
    put_fixed_header(out, PacketType::connect, reserved_flags_0000, body.size());
    out.append(body);
}

void encode_subscribe(std::string& out, const Subscribe& subscribe) {
    std::string body;
    put_number(body, subscribe.packet_id);
    for (const TopicRequest& request : subscribe.topics) {
        put_text(body, request.topic_filter);
        put_byte(body, request.qos);
    }
    put_fixed_header(out, PacketType::subscribe, reserved_flags_0010, body.size());
    out.append(body);
}

void encode_unsubscribe(std::string& out, const Unsubscribe& unsubscribe) {
    std::string body;
    put_number(body, unsubscribe.packet_id);
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

void encode_client_packet(std::string& out, const ClientPacket& packet) {
    std::visit([&out](const auto& concrete) { encode(out, concrete); }, packet);
}

}  // namespace fogbank::broker::mqtt
