// Connection: from the handshake's end to CONNACK. Source: OASIS MQTT 3.1.1 and MQTT 5, section 3.1; AWS's deviations: reference "broker",
// sections 7, 10 and 13.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>

#include "broker/connection.h"
#include "broker/limits.h"
#include "broker/reserved_topics.h"
#include "broker/session.h"
#include "broker/shard_state.h"
#include "broker/tls.h"
#include "common/common_errc.h"
#include "common/topic.h"

namespace fogbank::broker {
namespace asio = boost::asio;
namespace {

/// For coroutines of a connection: what escapes them is a bug of the authenticator, and ends the connection only.
auto close_on_exception(std::shared_ptr<Connection> connection) {
    return [connection = std::move(connection)](std::exception_ptr thrown) {
        if (thrown) connection->close(DisconnectReason::server_error, "the authenticator failed with an exception");
    };
}

}  // namespace

void Connection::handle(const mqtt::Connect& connect) {
    if (state_ != State::unidentified) {
        refuse(RefusalCause::protocol_error, "second CONNECT on a connection (MQTT-3.1.0-2)");
        return;
    }
    state_ = State::connecting;
    const mqtt::Properties properties = mqtt::read_properties(connect.properties);
    if (connect.protocol_level == 5 && !take_mqtt5(connect, properties)) return;
    if (!take_terms(connect, properties) || !take_rate()) return;
    take_keep_alive(connect);
    if (!take_will(connect)) return;
    if (!principal_ && door_ == Door::mqtt) {
        on_permissions(std::unique_ptr<Permissions>());
        return;
    }
    waits_ |= wait_decision;
    ConnectionFacts facts;
    facts.client_id = identity_.client_id;
    facts.source_ip = identity_.source_ip;
    facts.server_name = server_name_;
    facts.persistent = terms_.persistent();
    if (will_) facts.will_topic = will_->topic_name;
    if (!principal_) return ask_custom(connect, std::move(facts));
    asio::co_spawn(shard_.io(), ask_permissions(shared_from_this(), std::move(*principal_), std::move(facts)),
                   close_on_exception(shared_from_this()));
}

/// @return false after refusing.
bool Connection::take_mqtt5(const mqtt::Connect& connect, const mqtt::Properties& properties) {
    mqtt5_ = std::make_unique<Mqtt5>();
    mqtt5_->problem_information = properties.request_problem_information.value_or(1) != 0;
    const PacketLimits& limits = home_.core.limits;
    const auto refused = [this](RefusalCause cause, std::string_view why) {
        refuse(cause, why);
        return false;
    };
    if (properties.authentication_method)
        return refused(RefusalCause::authentication_method_not_supported, "no authentication method is supported");
    if (mqtt::user_property_bytes(properties) > limits.user_properties_bytes)
        return refused(RefusalCause::property_too_large, "quota user_properties_bytes");
    if (properties.maximum_packet_size) {
        if (*properties.maximum_packet_size < limits.client_packet_bytes_min)
            return refused(RefusalCause::client_packet_size_too_small, "quota client_maximum_packet_bytes_min");
        mqtt5_->packet_bytes_max = *properties.maximum_packet_size;
    }
    mqtt5_->aliases_out.set_maximum(std::min(properties.topic_alias_maximum.value_or(0), limits.topic_aliases));
    mqtt5_->asked_keep_alive_s = connect.keep_alive_s;
    return true;
}

/// Client id, session and send quota. @return false after refusing.
bool Connection::take_terms(const mqtt::Connect& connect, const mqtt::Properties& properties) {
    const PacketLimits& limits = home_.core.limits;
    const auto refused = [this](std::string_view why) {
        refuse(RefusalCause::client_id_not_valid, why);
        return false;
    };
    if (connect.client_id.size() > limits.client_id_bytes) return refused("client id is too long: quota client_id_bytes");
    if (connect.client_id.empty() && !connect.clean_session && !mqtt5_)
        return refused("an empty client id needs clean session (MQTT-3.1.3-8)");
    // Ids with `$` are those that the server makes up.
    if (connect.client_id.starts_with('$') && limits.profile == QuotaProfile::aws)
        return refused("client ids that begin with `$` are reserved");
    identity_.client_id = ClientId(connect.client_id.empty() ? "$GEN/" + home_.core.random.uuid() : std::string(connect.client_id));
    if (mqtt5_) mqtt5_->assigned_client_id = connect.client_id.empty();
    terms_.version = version();
    terms_.clean_start = connect.clean_session;
    const std::int64_t asked_expiry =
        mqtt5_ ? properties.session_expiry_interval_s.value_or(0) : (connect.clean_session ? 0 : SessionTerms::never);
    terms_.expiry_s = static_cast<std::uint32_t>(std::min(asked_expiry, limits.session_expiry_s_max));
    send_quota_ = std::min<std::size_t>(limits.inflight_outbound, properties.receive_maximum.value_or(65535));
    return true;
}

/// @return false after refusing. Before anybody is asked: a flood must not cost more than its packets.
bool Connection::take_rate() {
    AccountRates& rates = home_.core.rates;
    const char* quota = nullptr;
    if (!rates.connects.take(home_.now())) quota = "quota connection_requests_per_second";
    if (quota == nullptr && !rates.connects_of_client.take(identity_.client_id.view(), home_.now()))
        quota = "quota connection_requests_per_second_per_client_id";
    if (quota != nullptr) refuse(RefusalCause::connection_quota_exceeded, quota);
    return quota == nullptr;
}

/// 0 or more than the maximum means the maximum, less than the minimum the minimum; a client is cut off after one and a half times the
/// interval.
void Connection::take_keep_alive(const mqtt::Connect& connect) {
    const PacketLimits& bounds = home_.core.limits;
    const std::chrono::seconds asked(connect.keep_alive_s);
    keep_alive_ = asked.count() == 0 ? bounds.keep_alive_max : std::clamp(asked, bounds.keep_alive_min, bounds.keep_alive_max);
    silence_max_ = std::chrono::milliseconds(keep_alive_) * 3 / 2;
}

asio::awaitable<void> Connection::ask_permissions(std::shared_ptr<Connection> self, Principal principal, ConnectionFacts facts) {
    Result<std::unique_ptr<Permissions>> permissions =
        co_await self->home_.core.authenticator.permissions(std::move(principal), std::move(facts));
    if (permissions && !*permissions) permissions = Error(CommonErrc::invalid_configuration, "the authenticator gave no permissions");
    self->on_permissions(std::move(permissions));
}

/// @return false after closing the connection: AWS answers a bad will by closing the socket.
bool Connection::take_will(const mqtt::Connect& connect) {
    if (!connect.will) return true;
    const mqtt::Will& will = *connect.will;
    const auto bad = [this](RefusalCause cause, std::string_view detail) {
        refuse(cause, detail);
        return false;
    };
    if (will.qos == Qos::exactly_once && home_.core.limits.profile == QuotaProfile::aws)
        return bad(RefusalCause::will_qos_not_supported, "will with QoS 2");
    const mqtt::Properties properties = mqtt::read_properties(will.properties);
    if (auto valid = validate_topic_name(will.topic_name, home_.core.limits.topic); !valid) {
        return bad(RefusalCause::topic_name_invalid, "will: " + valid.error().message);
    }
    if (!is_publishable(will.topic_name)) return bad(RefusalCause::topic_name_invalid, "will on a reserved topic");
    if (will.payload.size() > home_.core.limits.payload_bytes)
        return bad(RefusalCause::payload_too_large, "will: quota mqtt_payload_bytes");
    if (const auto refusal = property_refusal(properties)) return bad(refusal->cause, "will: " + refusal->detail);
    if (will.retain && will.topic_name.starts_with('$')) return bad(RefusalCause::topic_name_invalid, "retained will on a reserved topic");
    will_ = std::make_unique<Will>();
    will_->delay = std::chrono::seconds(properties.will_delay_interval_s.value_or(0));
    will_->properties = message_properties(properties);
    will_->topic_name = std::string(will.topic_name);
    will_->payload = std::string(will.payload);
    will_->qos = will.qos;
    will_->retain = will.retain;
    return true;
}

void Connection::on_permissions(Result<std::unique_ptr<Permissions>> permissions) {
    if (closed()) return;
    home_.take_time();
    principal_.reset();
    if (!permissions) {
        refuse(RefusalCause::server_unavailable, permissions.error().message);
        return;
    }
    if (*permissions) identity_.thing_name = (*permissions)->exclusive_thing_name();
    access_.reset(std::move(*permissions));
    if (const auto refusal = connect_refusal()) {
        identity_.session_identifier = home_.core.random.uuid();
        home_.core.lifecycle.connect_failed(identity_, refusal->detail);
        refuse(refusal->cause, refusal->detail);
        return;
    }
    claim_client_id();
}

std::optional<Connection::Refusal> Connection::connect_refusal() {
    const auto refused = [this](IotAction action, std::string_view resource_name, RefusalCause cause) -> std::optional<Refusal> {
        if (access_.allows_once(action, resource_name)) return std::nullopt;
        return Refusal{cause, access_.explain(action, resource_name)};
    };
    auto refusal = refused(IotAction::connect, identity_.client_id.view(), RefusalCause::connect_not_authorized);
    if (!refusal && will_) refusal = refused(IotAction::publish, will_->topic_name, RefusalCause::will_not_authorized);
    if (!refusal && will_ && will_->retain)
        refusal = refused(IotAction::retain_publish, will_->topic_name, RefusalCause::will_not_authorized);
    return refusal;
}

/// The newcomer wins: the former holder of the id is closed, on its shard, before the newcomer is accepted, so that the two are never seen
/// together.
void Connection::claim_client_id() {
    if (closed()) return;  // timed out while it waited for the former holder's end
    if (static_cast<std::size_t>(home_.core.metrics.connections.value()) >= home_.core.limits.account_connections)
        return refuse(RefusalCause::connection_quota_exceeded, "quota connections_per_account");
    const std::uint64_t number = terms_.persistent() ? home_.core.next_session_number.fetch_add(1) : 0;
    const auto fresh = std::make_shared<Session>(home_, identity_.client_id, terms_, home_.core.random.uuid(), number);
    fresh->promise_to(id_);
    const std::shared_ptr<Session> holder = home_.core.clients.find_or_add(identity_.client_id, fresh);
    if (holder == fresh) {
        session_ = fresh;
        session_->attach(*this, terms_);
        return accept(false);
    }
    waits_ |= wait_decision;
    Session::at_home(holder, [holder, self = shared_from_this()] { take_over(holder, self); });
}

/// At the session's home.
void Connection::take_over(std::shared_ptr<Session> session, std::shared_ptr<Connection> self) {
    ShardState& wanted = self->home_;
    if (!session->take_over(self->terms_, self->id_)) {
        // The id is free now, or somebody else's again.
        if (wanted.here()) return self->claim_client_id();
        self->shard_.post([self] { self->claim_client_id(); });
        return;
    }
    if (wanted.here()) return self->attach_resumed(session);
    session->move_home(wanted, [session, self] { self->attach_resumed(session); });
}

void Connection::attach_resumed(const std::shared_ptr<Session>& session) {
    const bool still_here = session->home().here();
    if (closed()) {
        if (still_here) session->withdraw(id_);
        return;
    }
    if (!still_here || !session->attach(*this, terms_))
        return close(DisconnectReason::duplicate_clientid, "a new connection was established with the same client ID");
    session_ = session;
    accept(true);
}

void Connection::accept(bool session_present) {
    if (closed()) return;
    home_.take_time();
    state_ = State::connected;
    identity_.session_identifier = session_->session_identifier();
    connected_at_ = home_.wall_now();
    publish_tokens_at_ = home_.now();
    publish_tokens_ = static_cast<double>(home_.core.limits.publishes_per_second);
    if (signed_upgrade_ && home_.core.limits.websocket_duration != std::chrono::seconds::max())
        lifetime().ends_at = home_.now() + home_.core.limits.websocket_duration;
    byte_tokens_ = static_cast<double>(home_.core.limits.bytes_per_second);
    set_deadline(home_.now() + silence_max_);
    home_.core.metrics.connections.add(1);
    home_.core.lifecycle.connected(identity_);
    record("connected", {}, session_present ? "with the session it had" : "with a new session");
    keep_will();
    send_connack(session_present);
    if (session_present) session_->send_queued();
    stop_waiting(wait_decision);
}

/// What AWS puts into it: reference "broker", section 8, and "clients", section 6.
void Connection::send_connack(bool session_present) {
    if (!mqtt5_) {
        mqtt::encode_connack(outbox_, session_present, mqtt::ConnectReturnCode::accepted);
        return appended();
    }
    const PacketLimits& limits = home_.core.limits;
    const bool aws = limits.profile == QuotaProfile::aws;
    mqtt::Properties properties;
    properties.session_expiry_interval_s = terms_.expiry_s;
    if (limits.inflight_inbound < 65535) properties.receive_maximum = static_cast<std::uint16_t>(limits.inflight_inbound);
    if (aws) properties.maximum_qos = 1;
    properties.retain_available = 1;
    properties.maximum_packet_size = static_cast<std::uint32_t>(limits.packet_bytes);
    if (mqtt5_->assigned_client_id) properties.assigned_client_identifier = identity_.client_id.view();
    properties.topic_alias_maximum = limits.topic_aliases;
    properties.wildcard_subscription_available = 1;
    properties.subscription_identifier_available = aws ? 0 : 1;
    properties.shared_subscription_available = 1;
    if (keep_alive_.count() != mqtt5_->asked_keep_alive_s) properties.server_keep_alive_s = static_cast<std::uint16_t>(keep_alive_.count());
    mqtt::encode_connack5(outbox_, session_present, mqtt::Reason::success, properties);
    appended();
}

}  // namespace fogbank::broker
