/// One listening socket: accepts and deals the connections to the shards in turn.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "broker/connection.h"
#include "broker/tls.h"
#include "common/result.h"
#include "common/shard.h"

namespace fogbank::broker {

struct Core;

/// Lives on one shard; construction and `open` on any thread before `start`.
class Listener {
  public:
    /// @param proxied  each connection begins with a PROXY protocol v2 header.
    Listener(Core& core, Shard& shard, Door door, std::shared_ptr<TlsContext> tls, bool proxied);
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// @param port  0: any free one. Errors: CommonErrc::io_error naming the address.
    Result<std::int32_t> open(const std::string& address, std::int32_t port);
    // On the shard's thread.
    void start();
    void stop();

  private:
    void wait();
    void wait_a_little();
    bool accept_batch();
    void hand_over(int descriptor, std::string source_ip);

    Core& core_;
    Door door_;
    std::shared_ptr<TlsContext> tls_;
    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::steady_timer pause_;
    const bool proxied_;
    bool stopped_ = false;
};

}  // namespace fogbank::broker
