/// What the broker keeps for a client: its subscriptions and the QoS 1 and 2 messages on their way to it.
#pragma once

#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "broker/delivery.h"
#include "broker/disconnect_reason.h"
#include "broker/journal.h"
#include "broker/mqtt/packet.h"
#include "broker/packet_id_window.h"
#include "common/connections.h"
#include "common/function.h"
#include "common/ids.h"
#include "common/subscriber.h"

namespace fogbank::broker {

class Connection;
class ShardState;
class SharedGroup;

/// What a CONNECT asks of its session, the quotas already applied.
struct SessionTerms {
    static constexpr std::uint32_t never = 0xFFFFFFFF;  ///< expiry: none (OASIS MQTT 5, section 3.1.2.11.2)

    mqtt::Version version = mqtt::Version::v3_1_1;
    bool clean_start = true;
    std::uint32_t expiry_s = 0;  ///< 0: the session ends with its connection

    bool persistent() const { return expiry_s != 0; }
};

/// A will that waits for its delay (OASIS MQTT 5, section 3.1.3.2.2).
struct DelayedWill {
    MessagePtr message;
    SteadyTime due{};
};

/// A subscriber in the topic index, at home on one shard: `deliver` comes on any shard, everything else is called at home only, unless said
/// otherwise.
///
/// A clean session lives as long as its connection. A persistent one outlives it: without a connection it queues QoS 1 and 2 on disk and in
/// memory. When its client comes back on another shard the session moves there: the object stays what the topic index knows, `home`
/// changes.
///
/// What must be durable while the client is connected: a QoS 1 message is sent at once and its publisher's acknowledgement held; if the
/// client acknowledges within some 10 ms nothing is ever written, else the message goes to disk and the hold with it.
class Session final : public Subscriber, public std::enable_shared_from_this<Session> {
  public:
    Session(ShardState& home, ClientId client_id, const SessionTerms& terms, std::string session_identifier, std::uint64_t number);
    ~Session() override;

    // Any thread.
    const ClientId& client_id() const { return client_id_; }
    const std::string& session_identifier() const { return session_identifier_; }
    std::uint64_t number() const { return number_; }
    ShardState& home() const { return *home_.load(std::memory_order_acquire); }
    bool is_online() const { return online_.load(std::memory_order_relaxed); }
    bool is_congested() const { return congested_.load(std::memory_order_relaxed); }
    bool is_persistent() const { return mode_.load(std::memory_order_acquire) == Mode::persistent; }
    /// Runs `task` on the thread of the session's home: now if that is this one. Should the session move meanwhile the task follows it.
    static void at_home(std::shared_ptr<Session> session, UniqueFunction<void()> task);

    void deliver(const MessagePtr& message, const SubscriptionOptions& options, PublishContext& context) override;
    void deliver_as_member(const MessagePtr& message, const SubscriptionOptions& options, PublishContext& context,
                           std::shared_ptr<SharedGroup> group);
    /// The part of `deliver` that runs at home (and forwards if the session has moved).
    void receive(Delivery delivery);

    // Connections.
    /// Another connection wants the session: the present one is closed. @return false if the session cannot be resumed: it has ended.
    bool take_over(const SessionTerms& terms, std::uint64_t connection_id);
    /// A new session, before anybody else knows it.
    void promise_to(std::uint64_t connection_id) { promised_to_ = connection_id; }
    /// Makes `to` the home; the caller touches the session no more. Posts `then` there, where another connection may have taken the session
    /// away again.
    void move_home(ShardState& to, UniqueFunction<void()> then);
    /// @return false if another connection has been promised the session since.
    bool attach(Connection& connection, const SessionTerms& terms);
    /// The connection is gone. Ends a clean session. @param expiry_s  the session's expiry interval, which DISCONNECT may have changed.
    void detach(const Connection& connection, std::uint32_t expiry_s, DisconnectReason reason);
    /// The connection that was promised the session closed before it was attached.
    void withdraw(std::uint64_t connection_id);
    /// @return false if the session has ended: the will is then due now.
    bool delay_will(const MessagePtr& message, std::chrono::seconds delay);
    void drop_will();
    Connection* connection() const { return connection_; }
    std::uint32_t expiry_s() const { return expiry_s_; }
    mqtt::Version version() const { return version_; }
    DisconnectReason last_disconnect_reason() const { return last_reason_; }
    WallTime disconnected_at() const { return disconnected_at_; }

    // Subscriptions; with `$share/…` as sent.
    /// @return whether the filter is a new one.
    bool subscribe(std::string_view topic_filter, const SubscriptionOptions& options);
    bool unsubscribe(std::string_view topic_filter);
    bool is_subscribed(std::string_view topic_filter) const { return subscriptions_.contains(std::string(topic_filter)); }
    std::size_t subscription_count() const { return subscriptions_.size(); }
    const std::unordered_map<std::string, SubscriptionOptions>& subscriptions() const { return subscriptions_; }

    /// A message past the topic index; told once what became of it, maybe within the call. QoS 1: when its PUBACK is there, or will not
    /// come.
    using DirectDone = UniqueFunction<void(DirectDelivery)>;
    void send_direct(const MessagePtr& message, DirectDone done);

    // Packets of the client about messages it was sent. @return false if the packet id is not in flight.
    bool acknowledge(std::uint16_t packet_id);            ///< PUBACK, PUBCOMP
    bool received(std::uint16_t packet_id, bool failed);  ///< PUBREC; `failed`: with an error reason code
    /// Sends what waits and now has a place in the window and in the connection's outbox.
    void send_queued();
    bool has_queued() const { return (queue_ && !queue_->empty()) || has_unsent(); }

