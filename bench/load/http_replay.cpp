// Replays HTTP/1.1 requests over keep-alive connections and says how many were answered a second, and how long each took. The requests are
// made (and signed) beforehand, so the generator costs the same whatever it is pointed at.
//
// http_replay PORT CONNECTIONS SECONDS FILE: FILE is a sequence of (4 bytes length, little endian; request). Requests are taken in order,
// again from the beginning when all were sent; with 0 SECONDS each is sent once. Prints one JSON object. Exit code 1 if a connection breaks
// or an answer is not 200.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& why) {
    std::fprintf(stderr, "http_replay: %s\n", why.c_str());
    std::exit(1);
}

std::vector<std::string> read_requests(const char* path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    std::vector<std::string> out;
    for (std::size_t at = 0; at + 4 <= bytes.size();) {
        std::uint32_t length = 0;
        std::memcpy(&length, bytes.data() + at, 4);
        if (at + 4 + length > bytes.size()) break;
        out.push_back(bytes.substr(at + 4, length));
        at += 4 + length;
    }
    if (out.empty()) fail(std::string(path) + " holds no requests");
    return out;
}

struct Connection {
    int descriptor = -1;
    std::string received;
    Clock::time_point sent_at;
};

int connect_to(std::uint16_t port) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("cannot connect");
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return descriptor;
}

/// Bytes of the whole answer at the front, 0 if it is not whole yet.
std::size_t answer_length(std::string_view bytes) {
    const std::size_t head = bytes.find("\r\n\r\n");
    if (head == std::string_view::npos) return 0;
    if (bytes.substr(9, 3) != "200") fail("answered: " + std::string(bytes.substr(0, 600)));
    std::string lower(bytes.substr(0, head));
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const std::size_t at = lower.find("content-length:");
    const std::size_t body = at == std::string::npos ? 0 : std::strtoul(lower.c_str() + at + 15, nullptr, 10);
    return bytes.size() >= head + 4 + body ? head + 4 + body : 0;
}

void send_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) fail("the connection broke while sending");
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) fail("usage: http_replay PORT CONNECTIONS SECONDS FILE");
    const auto requests = read_requests(argv[4]);
    const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
    std::vector<Connection> connections(static_cast<std::size_t>(std::atoi(argv[2])));
    const int poll = ::epoll_create1(0);
    std::size_t next = 0;
    const auto start = Clock::now();
    const bool once = std::atof(argv[3]) == 0;
    if (once && connections.size() > requests.size()) connections.resize(requests.size());
    const auto end = once ? Clock::time_point::max()
                          : start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::atof(argv[3])));
    for (std::size_t i = 0; i < connections.size(); ++i) {
        connections[i].descriptor = connect_to(port);
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = i;
        ::epoll_ctl(poll, EPOLL_CTL_ADD, connections[i].descriptor, &event);
        connections[i].sent_at = Clock::now();
        send_all(connections[i].descriptor, requests[next++ % requests.size()]);
    }
    std::vector<double> latencies_us;
    std::vector<epoll_event> events(connections.size());
    std::vector<char> buffer(1 << 20);
    for (auto now = Clock::now(); now < end && !(once && latencies_us.size() == requests.size()); now = Clock::now()) {
        const int count = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), 1000);
        for (int i = 0; i < count; ++i) {
            Connection& connection = connections[events[static_cast<std::size_t>(i)].data.u64];
            const ssize_t got = ::recv(connection.descriptor, buffer.data(), buffer.size(), 0);
            if (got <= 0) fail("the connection broke while receiving");
            connection.received.append(buffer.data(), static_cast<std::size_t>(got));
            const std::size_t length = answer_length(connection.received);
            if (length == 0) continue;
            connection.received.erase(0, length);
            const auto done = Clock::now();
            latencies_us.push_back(std::chrono::duration<double, std::micro>(done - connection.sent_at).count());
            connection.sent_at = done;
            if (once && next == requests.size()) continue;
            send_all(connection.descriptor, requests[next++ % requests.size()]);
        }
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (latencies_us.empty()) fail("nothing was answered");
    std::sort(latencies_us.begin(), latencies_us.end());
    const auto at = [&](double share) {
        return latencies_us[static_cast<std::size_t>(share * static_cast<double>(latencies_us.size() - 1))];
    };
    std::printf("{\"per_second\": %.1f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"answers\": %zu}\n",
                static_cast<double>(latencies_us.size()) / seconds, at(0.5) / 1000, at(0.99) / 1000, latencies_us.size());
    return 0;
}
