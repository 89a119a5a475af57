/// DeleteConnection, GetConnection and ListSubscriptions. Source: AWS IoT Data Plane API reference (reference "broker", section 18).
#include <array>
#include <nlohmann/json.hpp>

#include "api/members.h"
#include "registry/errc.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr std::size_t client_id_bytes_max = 128;
constexpr std::int64_t page_items_max = 200, page_items_default = 20;

/// IoT policies of certificates have no action for these operations: only signed requests may call them.
Result<ClientId> read_client_id(const Services& services, const Call& call) {
    if (services.rooms.connections == nullptr) return Error(Errc::unavailable, "there is no broker here");
    if (call.permissions != nullptr)
        return Error(Errc::forbidden, "connections are managed with IAM credentials, not with a client certificate");
    const std::string& client_id = call.label("clientId");
    if (client_id.empty() || client_id.size() > client_id_bytes_max || client_id.front() == '$')
        return constraint_error(client_id, "clientId",
                                "Member must have 1 to 128 characters and satisfy regular expression pattern: [^$].*");
    return ClientId(client_id);
}

Error not_connected(const ClientId& client_id) {
    return Error(registry::Errc::resource_not_found, "client `" + client_id.str() + "` is neither connected nor has a session");
}

asio::awaitable<Outcome> delete_connection(const Services& services, const Call& call) {
    auto client_id = read_client_id(services, call);
    if (!client_id) co_return client_id.error();
    const auto clean_session = query_bool(call, "cleanSession", false);
    if (!clean_session) co_return clean_session.error();
    const auto prevent_will = query_bool(call, "preventWillMessage", false);
    if (!prevent_will) co_return prevent_will.error();
    ClientId asked = *client_id;
    const bool found = co_await services.rooms.connections->delete_connection(std::move(asked), *clean_session, *prevent_will);
    if (!found) co_return not_connected(*client_id);
    co_return empty_response();
}

asio::awaitable<Outcome> get_connection(const Services& services, const Call& call) {
    auto client_id = read_client_id(services, call);
    if (!client_id) co_return client_id.error();
    const auto with_sockets = query_bool(call, "includeSocketInformation", false);
    if (!with_sockets) co_return with_sockets.error();
    ClientId asked = *client_id;
    const auto found = co_await services.rooms.connections->describe_connection(std::move(asked));
    if (!found) co_return not_connected(*client_id);
    json body{{"connected", found->connected},
              {"clientId", client_id->str()},
              {"cleanSession", found->clean_session},
              {found->connected ? "connectedSince" : "disconnectedSince", found->since.time_since_epoch().count()},
              {"sessionExpiry", found->session_expiry_s}};
    if (found->connected) body["keepAliveDuration"] = found->keep_alive.count();
    if (!found->disconnect_reason.empty()) body["disconnectReason"] = found->disconnect_reason;
    if (*with_sockets && found->connected) body["sourceIp"] = found->source_ip;
    co_return json_response(body);
}

asio::awaitable<Outcome> list_subscriptions(const Services& services, const Call& call) {
    auto client_id = read_client_id(services, call);
    if (!client_id) co_return client_id.error();
    const auto asked_items = query_integer(call, "maxResults", 1, page_items_max);
    if (!asked_items) co_return asked_items.error();
    const auto after = decode_token(call.query_value("nextToken"));
    if (!after) co_return after.error();
    ClientId asked = *client_id;
    const auto found = co_await services.rooms.connections->list_subscriptions(std::move(asked));
    if (!found) co_return not_connected(*client_id);
    const auto items_max = static_cast<std::size_t>(asked_items->value_or(page_items_default));
    json subscriptions = json::array();
    json body = json::object();
    for (const SubscriptionDescription& each : *found) {
        if (*after && each.topic_filter <= **after) continue;
        if (subscriptions.size() == items_max) {
            body["nextToken"] = encode_token(subscriptions.back()["topicFilter"].get<std::string>());
            break;
        }
        subscriptions.push_back({{"topicFilter", each.topic_filter}, {"qos", static_cast<int>(each.qos)}});
    }
    body["subscriptions"] = std::move(subscriptions);
    co_return json_response(body);
}

constexpr std::array operations{
    Operation{"DeleteConnection", "DELETE", "/connections/{clientId}", delete_connection},
    Operation{"GetConnection", "GET", "/connections/{clientId}", get_connection},
    Operation{"ListSubscriptions", "GET", "/connections/{clientId}/subscriptions", list_subscriptions},
};

}  // namespace

std::span<const Operation> iot_data_connections_operations() {
    return operations;
}

}  // namespace fogbank::api
