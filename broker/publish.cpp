// Connection: PUBLISH in, PUBACK out, wills. Source: OASIS MQTT 3.1.1 and MQTT 5, section 3.3; reference "broker", sections 7, 8, 10, 13
// and 15.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "broker/connected_wills.h"
#include "broker/connection.h"
#include "broker/limits.h"
#include "broker/reserved_topics.h"
#include "broker/session.h"
#include "broker/shard_state.h"
#include "common/logging.h"

namespace fogbank::broker {
namespace {
constexpr std::uint8_t puback_type = 4, pubrec_type = 5;
}

void Connection::handle(const mqtt::Publish& publish) {
    ++home_.counts.messages_in;
    if (publish.properties.empty()) {
        if (publish.topic_name.empty() && is_mqtt5())
            return refuse(RefusalCause::protocol_error, "PUBLISH without a topic name and without a topic alias (MQTT-3.3.2-1)");
        take_publish({publish, publish.topic_name, nullptr, publish.retain});
        return;
    }
    const mqtt::Properties properties = mqtt::read_properties(publish.properties);
    std::string_view topic_name = publish.topic_name;
    if (properties.topic_alias && !resolve_alias(publish, properties, topic_name)) return;
    if (topic_name.empty())
        return refuse(RefusalCause::protocol_error, "PUBLISH without a topic name and without a topic alias (MQTT-3.3.2-1)");
    take_publish({publish, topic_name, &properties, publish.retain});
}

/// @return false after closing the connection.
bool Connection::resolve_alias(const mqtt::Publish& publish, const mqtt::Properties& properties, std::string_view& topic_name) {
    const std::uint16_t alias = *properties.topic_alias;
    if (alias > home_.core.limits.topic_aliases) {
        refuse(RefusalCause::topic_alias_invalid, "topic alias " + std::to_string(alias) + ": quota topic_aliases_per_connection");
        return false;
    }
    if (!publish.topic_name.empty()) {
        mqtt5_->aliases_in.set(alias, publish.topic_name);
        return true;
    }
    topic_name = mqtt5_->aliases_in.find(alias);
    if (!topic_name.empty()) return true;
    refuse(RefusalCause::protocol_error, "topic alias " + std::to_string(alias) + " was never set");
    return false;
}

void Connection::take_publish(Incoming incoming) {
    const mqtt::Publish& publish = incoming.packet;
    // The second PUBLISH of an exchange that is not over is the first one again (MQTT-4.3.3-10).
    if (publish.qos == Qos::exactly_once && session_->has_inbound(publish.packet_id)) {
        const std::uint64_t sequence = acks_.push(publish.packet_id, true);
        acks_.complete(sequence);
        return send_acknowledgements();
    }
    if (const auto refusal = publish_refusal(incoming)) return refuse_publish(publish, *refusal);
    if (incoming.retain) {
        const auto admitted = home_.core.retained->admit(incoming.topic_name, publish.payload.empty());
        if (!admitted) {
            if (is_mqtt5()) return refuse_publish(publish, {RefusalCause::retain_quota_exceeded, admitted.error().message});
            incoming.retain = false;  // 3.1.1 has no answer for it: the message goes its way and is not kept
            record("publish_refused", incoming.topic_name, "not retained: " + admitted.error().message);
        }
    }
    Message::Options options;
    options.topic_name = incoming.topic_name;
    options.payload = publish.payload;
    options.qos = publish.qos;
    options.retain = incoming.retain;
    options.origin = origin();
    options.received_at = home_.wall_now();
    if (incoming.properties != nullptr) options.properties = message_properties(*incoming.properties);
    MessagePtr message = Message::create(std::move(options));
    if (publish.qos == Qos::at_most_once) {
        home_.core.router.publish(std::move(message), nullptr);
        return;
    }
    if (publish.qos == Qos::exactly_once) session_->begin_inbound(publish.packet_id);
    home_.core.router.publish(std::move(message), acknowledge_later(publish));
    if (acks_.size() >= home_.core.limits.inflight_inbound) waits_ |= wait_acks;
}

/// Message Expiry Interval within the quotas; the rest as sent.
std::unique_ptr<MessageProperties> Connection::message_properties(const mqtt::Properties& properties) const {
    auto out = mqtt::to_message_properties(properties);
    if (out && out->message_expiry_interval_s) {
        const PacketLimits& limits = home_.core.limits;
        const std::int64_t asked = *out->message_expiry_interval_s;
        out->message_expiry_interval_s =
            static_cast<std::uint32_t>(std::clamp(asked, limits.message_expiry_s_min, limits.message_expiry_s_max));
    }
    return out;
}

std::optional<Connection::Refusal> Connection::property_refusal(const mqtt::Properties& properties) const {
    const PacketLimits& limits = home_.core.limits;
    if (properties.content_type && properties.content_type->size() > limits.content_type_bytes)
        return Refusal{RefusalCause::property_too_large, "quota content_type_bytes"};
    if (properties.correlation_data && properties.correlation_data->size() > limits.correlation_data_bytes)
        return Refusal{RefusalCause::property_too_large, "quota correlation_data_bytes"};
    if (mqtt::user_property_bytes(properties) > limits.user_properties_bytes)
        return Refusal{RefusalCause::property_too_large, "quota user_properties_bytes"};
    if (properties.response_topic) {
        if (auto valid = validate_topic_name(*properties.response_topic, limits.topic); !valid)
            return Refusal{RefusalCause::topic_name_invalid, "response topic: " + valid.error().message};
    }
    return std::nullopt;
}

std::optional<Connection::Refusal> Connection::publish_refusal(const Incoming& incoming) {
    const PacketLimits& limits = home_.core.limits;
    const mqtt::Publish& publish = incoming.packet;
    const std::string_view topic_name = incoming.topic_name;
    if (publish.qos == Qos::exactly_once && limits.profile == QuotaProfile::aws)
        return Refusal{RefusalCause::qos_not_supported, "PUBLISH with QoS 2"};
    if (publish.payload.size() > limits.payload_bytes) return Refusal{RefusalCause::payload_too_large, "quota mqtt_payload_bytes"};
    // A topic that was allowed before has been validated before.
    if (!access_.known_allowed(IotAction::publish, topic_name)) {
        if (auto valid = validate_topic_name(topic_name, limits.topic); !valid)
            return Refusal{RefusalCause::topic_name_invalid, valid.error().message};
        if (!is_publishable(topic_name)) {
            return Refusal{RefusalCause::topic_name_invalid, "clients may not publish to reserved topic `" + std::string(topic_name) + "`"};
        }
        if (!access_.allows(IotAction::publish, topic_name))
            return Refusal{RefusalCause::publish_not_authorized, access_.explain(IotAction::publish, topic_name)};
    }
    if (publish.retain) {
        if (topic_name.starts_with('$'))
            return Refusal{RefusalCause::topic_name_invalid,
                           "messages on reserved topics cannot be retained: `" + std::string(topic_name) + "`"};
        if (!access_.allows(IotAction::retain_publish, topic_name))
            return Refusal{RefusalCause::publish_not_authorized, access_.explain(IotAction::retain_publish, topic_name)};
    }
    return incoming.properties != nullptr ? property_refusal(*incoming.properties) : std::nullopt;
}

/// MQTT 5 has a reason code in PUBACK; elsewhere the connection ends.
void Connection::refuse_publish(const mqtt::Publish& publish, const Refusal& refusal) {
    const bool stays = refusal.cause == RefusalCause::publish_not_authorized || refusal.cause == RefusalCause::topic_name_invalid ||
                       refusal.cause == RefusalCause::property_too_large || refusal.cause == RefusalCause::retain_quota_exceeded;
    if (refusal.cause == RefusalCause::retain_quota_exceeded && publish.qos == Qos::at_most_once) {
        record("publish_refused", publish.topic_name, refusal.detail);
        return;
    }
    if (!is_mqtt5() || !stays || publish.qos == Qos::at_most_once) return refuse(refusal.cause, refusal.detail);
    record("publish_refused", publish.topic_name, refusal.detail);
    const mqtt::Reason code = refusal_row(refusal.cause).mqtt5;
    const bool qos2 = publish.qos == Qos::exactly_once;
    if (acks_.empty()) {
        mqtt::encode_ack5(outbox_, qos2 ? pubrec_type : puback_type, publish.packet_id, code, reason_string(refusal.detail));
        return appended();
    }
    acks_.complete(acks_.push(publish.packet_id, qos2), static_cast<std::uint8_t>(code));
}

/// The acknowledgement's place in the order is taken now; the callback may come from any thread.
Acknowledgement::Callback Connection::acknowledge_later(const mqtt::Publish& publish) {
    const bool qos2 = publish.qos == Qos::exactly_once;
    const bool stored_first = qos2 && session_->is_persistent();
    return [self = shared_from_this(), sequence = acks_.push(publish.packet_id, qos2), stored_first](Result<void> result) {
        if (!result) {
            const auto fail = [self, why = "a publish could not be made durable: " + result.error().message] {
                self->refuse(RefusalCause::internal_error, why);
            };
            // Never from within somebody's delivery: closing publishes the will.
            self->shard_.post(fail);
            return;
        }
        const auto done = [self, sequence, stored_first] {
            if (self->closed() || !stored_first) return self->on_acknowledged(sequence);
            // PUBREC says that the packet id is remembered: it must be in the store, too.
            self->home_.journal.after_commit([self, sequence](const Result<void>& stored) {
                if (stored) return self->on_acknowledged(sequence);
                self->refuse(RefusalCause::internal_error, "a publish could not be made durable: " + stored.error().message);
            });
        };
        if (Shard::current() == &self->shard_) {
            done();
        } else {
            self->shard_.post(done);
        }
    };
}

void Connection::on_acknowledged(std::uint64_t sequence) {
    acks_.complete(sequence);
    if (!closed()) send_acknowledgements();
}

void Connection::send_acknowledgements() {
    acks_.drain([this](const AckQueue::Entry& entry) {
        const std::uint8_t type = entry.qos2 ? pubrec_type : puback_type;
        if (entry.reason_code != 0) {
            mqtt::encode_ack5(outbox_, type, entry.packet_id, static_cast<mqtt::Reason>(entry.reason_code), {});
        } else if (entry.qos2) {
            mqtt::encode_qos2(outbox_, type, entry.packet_id);
        } else {
            mqtt::encode_puback(outbox_, entry.packet_id);
        }
    });
    appended();
    if (acks_.size() < home_.core.limits.inflight_inbound) stop_waiting(wait_acks);
}

const std::shared_ptr<const MessageOrigin>& Connection::origin() {
    if (origin_) return origin_;
    origin_ = make_origin();
    return origin_;
}

std::shared_ptr<MessageOrigin> Connection::make_origin() const {
    auto made = std::make_shared<MessageOrigin>();
    made->protocol = MessageOrigin::Protocol::mqtt;
    made->client_id = identity_.client_id.str();
    made->principal_id = identity_.principal_id;
    made->source_ip = identity_.source_ip;
    return made;
}

/// So that the will is published even if the server dies. CONNACK does not wait for the commit: what is lost is the will of a client that
/// came in the server's last milliseconds.
void Connection::keep_will() {
    if (!will_) return;
    records::ConnectedWill will;
    will.session = session_->number();
    will.delay = will_->delay;
    will.message = will_message();
    will_number_ = home_.core.next_session_number.fetch_add(1);
    home_.journal.put(records::connected_will_key(will_number_), records::encode(will));
}

/// The will is published, kept by the session for its delay, or not wanted any more; in the same commit as what it led to on this shard.
void Connection::forget_will() {
    will_.reset();
    if (const std::uint64_t number = std::exchange(will_number_, 0)) home_.journal.erase(records::connected_will_key(number));
}

MessagePtr Connection::will_message() const {
    Message::Options options;
    options.topic_name = will_->topic_name;
    options.payload = will_->payload;
    options.qos = will_->qos;
    options.retain = will_->retain;
    // AWS: services on reserved topics do not act on wills (reference "shadow", section 2).
    auto marked = make_origin();
    marked->last_will = true;
    options.origin = std::move(marked);
    options.received_at = home_.wall_now();
    if (will_->properties) options.properties = std::make_unique<MessageProperties>(*will_->properties);
    return Message::create(std::move(options));
}

/// Publishes the will, or leaves it to the session for its delay.
void Connection::begin_will() {
    if (!will_) return;
    if (!access_.allows_once(IotAction::publish, will_->topic_name)) {
        logger("broker").warn("will not published client_id={} reason={}", log_value(identity_.client_id.view()),
                              log_value(access_.explain(IotAction::publish, will_->topic_name)));
        will_.reset();
        return;
    }
    MessagePtr message = will_message();
    const std::chrono::seconds delay = will_->delay;
    will_.reset();
    if (delay.count() != 0 && session_ && terms_.persistent() && session_->delay_will(message, delay)) return;
    Acknowledgement::Callback log_failure;
    if (message->qos() != Qos::at_most_once) {
        log_failure = [origin = origin()](Result<void> result) {
            if (!result)
                logger("broker").warn("will lost client_id={} reason={}", log_value(origin->client_id), log_value(result.error().message));
        };
    }
    home_.core.router.publish(std::move(message), std::move(log_failure));
}

}  // namespace fogbank::broker
