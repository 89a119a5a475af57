/// What the connections of one shard share: their poller, buffers, timers, and the way to the other shards.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "broker/broker_metrics.h"
#include "broker/core.h"
#include "broker/delivery.h"
#include "broker/journal.h"
#include "broker/log_limiter.h"
#include "broker/mqtt/packet.h"
#include "broker/poller.h"
#include "common/shard.h"
#include "common/subscriber.h"

namespace fogbank::broker {

class Arrival;
struct Arrived;
class Connection;
class Session;

/// All functions on the shard's thread unless said otherwise.
class ShardState {
  public:
    ShardState(Core& core, Shard& shard);
    ~ShardState();
    ShardState(const ShardState&) = delete;
    ShardState& operator=(const ShardState&) = delete;

    Core& core;
    Shard& shard;
    Poller poller;
    std::vector<char> scratch;  ///< what a read goes into; free whenever no connection is being read
    TurnCounts counts;
    LogLimiter refusals;

    bool here() const { return Shard::current() == &shard; }
    SteadyTime now() const { return now_; }  ///< taken once per batch of events
    WallTime wall_now() const { return wall_now_; }
    void take_time();

    // Connections.
    void adopt(const std::shared_ptr<Arrival>& arrival);
    /// An arrival has turned out to speak MQTT: makes a Connection of it, under the same id.
    void connected(std::uint64_t id, Arrived arrived);
    /// The arrival is over: it is destroyed at the end of the turn.
    void retire(Arrival& arrival);
    /// The connection is closed: it is destroyed at the end of the turn.
    void retire(Connection& connection);
    std::size_t connection_count() const { return connections_.size(); }
    void begin_stop();
    bool drained() const;
    void close_all(DisconnectReason reason, std::string_view detail);

    // Sessions.
    Journal journal;
    /// Calls `session->store_late(sequence)` after `limits::store_grace`.
    void store_late(std::shared_ptr<Session> session, std::uint64_t sequence);
    /// Calls `session->on_deadline()` at `when` or up to one tick later, if it is still at home here.
    void wake_session_at(const std::shared_ptr<Session>& session, SteadyTime when);
    /// Closes the connections of a principal.
    void close_principal(const std::string& principal_id, DisconnectReason reason, std::string_view detail);

    // Turns.
    void turn_needed();
    void flush_later(Connection& connection);
    void read_later(Connection& connection);
    void handshake_later(std::shared_ptr<Arrival> arrival);
    void end_turn();
    /// Calls `on_deadline()` of that arrival or connection at `when` or up to one tick later; it may also come for times that were asked
    /// for before.
    void wake_at(std::uint64_t id, SteadyTime when);
    /// Tries again at the next fine tick.
    void pace(Connection& connection);
    /// At the next tick buffers that are empty are given back.
    void shrink_later(Connection& connection);

    // Delivery.
    /// False the first time: what has one receiver is encoded in its place; whoever else gets `message` in this turn shares an encoding.
    bool goes_to_others_too(const MessagePtr& message);
    /// `message` as a PUBLISH packet, encoded once for all its receivers on this shard that want the same; valid until the next call.
    const mqtt::EncodedPublish& encoded(const MessagePtr& message, mqtt::Version version, Qos qos, bool retain);
    /// From this shard to a session on another one: gathered, and handed over once a turn.
    void deliver_remote(std::shared_ptr<Session> session, Delivery delivery);
    /// Whether too much is under way to other shards; the connection is read again when it is not.
    bool hold_back(Connection& connection);

    /// Unsent and queued bytes of all connections of the shard.
    std::size_t backlog_bytes = 0;
    bool under_pressure() const;

    void start();
    void stop();

  private:
    struct Addressed {
        std::shared_ptr<Session> session;
        Delivery delivery;
    };
    /// Deliveries to one other shard: those of this turn, and the weight of all that it has not worked off yet.
    struct Outgoing {
        std::vector<Addressed> batch;
        std::size_t batch_bytes = 0;
        std::atomic<std::size_t> bytes_under_way{0};
    };

    std::vector<std::shared_ptr<Connection>> all_connections() const;
    void close_arrivals(std::string_view detail);
    void send_outgoing();
    void receive_batch(ShardState& from, std::vector<Addressed> batch, std::size_t bytes);
    void release_held_back();
    void ready_needed();
    void run_ready();
    void tick();
    void run_deadlines();
    void arm_timer();

    struct Encoded {
        mqtt::Version version;
        Qos qos;
        bool retain;
        mqtt::EncodedPublish publish;
    };
    struct Late {
        std::weak_ptr<Session> session;
        std::uint64_t sequence;
    };
    void store_what_is_late();
    void run_session_deadlines();

    std::unordered_map<std::uint64_t, std::shared_ptr<Connection>> connections_;  ///< by id
    std::unordered_map<std::uint64_t, std::shared_ptr<Arrival>> arrivals_;        ///< by id
    std::vector<std::shared_ptr<Connection>> retired_;
    std::vector<std::shared_ptr<Arrival>> retired_arrivals_;
    std::vector<Connection*> to_flush_;  ///< alive: what is retired goes at the end of the turn, after the flush
    std::vector<std::shared_ptr<Connection>> to_read_, held_back_, paced_;
    std::deque<std::shared_ptr<Arrival>> to_handshake_;
    std::vector<std::uint64_t> to_shrink_;
    std::map<std::int64_t, std::vector<std::uint64_t>> deadlines_;  ///< ids by tick; an id costs nothing when its owner is gone
    std::vector<std::unique_ptr<Outgoing>> outgoing_;               ///< by shard index
    std::atomic<bool> mailbox_waited_for_{false};
    MessagePtr encoded_message_;  ///< what `encoded_` are encodings of
    std::vector<Encoded> encoded_;
    std::vector<Late> late_fresh_, late_aging_;
    boost::asio::steady_timer late_timer_;
    std::map<std::int64_t, std::vector<std::weak_ptr<Session>>> session_deadlines_;  ///< by tick
    boost::asio::steady_timer timer_;
    SteadyTime now_{};
    WallTime wall_now_{};
    bool turn_scheduled_ = false, ready_posted_ = false, stopped_ = false, late_timer_armed_ = false;
};

}  // namespace fogbank::broker
