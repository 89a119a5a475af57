// A load generator for MQTT 3.1.1 brokers: one thread, epoll, TLS by OpenSSL on the descriptor. Broker-neutral; speaks only the standard.
//
// Question it answers: how many deliveries per second does a broker make, at what delay, with how much CPU (its own and, with --pid, the
// broker's)? Closed loop: at most --window messages per publisher are on their way (sent, not yet delivered to every subscriber of theirs),
// so that no broker is made to drop; at QoS 1 at most 50 are without PUBACK, which every broker's receive window allows. With --rate it is
// an open loop: so many publishes a second in all, evenly, and the delay counts from the time at which a message was due, sent late or not.
//
// With --subscribers 0 (and --qos 1) the PUBACK counts as the delivery and the payloads are JSON samples, each with a key of its own, for
// brokers that do something with a message before they acknowledge it.

#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Options {
    std::string host = "localhost", port = "8883", ca, cert, key;
    int pairs = 1;       ///< groups; each has its own topic
    int publishers = 1;  ///< per group
    int subscribers = 1;
    int qos = 0;
    std::size_t size = 100;
    long messages = 100000;  ///< published in all
    long window = 1000;      ///< per publisher
    long rate = 0;           ///< publishes a second in all; 0: as fast as the window lets
    int pid = 0;
};

using Clock = std::chrono::steady_clock;

std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count();
}

[[noreturn]] void die(const std::string& why) {
    std::fprintf(stderr, "mqtt_load: %s\n", why.c_str());
    std::exit(1);
}

/// CPU time of a process so far, to the nanosecond (/proc/PID/stat counts in ticks of 10 ms).
double cpu_seconds_of(int pid) {
    clockid_t clock{};
    timespec time{};
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) die("no process " + std::to_string(pid));
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

void append_remaining_length(std::string& out, std::size_t length) {
    do {
        auto byte = static_cast<std::uint8_t>(length % 128);
        length /= 128;
        if (length > 0) byte |= 0x80;
        out.push_back(static_cast<char>(byte));
    } while (length > 0);
}

void append_text(std::string& out, std::string_view text) {
    out.push_back(static_cast<char>(text.size() >> 8));
    out.push_back(static_cast<char>(text.size() & 0xFF));
    out.append(text);
}

std::string packet(std::uint8_t first, const std::string& body) {
    std::string out(1, static_cast<char>(first));
    append_remaining_length(out, body.size());
    return out + body;
}

/// One connection: buffers, TLS, framing. What packets mean is the caller's.
class Connection {
  public:
    Connection(int descriptor, SSL* ssl) : descriptor_(descriptor), ssl_(ssl) {}
    ~Connection() {
        if (ssl_ != nullptr) SSL_free(ssl_);
        ::close(descriptor_);
    }
    int descriptor() const { return descriptor_; }
    std::string& out() { return out_; }
    bool closed() const { return closed_; }

    void flush() {
        while (sent_ < out_.size()) {
            const long n = write_some(out_.data() + sent_, out_.size() - sent_);
            if (n <= 0) break;
            sent_ += static_cast<std::size_t>(n);
        }
        if (sent_ == out_.size()) {
            out_.clear();
            sent_ = 0;
        }
    }
    bool wants_write() const { return sent_ < out_.size(); }

    template <class OnPacket>
    void read(OnPacket on_packet) {
        char chunk[65536];
        for (int i = 0; i < 16; ++i) {
            const long n = read_some(chunk, sizeof chunk);
            if (n <= 0) break;
            in_.append(chunk, static_cast<std::size_t>(n));
            frame(on_packet);
        }
    }

  private:
    template <class OnPacket>
    void frame(OnPacket on_packet) {
        std::size_t at = 0;
        while (in_.size() - at >= 2) {
            std::size_t length = 0;
            std::size_t i = at + 1;
            int shift = 0;
            bool complete = false;
            for (; i < in_.size() && shift <= 21; ++i, shift += 7) {
                length |= static_cast<std::size_t>(in_[i] & 0x7F) << shift;
                if ((in_[i] & 0x80) == 0) {
                    complete = true;
                    ++i;
                    break;
                }
            }
            if (!complete || in_.size() - i < length) break;
            on_packet(static_cast<std::uint8_t>(in_[at]), std::string_view(in_).substr(i, length));
            at = i + length;
        }
        in_.erase(0, at);
    }
    long write_some(const char* data, std::size_t size) {
        if (ssl_ == nullptr) return ::send(descriptor_, data, size, MSG_NOSIGNAL);
        return SSL_write(ssl_, data, static_cast<int>(std::min<std::size_t>(size, 16384)));
    }
    long read_some(char* data, std::size_t size) {
        long n = 0;
        if (ssl_ == nullptr) {
            n = ::recv(descriptor_, data, size, 0);
            if (n == 0) closed_ = true;
        } else {
            n = SSL_read(ssl_, data, static_cast<int>(size));
            const int error = n > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl_, static_cast<int>(n));
            if (error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) closed_ = true;
            ERR_clear_error();
        }
        return n;
    }

    int descriptor_;
    SSL* ssl_;
    std::string out_, in_;
    std::size_t sent_ = 0;
    bool closed_ = false;
};

