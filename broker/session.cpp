#include "broker/session.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "broker/connection.h"
#include "broker/limits.h"
#include "broker/shard_state.h"
#include "common/logging.h"

namespace fogbank::broker {
namespace {

std::size_t weight(const Message& message) {
    return message.topic_name().size() + message.payload().size() + limits::queued_message_overhead_bytes;
}

}  // namespace

Session::Session(ShardState& home, ClientId client_id, Connection& connection)
    : home_(home), client_id_(std::move(client_id)), connection_(&connection) {}

Session::~Session() = default;

void Session::deliver(const MessagePtr& message, const SubscriptionOptions& options, PublishContext&) {
    if (ended_.load(std::memory_order_acquire)) return;
    // QoS of a delivery: the lower of the publish and of the subscription (MQTT-3.8.4-6). A clean session makes nothing durable, so it
    // takes no hold.
    const Qos qos = std::min(message->qos(), options.qos);
    if (home_.here()) {
        receive(message, qos);
    } else {
        home_.core.states[Shard::current()->index()]->deliver_remote(shared_from_this(), message, qos);
    }
}

void Session::receive(const MessagePtr& message, Qos qos) {
    if (connection_ == nullptr) return;
    if (!connection_->may(IotAction::receive, message->topic_name())) {
        home_.core.metrics.dropped_not_allowed.add();
        return;
    }
    if (qos == Qos::at_most_once) {
        if (connection_->has_room()) {
            send(message, qos);
        } else {
            home_.core.metrics.dropped_outbox_full.add();
        }
    } else if (!has_queued() && window_open()) {
        send(message, qos);
    } else {
        queue(message);
    }
}

bool Session::window_open() const {
    return in_flight_.size() < home_.core.limits.inflight_outbound && connection_->has_room();
}

void Session::send(const MessagePtr& message, Qos qos) {
    const std::uint16_t packet_id = qos == Qos::at_most_once ? std::uint16_t{0} : in_flight_.take();
    connection_->send_publish(home_.encoded(message, qos), packet_id);
}

void Session::queue(const MessagePtr& message) {
    if (!queue_) queue_ = std::make_unique<std::deque<MessagePtr>>();
    const std::size_t bytes = weight(*message);
    if (queue_bytes_ + bytes > limits::session_queue_bytes || (home_.under_pressure() && !queue_->empty())) {
        home_.core.metrics.dropped_queue_full.add();
        if (!overflowing_ && home_.refusals.pass(home_.now())) {
            logger("broker").warn("QoS 1 messages dropped: the client does not keep up client_id={} queued_bytes={} in_flight={}",
                                  log_value(client_id_.view()), queue_bytes_, in_flight_.size());
        }
        overflowing_ = true;
        return;
    }
    queue_->push_back(message);
    queue_bytes_ += bytes;
    home_.backlog_bytes += bytes;
}

bool Session::acknowledge(std::uint16_t packet_id) {
    if (!in_flight_.release(packet_id)) return false;
    if (has_queued()) send_queued();
    return true;
}

void Session::send_queued() {
    if (sending_) return;  // called again by the flush of what is being sent
    sending_ = true;
    while (has_queued() && connection_ != nullptr && window_open()) {
        const MessagePtr message = std::move(queue_->front());
        queue_->pop_front();
        const std::size_t bytes = weight(*message);
        queue_bytes_ -= bytes;
        home_.backlog_bytes -= bytes;
        send(message, Qos::at_least_once);
    }
    sending_ = false;
    if (!has_queued()) {
        queue_.reset();
        overflowing_ = false;
    }
}

bool Session::subscribe(std::string_view topic_filter, const SubscriptionOptions& options) {
    const bool is_new = subscriptions_.insert_or_assign(std::string(topic_filter), options).second;
    home_.core.router.subscribe(topic_filter, shared_from_this(), options);
    return is_new;
}

bool Session::unsubscribe(std::string_view topic_filter) {
    if (subscriptions_.erase(std::string(topic_filter)) == 0) return false;
    home_.core.router.unsubscribe(topic_filter, *this);
    return true;
}

void Session::end() {
    if (ended_.exchange(true, std::memory_order_acq_rel)) return;
    connection_ = nullptr;
    const auto self = shared_from_this();
    for (const auto& [topic_filter, options] : subscriptions_) home_.core.router.unsubscribe(topic_filter, *this);
    subscriptions_.clear();
    in_flight_.clear();
    queue_.reset();
    home_.backlog_bytes -= queue_bytes_;
    queue_bytes_ = 0;
    home_.core.clients.release(client_id_, *this);
}

void Session::displace() {
    if (connection_ != nullptr)
        connection_->close(DisconnectReason::duplicate_clientid, "a new connection was established with the same client ID");
}

}  // namespace fogbank::broker
