#include "broker/shard_state.h"

#include <spdlog/spdlog.h>
#include <boost/asio/post.hpp>

#include <algorithm>

#include "broker/arrival.h"
#include "broker/connection.h"
#include "broker/errc.h"
#include "broker/limits.h"
#include "broker/message_expiry.h"
#include "broker/mqtt/properties.h"
#include "broker/session.h"
#include "common/logging.h"

namespace fogbank::broker {
namespace {

std::int64_t tick_after(SteadyTime when) {
    return when.time_since_epoch() / limits::tick + 1;
}

}  // namespace

ShardState::ShardState(Core& shared, Shard& own_shard)
    : core(shared),
      shard(own_shard),
      poller(
          own_shard.io(), [this] { take_time(); }, [this] { end_turn(); }),
      scratch(limits::read_scratch_bytes),
      refusals(limits::refusal_logs_per_second),
      journal(shared, own_shard),
      late_timer_(own_shard.io()),
      timer_(own_shard.io()) {
    for (std::size_t i = 0; i < shared.shards.size(); ++i) outgoing_.push_back(std::make_unique<Outgoing>());
    take_time();
}

ShardState::~ShardState() = default;

void ShardState::take_time() {
    now_ = core.clock.steady();
    wall_now_ = core.clock.now();
}

void ShardState::start() {
    poller.start();
    arm_timer();
}

void ShardState::stop() {
    stopped_ = true;
    poller.stop();
    timer_.cancel();
    late_timer_.cancel();
    to_read_.clear();
    to_handshake_.clear();
    held_back_.clear();
    paced_.clear();
}

void ShardState::adopt(const std::shared_ptr<Arrival>& arrival) {
    take_time();
    arrivals_.emplace(arrival->id(), arrival);
    arrival->start();
    turn_needed();
}

void ShardState::connected(std::uint64_t id, Arrived arrived) {
    const auto connection = std::make_shared<Connection>(*this, id, std::move(arrived));
    connections_.emplace(id, connection);
    connection->start();
    turn_needed();
}

void ShardState::retire(Arrival& arrival) {
    const auto found = arrivals_.find(arrival.id());
    if (found == arrivals_.end()) return;
    retired_arrivals_.push_back(std::move(found->second));
    arrivals_.erase(found);
    turn_needed();
}

void ShardState::retire(Connection& connection) {
    const auto found = connections_.find(connection.id());
    if (found == connections_.end()) return;
    retired_.push_back(std::move(found->second));
    connections_.erase(found);
    turn_needed();
}

/// A copy: closing changes the map.
std::vector<std::shared_ptr<Connection>> ShardState::all_connections() const {
    std::vector<std::shared_ptr<Connection>> all;
    all.reserve(connections_.size());
    for (const auto& [id, connection] : connections_) all.push_back(connection);
    return all;
}

void ShardState::close_arrivals(std::string_view detail) {
    std::vector<std::shared_ptr<Arrival>> all;
    for (const auto& [id, arrival] : arrivals_) all.push_back(arrival);
    for (const auto& arrival : all) arrival->close(DisconnectReason::server_initiated_disconnect, detail);
}

void ShardState::begin_stop() {
    close_arrivals("the broker stops");
    for (const auto& connection : all_connections()) connection->begin_stop();
}

bool ShardState::drained() const {
    return std::all_of(connections_.begin(), connections_.end(), [](const auto& entry) { return entry.second->drained(); });
}

void ShardState::close_all(DisconnectReason reason, std::string_view detail) {
    close_arrivals(detail);
    for (const auto& connection : all_connections()) connection->close(reason, detail);
}

void ShardState::turn_needed() {
    if (turn_scheduled_) return;
    turn_scheduled_ = true;
    shard.at_end_of_turn([this] { end_turn(); });
}

void ShardState::end_turn() {
    turn_scheduled_ = false;
    // Indexed: a flush that finds its socket dead closes the connection, and its will makes others have something to flush.
    for (std::size_t i = 0; i < to_flush_.size(); ++i) to_flush_[i]->flush();
    to_flush_.clear();
    send_outgoing();
    const std::vector<std::shared_ptr<Connection>> gone = std::move(retired_);
    retired_.clear();
    for (const auto& connection : gone) connection->release();
    retired_arrivals_.clear();
    encoded_message_.reset();
    encoded_.clear();
    journal.flush();
    counts.flush(core.metrics);
}

void ShardState::flush_later(Connection& connection) {
    to_flush_.push_back(&connection);
    turn_needed();
}

void ShardState::ready_needed() {
    if (ready_posted_) return;
    ready_posted_ = true;
    boost::asio::post(shard.io(), [this] { run_ready(); });
}

void ShardState::read_later(Connection& connection) {
    to_read_.push_back(connection.shared_from_this());
    ready_needed();
}

void ShardState::handshake_later(std::shared_ptr<Arrival> arrival) {
    to_handshake_.push_back(std::move(arrival));
    ready_needed();
}

void ShardState::run_ready() {
    ready_posted_ = false;
    take_time();
    const std::vector<std::shared_ptr<Connection>> readers = std::move(to_read_);
    to_read_.clear();
    for (const auto& connection : readers) connection->continue_reading();
    for (int i = 0; i < limits::handshake_steps_per_turn && !to_handshake_.empty(); ++i) {
        const std::shared_ptr<Arrival> arrival = std::move(to_handshake_.front());
        to_handshake_.pop_front();
        arrival->continue_handshake();
    }
    if (!to_handshake_.empty()) ready_needed();
    end_turn();
}

void ShardState::wake_at(std::uint64_t id, SteadyTime when) {
    deadlines_[tick_after(when)].push_back(id);
}

void ShardState::pace(Connection& connection) {
    paced_.push_back(connection.shared_from_this());
    if (paced_.size() == 1) arm_timer();
}

void ShardState::shrink_later(Connection& connection) {
    to_shrink_.push_back(connection.id());
}

void ShardState::arm_timer() {
    timer_.expires_after(paced_.empty() ? limits::tick : limits::pacing_tick);
    timer_.async_wait([this](boost::system::error_code error) {
        if (error || stopped_) return;
        tick();
        arm_timer();
    });
}

void ShardState::tick() {
    take_time();
    const std::vector<std::shared_ptr<Connection>> paced = std::move(paced_);
    paced_.clear();
    for (const auto& connection : paced) connection->stop_waiting(Connection::wait_pacing);
    const std::vector<std::uint64_t> shrinking = std::move(to_shrink_);
    to_shrink_.clear();
    for (const std::uint64_t id : shrinking) {
        if (const auto found = connections_.find(id); found != connections_.end()) found->second->shrink();
    }
    run_deadlines();
    run_session_deadlines();
    if (const std::uint64_t suppressed = refusals.take_suppressed(); suppressed != 0) {
        logger("broker").warn("more refusals than are logged one by one count={}", suppressed);
    }
    turn_needed();
}

void ShardState::run_deadlines() {
    while (!deadlines_.empty() && deadlines_.begin()->first * limits::tick <= now_.time_since_epoch()) {
        const std::vector<std::uint64_t> due = std::move(deadlines_.begin()->second);
        deadlines_.erase(deadlines_.begin());
        for (const std::uint64_t id : due) {
            if (const auto found = connections_.find(id); found != connections_.end()) {
                const std::shared_ptr<Connection> connection = found->second;
                connection->on_deadline();
            } else if (const auto arriving = arrivals_.find(id); arriving != arrivals_.end()) {
                const std::shared_ptr<Arrival> arrival = arriving->second;
                arrival->on_deadline();
            }
        }
    }
}

bool ShardState::goes_to_others_too(const MessagePtr& message) {
    if (encoded_message_ == message) return true;
    encoded_message_ = message;
    encoded_.clear();
    turn_needed();
    return false;
}

const mqtt::EncodedPublish& ShardState::encoded(const MessagePtr& message, mqtt::Version version, Qos qos, bool retain) {
    goes_to_others_too(message);
    for (const Encoded& known : encoded_) {
        if (known.version == version && known.qos == qos && known.retain == retain) return known.publish;
    }
    if (version == mqtt::Version::v3_1_1) {
        encoded_.push_back({version, qos, retain, mqtt::encode_publish(message->topic_name(), message->payload(), qos, retain)});
    } else {
        mqtt::Properties properties;
        if (const MessageProperties* sent = message->properties())
            properties = mqtt::to_properties(*sent, remaining_expiry_s(*message, wall_now_));
        encoded_.push_back(
            {version, qos, retain, mqtt::encode_publish5(message->topic_name(), message->payload(), qos, retain, properties)});
    }
    return encoded_.back().publish;
}

void ShardState::deliver_remote(std::shared_ptr<Session> session, Delivery delivery) {
    Outgoing& outgoing = *outgoing_[session->home().shard.index()];
    const Message& message = *delivery.message;
    const std::size_t bytes = message.topic_name().size() + message.payload().size() + limits::queued_message_overhead_bytes;
    if (outgoing.bytes_under_way.load() + outgoing.batch_bytes + bytes > limits::shard_mailbox_drop_bytes) {
        core.metrics.dropped_mailbox_full.add();
        delivery.hold.fail(Error(Errc::throttled, "too much is under way to another shard"));
        return;
    }
    outgoing.batch.push_back({std::move(session), std::move(delivery)});
    outgoing.batch_bytes += bytes;
    turn_needed();
}

void ShardState::store_late(std::shared_ptr<Session> session, std::uint64_t sequence) {
    late_fresh_.push_back({std::move(session), sequence});
    if (std::exchange(late_timer_armed_, true)) return;
    late_timer_.expires_after(limits::store_grace);
    late_timer_.async_wait([this](boost::system::error_code error) {
        if (!error && !stopped_) store_what_is_late();
    });
}

/// What was there at the last call has waited long enough.
void ShardState::store_what_is_late() {
    take_time();
    late_timer_armed_ = false;
    const std::vector<Late> due = std::exchange(late_aging_, std::exchange(late_fresh_, {}));
    for (const Late& late : due) {
        if (const auto session = late.session.lock()) session->store_late(late.sequence);
    }
    if (!late_aging_.empty()) {
        late_timer_armed_ = true;
        late_timer_.expires_after(limits::store_grace);
        late_timer_.async_wait([this](boost::system::error_code error) {
            if (!error && !stopped_) store_what_is_late();
        });
    }
    turn_needed();
}

void ShardState::wake_session_at(const std::shared_ptr<Session>& session, SteadyTime when) {
    session_deadlines_[tick_after(when)].push_back(session);
}

void ShardState::run_session_deadlines() {
    while (!session_deadlines_.empty() && session_deadlines_.begin()->first * limits::tick <= now_.time_since_epoch()) {
        const auto due = std::move(session_deadlines_.begin()->second);
        session_deadlines_.erase(session_deadlines_.begin());
        for (const auto& weak : due) {
            if (const auto session = weak.lock()) session->on_deadline();
        }
    }
}

void ShardState::close_principal(const std::string& principal_id, DisconnectReason reason, std::string_view detail) {
    take_time();
    for (const auto& connection : all_connections()) {
        if (connection->principal_id() == principal_id) connection->close(reason, detail);
    }
}

void ShardState::send_outgoing() {
    for (std::size_t i = 0; i < outgoing_.size(); ++i) {
        Outgoing& outgoing = *outgoing_[i];
        if (outgoing.batch.empty()) continue;
        const std::size_t bytes = std::exchange(outgoing.batch_bytes, 0);
        outgoing.bytes_under_way.fetch_add(bytes);
        core.shards[i].post([to = core.states[i].get(), this, batch = std::move(outgoing.batch), bytes]() mutable {
            to->receive_batch(*this, std::move(batch), bytes);
        });
        outgoing.batch.clear();
    }
}

void ShardState::receive_batch(ShardState& from, std::vector<Addressed> batch, std::size_t bytes) {
    take_time();
    for (Addressed& addressed : batch) addressed.session->receive(std::move(addressed.delivery));
    turn_needed();
    const std::size_t before = from.outgoing_[shard.index()]->bytes_under_way.fetch_sub(bytes);
    if (before - bytes <= limits::shard_mailbox_pause_bytes / 2 && from.mailbox_waited_for_.exchange(false)) {
        from.shard.post([&from] { from.release_held_back(); });
    }
}

bool ShardState::hold_back(Connection& connection) {
    const auto over = [this](std::size_t limit) {
        return std::any_of(outgoing_.begin(), outgoing_.end(),
                           [limit](const auto& outgoing) { return outgoing->bytes_under_way.load() + outgoing->batch_bytes > limit; });
    };
    if (!over(limits::shard_mailbox_pause_bytes)) return false;
    mailbox_waited_for_.store(true);
    // Worked off in between: nobody would wake us.
    if (!over(limits::shard_mailbox_pause_bytes / 2)) return false;
    held_back_.push_back(connection.shared_from_this());
    return true;
}

void ShardState::release_held_back() {
    const std::vector<std::shared_ptr<Connection>> waiting = std::move(held_back_);
    held_back_.clear();
    for (const auto& connection : waiting) connection->stop_waiting(Connection::wait_mailboxes);
}

bool ShardState::under_pressure() const {
    return backlog_bytes > limits::shard_backlog_bytes;
}

}  // namespace fogbank::broker
