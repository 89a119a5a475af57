#include "api/http_transport.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <optional>

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

class SocketTransport final : public HttpTransport {
  public:
    explicit SocketTransport(asio::ip::tcp::socket socket) : tcp_(std::move(socket)) {
        error_code ignored;
        tcp_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    }

    void expires_after(std::chrono::milliseconds time) override { tcp_.expires_after(time); }

    void expires_never() override { tcp_.expires_never(); }

    asio::awaitable<error_code> start_tls(asio::ssl::context& context, std::span<const unsigned char> consumed) override {
        tls_.emplace(tcp_, context);
        const auto bytes = asio::buffer(consumed.data(), consumed.size());
        const auto [error, size] = co_await tls_->async_handshake(asio::ssl::stream_base::server, bytes, as_result);
        static_cast<void>(size);
        co_return error;
    }

    SSL* tls() override { return tls_ ? tls_->native_handle() : nullptr; }

    asio::awaitable<TransferResult> read_some(std::span<char> into) override {
        const auto buffer = asio::buffer(into.data(), into.size());
        if (tls_) {
            const auto [error, size] = co_await tls_->async_read_some(buffer, as_result);
            co_return TransferResult{error, size};
        }
        const auto [error, size] = co_await tcp_.async_read_some(buffer, as_result);
        co_return TransferResult{error, size};
    }

    asio::awaitable<error_code> write(std::string_view bytes) override {
        while (!bytes.empty()) {
            const auto buffer = asio::buffer(bytes.data(), bytes.size());
            std::size_t written = 0;
            if (tls_) {
                const auto [error, size] = co_await tls_->async_write_some(buffer, as_result);
                if (error) co_return error;
                written = size;
            } else {
                const auto [error, size] = co_await tcp_.async_write_some(buffer, as_result);
                if (error) co_return error;
                written = size;
            }
            bytes.remove_prefix(written);
        }
        co_return error_code();
    }

    void shutdown_send() override {
        if (tls_) return;
        error_code ignored;
        tcp_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    }

    asio::awaitable<void> close() override {
        if (tls_ && is_open()) {
            const auto [ignored] = co_await tls_->async_shutdown(as_result);
            static_cast<void>(ignored);
        }
        error_code ignored;
        tcp_.socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
        abort();
    }

    void abort() override { tcp_.close(); }

    bool is_open() const override { return tcp_.socket().is_open(); }

    std::string remote_ip() const override {
        error_code error;
        const auto peer = tcp_.socket().remote_endpoint(error);
        return error ? std::string() : peer.address().to_string();
    }

  private:
    boost::beast::tcp_stream tcp_;
    std::optional<asio::ssl::stream<boost::beast::tcp_stream&>> tls_;
};

}  // namespace

std::unique_ptr<HttpTransport> make_socket_transport(asio::ip::tcp::socket socket) {
    return std::make_unique<SocketTransport>(std::move(socket));
}

}  // namespace fogbank::api