    // QoS 2 from the client: ids between PUBLISH and PUBREL.
    bool begin_inbound(std::uint16_t packet_id);  ///< false if it was begun already
    bool end_inbound(std::uint16_t packet_id);    ///< false if there was none
    bool has_inbound(std::uint16_t packet_id) const { return inbound_.contains(packet_id); }

    /// The index forgets the session, what is stored of it is erased. Idempotent.
    void end();
    /// Messages that a shared subscription gave to this session and that it has not acknowledged go to other members.
    void give_back(const std::shared_ptr<SharedGroup>& group);

    // For the shard's turn.
    /// Stores the message, if it is still on its way and not stored.
    void store_late(std::uint64_t sequence);
    /// Looks at the session's own deadlines: expiry, delayed will.
    void on_deadline();

    // For the restore at start-up, before the session is in the registry and the index.
    void restore_subscription(std::string topic_filter, const SubscriptionOptions& options);
    void restore_entry(std::uint64_t sequence, const records::EntryRecord& entry, MessagePtr message, std::shared_ptr<StoredMessage> stored,
                       std::shared_ptr<SharedGroup> group);
    void restore_inbound(std::uint16_t packet_id) { inbound_.insert(packet_id); }
    void restore_will(MessagePtr message, SteadyTime due) { will_ = std::make_unique<DelayedWill>(DelayedWill{std::move(message), due}); }
    /// Enters the subscriptions into the index and starts the expiry interval.
    void restore_done(WallTime disconnected_at);

  private:
    enum class Mode : std::uint8_t { clean, persistent, ended };
    /// A message that is followed until it is acknowledged: all of a persistent session, QoS 2, shared subscriptions.
    struct Tracked {
        Delivery delivery;
        std::uint16_t packet_id = 0;  ///< 0: never sent
        bool sent = false;            ///< on this connection
        bool released = false;        ///< QoS 2: PUBREC has come
        bool stored = false;
        std::shared_ptr<StoredMessage> body;
    };
    using TrackedMap = std::map<std::uint64_t, Tracked>;  ///< by sequence

    void take(const MessagePtr& message, const SubscriptionOptions& options, PublishContext& context, std::shared_ptr<SharedGroup> group);
    bool tracks(const Delivery& delivery) const;
    bool window_open() const;
    void send_untracked(const Delivery& delivery);
    void queue_untracked(Delivery&& delivery);
    bool queue_full(std::size_t bytes);
    void count_queued(std::size_t bytes);
    void uncount_queued(std::size_t bytes);

    // session_tracking.cpp
    void track(Delivery&& delivery);
    bool has_unsent() const { return unsent_from_ != no_sequence; }
    void send_unsent();
    /// @return false if the window or the outbox is full.
    bool send_tracked(std::uint64_t sequence, Tracked& tracked);
    void store(std::uint64_t sequence, Tracked& tracked);
    TrackedMap::iterator find_packet(std::uint16_t packet_id);
    TrackedMap::iterator finish(TrackedMap::iterator done);
    void restart_tracked();
    void leave_groups(bool for_good);
    void drop_tracked();

    void end_direct();

    void write_record();
    void go_offline();
    void enter(std::string_view topic_filter, const SubscriptionOptions& options);
    void leave(std::string_view topic_filter);
    void note_congestion();

    static constexpr std::uint64_t no_sequence = ~std::uint64_t{0};

    std::atomic<ShardState*> home_;
    const ClientId client_id_;
    const mqtt::Version version_;
    const std::string session_identifier_;
    const std::uint64_t number_;
    std::uint32_t expiry_s_;
    std::atomic<Mode> mode_;
    std::atomic<bool> online_{false}, congested_{false};
    Connection* connection_ = nullptr;  ///< null while there is none
    std::uint64_t promised_to_ = 0;     ///< id of the connection that will be attached next, or is

    std::unordered_map<std::string, SubscriptionOptions> subscriptions_;
    PacketIdWindow in_flight_;        ///< packet ids in use, of this connection and of earlier ones
    std::size_t unacknowledged_ = 0;  ///< sent on this connection: what the send quota counts

    /// QoS 1 of a clean session that waits for the window; made when the first message has to wait: an empty deque is 600 bytes.
    std::unique_ptr<std::deque<Delivery>> queue_;
    std::size_t queue_bytes_ = 0;
    TrackedMap tracked_;
    boost::unordered_flat_map<std::uint16_t, std::uint64_t> tracked_ids_;  ///< sequence by packet id
    std::uint64_t next_sequence_ = 1, unsent_from_ = no_sequence;
    std::unordered_set<std::uint16_t> inbound_;

    /// Direct messages of this connection that are not acknowledged, by packet id; made for the first.
    std::unique_ptr<std::unordered_map<std::uint16_t, DirectDone>> direct_;

    std::unique_ptr<DelayedWill> will_;
    SteadyTime expires_at_{};  ///< meaningful while offline
    bool expiring_ = false;
    DisconnectReason last_reason_ = DisconnectReason::client_initiated_disconnect;
    WallTime disconnected_at_{};
    bool sending_ = false;
    bool overflowing_ = false;  ///< the queue's overflow has been logged and not ended since
};

}  // namespace fogbank::broker
