/// Clients' connections and sessions for the HTTP data plane, and messages straight to one of them. Source: reference "broker", section 18.
#pragma once

#include "common/connections.h"

namespace fogbank::broker {

struct Core;

class ConnectionControl final : public Connections {
  public:
    explicit ConnectionControl(Core& core) : core_(core) {}
    boost::asio::awaitable<bool> delete_connection(ClientId client_id, bool clean_session, bool prevent_will) override;
    boost::asio::awaitable<std::optional<ConnectionDescription>> describe_connection(ClientId client_id) override;
    boost::asio::awaitable<std::optional<std::vector<SubscriptionDescription>>> list_subscriptions(ClientId client_id) override;
    boost::asio::awaitable<DirectDelivery> send_direct_message(ClientId client_id, MessagePtr message,
                                                               std::chrono::milliseconds timeout) override;
    bool admit(ConnectionCall call, const ClientId& client_id) override;

  private:
    Core& core_;
};

}  // namespace fogbank::broker
