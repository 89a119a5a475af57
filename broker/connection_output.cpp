// Connection: the outbox.
#include "broker/connection.h"
#include "broker/limits.h"
#include "broker/message_expiry.h"
#include "broker/session.h"
#include "broker/shard_state.h"

namespace fogbank::broker {
namespace {

/// Whether `buffer` holds memory of its own.
bool on_heap(const std::string& buffer) {
    static const std::size_t inside = std::string().capacity();
    return buffer.capacity() > inside;
}

}  // namespace

bool Connection::has_room() const {
    const std::size_t unsent = unsent_bytes();
    const std::size_t high = home_.under_pressure() ? limits::outbox_high_under_pressure_bytes : limits::outbox_high_bytes;
    return unsent == 0 || unsent < high;
}

bool Connection::send_publish(const Delivery& delivery, std::uint16_t packet_id, bool dup) {
    if (closed()) return true;
    if (mqtt5_) {
        const mqtt::EncodedPublish& shared = home_.encoded(delivery.message, version(), delivery.qos, delivery.retain);
        constexpr std::size_t own_properties_bytes = 3 + 6;  // an alias, a subscription identifier
        if (shared.bytes.size() + own_properties_bytes > mqtt5_->packet_bytes_max) {
            home_.core.metrics.dropped_too_large.add();
            return false;
        }
        if (delivery.subscription_identifier == 0 && !mqtt5_->aliases_out.in_use()) {
            mqtt::append_publish(outbox_, shared, packet_id, dup);
        } else {
            append_own_publish(delivery, packet_id, dup);
        }
    } else if (home_.goes_to_others_too(delivery.message)) {
        mqtt::append_publish(outbox_, home_.encoded(delivery.message, version(), delivery.qos, delivery.retain), packet_id, dup);
    } else {
        const Message& message = *delivery.message;
        mqtt::append_publish(outbox_, message.topic_name(), message.payload(), delivery.qos, delivery.retain, packet_id, dup);
    }
    ++home_.counts.messages_out;
    appended();
    return true;
}

/// A PUBLISH with properties that only this receiver gets.
void Connection::append_own_publish(const Delivery& delivery, std::uint16_t packet_id, bool dup) {
    const Message& message = *delivery.message;
    mqtt::Properties properties;
    if (const MessageProperties* sent = message.properties())
        properties = mqtt::to_properties(*sent, remaining_expiry_s(message, home_.wall_now()));
    if (delivery.subscription_identifier != 0) properties.subscription_identifiers.push_back(delivery.subscription_identifier);
    std::string_view topic_name = message.topic_name();
    if (mqtt5_->aliases_out.in_use()) {
        const auto use = mqtt5_->aliases_out.use(topic_name);
        if (use.alias != 0) properties.topic_alias = use.alias;
        if (use.known) topic_name = {};
    }
    const auto encoded = mqtt::encode_publish5(topic_name, message.payload(), delivery.qos, delivery.retain, properties);
    mqtt::append_publish(outbox_, encoded, packet_id, dup);
}

void Connection::send_pubrel(std::uint16_t packet_id) {
    if (closed()) return;
    constexpr std::uint8_t pubrel = 6;
    mqtt::encode_qos2(outbox_, pubrel, packet_id);
    appended();
}

/// To be called after each append: sees to it that the bytes leave, and that they do not pile up.
void Connection::appended() {
    if (closed()) return;
    if (!flush_scheduled_) {
        flush_scheduled_ = true;
        home_.flush_later(*this);
    }
    if (unsent_bytes() < limits::outbox_flush_bytes) return;
    if (!write_blocked_) flush();
    // Deliveries stop at the high mark; what comes on top are answers to the client's own packets.
    if (unsent_bytes() >= limits::outbox_high_bytes + limits::outbox_answers_bytes) waits_ |= wait_outbox;
}

void Connection::flush() {
    flush_scheduled_ = false;
    while (!closed() && !write_blocked_ && unsent_bytes() != 0) {
        const IoResult result = stream_->write(outbox_.data() + outbox_sent_, unsent_bytes());
        switch (result.status) {
            case IoResult::Status::done:
                outbox_sent_ += result.bytes;
                // Its packets are not read now; that it takes its answers shows that it lives.
                if ((waits_ & wait_outbox) != 0) deadline_ = home_.now() + silence_max_;
                home_.counts.bytes_out += result.bytes;
                break;
            case IoResult::Status::would_block:
                write_blocked_ = true;
                break;
            default:
                close(DisconnectReason::connection_lost, "connection lost: " + stream_->failure());
                return;
        }
    }
    if (closed()) return;
    if (unsent_bytes() == 0 || outbox_sent_ > limits::outbox_flush_bytes) outbox_.erase(0, std::exchange(outbox_sent_, 0));
    if (!shrink_scheduled_ && on_heap(outbox_)) {
        shrink_scheduled_ = true;
        home_.shrink_later(*this);
    }
    count_backlog();
    if (unsent_bytes() <= limits::outbox_high_bytes) stop_waiting(wait_outbox);
    if (unsent_bytes() > limits::outbox_high_bytes / 2) return;
    if (session_ && session_->has_queued()) session_->send_queued();
}

void Connection::count_backlog() {
    home_.backlog_bytes += unsent_bytes();
    home_.backlog_bytes -= backlog_counted_;
    backlog_counted_ = unsent_bytes();
}

void Connection::shrink() {
    shrink_scheduled_ = false;
    if (outbox_.empty()) std::string().swap(outbox_);
    if (input_.empty()) std::string().swap(input_);
    if (!on_heap(outbox_) && !on_heap(input_)) return;
    shrink_scheduled_ = true;
    home_.shrink_later(*this);
}

}  // namespace fogbank::broker
