/// DeleteConnection, GetConnection, ListSubscriptions and SendDirectMessage. Source: AWS IoT Data Plane API reference (reference "broker",
/// section 18).
#include <array>
#include <nlohmann/json.hpp>

#include "api/access_requests.h"
#include "api/members.h"
#include "api/message_properties.h"
#include "registry/errc.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr std::size_t client_id_bytes_max = 128;
constexpr std::int64_t page_items_max = 200, page_items_default = 20;

constexpr std::int64_t confirmation_s_max = 15, confirmation_s_default = 5;
/// A direct message without confirmation waits for nobody but the client's shard.
constexpr std::chrono::seconds hand_over_deadline{15};

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

/// The same, and one call more is within the quotas.
Result<ClientId> admit(const Services& services, const Call& call, ConnectionCall kind) {
    auto client_id = read_client_id(services, call);
    if (client_id && !services.rooms.connections->admit(kind, *client_id)) return Error(Errc::throttled, "Rate exceeded");
    return client_id;
}

Error not_connected(const ClientId& client_id) {
    return Error(registry::Errc::resource_not_found, "client `" + client_id.str() + "` is neither connected nor has a session");
}

asio::awaitable<Outcome> delete_connection(const Services& services, const Call& call) {
    auto client_id = admit(services, call, ConnectionCall::delete_connection);
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
    auto client_id = admit(services, call, ConnectionCall::get_connection);
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
    if (!found->thing_name.empty()) body["thingName"] = found->thing_name;
    if (found->connected) body["keepAliveDuration"] = found->keep_alive.count();
    if (!found->disconnect_reason.empty()) body["disconnectReason"] = found->disconnect_reason;
    if (*with_sockets && found->connected) body["sourceIp"] = found->source_ip;
    co_return json_response(body);
}

asio::awaitable<Outcome> list_subscriptions(const Services& services, const Call& call) {
    auto client_id = admit(services, call, ConnectionCall::list_subscriptions);
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

struct DirectMessage {
    ClientId client_id;
    MessagePtr message;
    std::chrono::seconds timeout = hand_over_deadline;
};

Result<std::string> read_direct_topic(const Services& services, const Call& call) {
    const std::string* topic = call.query_value("topic");
    if (topic == nullptr) return missing_member("topic");
    if (const auto valid = validate_topic_name(*topic, topic_limits(services.rooms.quotas)); !valid)
        return validation_error("INVALID_TOPIC: " + valid.error().message);
    if (topic->starts_with('$')) return validation_error("INVALID_TOPIC: a direct message's topic must not begin with `$`");
    return *topic;
}

Result<DirectMessage> read_direct_message(const Services& services, const Call& call) {
    auto client_id = read_client_id(services, call);
    if (!client_id) return client_id.error();
    const auto topic = read_direct_topic(services, call);
    if (!topic) return topic.error();
    const auto confirmation = query_bool(call, "confirmation", false);
    if (!confirmation) return confirmation.error();
    const auto timeout = query_integer(call, "timeout", 1, confirmation_s_max);
    if (!timeout) return timeout.error();
    const std::size_t payload_bytes_max = services.rooms.quotas.bytes(Quota::mqtt_payload_bytes);
    if (call.request.body.size() > payload_bytes_max)
        return Error(Errc::body_too_large, "The payload exceeds the maximum size allowed: " + std::to_string(payload_bytes_max) + " bytes");
    auto properties = read_message_properties(call, services.rooms.quotas);
    if (!properties) return properties.error();
    auto origin = std::make_shared<MessageOrigin>();
    origin->protocol = MessageOrigin::Protocol::http;
    origin->principal_id = call.principal.id;
    origin->source_ip = call.request.remote_ip;
    Message::Options options;
    options.topic_name = *topic;
    options.payload = call.request.body;
    options.qos = *confirmation ? Qos::at_least_once : Qos::at_most_once;
    options.origin = std::move(origin);
    options.received_at = services.rooms.clock.now();
    options.properties = std::move(*properties);
    DirectMessage out;
    out.client_id = std::move(*client_id);
    out.message = Message::create(std::move(options));
    if (*confirmation) out.timeout = std::chrono::seconds(timeout->value_or(confirmation_s_default));
    return out;
}

/// Statuses beyond 404 for an unknown client, 429 and 504 are not documented case by case: the nearest exception of the operation's model.
Outcome direct_answer(const Call& call, DirectDelivery delivery) {
    switch (delivery) {
        case DirectDelivery::sent:
            return json_response({{"message", "OK"}, {"traceId", call.request_id}});
        case DirectDelivery::no_such_client:
            return Error(registry::Errc::resource_not_found,
                         "TARGET_CLIENT_ID_NOT_FOUND: the client is neither connected nor has a session");
        case DirectDelivery::not_connected:
            return Error(registry::Errc::resource_not_found, "TARGET_CLIENT_NOT_CONNECTED: the client has a session but is not connected");
        case DirectDelivery::not_allowed:
            return Error(Errc::forbidden, "RECEIVE_AUTHORIZATION_FAILURE: the receiver's policies do not allow iot:Receive on the topic");
        case DirectDelivery::window_full:
            return Error(Errc::throttled, "RECEIVER_MAX_UNACKED_QOS1_EXCEEDED: the receiver has too many unacknowledged messages");
        case DirectDelivery::not_writable:
            return Error(Errc::internal, "CLIENT_ENDPOINT_NOT_WRITABLE: the receiver takes no more, or no packet of this size");
        case DirectDelivery::not_confirmed:
            return Error(Errc::gateway_timeout, "DELIVERY_CONFIRMATION_TIMEOUT: the receiver did not acknowledge the message in time");
        case DirectDelivery::throttled:
            return Error(Errc::throttled, "SEND_DIRECT_MESSAGE_THROTTLED: rate exceeded");
    }
    return Error(Errc::internal, "unknown outcome");
}

asio::awaitable<Outcome> send_direct_message(const Services& services, const Call& call) {
    auto request = read_direct_message(services, call);
    if (!request) co_return request.error();
    const DirectDelivery delivery = co_await services.rooms.connections->send_direct_message(std::move(request->client_id),
                                                                                             std::move(request->message), request->timeout);
    co_return direct_answer(call, delivery);
}

/// With the condition keys that policies may use.
std::vector<AccessRequest> connection_access(const Services& services, std::string_view iam_prefix, const Operation& operation,
                                             const Call& call) {
    auto out = access_by_labels(services, iam_prefix, operation, call);
    const std::string* topic = call.query_value("topic");
    if (operation.name == "SendDirectMessage" && topic != nullptr)
        out.front().context.emplace_back("iot:Topic", std::vector<std::string>{*topic});
    const std::string* sockets = call.query_value("includeSocketInformation");
    if (operation.name == "GetConnection")
        out.front().context.emplace_back("iot:IncludeSocketInformation", std::vector<std::string>{sockets ? *sockets : "false"});
    return out;
}

constexpr std::array operations{
    Operation{"DeleteConnection", "DELETE", "/connections/{clientId}", delete_connection},
    Operation{"GetConnection", "GET", "/connections/{clientId}", get_connection, connection_access},
    Operation{"ListSubscriptions", "GET", "/connections/{clientId}/subscriptions", list_subscriptions},
    Operation{"SendDirectMessage", "POST", "/connections/{clientId}/messages", send_direct_message, connection_access},
};

}  // namespace

std::span<const Operation> iot_data_connections_operations() {
    return operations;
}

}  // namespace fogbank::api
