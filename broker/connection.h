/// One client's MQTT stream: CONNECT, packets in, bytes out, and the end.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "broker/access_cache.h"
#include "broker/ack_queue.h"
#include "broker/delivery.h"
#include "broker/disconnect_reason.h"
#include "broker/lifecycle.h"
#include "broker/mqtt/packet.h"
#include "broker/mqtt/properties.h"
#include "broker/poller.h"
#include "broker/reason_codes.h"
#include "broker/session.h"
#include "broker/stream.h"
#include "broker/topic_aliases.h"
#include "common/acknowledgement.h"
#include "common/authenticator.h"
#include "common/door_authentication.h"
#include "common/message.h"
#include "common/shard.h"
#include "common/topic.h"

namespace fogbank::broker {

class Session;
class ShardState;

/// Where a connection came in.
enum class Door : std::uint8_t { mqtt, mqtts, alpn };

/// How an arrival (broker/arrival.h) becomes a connection: a stream of MQTT bytes, and whose it is.
struct Arrived {
    Door door = Door::mqtt;
    bool websocket = false;
    std::unique_ptr<Stream> stream;
    std::string source_ip, server_name;
    std::unique_ptr<Principal> principal;       ///< null: on the plain port, or to be found by a custom authorizer
    std::unique_ptr<CustomCredentials> custom;  ///< what the WebSocket upgrade said for a custom authorizer; may be null
    std::string first_bytes;                    ///< read already
    SteadyTime connect_deadline{};
};

/// Lives and dies on one shard; every function is called on its thread, unless said otherwise. Plain callbacks on the packet path; a
/// coroutine only while the authenticator is asked.
///
/// Reading goes into the shard's scratch buffer; the connection keeps only the bytes of an incomplete packet, or those behind one that must
/// wait
/// (`Wait`). Everything to be sent is appended to one buffer that is written at the end of the loop's turn.
class Connection final : public std::enable_shared_from_this<Connection>, private Pollable {
  public:
    /// Why the connection is not read; a set of bits. What has been read and not handled stays in `input_`.
    enum Wait : std::uint8_t {
        wait_decision = 1,    ///< the authenticator is asked, or the former holder of the client id is closed
        wait_acks = 2,        ///< as many QoS 1 publishes as allowed are not acknowledged yet
        wait_pacing = 4,      ///< faster than publishes_per_second_per_connection
        wait_outbox = 8,      ///< the peer does not read its answers
        wait_mailboxes = 16,  ///< too much is under way to other shards
        wait_stop = 32,       ///< the broker stops
    };

    Connection(ShardState& home, std::uint64_t id, Arrived arrived);
    ~Connection();

    std::uint64_t id() const { return id_; }
    bool closed() const { return state_ == State::closed; }

    /// Takes the socket over from the arrival and begins. On failure the connection is closed.
    void start();
    /// Ends the connection: what is in the outbox is tried once, the session ends, the will is published unless the client said DISCONNECT.
    /// @param detail  the reason in a sentence, for the log. Idempotent; the object is destroyed at the end of the turn.
    void close(DisconnectReason reason, std::string_view detail);
    /// Ends the connection as the table of refusals says for `cause`, after CONNACK where there is one.
    void refuse(RefusalCause cause, std::string_view detail);
    /// DeleteConnection: the will is not published.
    void prevent_will() { will_.reset(); }
    const std::string& principal_id() const { return identity_.principal_id; }
    const ConnectionIdentity& identity() const { return identity_; }
    std::chrono::seconds keep_alive() const { return keep_alive_; }
    WallTime connected_at() const { return connected_at_; }
    /// No more packets are read; PUBACKs that are owed still leave.
    void begin_stop();
    bool drained() const { return acks_.empty() && unsent_bytes() == 0; }

    // For the session.
    bool may(IotAction action, std::string_view resource_name) { return access_.allows(action, resource_name); }
    /// Whether a delivery may be appended; one always fits into an empty outbox.
    bool has_room() const;
    /// How many QoS 1 and 2 messages may be in flight.
    std::size_t send_quota() const { return send_quota_; }
    /// @return false if the packet is larger than the client takes (MQTT-3.1.2-24): it is then not sent.
    bool send_publish(const Delivery& delivery, std::uint16_t packet_id, bool dup);
    void send_pubrel(std::uint16_t packet_id);

