#include "api/http_listener.h"

#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <vector>

#include "common/common_errc.h"
#include "common/logging.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr int backlog = 1024;
/// After a failed accept (no descriptors left): long enough not to spin, short enough not to be noticed.
constexpr std::chrono::milliseconds accept_pause{100};

void log_failure(std::exception_ptr failure) {
    if (!failure) return;
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& e) {
        logger("api").error("connection ended by an exception error={}", log_value(e.what()));
    } catch (...) {
        logger("api").error("connection ended by an unknown exception");
    }
}

}  // namespace

HttpListener::HttpListener(ShardPool& shards, ConnectionContext context)
    : shards_(shards), context_(std::move(context)), acceptor_(shards[0].io()) {}

Result<std::shared_ptr<HttpListener>> HttpListener::open(ShardPool& shards, const std::string& bind, std::uint16_t port,
                                                         ConnectionContext context) {
    const std::string where = "cannot listen on " + bind + ":" + std::to_string(port);
    boost::system::error_code error;
    const auto address = asio::ip::make_address(bind, error);
    if (error) return Error(CommonErrc::io_error, where + ": " + error.message());
    const asio::ip::tcp::endpoint endpoint(address, port);
    std::shared_ptr<HttpListener> listener(new HttpListener(shards, std::move(context)));
    auto& acceptor = listener->acceptor_;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(backlog, error);
    if (error) return Error(CommonErrc::io_error, where + ": " + error.message());
    const auto local = acceptor.local_endpoint(error);
    if (error) return Error(CommonErrc::io_error, where + ": " + error.message());
    listener->context_.local_port = local.port();
    return listener;
}

void HttpListener::start() {
    accepting_ = true;
    asio::co_spawn(acceptor_.get_executor(), accept_loop(), [self = shared_from_this()](std::exception_ptr failure) {
        log_failure(failure);
        const std::lock_guard lock(self->mutex_);
        self->accepting_ = false;
        self->emptied_.notify_all();
    });
}

template <class Source>
void HttpListener::serve(Source source, Shard& shard) {
    std::shared_ptr<HttpConnection> connection;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        if (connections_.size() >= context_.limits.connections_max) {
            logger("api").warn("connection refused, too many port={} connections={}", context_.local_port, connections_.size());
            return;
        }
        connection = make_http_connection(std::move(source), context_);
        connections_.emplace(connection.get(), Entry{connection, &shard});
    }
    asio::co_spawn(shard.io(), connection->run(), [self = shared_from_this(), connection](std::exception_ptr failure) {
        log_failure(failure);
        connection->abort();
        self->forget(connection.get());
    });
}

std::shared_ptr<HttpListener> HttpListener::without_socket(ShardPool& shards, ConnectionContext context) {
    return std::shared_ptr<HttpListener>(new HttpListener(shards, std::move(context)));
}

void HttpListener::adopt(AdoptedConnection adopted) {
    Shard& shard = *adopted.shard;
    serve(std::move(adopted), shard);
}

asio::awaitable<void> HttpListener::accept_loop() {
    while (acceptor_.is_open()) {
        Shard& shard = shards_.next();
        auto [error, socket] = co_await acceptor_.async_accept(shard.io(), as_result);
        if (!error) {
            serve(std::move(socket), shard);
        } else if (error != asio::error::operation_aborted && error != asio::error::connection_aborted) {
            logger("api").warn("accept failed port={} error={}", context_.local_port, error.message());
            asio::steady_timer pause(acceptor_.get_executor(), accept_pause);
            const auto [ignored] = co_await pause.async_wait(as_result);
            static_cast<void>(ignored);
        }
    }
}

void HttpListener::forget(const HttpConnection* connection) {
    const std::lock_guard lock(mutex_);
    connections_.erase(connection);
    emptied_.notify_all();
}

template <class Action>
void HttpListener::for_each_connection(Action action) {
    const std::lock_guard lock(mutex_);
    for (auto& [key, entry] : connections_) {
        entry.shard->post([action, weak = entry.connection] {
            if (const auto connection = weak.lock()) action(*connection);
        });
    }
}

void HttpListener::begin_stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    shards_[0].post([self = shared_from_this()] {
        boost::system::error_code ignored;
        self->acceptor_.close(ignored);
    });
    for_each_connection([](HttpConnection& connection) { connection.stop_when_idle(); });
}

bool HttpListener::wait_until_empty(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    return emptied_.wait_until(lock, deadline, [this] { return connections_.empty() && !accepting_; });
}

void HttpListener::abort() {
    for_each_connection([](HttpConnection& connection) { connection.abort(); });
}

std::size_t HttpListener::connections() const {
    const std::lock_guard lock(mutex_);
    return connections_.size();
}

}  // namespace fogbank::api
