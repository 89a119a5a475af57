// PUBLISH (OASIS MQTT 3.1.1 and MQTT 5, section 3.3).
#include "broker/mqtt/detail/decode.h"

namespace fogbank::broker::mqtt::detail {

Result<Publish> decode_publish_body(Reader& reader, std::uint8_t flags, Version version) {
    const int qos = (flags >> publish_qos_shift) & qos_mask;
    Publish publish;
    publish.retain = (flags & publish_retain) != 0;
    publish.dup = (flags & publish_dup) != 0;
    if (qos > qos_max) reader.fail("QoS", "both bits are set", "MQTT-3.3.1-4");
    if (qos == 0 && publish.dup) reader.fail("DUP flag", "must be 0 at QoS 0", "MQTT-3.3.1-2");
    publish.qos = static_cast<Qos>(qos);
    publish.topic_name = reader.text("topic name", "MQTT-3.3.2-1");
    if (qos > 0) publish.packet_id = reader.packet_id();
    if (version == Version::v5) publish.properties = checked_properties(reader, PropertyPlace::publish);
    publish.payload = reader.rest();
    if (reader.failed()) return reader.error();
    return publish;
}

}  // namespace fogbank::broker::mqtt::detail
