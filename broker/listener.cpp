#include "broker/listener.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "broker/arrival.h"
#include "broker/limits.h"
#include "broker/shard_state.h"
#include "common/common_errc.h"
#include "common/logging.h"

namespace fogbank::broker {
namespace asio = boost::asio;
namespace {

// Sockets taken from the kernel in one turn.
constexpr int accepts_per_turn = 64;
// How long nothing is accepted when descriptors have run out or too many handshakes are under way.
constexpr std::chrono::milliseconds accept_pause{20};

std::string text_of(const sockaddr_storage& address) {
    char text[INET6_ADDRSTRLEN] = {};
    if (address.ss_family == AF_INET) {
        ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text, sizeof text);
    } else if (address.ss_family == AF_INET6) {
        const in6_addr& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(&v6)) {
            ::inet_ntop(AF_INET, v6.s6_addr + 12, text, sizeof text);
        } else {
            ::inet_ntop(AF_INET6, &v6, text, sizeof text);
        }
    }
    return text;
}

}  // namespace

Listener::Listener(Core& core, Shard& shard, Door door, std::shared_ptr<TlsContext> tls, bool proxied)
    : core_(core), door_(door), tls_(std::move(tls)), acceptor_(shard.io()), pause_(shard.io()), proxied_(proxied) {}

Result<std::int32_t> Listener::open(const std::string& address, std::int32_t port) {
    boost::system::error_code error;
    const auto failed = [&](std::string_view what) {
        return Error(CommonErrc::io_error, std::string(what) + " `" + address + ":" + std::to_string(port) + "`: " + error.message());
    };
    const auto ip = asio::ip::make_address(address, error);
    if (error) return failed("not an address");
    const asio::ip::tcp::endpoint endpoint(ip, static_cast<std::uint16_t>(port));
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (!error) acceptor_.non_blocking(true, error);
    if (error) return failed("cannot listen on");
    return std::int32_t{acceptor_.local_endpoint().port()};
}

void Listener::start() {
    wait();
}

void Listener::stop() {
    stopped_ = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
}

void Listener::wait() {
    if (stopped_) return;
    acceptor_.async_wait(asio::socket_base::wait_read, [this](boost::system::error_code error) {
        if (error || stopped_) return;
        if (accept_batch()) {
            wait();
        } else {
            wait_a_little();
        }
    });
}

void Listener::wait_a_little() {
    pause_.expires_after(accept_pause);
    pause_.async_wait([this](boost::system::error_code error) {
        if (!error) wait();
    });
}

/// @return false if accepting has to pause.
bool Listener::accept_batch() {
    for (int i = 0; i < accepts_per_turn; ++i) {
        if (tls_ && core_.handshakes.load(std::memory_order_relaxed) >= limits::handshakes_per_shard * core_.states.size()) return false;
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        const int descriptor =
            ::accept4(acceptor_.native_handle(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0) {
            hand_over(descriptor, text_of(address));
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) return true;
        if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;
        logger("broker").error("cannot accept connections reason={}", log_value(std::strerror(errno)));
        return false;
    }
    return true;
}

void Listener::hand_over(int descriptor, std::string source_ip) {
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    core_.metrics.accepted.add();
    Arrival::Options arrival;
    arrival.door = door_;
    arrival.source_ip = std::move(source_ip);
    arrival.secured = tls_ != nullptr;
    arrival.proxied = proxied_;
    if (tls_) {
        using enum TlsContext::ClientCertificate;
        auto secured = tls_->accept(descriptor, door_ == Door::mqtts ? required : by_alpn);
        if (!secured) {
            logger("broker").error("cannot begin a handshake reason={}", log_value(secured.error().message));
            return;
        }
        arrival.stream = std::move(*secured);
        core_.handshakes.fetch_add(1, std::memory_order_relaxed);
    } else {
        arrival.stream = make_plain_stream(descriptor);
    }
    ShardState& home = *core_.states[core_.shards.next().index()];
    auto arrived = std::make_shared<Arrival>(home, core_.next_connection_id.fetch_add(1), std::move(arrival));
    home.shard.post([&home, arrived = std::move(arrived)] { home.adopt(arrived); });
}

}  // namespace fogbank::broker
