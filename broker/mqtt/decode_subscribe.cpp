// SUBSCRIBE and UNSUBSCRIBE (OASIS MQTT 3.1.1, sections 3.8 and 3.10). How many filters there may be is bounded by the packet's size here
// (three bytes each at least), by the quota at the caller.
#include <utility>

#include "broker/mqtt/detail/decode.h"

namespace fogbank::broker::mqtt::detail {

Result<ClientPacket> decode_subscribe(Reader reader) {
    Subscribe subscribe;
    subscribe.packet_id = reader.packet_id();
    if (reader.at_end()) reader.fail("", "no topic filter", "MQTT-3.8.3-3");
    while (!reader.at_end()) {
        TopicRequest request;
        request.topic_filter = reader.text("topic filter", "MQTT-3.8.3-1");
        request.qos = reader.byte("requested QoS");
        if (request.qos > qos_max) reader.fail("requested QoS", "is not 0, 1 or 2", "MQTT-3.8.3-4");
        subscribe.topics.push_back(request);
    }
    return reader.finish(std::move(subscribe));
}

Result<ClientPacket> decode_unsubscribe(Reader reader) {
    Unsubscribe unsubscribe;
    unsubscribe.packet_id = reader.packet_id();
    if (reader.at_end()) reader.fail("", "no topic filter", "MQTT-3.10.3-2");
    while (!reader.at_end()) unsubscribe.topic_filters.push_back(reader.text("topic filter", "MQTT-3.10.3-1"));
    return reader.finish(std::move(unsubscribe));
}

}  // namespace fogbank::broker::mqtt::detail
