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

LifecycleEvents::LifecycleEvents(Publisher& publisher, Audience& audience, const Clock& clock)
    : publisher_(publisher), audience_(audience), clock_(clock), origin_(std::make_shared<MessageOrigin>()) {}

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

std::optional<std::string> LifecycleEvents::heard_topic(std::string_view kind, const ConnectionIdentity& connection) {
    const std::string_view client_id = connection.client_id.view();
    // The id would be a wildcard in the topic; AWS has no events for such clients.
    if (client_id.find_first_of("+#") != std::string_view::npos) return std::nullopt;
    std::string topic_name("$aws/events/");
    topic_name.append(kind).append("/").append(client_id);
    if (!audience_.has_audience(topic_name)) return std::nullopt;
    return topic_name;
}

void LifecycleEvents::publish(const std::string& topic_name, const std::string& payload) {
    Message::Options options;
    options.topic_name = topic_name;
    options.payload = payload;
    options.qos = Qos::at_least_once;
    options.origin = origin_;
    options.received_at = clock_.now();
    publisher_.publish(Message::create(std::move(options)), nullptr);
}

void LifecycleEvents::connected(const ConnectionIdentity& connection) {
    connection.version_number = begin_version(connection.client_id);
    const auto topic_name = heard_topic("presence/connected", connection);
    if (!topic_name) return;
    Json json = event_of(connection, "connected", clock_);
    json["sessionIdentifier"] = connection.session_identifier;
    json["principalIdentifier"] = connection.principal_id;
    json["ipAddress"] = connection.source_ip;
    json["versionNumber"] = connection.version_number;
    publish(*topic_name, dump(json));
}

void LifecycleEvents::disconnected(const ConnectionIdentity& connection, DisconnectReason reason, std::string_view) {
    const std::uint64_t version_number = end_version(connection);
    const auto topic_name = heard_topic("presence/disconnected", connection);
    if (!topic_name) return;
    Json json = event_of(connection, "disconnected", clock_);
    json["sessionIdentifier"] = connection.session_identifier;
    json["principalIdentifier"] = connection.principal_id;
    json["clientInitiatedDisconnect"] = is_client_initiated(reason);
    json["disconnectReason"] = disconnect_reason_name(reason);
    json["versionNumber"] = version_number;
    publish(*topic_name, dump(json));
}

void LifecycleEvents::connect_failed(const ConnectionIdentity& connection, std::string_view) {
    const auto topic_name = heard_topic("presence/connect_failed", connection);
    if (!topic_name) return;
    Json json = event_of(connection, "connect_failed", clock_);
    json["connectFailureReason"] = "AUTHORIZATION_FAILED";
    json["principalIdentifier"] = connection.principal_id;
    json["sessionIdentifier"] = connection.session_identifier;
    json["ipAddress"] = connection.source_ip;
    publish(*topic_name, dump(json));
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
    if (const auto topic_name = heard_topic("subscriptions/subscribed", connection))
        publish(*topic_name, subscription_event(connection, topic_filters, "subscribed", clock_));
}

void LifecycleEvents::unsubscribed(const ConnectionIdentity& connection, std::span<const std::string_view> topic_filters) {
    if (const auto topic_name = heard_topic("subscriptions/unsubscribed", connection))
        publish(*topic_name, subscription_event(connection, topic_filters, "unsubscribed", clock_));
}

}  // namespace fogbank::broker
