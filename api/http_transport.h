/// The bytes of one HTTP connection, plain or TLS. In a file of its own because the templates behind it are slow to compile.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace boost::asio::ssl {
class context;
}
using SSL = struct ssl_st;

namespace fogbank::api {

struct TransferResult {
    boost::system::error_code error;
    std::size_t bytes = 0;
};

/// Lives on one shard, where every call is made; one operation at a time.
class HttpTransport {
  public:
    virtual ~HttpTransport() = default;

    /// Bounds every following operation until the next call. When the time is over the operation fails and the connection is closed.
    virtual void expires_after(std::chrono::milliseconds time) = 0;
    virtual void expires_never() = 0;

    /// The server's side of a TLS handshake; `consumed` are the client's bytes that were read before. All later bytes go through TLS.
    virtual boost::asio::awaitable<boost::system::error_code> start_tls(boost::asio::ssl::context& context,
                                                                        std::span<const unsigned char> consumed) = 0;
    /// Nothing before start_tls has succeeded.
    virtual SSL* tls() = 0;

    /// At least one byte, or an error.
    virtual boost::asio::awaitable<TransferResult> read_some(std::span<char> into) = 0;
    /// All of `bytes`, which must live until then.
    virtual boost::asio::awaitable<boost::system::error_code> write(std::string_view bytes) = 0;

    /// Tells a plain peer that nothing more comes; TLS says that in close().
    virtual void shutdown_send() = 0;
    virtual boost::asio::awaitable<void> close() = 0;
    /// Closes now; an operation under way fails.
    virtual void abort() = 0;
    virtual bool is_open() const = 0;
    virtual std::string remote_ip() const = 0;
};

/// Over a socket that the API's own listener has accepted.
std::unique_ptr<HttpTransport> make_socket_transport(boost::asio::ip::tcp::socket socket);

}  // namespace fogbank::api
