/// An accepted socket until it is known what it is: PROXY header, TLS handshake, whose certificate, first bytes, WebSocket upgrade. Ends as
/// a Connection, as the HTTP door's, or closed.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "broker/connection.h"
#include "broker/poller.h"
#include "broker/stream.h"
#include "broker/websocket_upgrade.h"
#include "common/authenticator.h"

namespace fogbank::broker {

class ShardState;

/// Lives and dies on one shard; every function is called on its thread. Each stage has a deadline, and what is read is bounded.
class Arrival final : public std::enable_shared_from_this<Arrival>, private Pollable {
  public:
    struct Options {
        Door door = Door::mqtt;
        std::unique_ptr<Stream> stream;
        std::string source_ip;
        bool secured = false;  ///< a handshake comes first
        bool proxied = false;  ///< a PROXY header comes before anything else, and only it says where the peer is
    };
    Arrival(ShardState& home, std::uint64_t id, Options options);
    ~Arrival();

    std::uint64_t id() const { return id_; }

    /// Registers the socket and begins. On failure the socket is closed.
    void start();
    void on_deadline();
    void continue_handshake();
    /// Ends it. @param detail  the reason in a sentence, for the log. Idempotent; the object is destroyed at the end of the turn.
    void close(DisconnectReason reason, std::string_view detail);

  private:
    enum class Stage : std::uint8_t { proxy_header, handshake, first_bytes, certificate, draining, over };

    void on_ready(Readiness readiness) override;
    void handshake_later();
    void read_proxy();
    void on_handshake_done();
    void read();
    /// Looks at what has been read and, if it is enough, goes on.
    void decide();
    void on_http();
    void upgrade(UpgradeRequest request, const UpgradeTerms& terms, std::string rest);
    /// Who asks for the upgrade; false after refusing, or while the certificate is being judged.
    bool identify(const UpgradeRequest& request);
    void answer(const HttpRefusal& refusal);
    /// Reads what the client still sends and throws it away: a socket that is closed with unread bytes resets the connection, and the
    /// client might never see the answer.
    void drain();
    void finish();
    void log_end(DisconnectReason reason, std::string_view why);
    void judge_certificate();
    static boost::asio::awaitable<void> ask_authenticator(std::shared_ptr<Arrival> self, std::string certificate_der);
    void on_certificate(Result<Principal> principal);
    void become_mqtt(std::string first_bytes, bool websocket);
    void hand_over();
    void set_deadline(SteadyTime when);
    void leave();

    ShardState& home_;
    const std::uint64_t id_;
    const Door door_;
    Stage stage_;
    bool secured_, proxied_, handshake_scheduled_ = false, readable_ = true, has_certificate_ = false;
    std::unique_ptr<Stream> stream_;
    std::string source_ip_;
    PeerFacts peer_;
    std::unique_ptr<Principal> principal_;
    std::unique_ptr<CustomCredentials> custom_;
    std::string bytes_;  ///< what was read and is not decided yet
    SteadyTime deadline_{};
    std::size_t drained_bytes_ = 0;
};

}  // namespace fogbank::broker
