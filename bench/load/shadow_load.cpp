// A load generator for device shadows, and the floor beneath them: one thread, epoll, TLS by OpenSSL on the descriptor.
//
//   mqtt     updates as QoS 1 publishes, --window of them unacknowledged on each of --connections; an update counts when its PUBACK is
//   there http     updates as POST requests over mutual TLS, one outstanding on each connection get      GetThingShadow the same way floor
//   records of --bytes straight into SQLite, --group of them in each transaction, with the schema and settings of the engine
//
// Prints one JSON object: per_second, p50_ms, p99_ms.

#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sqlite3.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Options {
    std::string mode = "mqtt", host = "localhost", port, ca, cert, key, file;
    long shadows = 1, requests = 10000, connections = 1, window = 100, bytes = 300, group = 64;
    bool in_order = false;  ///< each shadow once, to fill the store
};

std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

[[noreturn]] void die(const std::string& why) {
    std::fprintf(stderr, "shadow_load: %s\n", why.c_str());
    std::exit(1);
}

void report(long requests, std::int64_t elapsed_ns, std::vector<std::int64_t>& latencies_ns) {
    std::sort(latencies_ns.begin(), latencies_ns.end());
    const auto at = [&](double part) {
        if (latencies_ns.empty()) return 0.0;
        const auto index = static_cast<std::size_t>(part * static_cast<double>(latencies_ns.size() - 1));
        return static_cast<double>(latencies_ns[index]) / 1e6;
    };
    std::printf("{\"requests\": %ld, \"per_second\": %.0f, \"p50_ms\": %.3f, \"p99_ms\": %.3f}\n", requests,
                static_cast<double>(requests) * 1e9 / static_cast<double>(elapsed_ns), at(0.5), at(0.99));
}

/// A device's state of ten members, one of which changes.
std::string update_document(long number) {
    return R"({"state":{"reported":{"temperature":)" + std::to_string(number % 1000) +
           R"(,"humidity":41.5,"mode":"auto","fan":true,"firmware":"1.4.2","location":{"building":"A","floor":3},"alarms":[],"uptime":123456}}})";
}

std::string thing_name(long number) {
    return "bench-" + std::to_string(number);
}

// MQTT, as much as is needed.

std::string packet(std::uint8_t first, const std::string& body) {
    std::string out(1, static_cast<char>(first));
    std::size_t length = body.size();
    do {
        auto byte = static_cast<std::uint8_t>(length % 128);
        length /= 128;
        if (length > 0) byte |= 0x80;
        out.push_back(static_cast<char>(byte));
    } while (length > 0);
    return out + body;
}

std::string text16(std::string_view text) {
    std::string out{static_cast<char>(text.size() >> 8), static_cast<char>(text.size() & 0xFF)};
    return out.append(text);
}

class Connection {
  public:
    Connection(SSL_CTX* context, const addrinfo& address, const std::string& host) {
        descriptor_ = ::socket(address.ai_family, SOCK_STREAM, 0);
        if (::connect(descriptor_, address.ai_addr, address.ai_addrlen) != 0) die("cannot connect");
        const int one = 1;
        setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        ssl_ = SSL_new(context);
        SSL_set_fd(ssl_, descriptor_);
        SSL_set_tlsext_host_name(ssl_, host.c_str());
        if (SSL_connect(ssl_) != 1) die("TLS handshake failed");
        fcntl(descriptor_, F_SETFL, O_NONBLOCK);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() {
        SSL_free(ssl_);
        ::close(descriptor_);
    }
    int descriptor() const { return descriptor_; }

    void send(const std::string& bytes) { out_ += bytes; }
    void flush() {
        while (!out_.empty()) {
            const int n = SSL_write(ssl_, out_.data(), static_cast<int>(std::min<std::size_t>(out_.size(), 16384)));
            if (n <= 0) break;
            out_.erase(0, static_cast<std::size_t>(n));
        }
        ERR_clear_error();
    }
    void read() {
        char chunk[65536];
        while (true) {
            const int n = SSL_read(ssl_, chunk, sizeof chunk);
            if (n <= 0) {
                const int error = SSL_get_error(ssl_, n);
                ERR_clear_error();
                if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
                die("the server closed the connection");
            }
            in_.append(chunk, static_cast<std::size_t>(n));
        }
    }
    std::string& in() { return in_; }
    std::deque<std::int64_t> sent_at;  ///< of what is unanswered, oldest first

  private:
    int descriptor_;
    SSL* ssl_;
    std::string out_, in_;
};

class Load {
  public:
    explicit Load(const Options& options) : options_(options) {
        context_ = SSL_CTX_new(TLS_client_method());
        if (SSL_CTX_load_verify_locations(context_, options.ca.c_str(), nullptr) != 1) die("cannot read " + options.ca);
        if (SSL_CTX_use_certificate_chain_file(context_, options.cert.c_str()) != 1 ||
            SSL_CTX_use_PrivateKey_file(context_, options.key.c_str(), SSL_FILETYPE_PEM) != 1) {
            die("cannot read the client certificate");
        }
        SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        addrinfo hints{};
        hints.ai_family = AF_INET;
        hints.ai_socktype = SOCK_STREAM;
        addrinfo* address = nullptr;
        if (getaddrinfo(options.host.c_str(), options.port.c_str(), &hints, &address) != 0) die("cannot resolve " + options.host);
        epoll_ = epoll_create1(0);
        for (long i = 0; i < options.connections; ++i) {
            connections_.push_back(std::make_unique<Connection>(context_, *address, options.host));
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.ptr = connections_.back().get();
            epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_.back()->descriptor(), &event);
        }
        freeaddrinfo(address);
    }