class Load {
  public:
    explicit Load(const Options& options) : options_(options), payload_(options.size, 'x') {
        if (!options.ca.empty()) make_tls();
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        hints.ai_family = AF_INET;
        if (getaddrinfo(options.host.c_str(), options.port.c_str(), &hints, &address_) != 0) die("cannot resolve " + options.host);
        epoll_ = epoll_create1(0);
    }

    void run() {
        connect_all();
        while (ready_ < clients_.size()) turn();
        const double cpu_before = options_.pid != 0 ? cpu_seconds_of(options_.pid) : 0;
        const double own_before = cpu_seconds_of(getpid());
        const std::int64_t began = now_ns();
        const long expected = options_.messages * std::max(1, options_.subscribers);
        last_progress_ = began_ = began;
        for (auto& client : clients_) {
            if (client->publisher) publish_more(*client);
            client->connection->flush();  // the first wait is for answers
        }
        while (delivered_ < expected || acked_ < (options_.qos == 1 ? options_.messages : 0)) {
            turn();
            if (now_ns() - last_progress_ > 5'000'000'000) break;
        }
        const double seconds = static_cast<double>(now_ns() - began) / 1e9;
        report(expected, seconds, options_.pid != 0 ? cpu_seconds_of(options_.pid) - cpu_before : 0, cpu_seconds_of(getpid()) - own_before);
    }

  private:
    struct Client {
        std::unique_ptr<Connection> connection;
        int pair = 0;
        bool publisher = false;
        std::string id, topic;
        long sent = 0, share = 0;
        int unacknowledged = 0, index = 0;
        std::uint16_t packet_id = 0;
        std::vector<std::int64_t> sent_at;  ///< by packet id, without subscribers
    };
    struct Pair {
        long delivered = 0;
    };

    /// In no particular order, as clients come in the field: a broker that hands connections to its threads in turn must not find the two
    /// ends of every pair always apart, nor always together. The same order in every run.
    void connect_all() {
        struct Newcomer {
            int pair, number;
            bool publisher;
        };
        std::vector<Newcomer> newcomers;
        for (int pair = 0; pair < options_.pairs; ++pair) {
            for (int i = 0; i < options_.subscribers; ++i) newcomers.push_back({pair, i, false});
            for (int i = 0; i < options_.publishers; ++i) newcomers.push_back({pair, i, true});
        }
        std::shuffle(newcomers.begin(), newcomers.end(), std::mt19937());
        for (const Newcomer& one : newcomers)
            connect((one.publisher ? "p" : "s") + std::to_string(one.pair) + "-" + std::to_string(one.number), one.pair, one.publisher);
    }

    void make_tls() {
        context_ = SSL_CTX_new(TLS_client_method());
        if (SSL_CTX_load_verify_locations(context_, options_.ca.c_str(), nullptr) != 1) die("cannot read " + options_.ca);
        if (!options_.cert.empty() && (SSL_CTX_use_certificate_chain_file(context_, options_.cert.c_str()) != 1 ||
                                       SSL_CTX_use_PrivateKey_file(context_, options_.key.c_str(), SSL_FILETYPE_PEM) != 1)) {
            die("cannot read the client certificate");
        }
        SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    }

    void connect(const std::string& id, int pair, bool publisher) {
        const int descriptor = ::socket(address_->ai_family, SOCK_STREAM, 0);
        if (::connect(descriptor, address_->ai_addr, address_->ai_addrlen) != 0) die("cannot connect");
        const int one = 1;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        SSL* ssl = nullptr;
        if (context_ != nullptr) {
            ssl = SSL_new(context_);
            SSL_set_fd(ssl, descriptor);
            SSL_set_tlsext_host_name(ssl, options_.host.c_str());
            if (SSL_connect(ssl) != 1) die("TLS handshake failed");
        }
        fcntl(descriptor, F_SETFL, O_NONBLOCK);
        auto client = std::make_unique<Client>();
        client->connection = std::make_unique<Connection>(descriptor, ssl);
        client->pair = pair;
        client->publisher = publisher;
        if (publisher) client->index = publishers_++;
        client->topic = "load/" + std::to_string(pair);
        client->share = publisher ? options_.messages / options_.pairs / options_.publishers : 0;
        client->id = id;
        if (options_.subscribers == 0) client->sent_at.resize(65536);
        std::string body;
        append_text(body, "MQTT");
        body += std::string("\x04\x02\x00\x78", 4);
        append_text(body, id);
        client->connection->out() += packet(0x10, body);
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = client.get();
        epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
        client->connection->flush();
        clients_.push_back(std::move(client));
        // One at a time until it is ready, so that a handshake flood is not part of the measurement.
        while (ready_ < clients_.size()) turn();
    }

    void turn() {
        epoll_event events[256];
        const int n = epoll_wait(epoll_, events, 256, options_.rate != 0 && started() ? 1 : 100);
        for (int i = 0; i < n; ++i) {
            auto& client = *static_cast<Client*>(events[i].data.ptr);
            client.connection->read([&](std::uint8_t first, std::string_view body) { on_packet(client, first, body); });
            if (client.connection->closed()) die("the broker closed a connection");
        }
        for (auto& client : clients_) {
            if (client->publisher && started()) publish_more(*client);
            if (!client->connection->out().empty()) client->connection->flush();
            watch(*client);
        }
    }
    bool started() const { return last_progress_ != 0; }

    void watch(Client& client) {
        epoll_event event{};
        event.events = EPOLLIN | (client.connection->wants_write() ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
        event.data.ptr = &client;
        static std::map<Client*, std::uint32_t> armed;
        auto [found, fresh] = armed.try_emplace(&client, static_cast<std::uint32_t>(EPOLLIN));
        if (found->second == event.events) return;
        found->second = event.events;
        epoll_ctl(epoll_, EPOLL_CTL_MOD, client.connection->descriptor(), &event);
    }

    void on_packet(Client& client, std::uint8_t first, std::string_view body) {
        switch (first >> 4) {
            case 2:  // CONNACK
                if (body.size() != 2 || body[1] != 0) die("CONNECT refused");
                if (client.publisher) {
                    ++ready_;
                } else {
                    std::string subscribe("\x00\x01", 2);
                    append_text(subscribe, client.topic);
                    subscribe.push_back(static_cast<char>(options_.qos));
                    client.connection->out() += packet(0x82, subscribe);
                }
                break;
            case 9:  // SUBACK
                if (body.size() != 3 || body[2] != static_cast<char>(options_.qos)) die("SUBSCRIBE refused");
                ++ready_;
                break;
            case 4:  // PUBACK
                --client.unacknowledged;
                ++acked_;
                last_progress_ = now_ns();
                if (options_.subscribers == 0) on_acknowledged(client, body);
                break;
            case 3:
                on_publish(client, first, body);
                break;
            default:
                break;
        }
    }

    void on_publish(Client& client, std::uint8_t first, std::string_view body) {
        const std::size_t topic = static_cast<std::size_t>(static_cast<std::uint8_t>(body[0])) * 256 + static_cast<std::uint8_t>(body[1]);
        std::size_t at = 2 + topic;
        if (((first >> 1) & 3) != 0) {
            client.connection->out() += std::string("\x40\x02", 2) + std::string(body.substr(at, 2));
            at += 2;
        }
        std::int64_t sent_at = 0;
        std::memcpy(&sent_at, body.data() + at, sizeof sent_at);
        const std::int64_t now = now_ns();
        latencies_.push_back(static_cast<std::uint32_t>(std::min<std::int64_t>((now - sent_at) / 1000, UINT32_MAX)));
        ++delivered_;
        ++pairs_[client.pair].delivered;
        last_progress_ = now;
    }

    void on_acknowledged(Client& client, std::string_view body) {
        const std::size_t id = static_cast<std::size_t>(static_cast<std::uint8_t>(body[0])) * 256 + static_cast<std::uint8_t>(body[1]);
        latencies_.push_back(static_cast<std::uint32_t>((last_progress_ - client.sent_at[id]) / 1000));
        ++delivered_;
        ++pairs_[client.pair].delivered;
    }

    static std::string sample(const Client& client) {
        return R"({"device":")" + client.id + R"(","number":)" + std::to_string(client.sent) +
               R"(,"site":"north-hall","line":4,"temperature":61.25,"pressure":1013.2,"humidity":40.5,"color":"blue","state":"running",)"
               R"("alarms":[],"firmware":"2.14.3","operator":"shift-b","vibration":{"x":0.012,"y":0.009,"z":0.981},"note":"cold start"})";
    }

    /// When the next message of this client is to be sent; they take turns.
    std::int64_t due(const Client& client) const {
        const double publishers = static_cast<double>(options_.pairs) * options_.publishers;
        return began_ + static_cast<std::int64_t>((static_cast<double>(client.sent) * publishers + client.index) * 1e9 /
                                                  static_cast<double>(options_.rate));
    }

    void publish_more(Client& client) {
        const long in_pair = pairs_[client.pair].delivered / std::max(1, options_.subscribers);
        std::string& out = client.connection->out();
        while (client.sent < client.share && out.size() < 32768 &&
               client.sent * options_.publishers - in_pair < options_.window * options_.publishers &&
               (options_.qos == 0 || client.unacknowledged < 50) && (options_.rate == 0 || due(client) <= now_ns())) {
            std::string body;
            append_text(body, client.topic);
            if (options_.qos == 1) {
                if (++client.packet_id == 0) client.packet_id = 1;
                body.push_back(static_cast<char>(client.packet_id >> 8));
                body.push_back(static_cast<char>(client.packet_id & 0xFF));
                ++client.unacknowledged;
            }
            const std::int64_t now = options_.rate == 0 ? now_ns() : due(client);
            std::memcpy(payload_.data(), &now, sizeof now);
            if (options_.subscribers == 0) client.sent_at[client.packet_id] = now;
            body += options_.subscribers == 0 ? sample(client) : payload_;
            out += packet(static_cast<std::uint8_t>(0x30 | (options_.qos << 1)), body);
            ++client.sent;
        }
    }

    void report(long expected, double seconds, double broker_cpu, double own_cpu) {
        std::sort(latencies_.begin(), latencies_.end());
        const auto percentile = [&](double share) {
            return latencies_.empty()
                       ? 0.0
                       : static_cast<double>(latencies_[std::min(
                             latencies_.size() - 1, static_cast<std::size_t>(share * static_cast<double>(latencies_.size())))]) /
                             1000.0;
        };
        std::printf(
            "{\"delivered\":%ld,\"expected\":%ld,\"seconds\":%.4f,\"per_second\":%.0f,\"broker_cpu_us_per_delivery\":%.3f,\"load_cpu_us_"
            "per_delivery\":%.3f,"
            "\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
            delivered_, expected, seconds, static_cast<double>(delivered_) / seconds,
            broker_cpu * 1e6 / static_cast<double>(std::max(1L, delivered_)), own_cpu * 1e6 / static_cast<double>(std::max(1L, delivered_)),
            percentile(0.5), percentile(0.99));
    }

    Options options_;
    std::string payload_;
    SSL_CTX* context_ = nullptr;
    addrinfo* address_ = nullptr;
    int epoll_ = -1;
    std::vector<std::unique_ptr<Client>> clients_;
    std::map<int, Pair> pairs_;
    std::size_t ready_ = 0;
    long delivered_ = 0, acked_ = 0;
    std::int64_t last_progress_ = 0, began_ = 0;
    int publishers_ = 0;
    std::vector<std::uint32_t> latencies_;
};

Options parse(int argc, char** argv) {
    Options options;
    std::map<std::string, std::string*> texts{
        {"--host", &options.host}, {"--port", &options.port}, {"--ca", &options.ca}, {"--cert", &options.cert}, {"--key", &options.key}};
    std::map<std::string, int*> ints{{"--pairs", &options.pairs},
                                     {"--publishers", &options.publishers},
                                     {"--subscribers", &options.subscribers},
                                     {"--qos", &options.qos},
                                     {"--pid", &options.pid}};
    std::map<std::string, long*> longs{{"--messages", &options.messages}, {"--window", &options.window}, {"--rate", &options.rate}};
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string name = argv[i];
        if (texts.contains(name)) {
            *texts[name] = argv[i + 1];
        } else if (ints.contains(name)) {
            *ints[name] = std::atoi(argv[i + 1]);
        } else if (longs.contains(name)) {
            *longs[name] = std::atol(argv[i + 1]);
        } else if (name == "--size") {
            options.size = std::max<std::size_t>(8, static_cast<std::size_t>(std::atol(argv[i + 1])));
        } else {
            die("unknown option " + name);
        }
    }
    if (options.subscribers == 0 && options.qos != 1) die("without subscribers --qos must be 1");
    options.messages -= options.messages % (static_cast<long>(options.pairs) * options.publishers);
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    Load load(parse(argc, argv));
    load.run();
}
