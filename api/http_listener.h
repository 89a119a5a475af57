/// Accepts connections on one port and spreads them over the shards.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "api/http_connection.h"
#include "common/result.h"
#include "common/shard.h"

namespace fogbank::api {

/// Accepts on shard 0; each connection lives on the shard that the pool names next.
class HttpListener : public std::enable_shared_from_this<HttpListener> {
  public:
    /// Binds and listens; accepting begins with `start`. `context.local_port` is filled in.
    /// Errors: CommonErrc::io_error naming the address.
    static Result<std::shared_ptr<HttpListener>> open(ShardPool& shards, const std::string& bind, std::uint16_t port,
                                                      ConnectionContext context);

    /// One that accepts nothing itself and serves what `adopt` gives it. `local_port` is what signed Hosts may name.
    static std::shared_ptr<HttpListener> without_socket(ShardPool& shards, ConnectionContext context);
    /// On the connection's shard. Closed at once when the server stops or has too many.
    void adopt(AdoptedConnection adopted);

    std::uint16_t port() const { return context_.local_port; }
    void start();

    // Stopping, from any thread but a shard's; the shards must be running.

    /// Closes the listening socket and idle connections; connections with a request under way close after its answer.
    void begin_stop();
    /// Waits until nothing is accepted any more and all connections are gone; false if `deadline` passed first.
    bool wait_until_empty(std::chrono::steady_clock::time_point deadline);
    /// Closes what is left.
    void abort();

    std::size_t connections() const;

  private:
    HttpListener(ShardPool& shards, ConnectionContext context);
    boost::asio::awaitable<void> accept_loop();
    template <class Source>
    void serve(Source source, Shard& shard);
    void forget(const HttpConnection* connection);
    template <class Action>
    void for_each_connection(Action action);

    struct Entry {
        std::weak_ptr<HttpConnection> connection;
        Shard* shard;
    };

    ShardPool& shards_;
    ConnectionContext context_;
    boost::asio::ip::tcp::acceptor acceptor_;  // shard 0
    mutable std::mutex mutex_;
    std::condition_variable emptied_;
    std::unordered_map<const HttpConnection*, Entry> connections_;
    bool accepting_ = false, stopping_ = false;
};

}  // namespace fogbank::api