    void run() {
        if (mqtt()) log_in();
        latencies_ns_.reserve(static_cast<std::size_t>(options_.requests));
        const std::int64_t begin = now_ns();
        for (auto& connection : connections_) fill(*connection);
        while (answered_ < options_.requests) turn();
        report(answered_, now_ns() - begin, latencies_ns_);
    }

  private:
    bool mqtt() const { return options_.mode == "mqtt"; }

    void log_in() {
        for (std::size_t i = 0; i < connections_.size(); ++i) {
            std::string body = text16("MQTT") + std::string("\x04\x02\x00\x78", 4) + text16("shadow-load-" + std::to_string(i));
            connections_[i]->send(packet(0x10, body));
            connections_[i]->flush();
        }
        while (answered_ < options_.connections) turn();
        answered_ = 0;
        latencies_ns_.clear();
    }

    void fill(Connection& connection) {
        const auto window = static_cast<std::size_t>(mqtt() ? options_.window : 1);
        while (sent_ < options_.requests && connection.sent_at.size() < window) {
            connection.send(request(sent_++));
            connection.sent_at.push_back(now_ns());
        }
        connection.flush();
    }

    std::string request(long number) {
        const long shadow = options_.in_order ? number : static_cast<long>(random_() % static_cast<unsigned long>(options_.shadows));
        const std::string thing = thing_name(shadow);
        if (mqtt()) {
            packet_id_ = static_cast<std::uint16_t>(packet_id_ % 65000 + 1);
            const std::string id{static_cast<char>(packet_id_ >> 8), static_cast<char>(packet_id_ & 0xFF)};
            return packet(0x32, text16("$aws/things/" + thing + "/shadow/update") + id + update_document(number));
        }
        const std::string body = options_.mode == "get" ? "" : update_document(number);
        return (options_.mode == "get" ? "GET" : "POST") + (" /things/" + thing) +
               "/shadow HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }

    void turn() {
        epoll_event events[64];
        const int count = epoll_wait(epoll_, events, 64, 10000);
        if (count == 0) die("no answer for 10 s");
        for (int i = 0; i < count; ++i) {
            auto& connection = *static_cast<Connection*>(events[i].data.ptr);
            connection.read();
            while (mqtt() ? take_packet(connection) : take_response(connection)) {
                ++answered_;
                if (connection.sent_at.empty()) continue;  // CONNACK
                latencies_ns_.push_back(now_ns() - connection.sent_at.front());
                connection.sent_at.pop_front();
            }
            if (!latencies_ns_.empty()) fill(connection);
        }
    }

    static bool take_packet(Connection& connection) {
        std::string& in = connection.in();
        if (in.size() < 4) return false;  // CONNACK and PUBACK have four bytes
        const auto type = static_cast<std::uint8_t>(in[0]);
        if (type != 0x20 && type != 0x40) die("an unexpected packet came");
        if (type == 0x20 && in[3] != 0) die("CONNECT was refused");
        in.erase(0, 4);
        return true;
    }

    static bool take_response(Connection& connection) {
        std::string& in = connection.in();
        const auto end = in.find("\r\n\r\n");
        if (end == std::string::npos) return false;
        if (!in.starts_with("HTTP/1.1 200")) die("the answer was " + in.substr(0, 300));
        std::string head = in.substr(0, end);
        std::transform(head.begin(), head.end(), head.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        const auto at = head.find("content-length: ");
        if (at == std::string::npos) die("an answer without Content-Length");
        std::size_t length = 0;
        std::from_chars(head.data() + at + 16, head.data() + head.size(), length);
        if (in.size() < end + 4 + length) return false;
        in.erase(0, end + 4 + length);
        return true;
    }

    Options options_;
    SSL_CTX* context_ = nullptr;
    int epoll_ = -1;
    std::vector<std::unique_ptr<Connection>> connections_;
    std::minstd_rand random_{1};
    std::uint16_t packet_id_ = 0;
    long sent_ = 0, answered_ = 0;
    std::vector<std::int64_t> latencies_ns_;
};

class Floor {
  public:
    explicit Floor(const std::string& file) {
        check(sqlite3_open_v2(file.c_str(), &handle_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr));
        check(
            sqlite3_exec(handle_,
                         "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA cache_size=-32768; PRAGMA wal_autocheckpoint=4096; PRAGMA "
                         "synchronous=FULL; CREATE TABLE IF NOT EXISTS kv(key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
                         nullptr, nullptr, nullptr));
        check(sqlite3_prepare_v2(handle_, "INSERT INTO kv(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
                                 -1, &put_, nullptr));
    }
    Floor(const Floor&) = delete;
    Floor& operator=(const Floor&) = delete;
    ~Floor() {
        sqlite3_finalize(put_);
        sqlite3_close(handle_);
    }
    void run(const Options& options) {
        std::minstd_rand random(1);
        std::vector<std::int64_t> latencies_ns;
        const std::int64_t begin = now_ns();
        for (long done = 0; done < options.requests;) {
            const std::int64_t start = now_ns();
            check(sqlite3_exec(handle_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr));
            for (long i = 0; i < options.group && done < options.requests; ++i, ++done) {
                put("shd doc " + thing_name(static_cast<long>(random() % static_cast<unsigned long>(options.shadows))),
                    std::string(static_cast<std::size_t>(options.bytes), static_cast<char>('a' + done % 26)));
            }
            check(sqlite3_exec(handle_, "COMMIT", nullptr, nullptr, nullptr));
            latencies_ns.push_back(now_ns() - start);
        }
        report(options.requests, now_ns() - begin, latencies_ns);
    }

  private:
    void check(int code) {
        if (code != SQLITE_OK) die(sqlite3_errmsg(handle_));
    }
    void put(const std::string& key, const std::string& value) {
        sqlite3_bind_blob64(put_, 1, key.data(), key.size(), SQLITE_STATIC);
        sqlite3_bind_blob64(put_, 2, value.data(), value.size(), SQLITE_STATIC);
        if (sqlite3_step(put_) != SQLITE_DONE) die(sqlite3_errmsg(handle_));
        sqlite3_reset(put_);
    }
    sqlite3* handle_ = nullptr;
    sqlite3_stmt* put_ = nullptr;
};

Options read_options(int count, char** arguments) {
    Options out;
    const std::map<std::string, std::string*> texts{{"--mode", &out.mode}, {"--host", &out.host}, {"--port", &out.port}, {"--ca", &out.ca},
                                                    {"--cert", &out.cert}, {"--key", &out.key},   {"--file", &out.file}};
    const std::map<std::string, long*> numbers{
        {"--shadows", &out.shadows}, {"--requests", &out.requests}, {"--connections", &out.connections},
        {"--window", &out.window},   {"--bytes", &out.bytes},       {"--group", &out.group}};
    for (int i = 1; i < count; ++i) {
        const std::string name = arguments[i];
        if (name == "--in-order") {
            out.in_order = true;
        } else if (i + 1 == count) {
            die(name + " needs a value");
        } else if (const auto text = texts.find(name); text != texts.end()) {
            *text->second = arguments[++i];
        } else if (const auto number = numbers.find(name); number != numbers.end()) {
            *number->second = std::atol(arguments[++i]);
        } else {
            die("unknown option " + name);
        }
    }
    return out;
}

}  // namespace

int main(int count, char** arguments) {
    const Options options = read_options(count, arguments);
    if (options.mode == "floor") {
        Floor(options.file).run(options);
    } else {
        Load(options).run();
    }
}
