#include "broker/session.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "broker/connection.h"
#include "broker/limits.h"
#include "broker/message_expiry.h"
#include "broker/shard_state.h"
#include "broker/shared_groups.h"
#include "common/logging.h"
#include "common/topic.h"

namespace fogbank::broker {
namespace {

std::size_t weight(const Message& message) {
    return message.topic_name().size() + message.payload().size() + limits::queued_message_overhead_bytes;
}

}  // namespace

Session::Session(ShardState& home, ClientId client_id, const SessionTerms& terms, std::string session_identifier, std::uint64_t number)
    : home_(&home),
      client_id_(std::move(client_id)),
      version_(terms.version),
      session_identifier_(std::move(session_identifier)),
      number_(number),
      expiry_s_(terms.expiry_s),
      mode_(terms.persistent() ? Mode::persistent : Mode::clean) {}

Session::~Session() = default;

void Session::at_home(std::shared_ptr<Session> session, UniqueFunction<void()> task) {
    ShardState& home = session->home();
    if (home.here()) {
        task();
        return;
    }
    home.shard.post([session = std::move(session), task = std::move(task)]() mutable { at_home(std::move(session), std::move(task)); });
}

void Session::deliver(const MessagePtr& message, const SubscriptionOptions& options, PublishContext& context) {
    take(message, options, context, nullptr);
}

void Session::deliver_as_member(const MessagePtr& message, const SubscriptionOptions& options, PublishContext& context,
                                std::shared_ptr<SharedGroup> group) {
    take(message, options, context, std::move(group));
}

void Session::take(const MessagePtr& message, const SubscriptionOptions& options, PublishContext& context,
                   std::shared_ptr<SharedGroup> group) {
    const Mode mode = mode_.load(std::memory_order_acquire);
    if (mode == Mode::ended) return;
    if (options.no_local && message->origin().protocol == MessageOrigin::Protocol::mqtt && message->origin().client_id == client_id_.view())
        return;
    Delivery delivery;
    delivery.message = message;
    delivery.qos = std::min(message->qos(), options.qos);
    // RETAIN is 0 for a message that comes through an established subscription (MQTT-3.3.1-9, MQTT-3.3.1-12).
    delivery.retain = options.retain_as_published && message->retain();
    delivery.subscription_identifier = options.subscription_identifier;
    // A clean session makes nothing durable, so it takes no hold.
    if (mode == Mode::persistent && delivery.qos != Qos::at_most_once) delivery.hold = context.hold();
    delivery.group = std::move(group);
    if (home().here()) {
        receive(std::move(delivery));
    } else {
        home().core.states[Shard::current()->index()]->deliver_remote(shared_from_this(), std::move(delivery));
    }
}

bool Session::tracks(const Delivery& delivery) const {
    return mode_.load(std::memory_order_relaxed) == Mode::persistent || delivery.qos == Qos::exactly_once || delivery.group != nullptr;
}

void Session::receive(Delivery delivery) {
    if (!home().here()) {
        home().core.states[Shard::current()->index()]->deliver_remote(shared_from_this(), std::move(delivery));
        return;
    }
    ShardState& here = home();
    if (connection_ == nullptr) {
        if (is_persistent() && delivery.qos != Qos::at_most_once) track(std::move(delivery));
        return;
    }
    if (!connection_->may(IotAction::receive, delivery.message->topic_name())) {
        here.core.metrics.dropped_not_allowed.add();
        return;
    }
    const bool within_rate = here.core.rates.deliveries.take(here.now());
    if (delivery.qos == Qos::at_most_once) {
        if (!within_rate) {
            here.core.metrics.dropped_rate.add();
        } else if (connection_->has_room()) {
            connection_->send_publish(delivery, 0, false);
        } else {
            here.core.metrics.dropped_outbox_full.add();
        }
    } else if (tracks(delivery)) {
        track(std::move(delivery));
    } else if ((!queue_ || queue_->empty()) && window_open()) {
        send_untracked(delivery);
    } else {
        queue_untracked(std::move(delivery));
    }
}

bool Session::window_open() const {
    return unacknowledged_ < connection_->send_quota() && connection_->has_room();
}

void Session::send_untracked(const Delivery& delivery) {
    const std::uint16_t packet_id = in_flight_.take();
    if (connection_->send_publish(delivery, packet_id, false)) {
        ++unacknowledged_;
    } else {
        in_flight_.release(packet_id);
    }
}

bool Session::queue_full(std::size_t bytes) {
    ShardState& here = home();
    const bool any = (queue_ && !queue_->empty()) || !tracked_.empty();
    if (queue_bytes_ + bytes <= limits::session_queue_bytes && !(here.under_pressure() && any)) return false;
    here.core.metrics.dropped_queue_full.add();
    if (!overflowing_ && here.refusals.pass(here.now())) {
        logger("broker").warn("QoS 1 messages dropped: the client does not keep up client_id={} queued_bytes={} in_flight={}",
                              log_value(client_id_.view()), queue_bytes_, in_flight_.size());
    }
    overflowing_ = true;
    return true;
}

void Session::count_queued(std::size_t bytes) {
    queue_bytes_ += bytes;
    home().backlog_bytes += bytes;
}

void Session::uncount_queued(std::size_t bytes) {
    queue_bytes_ -= bytes;
    home().backlog_bytes -= bytes;
}

void Session::queue_untracked(Delivery&& delivery) {
    const std::size_t bytes = weight(*delivery.message);
    if (queue_full(bytes)) return;
    if (!queue_) queue_ = std::make_unique<std::deque<Delivery>>();
    queue_->push_back(std::move(delivery));
    count_queued(bytes);
}

bool Session::acknowledge(std::uint16_t packet_id) {
    const auto tracked = find_packet(packet_id);
    if (tracked != tracked_.end()) {
        finish(tracked);
    } else {
        if (!in_flight_.release(packet_id)) return false;
        --unacknowledged_;
        if (direct_) {
            if (auto direct = direct_->extract(packet_id)) direct.mapped()(DirectDelivery::sent);
            if (direct_->empty()) direct_.reset();
        }
    }
    if (has_queued()) send_queued();
    note_congestion();
    return true;
}

void Session::send_queued() {
    if (sending_) return;  // called again by the flush of what is being sent
    sending_ = true;
    send_unsent();
    while (queue_ && !queue_->empty() && connection_ != nullptr && window_open()) {
        const Delivery delivery = std::move(queue_->front());
        queue_->pop_front();
        uncount_queued(weight(*delivery.message));
        if (is_expired(*delivery.message, home().wall_now())) continue;
        send_untracked(delivery);
    }
    sending_ = false;
    if (queue_ && queue_->empty()) queue_.reset();
    if (!has_queued()) overflowing_ = false;
    note_congestion();
}

void Session::note_congestion() {
    const bool congested = has_queued();
    if (congested_.load(std::memory_order_relaxed) != congested) congested_.store(congested, std::memory_order_relaxed);
}

// Direct messages.

void Session::send_direct(const MessagePtr& message, DirectDone done) {
    if (mode_.load(std::memory_order_relaxed) == Mode::ended) return done(DirectDelivery::no_such_client);
    if (connection_ == nullptr) return done(DirectDelivery::not_connected);
    if (!connection_->may(IotAction::receive, message->topic_name())) return done(DirectDelivery::not_allowed);
    if (!connection_->has_room()) return done(DirectDelivery::not_writable);
    Delivery delivery;
    delivery.message = message;
    delivery.qos = message->qos();
    if (delivery.qos == Qos::at_most_once)
        return done(connection_->send_publish(delivery, 0, false) ? DirectDelivery::sent : DirectDelivery::not_writable);
    if (unacknowledged_ >= connection_->send_quota()) return done(DirectDelivery::window_full);
    const std::uint16_t packet_id = in_flight_.take();
    if (!connection_->send_publish(delivery, packet_id, false)) {
        in_flight_.release(packet_id);
        return done(DirectDelivery::not_writable);
    }
    ++unacknowledged_;
    if (!direct_) direct_ = std::make_unique<std::unordered_map<std::uint16_t, DirectDone>>();
    direct_->emplace(packet_id, std::move(done));
}

/// The connection is gone: they are not sent again.
void Session::end_direct() {
    const auto direct = std::move(direct_);
    if (!direct) return;
    for (auto& [packet_id, done] : *direct) {
        in_flight_.release(packet_id);
        done(DirectDelivery::not_confirmed);
    }
}

// Subscriptions.

void Session::enter(std::string_view topic_filter, const SubscriptionOptions& options) {
    Core& core = home().core;
    if (const auto shared = parse_shared_filter(topic_filter)) {
        core.groups.join(topic_filter, *shared, shared_from_this(), options);
        if (connection_ != nullptr) core.groups.member_is_back(topic_filter, *this);
    } else {
        core.router.subscribe(topic_filter, shared_from_this(), options);
    }
}

void Session::leave(std::string_view topic_filter) {
    Core& core = home().core;
    if (parse_shared_filter(topic_filter)) {
        if (const auto group = core.groups.leave(topic_filter, *this)) give_back(group);
    } else {
        core.router.unsubscribe(topic_filter, *this);
    }
}

bool Session::subscribe(std::string_view topic_filter, const SubscriptionOptions& options) {
    const bool is_new = subscriptions_.insert_or_assign(std::string(topic_filter), options).second;
    if (is_new) home().core.subscriptions.fetch_add(1, std::memory_order_relaxed);
    enter(topic_filter, options);
    if (is_persistent()) home().journal.put(records::subscription_key(number_, topic_filter), records::encode(options));
    return is_new;
}

bool Session::unsubscribe(std::string_view topic_filter) {
    if (subscriptions_.erase(std::string(topic_filter)) == 0) return false;
    home().core.subscriptions.fetch_sub(1, std::memory_order_relaxed);
    leave(topic_filter);
    if (is_persistent()) home().journal.erase(records::subscription_key(number_, topic_filter));
    return true;
}

// Connections.

bool Session::take_over(const SessionTerms& terms, std::uint64_t connection_id) {
    if (mode_.load(std::memory_order_relaxed) == Mode::ended) return false;
    on_deadline();  // the tick that would have ended it may not have come yet
    if (connection_ != nullptr)
        connection_->close(DisconnectReason::duplicate_clientid, "a new connection was established with the same client ID");
    // A 3.1.1 session cannot be resumed by MQTT 5, nor the reverse (reference "broker", section 11).
    if (!is_persistent() || terms.clean_start || terms.version != version_) {
        end();
        return false;
    }
    promised_to_ = connection_id;
    expiring_ = false;
    drop_will();  // not sent: the client is back before its delay was over (MQTT-3.1.3-9)
    return true;
}

void Session::move_home(ShardState& to, UniqueFunction<void()> then) {
    ShardState& from = home();
    for (auto& [sequence, tracked] : tracked_) {
        if (!tracked.stored && is_persistent()) store(sequence, tracked);
    }
    // The writes of this shard go first; the next ones come from the other.
    from.journal.flush();
    from.backlog_bytes -= queue_bytes_;
    home_.store(&to, std::memory_order_release);
    to.shard.post([self = shared_from_this(), &to, bytes = queue_bytes_, then = std::move(then)]() mutable {
        to.backlog_bytes += bytes;
        then();
    });
}

bool Session::attach(Connection& connection, const SessionTerms& terms) {
    if (mode_.load(std::memory_order_relaxed) == Mode::ended) return false;
    if (promised_to_ != 0 && promised_to_ != connection.id()) return false;
    promised_to_ = connection.id();
    connection_ = &connection;
    expiry_s_ = terms.expiry_s;
    expiring_ = false;
    unacknowledged_ = 0;
    online_.store(true, std::memory_order_relaxed);
    if (!terms.persistent()) mode_.store(Mode::clean, std::memory_order_release);  // resumed for the last time
    write_record();
    restart_tracked();
    return true;
}

void Session::withdraw(std::uint64_t connection_id) {
    if (mode_.load(std::memory_order_relaxed) == Mode::ended || promised_to_ != connection_id || connection_ != nullptr) return;
    promised_to_ = 0;
    go_offline();
}

void Session::detach(const Connection& connection, std::uint32_t expiry_s, DisconnectReason reason) {
    if (connection_ != &connection) return;
    connection_ = nullptr;
    end_direct();
    promised_to_ = 0;
    online_.store(false, std::memory_order_relaxed);
    congested_.store(false, std::memory_order_relaxed);
    expiry_s_ = expiry_s;
    last_reason_ = reason;
    if (expiry_s == 0) {
        end();
        return;
    }
    mode_.store(Mode::persistent, std::memory_order_release);
    go_offline();
}

void Session::go_offline() {
    ShardState& here = home();
    disconnected_at_ = here.wall_now();
    unacknowledged_ = 0;
    for (auto& [sequence, tracked] : tracked_) {
        tracked.sent = false;
        if (!tracked.stored) store(sequence, tracked);
    }
    unsent_from_ = tracked_.empty() ? no_sequence : tracked_.begin()->first;
    if (queue_) {
        // Of the time when it was a clean one: kept from now on.
        auto waiting = std::move(queue_);
        for (Delivery& delivery : *waiting) {
            uncount_queued(weight(*delivery.message));
            track(std::move(delivery));
        }
    }
    if (expiry_s_ != SessionTerms::never) {
        expires_at_ = here.now() + std::chrono::seconds(expiry_s_);
        expiring_ = true;
        here.wake_session_at(shared_from_this(), expires_at_);
    }
    write_record();
    leave_groups(false);
}

void Session::write_record() {
    if (!is_persistent()) return;
    records::SessionRecord record;
    record.number = number_;
    record.version = version_;
    record.expiry_s = expiry_s_;
    record.session_identifier = session_identifier_;
    if (connection_ == nullptr) record.disconnected_at = disconnected_at_;
    home().journal.put(records::session_key(client_id_), records::encode(record));
}

bool Session::delay_will(const MessagePtr& message, std::chrono::seconds delay) {
    if (mode_.load(std::memory_order_relaxed) == Mode::ended || !home().here()) return false;
    will_ = std::make_unique<DelayedWill>(DelayedWill{message, home().now() + delay});
    home().wake_session_at(shared_from_this(), will_->due);
    records::WillRecord record;
    record.due = home().wall_now() + delay;
    record.message = records::encode(*message);
    home().journal.put(records::will_key(number_), records::encode(record));
    return true;
}

void Session::drop_will() {
    if (!std::exchange(will_, nullptr)) return;
    if (number_ != 0) home().journal.erase(records::will_key(number_));
}

void Session::on_deadline() {
    ShardState& here = home();
    if (!here.here() || mode_.load(std::memory_order_relaxed) == Mode::ended || connection_ != nullptr) return;
    if (will_ && here.now() >= will_->due) {
        const MessagePtr message = will_->message;
        drop_will();
        here.core.router.publish(message, nullptr);
    }
    if (expiring_ && promised_to_ == 0 && here.now() >= expires_at_) end();
}

void Session::end() {
    const Mode before = mode_.exchange(Mode::ended, std::memory_order_acq_rel);
    if (before == Mode::ended) return;
    connection_ = nullptr;
    end_direct();
    online_.store(false, std::memory_order_relaxed);
    const auto self = shared_from_this();
    Core& core = home().core;
    leave_groups(true);
    for (const auto& [topic_filter, options] : subscriptions_) {
        if (parse_shared_filter(topic_filter)) {
            core.groups.leave(topic_filter, *this);
        } else {
            core.router.unsubscribe(topic_filter, *this);
        }
    }
    core.subscriptions.fetch_sub(subscriptions_.size(), std::memory_order_relaxed);
    subscriptions_.clear();
    in_flight_.clear();
    drop_tracked();
    queue_.reset();
    uncount_queued(queue_bytes_);
    inbound_.clear();
    if (number_ != 0) home().journal.erase_session(client_id_, number_);
    core.clients.release(client_id_, *this);
    // The will's delay ends with the session at the latest (MQTT-3.1.3-9).
    if (const auto will = std::exchange(will_, nullptr)) core.router.publish(will->message, nullptr);
}

}  // namespace fogbank::broker
