#include "broker/lifecycle_events.h"

#include <nlohmann/json.hpp>

namespace fogbank::broker {
namespace {

using Json = nlohmann::ordered_json;

// After about an hour without a connection the version begins again (reference "broker", section 17).
constexpr std::chrono::hours forget_after{1};
constexpr std::chrono::minutes sweep_every{1};

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// The members that every event begins with.
Json event_of(const ConnectionIdentity& connection, const char* type, const Clock& clock) {
    Json json{{"clientId", connection.client_id.str()}};
    if (!connection.thing_name.empty()) json["thingName"] = connection.thing_name;
    json["timestamp"] = clock.now().time_since_epoch().count();
    json["eventType"] = type;
    return json;
}

}  // namespace

LifecycleEvents::LifecycleEvents(Publisher& publisher, const Clock& clock)
    : publisher_(publisher), clock_(clock), origin_(std::make_shared<MessageOrigin>()) {}

LifecycleEvents::~LifecycleEvents() = default;

void LifecycleEvents::sweep(Stripe& stripe, SteadyTime now) {
    if (now - stripe.swept < sweep_every) return;
    stripe.swept = now;
    std::erase_if(stripe.versions,
                  [now](const auto& entry) { return entry.second.connections == 0 && now - entry.second.seen >= forget_after; });
}

std::uint64_t LifecycleEvents::begin_version(const ClientId& client_id) {
    Stripe& place = stripe(client_id);
    const SteadyTime now = clock_.steady();
    const std::lock_guard lock(place.mutex);
    sweep(place, now);
    const auto [entry, is_new] = place.versions.try_emplace(client_id);
    Version& version = entry->second;
    if (!is_new) version.number = version.connections == 0 && now - version.seen >= forget_after ? 0 : version.number + 1;
    ++version.connections;
    version.seen = now;
    return version.number;
}

/// The number that the connection's `connected` had.
std::uint64_t LifecycleEvents::end_version(const ConnectionIdentity& connection) {
    Stripe& place = stripe(connection.client_id);
    const std::lock_guard lock(place.mutex);
    Version& version = place.versions[connection.client_id];
    if (version.connections > 0) --version.connections;
    version.seen = clock_.steady();
    return connection.version_number;
}

void LifecycleEvents::publish(std::string_view kind, const ConnectionIdentity& connection, std::string payload) {
    const std::string_view client_id = connection.client_id.view();
    // The id would be a wildcard in the topic; AWS has no events for such clients.
    if (client_id.find_first_of("+#") != std::string_view::npos) return;
    const std::string topic = "$aws/events/" + std::string(kind) + "/" + std::string(client_id);
    Message::Options options;
    options.topic_name = topic;
    options.payload = payload;
    options.qos = Qos::at_least_once;
    options.origin = origin_;
    options.received_at = clock_.now();
    publisher_.publish(Message::create(std::move(options)), nullptr);
}

void LifecycleEvents::connected(const ConnectionIdentity& connection) {
    connection.version_number = begin_version(connection.client_id);
    Json json = event_of(connection, "connected", clock_);
    json["sessionIdentifier"] = connection.session_identifier;
    json["principalIdentifier"] = connection.principal_id;
    json["ipAddress"] = connection.source_ip;
    json["versionNumber"] = connection.version_number;
    publish("presence/connected", connection, dump(json));
}

void LifecycleEvents::disconnected(const ConnectionIdentity& connection, DisconnectReason reason, std::string_view) {
    Json json = event_of(connection, "disconnected", clock_);
    json["sessionIdentifier"] = connection.session_identifier;
    json["principalIdentifier"] = connection.principal_id;
    json["clientInitiatedDisconnect"] = is_client_initiated(reason);
    json["disconnectReason"] = disconnect_reason_name(reason);
    json["versionNumber"] = end_version(connection);
    publish("presence/disconnected", connection, dump(json));
}

void LifecycleEvents::connect_failed(const ConnectionIdentity& connection, std::string_view) {
    Json json = event_of(connection, "connect_failed", clock_);
    json["connectFailureReason"] = "AUTHORIZATION_FAILED";
    json["principalIdentifier"] = connection.principal_id;
    json["sessionIdentifier"] = connection.session_identifier;
    json["ipAddress"] = connection.source_ip;
    publish("presence/connect_failed", connection, dump(json));
}

namespace {

std::string subscription_event(const ConnectionIdentity& connection, std::span<const std::string_view> topic_filters, const char* type,
                               const Clock& clock) {
    Json topics = Json::array();
    for (const std::string_view topic_filter : topic_filters) topics.push_back(topic_filter);
    Json json = event_of(connection, type, clock);
    json["sessionIdentifier"] = connection.session_identifier;
    json["principalIdentifier"] = connection.principal_id;
    json["topics"] = std::move(topics);
    return dump(json);
}

}  // namespace

void LifecycleEvents::subscribed(const ConnectionIdentity& connection, std::span<const std::string_view> topic_filters) {
    publish("subscriptions/subscribed", connection, subscription_event(connection, topic_filters, "subscribed", clock_));
}

void LifecycleEvents::unsubscribed(const ConnectionIdentity& connection, std::span<const std::string_view> topic_filters) {
    publish("subscriptions/unsubscribed", connection, subscription_event(connection, topic_filters, "unsubscribed", clock_));
}

}  // namespace fogbank::broker
