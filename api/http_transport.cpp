#include "api/http_transport.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::steady_clock;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// A socket that closes when its deadline passes. Deadlines move several times a request and hardly ever pass: moving one later leaves the
/// timer alone, which looks at the deadline when it fires.
class TimedSocket : public std::enable_shared_from_this<TimedSocket> {
  public:
    explicit TimedSocket(asio::ip::tcp::socket connected) : socket(std::move(connected)), timer_(socket.get_executor()) {}

    void expires_at(steady_clock::time_point deadline) {
        deadline_ = deadline;
        if (deadline < fires_at_) arm();
    }
    void close() {
        error_code ignored;
        socket.close(ignored);
        timer_.cancel();
    }

    asio::ip::tcp::socket socket;

  private:
    void arm() {
        fires_at_ = deadline_;
        timer_.expires_at(deadline_);
        timer_.async_wait([self = weak_from_this()](error_code error) {
            const auto alive = self.lock();
            if (!error && alive) alive->fire();
        });
    }
    void fire() {
        fires_at_ = steady_clock::time_point::max();
        if (deadline_ <= steady_clock::now()) {
            close();
        } else if (deadline_ != fires_at_) {
            arm();
        }
    }

    asio::steady_timer timer_;
    steady_clock::time_point deadline_ = steady_clock::time_point::max(), fires_at_ = deadline_;
};

class SocketTransport final : public HttpTransport {
  public:
    explicit SocketTransport(asio::ip::tcp::socket socket) : timed_(std::make_shared<TimedSocket>(std::move(socket))) {
        error_code ignored;
        socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
        socket_.non_blocking(true, ignored);  // for the writes that do not wait
    }
    SocketTransport(const SocketTransport&) = delete;
    SocketTransport& operator=(const SocketTransport&) = delete;
    ~SocketTransport() override { timed_->close(); }

    void expires_after(std::chrono::milliseconds time) override { timed_->expires_at(steady_clock::now() + time); }

    void expires_never() override { timed_->expires_at(steady_clock::time_point::max()); }

    asio::awaitable<error_code> start_tls(asio::ssl::context& context, std::span<const unsigned char> consumed) override {
        tls_.emplace(socket_, context);
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
        const auto [error, size] = co_await socket_.async_read_some(buffer, as_result);
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
                // Nearly always there is room: then no turn of the loop is needed to learn that.
                error_code error;
                written = socket_.write_some(buffer, error);
                if (error == asio::error::would_block) {
                    const auto [failed, size] = co_await socket_.async_write_some(buffer, as_result);
                    error = failed;
                    written = size;
                }
                if (error) co_return error;
            }
            bytes.remove_prefix(written);
        }
        co_return error_code();
    }

    void shutdown_send() override {
        if (tls_) return;
        error_code ignored;
        socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    }

    asio::awaitable<void> close() override {
        if (tls_ && is_open()) {
            const auto [ignored] = co_await tls_->async_shutdown(as_result);
            static_cast<void>(ignored);
        }
        error_code ignored;
        socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
        abort();
    }

    void abort() override { timed_->close(); }

    bool is_open() const override { return socket_.is_open(); }

    std::string remote_ip() const override {
        error_code error;
        const auto peer = socket_.remote_endpoint(error);
        return error ? std::string() : peer.address().to_string();
    }

  private:
    std::shared_ptr<TimedSocket> timed_;
    asio::ip::tcp::socket& socket_ = timed_->socket;
    std::optional<asio::ssl::stream<asio::ip::tcp::socket&>> tls_;
};

}  // namespace

std::unique_ptr<HttpTransport> make_socket_transport(asio::ip::tcp::socket socket) {
    return std::make_unique<SocketTransport>(std::move(socket));
}

}  // namespace fogbank::api
