#include "broker/connection.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "broker/limits.h"
#include "broker/session.h"
#include "broker/shard_state.h"
#include "common/logging.h"

namespace fogbank::broker {
namespace {

CloseCode close_code(DisconnectReason reason) {
    switch (reason) {
        case DisconnectReason::client_initiated_disconnect:
            return CloseCode::normal;
        case DisconnectReason::server_initiated_disconnect:
        case DisconnectReason::websocket_ttl_expiration:
        case DisconnectReason::customauth_ttl_expiration:
        case DisconnectReason::mqtt_keep_alive_timeout:
            return CloseCode::going_away;
        case DisconnectReason::client_error:
            return CloseCode::protocol_error;
        case DisconnectReason::server_error:
            return CloseCode::internal_error;
        default:
            return CloseCode::policy_violation;
    }
}

}  // namespace

Connection::Connection(ShardState& home, std::uint64_t id, Arrived arrived)
    : home_(home),
      shard_(home.shard),
      id_(id),
      door_(arrived.door),
      signed_upgrade_(arrived.websocket && arrived.principal && arrived.principal->kind == Principal::Kind::iam_user),
      stream_(std::move(arrived.stream)),
      deadline_(arrived.connect_deadline),
      input_(std::move(arrived.first_bytes)),
      server_name_(std::move(arrived.server_name)),
      custom_(std::move(arrived.custom)),
      principal_(std::move(arrived.principal)) {
    identity_.source_ip = std::move(arrived.source_ip);
    if (principal_) identity_.principal_id = principal_->id;
}

Connection::~Connection() = default;

void Connection::start() {
    if (auto taken = home_.poller.replace(stream_->descriptor(), *this); !taken) {
        close(DisconnectReason::server_error, taken.error().message);
        return;
    }
    arm_wake();
    // The arrival may have read what came, or TLS hold it: no edge will tell.
    readable_ = true;
    read();
}

void Connection::set_deadline(SteadyTime when) {
    deadline_ = when;
    arm_wake();
}

void Connection::arm_wake() {
    wake_ = lifetime_ ? std::min({deadline_, lifetime_->ends_at, lifetime_->refresh_at}) : deadline_;
    home_.wake_at(id_, wake_);
}

void Connection::on_deadline() {
    if (closed() || home_.now() < wake_) return;
    if (lifetime_ && check_lifetime()) return;
    // What the client sent lies unread because of us: its silence is not its own. One that does not read its answers is another matter.
    const bool our_doing = (waits_ & ~(wait_outbox | wait_decision)) != 0;
    if (our_doing && state_ == State::connected) deadline_ = home_.now() + silence_max_;
    if (home_.now() < deadline_) {
        arm_wake();
        return;
    }
    switch (state_) {
        case State::connected:
            return refuse(RefusalCause::keep_alive_timeout, "nothing was received for 1.5 times the keep-alive interval");
        default:
            return refuse(RefusalCause::connect_timeout, "no CONNECT was accepted in time");
    }
}

void Connection::on_ready(Readiness readiness) {
    if (closed()) return;
    hung_up_ = hung_up_ || readiness.hung_up;
    // TLS may have to write before it can read on: any edge is worth a try.
    readable_ = readable_ || readiness.readable || (readiness.writable && stream_->reads_may_write());
    if (write_blocked_ && readiness.writable) {
        write_blocked_ = false;
        flush();
    }
    if (hung_up_ && (waits_ & (wait_outbox | wait_stop)) != 0)
        close(DisconnectReason::connection_lost, "the client closed the connection without DISCONNECT");
    if (!closed() && readable_ && waits_ == 0) read();
}

void Connection::stop_waiting(Wait reason) {
    if ((waits_ & reason) == 0) return;
    waits_ = static_cast<std::uint8_t>(waits_ & ~reason);
    if (closed() || waits_ != 0 || read_scheduled_) return;
    read_scheduled_ = true;
    home_.read_later(*this);
}

void Connection::begin_stop() {
    waits_ |= wait_stop;
    if (state_ != State::connected) refuse(RefusalCause::server_shutting_down, "the broker stops");
}

void Connection::refuse(RefusalCause cause, std::string_view detail) {
    if (closed()) return;
    const RefusalRow& row = refusal_row(cause);
    const bool awaits_connack = state_ == State::unidentified || state_ == State::connecting;
    const std::string why = std::string(row.name) + ": " + std::string(detail);
    if (awaits_connack) home_.core.metrics.connects_refused.add();
    if (awaits_connack && is_mqtt5()) {
        mqtt::Properties properties;
        if (!reason_string(why).empty()) properties.reason_string = reason_string(why);
        mqtt::encode_connack5(outbox_, false, row.mqtt5, properties);
    } else if (awaits_connack && wire_answer(cause, home_.core.limits.profile) == WireAnswer::connack) {
        mqtt::encode_connack(outbox_, false, row.connack);
    }
    close_with(row.disconnect_reason, row.mqtt5, why);
}

void Connection::close(DisconnectReason reason, std::string_view detail) {
    close_with(reason, disconnect_code(reason), detail);
}

void Connection::close_with(DisconnectReason reason, mqtt::Reason code, std::string_view detail) {
    if (closed()) return;
    const std::string why(detail);  // may point into what goes away below
    const State was = state_;
    const bool told = was == State::connected && is_mqtt5() && !is_client_initiated(reason) && reason != DisconnectReason::connection_lost;
    if (told) mqtt::encode_disconnect5(outbox_, code, reason_string(why));
    if (!write_blocked_ && unsent_bytes() != 0) {
        stream_->write(outbox_.data() + outbox_sent_, unsent_bytes());
    }
    state_ = State::closed;
    home_.poller.remove(stream_->descriptor());
    home_.core.metrics.disconnects(reason).add();
    log_end(was, reason, why);
    // The will before the session: where both end together it is published now, else the session keeps it for its delay.
    const std::shared_ptr<Session> session = session_;
    if (session) session->detach(*this, terms_.expiry_s, reason);
    if (was == State::connected) {
        home_.core.metrics.connections.add(-1);
        home_.core.lifecycle.disconnected(identity_, reason, why);
        if (sends_will(reason)) begin_will();
    } else if (session) {
        session->withdraw(id_);
    }
    forget_will();
    stream_->end(close_code(reason));  // last: who sees the connection closed finds the session ended
    home_.retire(*this);
}

std::string_view Connection::reason_string(std::string_view detail) const {
    if (!mqtt5_ || !mqtt5_->problem_information) return {};
    // It must not make the packet larger than the client takes (MQTT-3.14.2-3); 16 bytes for all that is around it.
    const std::size_t room = std::min(limits::reason_string_bytes_max, mqtt5_->packet_bytes_max > 16 ? mqtt5_->packet_bytes_max - 16 : 0);
    std::size_t bytes = std::min(room, detail.size());
    while (bytes > 0 && bytes < detail.size() && (static_cast<unsigned char>(detail[bytes]) & 0xC0U) == 0x80)
        --bytes;  // not within a character
    return detail.substr(0, bytes);
}

/// What a client did by itself is for debugging; that it was cut off, and why, is what its developer looks for.
void Connection::log_end(State was, DisconnectReason reason, std::string_view why) {
    const bool by_client = is_client_initiated(reason) || reason == DisconnectReason::connection_lost;
    if (was == State::connected || !by_client) record(was == State::connected ? "disconnected" : "connect_refused", {}, why);
    const auto level = by_client || reason == DisconnectReason::server_initiated_disconnect ? spdlog::level::debug : spdlog::level::info;
    if (level == spdlog::level::info && !home_.refusals.pass(home_.now())) return;
    logger("broker").log(level, "{} client_id={} principal={} source_ip={} reason={} detail={}",
                         was == State::connected ? "disconnected" : "connection refused", log_value(identity_.client_id.view()),
                         log_value(identity_.principal_id), identity_.source_ip, disconnect_reason_name(reason), log_value(why));
}

void Connection::record(std::string_view kind, std::string_view topic, std::string_view detail) {
    if (home_.core.activity == nullptr) return;
    Activity activity;
    activity.at = home_.wall_now();
    activity.kind = kind;
    activity.client_id = identity_.client_id.str();
    activity.principal_id = identity_.principal_id;
    activity.topic = topic;
    activity.detail = detail;
    home_.core.activity->record(std::move(activity));
}

void Connection::release() {
    outbox_sent_ = 0;
    std::string().swap(outbox_);
    std::string().swap(input_);
    input_done_ = 0;
    count_backlog();
    stream_.reset();
}

}  // namespace fogbank::broker
