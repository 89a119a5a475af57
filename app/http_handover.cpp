#include "app/http_handover.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "api/http_connection.h"
#include "api/http_server.h"
#include "common/shard.h"

namespace fogbank::app {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using broker::IoResult;
using Wait = asio::posix::stream_descriptor::wait_type;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// A broker's stream under an HTTP connection. Lives on one shard.
class StreamTransport final : public api::HttpTransport {
  public:
    StreamTransport(asio::io_context& io, std::unique_ptr<broker::Stream> stream, std::string remote_ip)
        : stream_(std::move(stream)), descriptor_(io, stream_->descriptor()), expiry_(io), remote_ip_(std::move(remote_ip)) {}
    ~StreamTransport() override { abort(); }

    void expires_after(std::chrono::milliseconds time) override {
        expiry_.expires_after(time);
        expiry_.async_wait([weak = std::weak_ptr<bool>(alive_), this](error_code error) {
            if (!error && !weak.expired()) abort();
        });
    }
    void expires_never() override { expiry_.cancel(); }

    asio::awaitable<error_code> start_tls(asio::ssl::context&, std::span<const unsigned char>) override {
        co_return error_code(asio::error::operation_not_supported);
    }
    SSL* tls() override { return nullptr; }

    asio::awaitable<api::TransferResult> read_some(std::span<char> into) override {
        while (stream_) {
            const IoResult result = stream_->read(into.data(), into.size());
            if (result.status == IoResult::Status::done && result.bytes != 0) co_return api::TransferResult{error_code(), result.bytes};
            if (result.status == IoResult::Status::closed) co_return api::TransferResult{asio::error::eof, 0};
            if (result.status == IoResult::Status::failed) co_return api::TransferResult{asio::error::connection_reset, 0};
            const auto [error] = co_await descriptor_.async_wait(Wait::wait_read, as_result);
            if (error) co_return api::TransferResult{error, 0};
        }
        co_return api::TransferResult{asio::error::operation_aborted, 0};
    }

    asio::awaitable<error_code> write(std::string_view bytes) override {
        while (!bytes.empty()) {
            if (!stream_) co_return error_code(asio::error::operation_aborted);
            const IoResult result = stream_->write(bytes.data(), bytes.size());
            if (result.status == IoResult::Status::done) {
                bytes.remove_prefix(result.bytes);
                continue;
            }
            if (result.status != IoResult::Status::would_block) co_return error_code(asio::error::connection_reset);
            const auto [error] = co_await descriptor_.async_wait(Wait::wait_write, as_result);
            if (error) co_return error;
        }
        co_return error_code();
    }

    void shutdown_send() override {
        if (stream_) stream_->end(broker::CloseCode::normal);
    }
    asio::awaitable<void> close() override {
        shutdown_send();
        abort();
        co_return;
    }
    void abort() override {
        expiry_.cancel();
        if (!stream_) return;
        error_code ignored;
        descriptor_.cancel(ignored);
        descriptor_.release();  // the stream closes it
        stream_.reset();
    }
    bool is_open() const override { return stream_ != nullptr; }
    std::string remote_ip() const override { return remote_ip_; }

  private:
    std::unique_ptr<broker::Stream> stream_;
    asio::posix::stream_descriptor descriptor_;
    asio::steady_timer expiry_;
    std::string remote_ip_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

void HttpHandover::take(broker::HttpArrival arrival) {
    if (api_ == nullptr) return;
    api::AdoptedConnection adopted;
    adopted.shard = &arrival.shard;
    adopted.remote_ip = arrival.source_ip;
    adopted.transport = std::make_unique<StreamTransport>(arrival.shard.io(), std::move(arrival.stream), std::move(arrival.source_ip));
    adopted.first_bytes = std::move(arrival.first_bytes);
    adopted.server_name = std::move(arrival.server_name);
    adopted.client_certificate_der = std::move(arrival.certificate_der);
    api::adopt_connection(*api_, std::move(adopted));
}

}  // namespace fogbank::app