    // For the shard's turn.
    void flush();
    void continue_reading();
    void stop_waiting(Wait reason);
    void on_deadline();
    /// Gives empty buffers back.
    void shrink();
    /// At the end of the turn in which it was closed: the socket and the buffers go, whoever still holds the object.
    void release();

  private:
    struct Refusal {
        RefusalCause cause;
        std::string detail;
    };
    enum class State : std::uint8_t { unidentified, connecting, connected, closed };
    /// CONNECT, copied out of the buffer because the decision suspends.
    struct Will {
        std::string topic_name, payload;
        Qos qos;
        bool retain;
        std::chrono::seconds delay{0};
        std::unique_ptr<MessageProperties> properties;
    };
    /// What MQTT 5 needs beyond 3.1.1.
    struct Mqtt5 {
        bool problem_information = true;
        bool assigned_client_id = false;
        std::size_t packet_bytes_max = ~std::size_t{0};  ///< the client's
        std::uint16_t asked_keep_alive_s = 0;
        InboundTopicAliases aliases_in;
        OutboundTopicAliases aliases_out;
    };

    void on_ready(Readiness readiness) override;
    void set_deadline(SteadyTime when);
    void arm_wake();
    void log_end(State was, DisconnectReason reason, std::string_view why);
    void record(std::string_view kind, std::string_view topic, std::string_view detail);
    bool is_mqtt5() const { return mqtt5_ != nullptr; }
    mqtt::Version version() const { return mqtt5_ ? mqtt::Version::v5 : mqtt::Version::v3_1_1; }
    /// `detail` as a reason string; empty if the client does not want any.
    std::string_view reason_string(std::string_view detail) const;
    void close_with(DisconnectReason reason, mqtt::Reason code, std::string_view detail);

    // connection_input.cpp: bytes to packets.
    void read();
    bool handle_input();
    bool read_once();
    bool read_to_input(std::size_t kept);
    bool read_to_scratch(std::size_t kept);
    bool note_read(const IoResult& result);
    std::size_t handle_packets(std::string_view bytes);
    bool may_publish_now(std::size_t packet_bytes);
    bool take_token(std::size_t packet_bytes);
    void handle_packet(std::string_view bytes, const mqtt::Frame& frame);
    void answer_undecodable(std::string_view packet, const Error& error);

    // connection_output.cpp
    void appended();
    void count_backlog();
    void append_own_publish(const Delivery& delivery, std::uint16_t packet_id, bool dup);
    std::size_t unsent_bytes() const { return outbox_.size() - outbox_sent_; }

    // connect.cpp
    void handle(const mqtt::Connect& connect);
    bool take_will(const mqtt::Connect& connect);
    bool take_terms(const mqtt::Connect& connect, const mqtt::Properties& properties);
    bool take_mqtt5(const mqtt::Connect& connect, const mqtt::Properties& properties);
    bool take_rate();
    void take_keep_alive(const mqtt::Connect& connect);
    void on_permissions(Result<std::unique_ptr<Permissions>> permissions);
    /// What policy refuses of CONNECT; nothing if all of it is allowed.
    std::optional<Refusal> connect_refusal();
    void claim_client_id();
    static void take_over(std::shared_ptr<Session> session, std::shared_ptr<Connection> self);
    void attach_resumed(const std::shared_ptr<Session>& session);
    void accept(bool session_present);
    void send_connack(bool session_present);
    static boost::asio::awaitable<void> ask_permissions(std::shared_ptr<Connection> self, Principal principal, ConnectionFacts facts);

    // lifetime.cpp: custom authorizers, and connections that end at a time set when they began.
    struct Lifetime {
        SteadyTime ends_at = SteadyTime::max(), refresh_at = SteadyTime::max();
        DisconnectReason reason = DisconnectReason::websocket_ttl_expiration;
        std::unique_ptr<CustomCredentials> custom;  ///< for the next refresh
        ConnectionFacts facts;                      ///< ditto
    };
    /// The principal comes from a custom authorizer, by what the upgrade said or the user name says.
    void ask_custom(const mqtt::Connect& connect, ConnectionFacts facts);
    static boost::asio::awaitable<void> judge_custom(std::shared_ptr<Connection> self, CustomCredentials credentials,
                                                     ConnectionFacts facts);
    void on_custom_grant(Result<CustomGrant> grant);
    Lifetime& lifetime();
    /// Ends the connection or asks for new permissions when it is time; true if the connection ended.
    bool check_lifetime();

