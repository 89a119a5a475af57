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

}  // namespace

struct HttpTransport::Streams {
    explicit Streams(asio::ip::tcp::socket socket) : tcp(std::move(socket)) {}
    boost::beast::tcp_stream tcp;
    std::optional<asio::ssl::stream<boost::beast::tcp_stream&>> tls;
};

HttpTransport::HttpTransport(asio::ip::tcp::socket socket) : streams_(std::make_unique<Streams>(std::move(socket))) {
    error_code ignored;
    streams_->tcp.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
}

HttpTransport::~HttpTransport() = default;

void HttpTransport::expires_after(std::chrono::milliseconds time) {
    streams_->tcp.expires_after(time);
}

void HttpTransport::expires_never() {
    streams_->tcp.expires_never();
}

asio::awaitable<error_code> HttpTransport::start_tls(asio::ssl::context& context, std::span<const unsigned char> consumed) {
    streams_->tls.emplace(streams_->tcp, context);
    const auto bytes = asio::buffer(consumed.data(), consumed.size());
    const auto [error, size] = co_await streams_->tls->async_handshake(asio::ssl::stream_base::server, bytes, as_result);
    static_cast<void>(size);
    co_return error;
}

SSL* HttpTransport::tls() const {
    return streams_->tls ? streams_->tls->native_handle() : nullptr;
}

asio::awaitable<TransferResult> HttpTransport::read_some(std::span<char> into) {
    const auto buffer = asio::buffer(into.data(), into.size());
    if (streams_->tls) {
        const auto [error, size] = co_await streams_->tls->async_read_some(buffer, as_result);
        co_return TransferResult{error, size};
    }
    const auto [error, size] = co_await streams_->tcp.async_read_some(buffer, as_result);
    co_return TransferResult{error, size};
}

asio::awaitable<error_code> HttpTransport::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto buffer = asio::buffer(bytes.data(), bytes.size());
        std::size_t written = 0;
        if (streams_->tls) {
            const auto [error, size] = co_await streams_->tls->async_write_some(buffer, as_result);
            if (error) co_return error;
            written = size;
        } else {
            const auto [error, size] = co_await streams_->tcp.async_write_some(buffer, as_result);
            if (error) co_return error;
            written = size;
        }
        bytes.remove_prefix(written);
    }
    co_return error_code();
}

void HttpTransport::shutdown_send() {
    if (streams_->tls) return;
    error_code ignored;
    streams_->tcp.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

asio::awaitable<void> HttpTransport::close() {
    if (streams_->tls && is_open()) {
        const auto [ignored] = co_await streams_->tls->async_shutdown(as_result);
        static_cast<void>(ignored);
    }
    error_code ignored;
    streams_->tcp.socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
    abort();
}

void HttpTransport::abort() {
    streams_->tcp.close();
}

bool HttpTransport::is_open() const {
    return streams_->tcp.socket().is_open();
}

std::string HttpTransport::remote_ip() const {
    error_code error;
    const auto peer = streams_->tcp.socket().remote_endpoint(error);
    return error ? std::string() : peer.address().to_string();
}

}  // namespace fogbank::api
