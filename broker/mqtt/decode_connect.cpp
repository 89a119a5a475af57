// CONNECT (OASIS MQTT 3.1.1 and MQTT 5, section 3.1).
#include "broker/mqtt/detail/decode.h"
#include "broker/mqtt/detail/wire.h"

namespace fogbank::broker::mqtt::detail {
namespace {

/// Protocol name and level. `MQIsdp` is what MQTT 3.1 calls itself.
void check_protocol(Reader& reader, std::uint8_t& level) {
    const std::string_view name = reader.binary("protocol name");
    if (reader.failed()) return;
    if (name != protocol_name && name != "MQIsdp") reader.fail("protocol name", "is not `MQTT`", "MQTT-3.1.2-1");
    level = reader.byte("protocol level");
    if (reader.failed()) return;
    if (name != protocol_name || (level != protocol_level_3_1_1 && level != protocol_level_5)) {
        reader.fail_with(Errc::unsupported_version, "protocol level", "only MQTT 3.1.1 (level 4) and MQTT 5 (level 5) are supported",
                         "MQTT-3.1.2-2");
    }
}

void check_flags(Reader& reader, std::uint8_t flags, bool mqtt5) {
    const auto set = [flags](std::uint8_t flag) { return (flags & flag) != 0; };
    const int will_qos = (flags >> connect_will_qos_shift) & qos_mask;
    if (set(connect_reserved)) reader.fail("connect flags", "the reserved bit is set", "MQTT-3.1.2-3");
    if (!set(connect_will) && will_qos != 0) reader.fail("connect flags", "will QoS without will flag", "MQTT-3.1.2-13");
    if (will_qos > qos_max) reader.fail("connect flags", "will QoS 3", "MQTT-3.1.2-14");
    if (!set(connect_will) && set(connect_will_retain)) reader.fail("connect flags", "will retain without will flag", "MQTT-3.1.2-15");
    if (!mqtt5 && !set(connect_user_name) && set(connect_password))
        reader.fail("connect flags", "password flag without user name flag", "MQTT-3.1.2-22");
}

Will read_will(Reader& reader, std::uint8_t flags, bool mqtt5) {
    Will will;
    if (mqtt5) will.properties = checked_properties(reader, PropertyPlace::will);
    will.topic_name = reader.text("will topic", "MQTT-3.1.3-10");
    will.payload = reader.binary("will message");
    will.qos = static_cast<Qos>((flags >> connect_will_qos_shift) & qos_mask);
    will.retain = (flags & connect_will_retain) != 0;
    return will;
}

}  // namespace

Result<ClientPacket> decode_connect(Reader reader) {
    Connect connect;
    check_protocol(reader, connect.protocol_level);
    const std::uint8_t flags = reader.byte("connect flags");
    const bool mqtt5 = connect.protocol_level == protocol_level_5;
    check_flags(reader, flags, mqtt5);
    connect.clean_session = (flags & connect_clean_session) != 0;
    connect.keep_alive_s = reader.number("keep alive");
    if (mqtt5) connect.properties = checked_properties(reader, PropertyPlace::connect);
    connect.client_id = reader.text("client identifier", "MQTT-3.1.3-4");
    if ((flags & connect_will) != 0) connect.will = read_will(reader, flags, mqtt5);
    if ((flags & connect_user_name) != 0) connect.user_name = reader.text("user name", "MQTT-3.1.3-11");
    if ((flags & connect_password) != 0) connect.password = reader.binary("password");
    return reader.finish(connect);
}

}  // namespace fogbank::broker::mqtt::detail

namespace fogbank::broker::mqtt {

unsigned announced_protocol_level(std::string_view packet) {
    const auto byte = [packet](std::size_t at) { return at < packet.size() ? static_cast<unsigned char>(packet[at]) : 0U; };
    std::size_t header = 1;
    while ((byte(header) & 0x80U) != 0) ++header;
    const std::size_t name_bytes = byte(header + 1) << 8 | byte(header + 2);
    return byte(header + 3 + name_bytes);
}

}  // namespace fogbank::broker::mqtt
