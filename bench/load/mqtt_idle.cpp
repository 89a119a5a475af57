// Opens many MQTT 3.1.1 connections that then do nothing. Broker-neutral; links nothing of ours.
//
// Questions it answers: what does an idle connection cost in resident memory, and is the growth linear; how much CPU does the broker spend
// on one connect, from SYN to CONNACK. Per step of --steps one line of JSON. After its CONNACK a connection's TLS state is thrown away here
// (nothing is sent any more), so that 19,000 of them fit into one small client. --parallel opens so many at a time. With --serve N it is
// the floor instead: a bare OpenSSL server of N threads that parses and verifies the client's chain each time, answers CONNECT and keeps
// the SSL object with released buffers.

#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

[[noreturn]] void die(const std::string& why) {
    std::fprintf(stderr, "mqtt_idle: %s\n", why.c_str());
    std::exit(1);
}

/// CPU time of a process so far, to the nanosecond (/proc/PID/stat counts in ticks of 10 ms).
double cpu_seconds_of(int pid) {
    clockid_t clock{};
    timespec time{};
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) die("no process " + std::to_string(pid));
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

long rss_kib_of(int pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(file, line);) {
        if (line.rfind("VmRSS:", 0) == 0) return std::stol(line.substr(6));
    }
    die("no process " + std::to_string(pid));
}

std::map<std::string, std::string> options{{"host", "localhost"}, {"port", "8883"},   {"steps", "1000"}, {"settle", "2"},
                                           {"hold", "0"},         {"prefix", "idle"}, {"parallel", "1"}};

SSL_CTX* context_for(bool server) {
    SSL_CTX* context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    if (server) {
        SSL_CTX_set_num_tickets(context, 0);
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    if (SSL_CTX_load_verify_locations(context, options["ca"].c_str(), nullptr) != 1 ||
        SSL_CTX_use_certificate_chain_file(context, options["cert"].c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, options["key"].c_str(), SSL_FILETYPE_PEM) != 1) {
        die("bad certificate files");
    }
    return context;
}

addrinfo* resolve() {
    addrinfo hints{}, *found = nullptr;
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(options["host"].c_str(), options["port"].c_str(), &hints, &found) != 0) die("unknown host");
    return found;
}

void set_no_delay(int descriptor) {
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

std::string connect_packet(const std::string& client_id) {
    std::string body("\x00\x04MQTT\x04\x02\x04\xB0", 10);
    body += '\0';
    body += static_cast<char>(client_id.size());
    body += client_id;
    return std::string("\x10") + static_cast<char>(body.size()) + body;
}

/// @return false if the broker takes no more.
bool open_one(SSL_CTX* context, const addrinfo* address, long index) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0 || ::connect(descriptor, address->ai_addr, address->ai_addrlen) != 0) return false;
    set_no_delay(descriptor);
    const std::string packet = connect_packet(options["prefix"] + std::to_string(index));
    char answer[4] = {};
    bool good = false;
    if (context == nullptr) {
        good = ::send(descriptor, packet.data(), packet.size(), MSG_NOSIGNAL) > 0 &&
               ::recv(descriptor, answer, sizeof answer, MSG_WAITALL) == 4;
    } else {
        SSL* ssl = SSL_new(context);
        SSL_set_fd(ssl, descriptor);
        good = SSL_connect(ssl) == 1 && SSL_write(ssl, packet.data(), static_cast<int>(packet.size())) > 0 &&
               SSL_read(ssl, answer, sizeof answer) == 4;
        SSL_set_quiet_shutdown(ssl, 1);
        SSL_free(ssl);
    }
    return good && answer[0] == 0x20 && answer[3] == 0;
}

void serve_connections(SSL_CTX* context, int listener) {
    while (true) {
        const int descriptor = ::accept(listener, nullptr, nullptr);
        if (descriptor < 0) die("accept");
        set_no_delay(descriptor);
        SSL* ssl = SSL_new(context);
        SSL_set_fd(ssl, descriptor);
        char packet[256];
        if (SSL_accept(ssl) != 1 || SSL_read(ssl, packet, sizeof packet) <= 0 || SSL_write(ssl, "\x20\x02\x00\x00", 4) != 4) {
            ERR_print_errors_fp(stderr);
            SSL_free(ssl);
            ::close(descriptor);
        }
    }
}

void serve() {
    SSL_CTX* context = context_for(true);
    const addrinfo* address = resolve();
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(listener, address->ai_addr, address->ai_addrlen) != 0 || ::listen(listener, 1024) != 0) die("cannot listen");
    std::vector<std::thread> others;
    for (long i = 1; i < std::stol(options["serve"]); ++i) others.emplace_back(serve_connections, context, listener);
    serve_connections(context, listener);
}

/// Opens what is missing up to `last`, by so many threads as --parallel says.
void open_up_to(SSL_CTX* context, const addrinfo* address, long first, long last) {
    std::atomic<long> next{first};
    const auto open_some = [&] {
        for (long index = next++; index < last; index = next++) {
            if (!open_one(context, address, index)) die("connection " + std::to_string(index) + " was refused");
        }
    };
    std::vector<std::thread> others;
    for (long i = 1; i < std::stol(options["parallel"]); ++i) others.emplace_back(open_some);
    open_some();
    for (std::thread& one : others) one.join();
}

void load() {
    const int pid = std::stoi(options["pid"]);
    SSL_CTX* context = options.count("ca") != 0 ? context_for(false) : nullptr;
    const addrinfo* address = resolve();
    const auto settle = std::chrono::seconds(std::stol(options["settle"]));
    long opened = 0;
    const long rss_empty = rss_kib_of(pid);
    std::istringstream steps(options["steps"]);
    for (std::string step; std::getline(steps, step, ',');) {
        const long before = opened;
        const double cpu = cpu_seconds_of(pid);
        const auto began = std::chrono::steady_clock::now();
        opened = std::stol(step);
        open_up_to(context, address, before, opened);
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
        const double used = cpu_seconds_of(pid) - cpu;
        std::this_thread::sleep_for(settle);
        const long rss = rss_kib_of(pid);
        std::printf(
            "{\"connections\":%ld,\"rss_kib\":%ld,\"kib_per_connection\":%.2f,\"broker_cpu_us_per_connect\":%.0f,\"connects_per_second\":%."
            "0f}\n",
            opened, rss, static_cast<double>(rss - rss_empty) / static_cast<double>(opened),
            used * 1e6 / static_cast<double>(opened - before), static_cast<double>(opened - before) / seconds);
        std::fflush(stdout);
    }
    const long hold = std::stol(options["hold"]);
    if (hold == 0) return;
    const double cpu = cpu_seconds_of(pid);
    std::this_thread::sleep_for(std::chrono::seconds(hold));
    std::printf("{\"idle_cpu_percent\":%.3f}\n", (cpu_seconds_of(pid) - cpu) * 100 / static_cast<double>(hold));
}

}  // namespace

int main(int count, char** arguments) {
    for (int i = 1; i + 1 < count; i += 2) options[std::string(arguments[i]).substr(2)] = arguments[i + 1];
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (options.count("serve") != 0) serve();
    load();
}
