// SUBSCRIBE and UNSUBSCRIBE (OASIS MQTT 3.1.1, sections 3.8 and 3.10). How many filters there may be is bounded by the packet's size here
// (three bytes each at least), by the quota at the caller.
#include <utility>

#include "broker/mqtt/detail/decode.h"

namespace fogbank::broker::mqtt::detail {

namespace {

/// The byte behind a filter: the requested QoS, in MQTT 5 with the other options (section 3.8.3.1).
void read_options(Reader& reader, Version version, TopicRequest& request) {
    const std::uint8_t options = reader.byte("requested QoS");
    if (version == Version::v3_1_1) {
        request.qos = options;
        if (request.qos > qos_max) reader.fail("requested QoS", "is not 0, 1 or 2", "MQTT-3.8.3-4");
        return;
    }
    request.qos = options & qos_mask;
    request.no_local = (options & option_no_local) != 0;
    request.retain_as_published = (options & option_retain_as_published) != 0;
    request.retain_handling = static_cast<std::uint8_t>((options >> option_retain_handling_shift) & 0x03);
    if ((options & option_reserved) != 0) reader.fail("subscription options", "a reserved bit is set", "MQTT-3.8.3-5");
    constexpr std::string_view clause = "section 3.8.3.1";
    if (request.qos > qos_max) reader.fail_with(Errc::protocol_violation, "subscription options", "QoS 3", clause);
    if (request.retain_handling > 2) reader.fail_with(Errc::protocol_violation, "subscription options", "retain handling 3", clause);
    if (request.no_local && request.topic_filter.starts_with("$share/"))
        reader.fail_with(Errc::protocol_violation, "subscription options", "no local on a shared subscription", "MQTT-3.8.3-4");
}

}  // namespace

Result<ClientPacket> decode_subscribe(Reader reader, Version version) {
    Subscribe subscribe;
    subscribe.packet_id = reader.packet_id();
    if (version == Version::v5) subscribe.properties = checked_properties(reader, PropertyPlace::subscribe);
    if (reader.at_end()) reader.fail("", "no topic filter", "MQTT-3.8.3-3");
    while (!reader.at_end()) {
        TopicRequest request;
        request.topic_filter = reader.text("topic filter", "MQTT-3.8.3-1");
        read_options(reader, version, request);
        subscribe.topics.push_back(request);
    }
    return reader.finish(std::move(subscribe));
}

Result<ClientPacket> decode_unsubscribe(Reader reader, Version version) {
    Unsubscribe unsubscribe;
    unsubscribe.packet_id = reader.packet_id();
    if (version == Version::v5) unsubscribe.properties = checked_properties(reader, PropertyPlace::unsubscribe);
    if (reader.at_end()) reader.fail("", "no topic filter", "MQTT-3.10.3-2");
    while (!reader.at_end()) unsubscribe.topic_filters.push_back(reader.text("topic filter", "MQTT-3.10.3-1"));
    return reader.finish(std::move(unsubscribe));
}

}  // namespace fogbank::broker::mqtt::detail