    // publish.cpp
    void handle(const mqtt::Publish& publish);
    /// A publish with its alias resolved.
    struct Incoming {
        const mqtt::Publish& packet;
        std::string_view topic_name;
        const mqtt::Properties* properties;  ///< null: none
        bool retain;
    };
    void take_publish(Incoming incoming);
    bool resolve_alias(const mqtt::Publish& publish, const mqtt::Properties& properties, std::string_view& topic_name);
    std::optional<Refusal> publish_refusal(const Incoming& incoming);
    void refuse_publish(const mqtt::Publish& publish, const Refusal& refusal);
    std::unique_ptr<MessageProperties> message_properties(const mqtt::Properties& properties) const;
    std::optional<Refusal> property_refusal(const mqtt::Properties& properties) const;
    Acknowledgement::Callback acknowledge_later(const mqtt::Publish& publish);
    void on_acknowledged(std::uint64_t sequence);
    void send_acknowledgements();
    void keep_will();
    void forget_will();
    void begin_will();
    MessagePtr will_message() const;
    /// Of the messages that the client publishes; made for the first.
    const std::shared_ptr<const MessageOrigin>& origin();
    std::shared_ptr<MessageOrigin> make_origin() const;

    // subscribe.cpp
    void handle(const mqtt::Subscribe& subscribe);
    std::optional<Refusal> subscribe_refusal(const mqtt::Subscribe& subscribe, const mqtt::Properties& properties);
    std::optional<Refusal> filter_refusal(const mqtt::TopicRequest& request);
    std::optional<Refusal> shared_refusal(std::string_view topic_filter);
    /// A filter whose retained messages are owed.
    struct RetainedWanted {
        std::string topic_filter;
        SubscriptionOptions options;
    };
    void answer_subscribe(std::uint16_t packet_id, const std::vector<std::uint8_t>& codes, std::string_view reason,
                          std::vector<RetainedWanted> retained);
    static boost::asio::awaitable<void> send_retained(std::shared_ptr<Connection> self, std::vector<RetainedWanted> wanted);
    void handle(const mqtt::Unsubscribe& unsubscribe);
    void answer_unsubscribe(std::uint16_t packet_id, const std::vector<std::uint8_t>& codes);

    void handle(const mqtt::Puback& puback);
    void handle(const mqtt::Pingreq&);
    void handle(const mqtt::Disconnect& disconnect);
    void handle(const mqtt::Qos2Packet& packet);
    void handle(const mqtt::Auth& auth);

    ShardState& home_;
    Shard& shard_;  ///< outlives the broker: an acknowledgement may come home after it is gone
    const std::uint64_t id_;
    const Door door_;
    const bool signed_upgrade_;  ///< a WebSocket opened by an IAM principal: its life is bounded
    State state_ = State::unidentified;
    std::uint8_t waits_ = 0;
    bool readable_ = false, hung_up_ = false, write_blocked_ = false;
    bool read_scheduled_ = false, flush_scheduled_ = false, shrink_scheduled_ = false;
    std::unique_ptr<Stream> stream_;
    std::unique_ptr<Lifetime> lifetime_;  ///< null: no end is set
    SteadyTime deadline_{};               ///< of CONNECT, of the next packet
    SteadyTime wake_{};                   ///< when the shard will look at it; later ones are asked for then
    std::chrono::milliseconds silence_max_{0};

    std::string input_;           ///< what was read and not handled yet
    std::size_t input_done_ = 0;  ///< bytes of it that were handled
    std::string outbox_;
    std::size_t outbox_sent_ = 0, backlog_counted_ = 0;

    ConnectionIdentity identity_;
    std::string server_name_;
    std::unique_ptr<CustomCredentials> custom_;  ///< until CONNECT
    std::unique_ptr<Principal> principal_;       ///< until CONNECT is judged; null on the plain port and before a custom authorizer
    std::shared_ptr<const MessageOrigin> origin_;
    std::shared_ptr<Session> session_;
    AccessCache access_;
    SessionTerms terms_;
    std::unique_ptr<Mqtt5> mqtt5_;  ///< null: 3.1.1
    std::size_t send_quota_ = 0;
    std::chrono::seconds keep_alive_{0};
    WallTime connected_at_{};
    std::unique_ptr<Will> will_;
    std::uint64_t will_number_ = 0;  ///< names its record in the store; 0: there is none
    AckQueue acks_;
    double publish_tokens_ = 0, byte_tokens_ = 0;
    SteadyTime publish_tokens_at_{};
};

}  // namespace fogbank::broker
