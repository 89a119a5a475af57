// Connection: SUBSCRIBE and UNSUBSCRIBE. Source: OASIS MQTT 3.1.1 sections 3.8 to 3.11; reference "broker", section 10.
#include "broker/connection.h"
#include "broker/reserved_topics.h"
#include "broker/session.h"
#include "broker/shard_state.h"

namespace fogbank::broker {

void Connection::handle(const mqtt::Subscribe& subscribe) {
    if (!subscribe_acceptable(subscribe)) return;
    std::vector<std::uint8_t> return_codes;
    return_codes.reserve(subscribe.topics.size());
    for (const mqtt::TopicRequest& request : subscribe.topics) return_codes.push_back(subscribe_one(request));
    // What matches from here on comes after the SUBACK: deliveries to this session are handled by this shard, after this packet.
    mqtt::encode_suback(outbox_, subscribe.packet_id, return_codes);
    appended();
}

/// Everything that closes the connection is looked at before anything is subscribed.
bool Connection::subscribe_acceptable(const mqtt::Subscribe& subscribe) {
    const PacketLimits& limits = home_.core.limits;
    const auto refused = [this](RefusalCause cause, std::string_view why) {
        refuse(cause, why);
        return false;
    };
    const bool denied_closes = wire_answer(RefusalCause::subscribe_not_authorized, limits.profile) == WireAnswer::close;
    if (subscribe.topics.size() > limits.filters_per_subscribe)
        return refused(RefusalCause::too_many_filters, "quota filters_per_subscribe");
    for (const mqtt::TopicRequest& request : subscribe.topics) {
        if (request.qos >= 2) return refused(RefusalCause::qos_not_supported, "SUBSCRIBE with QoS 2");
        const auto shared = parse_shared_filter(request.topic_filter);
        const std::string_view filter = shared ? shared->topic_filter : request.topic_filter;
        if (auto valid = validate_topic_filter(filter, limits.topic); !valid)
            return refused(RefusalCause::topic_filter_invalid, valid.error().message);
        if (denied_closes && !access_.allows(IotAction::subscribe, request.topic_filter)) {
            return refused(RefusalCause::subscribe_not_authorized, access_.explain(IotAction::subscribe, request.topic_filter));
        }
    }
    return true;
}

/// @return the SUBACK return code: the granted QoS, or failure.
std::uint8_t Connection::subscribe_one(const mqtt::TopicRequest& request) {
    // `$share/…` comes with shared subscriptions; other unknown `$` names never deliver anything.
    if (!is_subscribable(request.topic_filter)) return mqtt::suback_failure;
    if (!session_->is_subscribed(request.topic_filter) && session_->subscription_count() >= home_.core.limits.subscriptions)
        return mqtt::suback_failure;
    if (!access_.allows(IotAction::subscribe, request.topic_filter)) return mqtt::suback_failure;
    SubscriptionOptions options;
    options.qos = static_cast<Qos>(request.qos);
    session_->subscribe(request.topic_filter, options);
    home_.core.lifecycle.subscribed(identity_, request.topic_filter);
    return request.qos;
}

void Connection::handle(const mqtt::Unsubscribe& unsubscribe) {
    for (const std::string_view topic_filter : unsubscribe.topic_filters) {
        if (session_->unsubscribe(topic_filter)) home_.core.lifecycle.unsubscribed(identity_, topic_filter);
    }
    mqtt::encode_unsuback(outbox_, unsubscribe.packet_id);
    appended();
}

}  // namespace fogbank::broker
