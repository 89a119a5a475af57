// Connection: from the handshake's end to CONNACK. Source: OASIS MQTT 3.1.1 section 3.1; AWS's deviations: reference "broker", sections 7,
// 10 and 13.
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
    if (connect.client_id.size() > home_.core.limits.client_id_bytes) {
        return refuse(RefusalCause::client_id_not_valid, "client id is too long: quota client_id_bytes");
    }
    if (connect.client_id.empty() && !connect.clean_session) {
        return refuse(RefusalCause::client_id_not_valid, "an empty client id needs clean session (MQTT-3.1.3-8)");
    }
    identity_.client_id = ClientId(connect.client_id.empty() ? home_.core.random.uuid() : std::string(connect.client_id));
    identity_.session_identifier = home_.core.random.uuid();
    clean_session_ = connect.clean_session;
    // 0 or more than the maximum means the maximum, less than the minimum the minimum; a client is cut off after one and a half times the
    // interval.
    const std::chrono::seconds asked(connect.keep_alive_s);
    const auto& bounds = home_.core.limits;
    const auto keep_alive = asked.count() == 0 ? bounds.keep_alive_max : std::clamp(asked, bounds.keep_alive_min, bounds.keep_alive_max);
    silence_max_ = std::chrono::milliseconds(keep_alive) * 3 / 2;
    if (!take_will(connect)) return;
    if (!principal_ && door_ == Door::mqtt) {
        on_permissions(std::unique_ptr<Permissions>());
        return;
    }
    waits_ |= wait_decision;
    ConnectionFacts facts;
    facts.client_id = identity_.client_id;
    facts.source_ip = identity_.source_ip;
    facts.server_name = std::move(server_name_);
    facts.persistent = !connect.clean_session;
    if (will_) facts.will_topic = will_->topic_name;
    if (!principal_) return ask_custom(connect, std::move(facts));
    asio::co_spawn(shard_.io(), ask_permissions(shared_from_this(), std::move(*principal_), std::move(facts)),
                   close_on_exception(shared_from_this()));
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
    if (will.qos == Qos::exactly_once) return bad(RefusalCause::will_qos_not_supported, "will with QoS 2");
    if (auto valid = validate_topic_name(will.topic_name, home_.core.limits.topic); !valid) {
        return bad(RefusalCause::topic_name_invalid, "will: " + valid.error().message);
    }
    if (!is_publishable(will.topic_name)) return bad(RefusalCause::topic_name_invalid, "will on a reserved topic");
    if (will.payload.size() > home_.core.limits.payload_bytes)
        return bad(RefusalCause::payload_too_large, "will: quota mqtt_payload_bytes");
    will_ = std::make_unique<Will>();
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
    access_.reset(std::move(*permissions));
    if (const auto refusal = connect_refusal()) {
        home_.core.lifecycle.connect_failed(identity_, refusal->detail);
        refuse(refusal->cause, refusal->detail);
        return;
    }
    claim_client_id();
}

std::optional<Connection::Refusal> Connection::connect_refusal() {
    const auto refused = [this](IotAction action, std::string_view resource_name, RefusalCause cause) -> std::optional<Refusal> {
        if (access_.allows(action, resource_name)) return std::nullopt;
        return Refusal{cause, access_.explain(action, resource_name)};
    };
    auto refusal = refused(IotAction::connect, identity_.client_id.view(), RefusalCause::connect_not_authorized);
    if (!refusal && will_) refusal = refused(IotAction::publish, will_->topic_name, RefusalCause::will_not_authorized);
    if (!refusal && will_ && will_->retain)
        refusal = refused(IotAction::retain_publish, will_->topic_name, RefusalCause::will_not_authorized);
    return refusal;
}

/// The newcomer wins: it takes the id at once, and is accepted when the former holder is closed, so that the two are never seen together.
void Connection::claim_client_id() {
    session_ = std::make_shared<Session>(home_, identity_.client_id, *this);
    const std::shared_ptr<Session> former = home_.core.clients.claim(identity_.client_id, session_);
    if (!former) return accept();
    if (former->home().here()) {
        former->displace();
        return accept();
    }
    waits_ |= wait_decision;
    former->home().shard.post([former, self = shared_from_this()] {
        former->displace();
        self->shard_.post([self] { self->accept(); });
    });
}

void Connection::accept() {
    if (closed()) return;  // timed out, or displaced by a third one while it waited
    home_.take_time();
    state_ = State::connected;
    auto origin = std::make_shared<MessageOrigin>();
    origin->protocol = MessageOrigin::Protocol::mqtt;
    origin->client_id = identity_.client_id.str();
    origin->principal_id = identity_.principal_id;
    origin->source_ip = identity_.source_ip;
    origin_ = std::move(origin);
    publish_tokens_at_ = home_.now();
    publish_tokens_ = static_cast<double>(home_.core.limits.publishes_per_second);
    if (signed_upgrade_ && home_.core.limits.websocket_duration != std::chrono::seconds::max())
        lifetime().ends_at = home_.now() + home_.core.limits.websocket_duration;
    set_deadline(home_.now() + silence_max_);
    home_.core.metrics.connections.add(1);
    home_.core.lifecycle.connected(identity_);
    // Sessions are not kept yet: one that asks for a persistent session gets a new one each time.
    mqtt::encode_connack(outbox_, false, mqtt::ConnectReturnCode::accepted);
    appended();
    stop_waiting(wait_decision);
}

}  // namespace fogbank::broker
