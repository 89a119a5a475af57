// The floor of bench/table.py: a single-threaded epoll server that answers each request with one prepared statement of SQLite. It neither
// parses JSON nor checks signatures: a request whose target is PutItem stores its body, any other reads, under the text behind
// `"s":{"N":"`. All puts of one turn of the loop are committed together, power-loss safe, before they are answered.
//
// table_floor PORT FILE

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sqlite3.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::string_view key_mark = "\"s\":{\"N\":\"";

[[noreturn]] void fail(const char* why) {
    std::fprintf(stderr, "table_floor: %s\n", why);
    std::exit(1);
}

class Store {
  public:
    explicit Store(const char* file) {
        if (sqlite3_open(file, &handle_) != SQLITE_OK) fail("cannot open the database");
        run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS kv(key BLOB PRIMARY KEY, value BLOB NOT NULL) "
            "WITHOUT ROWID");
        sqlite3_prepare_v2(handle_, "SELECT value FROM kv WHERE key = ?1", -1, &get_, nullptr);
        sqlite3_prepare_v2(handle_, "INSERT INTO kv(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value", -1,
                           &put_, nullptr);
    }
    void run(const char* sql) {
        if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(sqlite3_errmsg(handle_));
    }
    std::string get(std::string_view key) {
        sqlite3_bind_blob(get_, 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC);
        std::string value;
        if (sqlite3_step(get_) == SQLITE_ROW)
            value.assign(static_cast<const char*>(sqlite3_column_blob(get_, 0)), static_cast<std::size_t>(sqlite3_column_bytes(get_, 0)));
        sqlite3_reset(get_);
        return value;
    }
    void put(std::string_view key, std::string_view value) {
        sqlite3_bind_blob(put_, 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC);
        sqlite3_bind_blob(put_, 2, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
        if (sqlite3_step(put_) != SQLITE_DONE) fail(sqlite3_errmsg(handle_));
        sqlite3_reset(put_);
    }

  private:
    sqlite3* handle_ = nullptr;
    sqlite3_stmt* get_ = nullptr;
    sqlite3_stmt* put_ = nullptr;
};

std::string answer(std::string_view body) {
    std::string out =
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    return out += body;
}

/// Length of the whole request at the front, 0 if it is not whole yet.
std::size_t request_length(std::string_view bytes, std::size_t& head) {
    head = bytes.find("\r\n\r\n");
    if (head == std::string_view::npos) return 0;
    const std::size_t at = bytes.substr(0, head).find("Content-Length: ");
    const std::size_t body = at == std::string_view::npos ? 0 : std::strtoul(bytes.data() + at + 16, nullptr, 10);
    return bytes.size() >= head + 4 + body ? head + 4 + body : 0;
}

std::string_view key_of(std::string_view body) {
    const std::size_t at = body.find(key_mark);
    if (at == std::string_view::npos) return {};
    const std::string_view rest = body.substr(at + key_mark.size());
    return rest.substr(0, rest.find('"'));
}

int listen_on(int port) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(descriptor, 256) != 0)
        fail("cannot listen");
    return descriptor;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) fail("usage: table_floor PORT FILE");
    Store store(argv[2]);
    const int listener = listen_on(std::atoi(argv[1]));
    const int poll = ::epoll_create1(0);
    const auto add = [&](int descriptor) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = descriptor;
        ::epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event);
    };
    add(listener);
    std::map<int, std::string> received;
    std::vector<epoll_event> events(256);
    std::vector<char> buffer(1 << 20);
    for (;;) {
        const int count = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1);
        std::vector<int> stored;
        for (int i = 0; i < count; ++i) {
            const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
            if (descriptor == listener) {
                const int client = ::accept(listener, nullptr, nullptr);
                const int on = 1;
                ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                add(client);
                continue;
            }
            const ssize_t got = ::recv(descriptor, buffer.data(), buffer.size(), 0);
            std::string& bytes = received[descriptor];
            if (got <= 0) {
                received.erase(descriptor);
                ::close(descriptor);
                continue;
            }
            bytes.append(buffer.data(), static_cast<std::size_t>(got));
            std::size_t head = 0;
            const std::size_t length = request_length(bytes, head);
            if (length == 0) continue;
            const std::string_view body = std::string_view(bytes).substr(head + 4, length - head - 4);
            if (std::string_view(bytes).substr(0, head).find(".PutItem") != std::string_view::npos) {
                if (stored.empty()) store.run("BEGIN IMMEDIATE");
                store.put(key_of(body), body);
                stored.push_back(descriptor);
            } else {
                const std::string out = answer(store.get(key_of(body)));
                (void)!::send(descriptor, out.data(), out.size(), MSG_NOSIGNAL);
            }
            bytes.erase(0, length);
        }
        if (stored.empty()) continue;
        store.run("COMMIT");
        const std::string out = answer("{}");
        for (const int descriptor : stored) (void)!::send(descriptor, out.data(), out.size(), MSG_NOSIGNAL);
    }
}
