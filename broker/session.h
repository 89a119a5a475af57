/// What the broker keeps for a client: its subscriptions and the QoS 1 messages on their way to it.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "broker/packet_id_window.h"
#include "common/ids.h"
#include "common/subscriber.h"

namespace fogbank::broker {

class Connection;
class ShardState;

/// A subscriber in the topic index, at home on one shard: `deliver` comes on any shard, everything else is called at home only.
///
/// Lives as long as its connection (clean session). A persistent session will outlive it: it then has no connection, keeps its queue and
/// window, and takes holds on what it must store; the calls are the same.
class Session final : public Subscriber, public std::enable_shared_from_this<Session> {
  public:
    Session(ShardState& home, ClientId client_id, Connection& connection);
    ~Session() override;

    const ClientId& client_id() const { return client_id_; }
    ShardState& home() const { return home_; }

    void deliver(const MessagePtr& message, const SubscriptionOptions& options, PublishContext& context) override;
    /// The part of `deliver` that runs at home.
    void receive(const MessagePtr& message, Qos qos);

    /// @return whether the filter is a new one.
    bool subscribe(std::string_view topic_filter, const SubscriptionOptions& options);
    bool unsubscribe(std::string_view topic_filter);
    bool is_subscribed(std::string_view topic_filter) const { return subscriptions_.contains(std::string(topic_filter)); }
    std::size_t subscription_count() const { return subscriptions_.size(); }

    /// @return false if the client acknowledged what was not in flight.
    bool acknowledge(std::uint16_t packet_id);
    /// Sends what waits and now has a place in the window and in the connection's outbox.
    void send_queued();
    bool has_queued() const { return queue_ && !queue_->empty(); }

    /// The connection is gone: no delivery is taken any more and the index forgets the session. Idempotent.
    void end();
    /// Another connection has claimed the client id.
    void displace();

  private:
    bool window_open() const;
    void send(const MessagePtr& message, Qos qos);
    void queue(const MessagePtr& message);

    ShardState& home_;
    const ClientId client_id_;
    Connection* connection_;  ///< null once it is gone
    std::atomic<bool> ended_{false};
    std::unordered_map<std::string, SubscriptionOptions> subscriptions_;
    PacketIdWindow in_flight_;
    std::unique_ptr<std::deque<MessagePtr>> queue_;  ///< made when the first message has to wait: an empty deque is 600 bytes
    std::size_t queue_bytes_ = 0;
    bool sending_ = false;
    bool overflowing_ = false;  ///< the queue's overflow has been logged and not ended since
};

}  // namespace fogbank::broker
