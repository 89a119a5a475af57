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
};

struct SubscriptionDescription {
    std::string topic_filter;
    Qos qos = Qos::at_most_once;
};

/// Any thread; the awaitables resume on the caller's executor.
class Connections {
  public:
    virtual ~Connections() = default;
    /// Closes the connection of `client_id` (`API_INITIATED_DISCONNECT`). `clean_session`: a persistent session ends, too; `prevent_will`:
    /// its will is not published. @return false if it is neither connected nor holds a session.
    virtual boost::asio::awaitable<bool> delete_connection(ClientId client_id, bool clean_session, bool prevent_will) = 0;
    /// Nothing if it is neither connected nor holds a session.
    virtual boost::asio::awaitable<std::optional<ConnectionDescription>> describe_connection(ClientId client_id) = 0;
    /// In the order of the filters; nothing if it is neither connected nor holds a session.
    virtual boost::asio::awaitable<std::optional<std::vector<SubscriptionDescription>>> list_subscriptions(ClientId client_id) = 0;
};

}  // namespace fogbank
