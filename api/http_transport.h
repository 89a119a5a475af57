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
    explicit HttpTransport(boost::asio::ip::tcp::socket socket);
    ~HttpTransport();
    HttpTransport(const HttpTransport&) = delete;
    HttpTransport& operator=(const HttpTransport&) = delete;

    /// Bounds every following operation until the next call. When the time is over the operation fails and the connection is closed.
    void expires_after(std::chrono::milliseconds time);
    void expires_never();

    /// The server's side of a TLS handshake; `consumed` are the client's bytes that were read before. All later bytes go through TLS.
    boost::asio::awaitable<boost::system::error_code> start_tls(boost::asio::ssl::context& context,
                                                                std::span<const unsigned char> consumed);
    /// Nothing before start_tls has succeeded.
    SSL* tls() const;

    /// At least one byte, or an error.
    boost::asio::awaitable<TransferResult> read_some(std::span<char> into);
    /// All of `bytes`, which must live until then.
    boost::asio::awaitable<boost::system::error_code> write(std::string_view bytes);

    /// Tells a plain peer that nothing more comes; TLS says that in close().
    void shutdown_send();
    boost::asio::awaitable<void> close();
    /// Closes now; an operation under way fails.
    void abort();
    bool is_open() const;
    std::string remote_ip() const;

  private:
    struct Streams;
    std::unique_ptr<Streams> streams_;
};

}  // namespace fogbank::api
