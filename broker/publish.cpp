// Connection: PUBLISH in, PUBACK out, wills. Source: OASIS MQTT 3.1.1 section 3.3; reference "broker", sections 10, 13 and 15.
#include <spdlog/spdlog.h>

#include "broker/connection.h"
#include "broker/limits.h"
#include "broker/reserved_topics.h"
#include "broker/session.h"
#include "broker/shard_state.h"
#include "common/logging.h"

namespace fogbank::broker {

void Connection::handle(const mqtt::Publish& publish) {
    ++home_.counts.messages_in;
    if (!publish_acceptable(publish)) return;
    Message::Options options;
    options.topic_name = publish.topic_name;
    options.payload = publish.payload;
    options.qos = publish.qos;
    options.retain = publish.retain;
    options.origin = origin_;
    options.received_at = home_.wall_now();
    MessagePtr message = Message::create(std::move(options));
    if (publish.qos == Qos::at_most_once) {
        home_.core.router.publish(std::move(message), nullptr);
        return;
    }
    home_.core.router.publish(std::move(message), acknowledge_later(publish.packet_id));
    if (acks_.size() >= home_.core.limits.inflight_inbound) waits_ |= wait_acks;
}

/// @return false after closing the connection with the reason: 3.1.1 has no failure code for PUBLISH.
bool Connection::publish_acceptable(const mqtt::Publish& publish) {
    const PacketLimits& limits = home_.core.limits;
    const auto refused = [this](RefusalCause cause, std::string_view why) {
        refuse(cause, why);
        return false;
    };
    if (publish.qos == Qos::exactly_once) return refused(RefusalCause::qos_not_supported, "PUBLISH with QoS 2");
    if (publish.payload.size() > limits.payload_bytes) return refused(RefusalCause::payload_too_large, "quota mqtt_payload_bytes");
    // A topic that was allowed before has been validated before.
    if (!access_.known_allowed(IotAction::publish, publish.topic_name)) {
        if (auto valid = validate_topic_name(publish.topic_name, limits.topic); !valid) {
            return refused(RefusalCause::topic_name_invalid, valid.error().message);
        }
        if (!is_publishable(publish.topic_name)) {
            return refused(RefusalCause::topic_name_invalid,
                           "clients may not publish to reserved topic `" + std::string(publish.topic_name) + "`");
        }
        if (!access_.allows(IotAction::publish, publish.topic_name)) {
            return refused(RefusalCause::publish_not_authorized, access_.explain(IotAction::publish, publish.topic_name));
        }
    }
    if (publish.retain && !access_.allows(IotAction::retain_publish, publish.topic_name)) {
        return refused(RefusalCause::publish_not_authorized, access_.explain(IotAction::retain_publish, publish.topic_name));
    }
    return true;
}

/// The PUBACK's place in the order is taken now; the callback may come from any thread.
Acknowledgement::Callback Connection::acknowledge_later(std::uint16_t packet_id) {
    return [self = shared_from_this(), sequence = acks_.push(packet_id)](Result<void> result) {
        if (!result) {
            const auto fail = [self, why = "a publish could not be made durable: " + result.error().message] {
                self->refuse(RefusalCause::internal_error, why);
            };
            // Never from within somebody's delivery: closing publishes the will.
            self->shard_.post(fail);
        } else if (Shard::current() == &self->shard_) {
            self->on_acknowledged(sequence);
        } else {
            self->shard_.post([self, sequence] { self->on_acknowledged(sequence); });
        }
    };
}

void Connection::on_acknowledged(std::uint64_t sequence) {
    if (closed()) return;
    acks_.complete(sequence);
    const std::size_t before = acks_.size();
    acks_.drain([this](std::uint16_t packet_id) { mqtt::encode_puback(outbox_, packet_id); });
    if (acks_.size() == before) return;
    appended();
    if (acks_.size() < home_.core.limits.inflight_inbound) stop_waiting(wait_acks);
}

void Connection::publish_will() {
    if (!will_) return;
    if (!access_.allows(IotAction::publish, will_->topic_name)) {
        logger("broker").warn("will not published client_id={} reason={}", log_value(identity_.client_id.view()),
                              log_value(access_.explain(IotAction::publish, will_->topic_name)));
        return;
    }
    Message::Options options;
    options.topic_name = will_->topic_name;
    options.payload = will_->payload;
    options.qos = will_->qos;
    options.retain = will_->retain;
    // AWS: services on reserved topics do not act on wills (reference "shadow", section 2).
    auto origin = std::make_shared<MessageOrigin>(*origin_);
    origin->last_will = true;
    options.origin = std::move(origin);
    options.received_at = home_.wall_now();
    MessagePtr message = Message::create(std::move(options));
    Acknowledgement::Callback log_failure;
    if (will_->qos != Qos::at_most_once) {
        log_failure = [origin = origin_](Result<void> result) {
            if (!result)
                logger("broker").warn("will lost client_id={} reason={}", log_value(origin->client_id), log_value(result.error().message));
        };
    }
    home_.core.router.publish(std::move(message), std::move(log_failure));
}

}  // namespace fogbank::broker
