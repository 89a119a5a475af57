/// One HTTP/1.1 connection: reads requests within its bounds, hands them to a RequestHandler one after the other, writes the answers.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "api/dispatcher.h"
#include "api/http_transport.h"
#include "common/clock.h"
#include "common/shard.h"

namespace boost::asio::ssl {
class context;
}

namespace fogbank::api {

/// Bounds on what a peer may make the server hold or wait for. Fogbank's own: AWS publishes none. A deadline that passes closes the
/// connection.
struct HttpLimits {
    std::size_t header_bytes_max = 16 * 1024;               ///< request line and headers together
    std::size_t connections_max = 4096;                     ///< per listener; more are closed on arrival
    std::chrono::milliseconds first_byte_deadline{10'000};  ///< from accept
    std::chrono::milliseconds handshake_deadline{10'000};   ///< TLS
    std::chrono::milliseconds header_deadline{10'000};      ///< from the first byte of a request to the end of its headers
    std::chrono::milliseconds body_deadline{120'000};       ///< the whole body; a 50 MB function over a slow line needs it
    std::chrono::milliseconds idle_deadline{75'000};        ///< between requests; longer than the 60 s pools of the SDKs
    std::chrono::milliseconds write_deadline{60'000};       ///< one answer
};

enum class ListenerMode : std::uint8_t {
    http_and_https,  ///< TLS if the first byte is a TLS handshake record, plain otherwise
    mutual_tls,      ///< TLS with a required client certificate
};

struct ConnectionContext {
    std::shared_ptr<RequestHandler> handler;
    std::shared_ptr<boost::asio::ssl::context> tls;
    const Clock* clock = nullptr;
    ListenerMode mode = ListenerMode::http_and_https;
    std::uint16_t local_port = 0;
    HttpLimits limits;
};

/// A connection that another door has accepted: after its TLS handshake, with what that door has learnt of the peer.
struct AdoptedConnection {
    std::unique_ptr<HttpTransport> transport;
    Shard* shard = nullptr;  ///< where it lives
    std::string first_bytes, remote_ip, server_name;
    std::string client_certificate_der;  ///< empty: none was presented
};

class ApiServer;
/// Serves a connection that came in at the broker's door: the data plane for client certificates, everything that is signed for SigV4
/// callers. On the connection's shard, after `ApiServer::listen`.
void adopt_connection(ApiServer& server, AdoptedConnection adopted);

/// Lives on one shard; everything but construction runs there.
class HttpConnection {
  public:
    virtual ~HttpConnection() = default;
    /// Serves until the peer leaves, a deadline passes or a stop is asked for. The connection must outlive the coroutine.
    virtual boost::asio::awaitable<void> run() = 0;
    /// Closes now if no request is under way, else after the answer.
    virtual void stop_when_idle() = 0;
    /// Closes now.
    virtual void abort() = 0;
};

std::shared_ptr<HttpConnection> make_http_connection(boost::asio::ip::tcp::socket socket, ConnectionContext context);
/// For a connection whose first bytes were read, and decrypted, at another door.
std::shared_ptr<HttpConnection> make_http_connection(AdoptedConnection adopted, ConnectionContext context);

}  // namespace fogbank::api
