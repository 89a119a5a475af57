#include "broker/arrival.h"

#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <cerrno>
#include <utility>

#include "broker/first_bytes.h"
#include "broker/http_door.h"
#include "broker/limits.h"
#include "broker/shard_state.h"
#include "broker/tls.h"
#include "broker/websocket_stream.h"
#include "common/logging.h"

namespace fogbank::broker {
namespace asio = boost::asio;

Arrival::Arrival(ShardState& home, std::uint64_t id, Options options)
    : home_(home),
      id_(id),
      door_(options.door),
      stage_(Stage::first_bytes),
      secured_(options.secured),
      proxied_(options.proxied),
      stream_(std::move(options.stream)),
      source_ip_(std::move(options.source_ip)) {
    if (secured_) stage_ = Stage::handshake;
    if (proxied_) stage_ = Stage::proxy_header;
}

Arrival::~Arrival() = default;

void Arrival::start() {
    if (auto added = home_.poller.add(stream_->descriptor(), *this); !added) {
        close(DisconnectReason::server_error, added.error().message);
        return;
    }
    set_deadline(home_.now() + (secured_ ? limits::handshake_deadline : limits::connect_deadline));
}

void Arrival::set_deadline(SteadyTime when) {
    deadline_ = when;
    home_.wake_at(id_, when);
}

void Arrival::on_deadline() {
    if (stage_ == Stage::over || home_.now() < deadline_) return;
    switch (stage_) {
        case Stage::proxy_header:
            return close(DisconnectReason::client_error, "no PROXY header came in time");
        case Stage::draining:
            return finish();
        case Stage::handshake:
            return close(DisconnectReason::client_error, "connect_timeout: the TLS handshake was not finished in time");
        default:
            return close(DisconnectReason::client_error, "connect_timeout: neither CONNECT nor a whole request head came in time");
    }
}

void Arrival::on_ready(Readiness readiness) {
    readable_ = true;
    switch (stage_) {
        case Stage::proxy_header:
            return read_proxy();
        case Stage::handshake:
            return handshake_later();
        case Stage::first_bytes:
            return read();
        case Stage::certificate:
            // Only the end is of interest now; bytes are read when it is known whose they are.
            if (readiness.hung_up) close(DisconnectReason::connection_lost, "the client left before its certificate was judged");
            return;
        case Stage::draining:
            return drain();
        case Stage::over:
            return;
    }
}

void Arrival::handshake_later() {
    if (handshake_scheduled_) return;
    handshake_scheduled_ = true;
    home_.handshake_later(shared_from_this());
}

/// Looks without taking: what follows the header is the handshake's or the client's.
void Arrival::read_proxy() {
    std::vector<char>& scratch = home_.scratch;
    const ssize_t got = ::recv(stream_->descriptor(), scratch.data(), proxy_header_bytes_max, MSG_PEEK);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    if (got <= 0) return close(DisconnectReason::connection_lost, "the peer closed the connection before its PROXY header");
    const auto header = read_proxy_header(std::string_view(scratch.data(), static_cast<std::size_t>(got)));
    if (!header) return close(DisconnectReason::client_error, header.error().message);
    if (!*header) return;
    static_cast<void>(::recv(stream_->descriptor(), scratch.data(), (*header)->header_bytes, 0));
    if (!(*header)->source_ip.empty()) source_ip_ = (*header)->source_ip;
    stage_ = secured_ ? Stage::handshake : Stage::first_bytes;
    if (secured_) return handshake_later();
    read();
}

void Arrival::continue_handshake() {
    handshake_scheduled_ = false;
    if (stage_ != Stage::handshake) return;
    switch (stream_->handshake().status) {
        case IoResult::Status::done:
            return on_handshake_done();
        case IoResult::Status::would_block:
            return;
        default:
            return close(DisconnectReason::client_error, "TLS handshake failed: " + stream_->failure());
    }
}

void Arrival::on_handshake_done() {
    home_.core.handshakes.fetch_sub(1, std::memory_order_relaxed);
    peer_ = stream_->take_peer_facts();
    has_certificate_ = !peer_.certificate_der.empty();
    stage_ = Stage::first_bytes;
    set_deadline(home_.now() + limits::connect_deadline);
    // Who offers the HTTP protocol is judged by the HTTP side, request by request.
    if (has_certificate_ && peer_.protocol != alpn_http_certificate) return judge_certificate();
    read();  // TLS may hold bytes that came with the last flight: no edge will tell
}

void Arrival::judge_certificate() {
    stage_ = Stage::certificate;
    asio::co_spawn(home_.shard.io(), ask_authenticator(shared_from_this(), std::move(peer_.certificate_der)),
                   [self = shared_from_this()](std::exception_ptr thrown) {
                       if (thrown) self->close(DisconnectReason::server_error, "the authenticator failed with an exception");
                   });
}

asio::awaitable<void> Arrival::ask_authenticator(std::shared_ptr<Arrival> self, std::string certificate_der) {
    Result<Principal> principal = co_await self->home_.core.authenticator.authenticate_certificate(std::move(certificate_der));
    self->on_certificate(std::move(principal));
}

void Arrival::on_certificate(Result<Principal> principal) {
    if (stage_ == Stage::over) return;
    home_.take_time();
    if (!principal) {
        home_.core.metrics.connects_refused.add();
        return close(DisconnectReason::auth_error, principal.error().message);
    }
    principal_ = std::make_unique<Principal>(std::move(*principal));
    stage_ = Stage::first_bytes;
    if (peer_.protocol == alpn_mqtt) return become_mqtt(std::move(bytes_), false);
    if (!bytes_.empty()) decide();
    if (stage_ == Stage::first_bytes) read();
}

void Arrival::read() {
    while (stage_ == Stage::first_bytes && readable_) {
        std::vector<char>& scratch = home_.scratch;
        const IoResult result = stream_->read(scratch.data(), scratch.size());
        switch (result.status) {
            case IoResult::Status::done:
                bytes_.append(scratch.data(), result.bytes);
                break;
            case IoResult::Status::would_block:
                readable_ = false;
                return;
            case IoResult::Status::closed:
                return close(DisconnectReason::connection_lost, "the client closed the connection before it sent anything");
            default:
                return close(DisconnectReason::connection_lost, "connection lost: " + stream_->failure());
        }
        decide();
    }
}

void Arrival::decide() {
    switch (first_bytes_speak(bytes_)) {
        case Speaks::unknown_yet:
            return;
        case Speaks::tls:
            return close(DisconnectReason::client_error, "TLS where plain MQTT is spoken");
        case Speaks::http:
            return on_http();
        case Speaks::mqtt:
            if (has_certificate_ && !principal_) return judge_certificate();
            return become_mqtt(std::move(bytes_), false);
    }
}

void Arrival::on_http() {
    const bool others_are_served = door_ == Door::alpn && home_.core.http != nullptr;
    if (others_are_served && !may_be_upgrade(bytes_)) return hand_over();
    const std::size_t head = http_head_bytes(std::string_view(bytes_).substr(0, limits::upgrade_head_bytes_max));
    if (head == 0) {
        if (bytes_.size() < limits::upgrade_head_bytes_max) return;
        return answer({431, "the request head is larger than " + std::to_string(limits::upgrade_head_bytes_max) + " bytes"});
    }
    auto request = parse_http_head(std::string_view(bytes_).substr(0, head));
    if (!request) return answer({400, request.error().message});
    if (!wants_websocket(*request)) {
        if (others_are_served) return hand_over();
        return answer({426, "this port speaks MQTT, and MQTT over WebSocket at `/mqtt`"});
    }
    const UpgradeVerdict verdict = judge_upgrade(*request);
    if (verdict.refusal.status != 0) return answer(verdict.refusal);
    request->remote_ip = source_ip_;
    request->server_name = peer_.server_name;
    upgrade(std::move(*request), verdict.terms, bytes_.substr(head));
}

void Arrival::upgrade(UpgradeRequest request, const UpgradeTerms& terms, std::string rest) {
    if (!identify(request)) return;
    const std::string text = upgrade_answer(terms);
    // The first bytes that go to a fresh socket: if they do not fit, the peer is not worth waiting for.
    const IoResult sent = stream_->write(text.data(), text.size());
    if (sent.status != IoResult::Status::done || sent.bytes != text.size())
        return close(DisconnectReason::connection_lost, "the answer to the WebSocket upgrade could not be sent");
    const std::uint64_t frame_bytes_max = std::max<std::uint64_t>(home_.core.limits.packet_bytes, limits::websocket_frame_bytes_min);
    stream_ = make_websocket_stream(std::move(stream_), std::move(rest), frame_bytes_max);
    become_mqtt({}, true);
}

bool Arrival::identify(const UpgradeRequest& request) {
    if (door_ == Door::mqtt || principal_) return true;
    if (has_certificate_) {
        judge_certificate();
        return false;
    }
    const Core& core = home_.core;
    if (core.upgrades != nullptr && core.upgrades->is_signed(request)) {
        auto principal = core.upgrades->authenticate_upgrade(request);
        if (!principal) {
            answer({403, "Forbidden: " + principal.error().message});
            return false;
        }
        principal_ = std::make_unique<Principal>(std::move(*principal));
        return true;
    }
    const std::string from_query = query_value(request, authorizer_name_key);
    const std::string_view from_header = header_value(request, authorizer_name_key);
    // With ALPN `mqtt` the credentials may come in CONNECT.
    if (from_query.empty() && from_header.empty() && peer_.protocol != alpn_custom) {
        answer({403, "Forbidden: the request carries neither a SigV4 signature nor a custom authorizer's name"});
        return false;
    }
    if (core.custom == nullptr) {
        answer({403, "Forbidden: this server has no custom authorizers"});
        return false;
    }
    custom_ = std::make_unique<CustomCredentials>();
    custom_->authorizer_name = from_header.empty() ? from_query : std::string(from_header);
    const std::string_view signature = header_value(request, authorizer_signature_key);
    custom_->token_signature = signature.empty() ? query_value(request, authorizer_signature_key) : std::string(signature);
    custom_->headers = request.headers;
    custom_->query_string = request.query;
    return true;
}

/// Refuses over HTTP; the reason is the client's and the log's.
void Arrival::answer(const HttpRefusal& refusal) {
    const std::string text = refusal_answer(refusal, home_.core.random.uuid());
    stream_->write(text.data(), text.size());
    home_.core.metrics.connects_refused.add();
    const DisconnectReason reason = refusal.status == 403 ? DisconnectReason::auth_error : DisconnectReason::client_error;
    home_.core.metrics.disconnects(reason).add();
    log_end(reason, "HTTP " + std::to_string(refusal.status) + ": " + refusal.reason);
    stream_->end(CloseCode::policy_violation);
    stage_ = Stage::draining;
    std::string().swap(bytes_);
    set_deadline(home_.now() + limits::drain_deadline);
    drain();
}

void Arrival::drain() {
    while (readable_) {
        const IoResult result = stream_->read(home_.scratch.data(), home_.scratch.size());
        if (result.status == IoResult::Status::would_block) {
            readable_ = false;
            return;
        }
        drained_bytes_ += result.bytes;
        if (result.status != IoResult::Status::done || drained_bytes_ > limits::drain_bytes_max) return finish();
    }
}

void Arrival::finish() {
    home_.poller.remove(stream_->descriptor());
    stream_.reset();
    leave();
}

void Arrival::become_mqtt(std::string first_bytes, bool websocket) {
    Arrived arrived;
    arrived.door = door_;
    arrived.websocket = websocket;
    arrived.stream = std::move(stream_);
    arrived.source_ip = std::move(source_ip_);
    arrived.server_name = std::move(peer_.server_name);
    arrived.principal = std::move(principal_);
    arrived.custom = std::move(custom_);
    arrived.first_bytes = std::move(first_bytes);
    arrived.connect_deadline = deadline_;
    leave();
    home_.connected(id_, std::move(arrived));
}

void Arrival::hand_over() {
    home_.poller.remove(stream_->descriptor());
    HttpArrival arrival{std::move(stream_),
                        home_.shard,
                        std::move(bytes_),
                        std::move(source_ip_),
                        std::move(peer_.server_name),
                        std::move(peer_.certificate_der)};
    leave();
    home_.core.http->take(std::move(arrival));
}

void Arrival::leave() {
    stage_ = Stage::over;
    home_.retire(*this);
}

void Arrival::close(DisconnectReason reason, std::string_view detail) {
    if (stage_ == Stage::over) return;
    if (stage_ == Stage::draining) return finish();
    const std::string why(detail);
    BrokerMetrics& metrics = home_.core.metrics;
    if (secured_ && (stage_ == Stage::handshake || stage_ == Stage::proxy_header)) {
        home_.core.handshakes.fetch_sub(1, std::memory_order_relaxed);
        metrics.handshakes_failed.add();
    }
    metrics.disconnects(reason).add();
    log_end(reason, why);
    stream_->end(CloseCode::policy_violation);
    finish();
}

void Arrival::log_end(DisconnectReason reason, std::string_view why) {
    const auto level =
        reason == DisconnectReason::client_error || reason == DisconnectReason::auth_error ? spdlog::level::info : spdlog::level::debug;
    if (level == spdlog::level::debug || home_.refusals.pass(home_.now())) {
        logger("broker").log(level, "connection refused source_ip={} server_name={} alpn={} reason={} detail={}", source_ip_,
                             log_value(peer_.server_name), log_value(peer_.protocol), disconnect_reason_name(reason), log_value(why));
    }
}

}  // namespace fogbank::broker
