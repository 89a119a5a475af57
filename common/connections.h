/// Clients' connections and sessions as the HTTP data plane sees them. Implemented by broker/, used by api/.
/// Source: AWS IoT data plane API, DeleteConnection, GetConnection, ListSubscriptions; reference "broker", section 18.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"
#include "common/message.h"

namespace fogbank {

struct ConnectionDescription {
    bool connected = false;
    bool clean_session = true;
    WallTime since{};               ///< connected, or disconnected
    std::string disconnect_reason;  ///< empty while connected
    std::chrono::seconds keep_alive{0};
    std::uint32_t session_expiry_s = 0;
    std::string source_ip;
    std::uint16_t source_port = 0;  ///< 0: not known
    std::string thing_name;         ///< of an exclusive thing; empty: none
};

struct SubscriptionDescription {
    std::string topic_filter;
    Qos qos = Qos::at_most_once;
};

/// What became of a message that was sent to one client. Reasons as in AWS's log (reference "broker", section 18).
enum class DirectDelivery : std::uint8_t {
    sent,            ///< handed to the connection; with confirmation: acknowledged
    no_such_client,  ///< TARGET_CLIENT_ID_NOT_FOUND
    not_connected,   ///< TARGET_CLIENT_NOT_CONNECTED: there is a session, but no connection
    not_allowed,     ///< RECEIVE_AUTHORIZATION_FAILURE
    window_full,     ///< RECEIVER_MAX_UNACKED_QOS1_EXCEEDED
    not_writable,    ///< CLIENT_ENDPOINT_NOT_WRITABLE: it does not read, or the packet is larger than it takes
    not_confirmed,   ///< DELIVERY_CONFIRMATION_TIMEOUT, or the connection ended before
    throttled,       ///< SEND_DIRECT_MESSAGE_THROTTLED
};

/// The calls that have a rate of their own.
enum class ConnectionCall : std::uint8_t { delete_connection, get_connection, list_subscriptions };

/// Any thread; the awaitables resume on the caller's executor.
class Connections {
  public:
    virtual ~Connections() = default;
    /// Closes the connection of `client_id` (`API_INITIATED_DISCONNECT`). `clean_session`: a persistent session ends, too; `prevent_will`:
    /// its will is not published. @return false if it is neither connected nor holds a session.
    virtual boost::asio::awaitable<bool> delete_connection(ClientId client_id, bool clean_session, bool prevent_will) = 0;
    /// Nothing if it is neither connected nor holds a session.
    virtual boost::asio::awaitable<std::optional<ConnectionDescription>> describe_connection(ClientId client_id) = 0;
    /// Sends the message to the client, subscribed or not, past the topic index: no rules, no queueing, no retaining.
    /// @param message  its QoS says whether a PUBACK is awaited (at_least_once), for `timeout` at most.
    virtual boost::asio::awaitable<DirectDelivery> send_direct_message(ClientId client_id, MessagePtr message,
                                                                       std::chrono::milliseconds timeout) = 0;
    /// Whether the account's quotas admit one more such call now; counts it. No suspension.
    virtual bool admit(ConnectionCall call, const ClientId& client_id) = 0;
    /// In the order of the filters; nothing if it is neither connected nor holds a session.
    virtual boost::asio::awaitable<std::optional<std::vector<SubscriptionDescription>>> list_subscriptions(ClientId client_id) = 0;
};

}  // namespace fogbank
