#include "app/serve_command.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <iostream>

#include "app/local_names.h"
#include "app/server.h"

namespace fogbank::app {
namespace {

constexpr std::chrono::milliseconds stop_grace{4000};  // SIGTERM to exit within 5 s

/// Blocked in every thread, so that only `sigwait` below gets them. SIGPIPE is ignored: a peer that hung up is an error code, not a signal.
sigset_t block_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    return signals;
}

/// As many descriptors as the system allows: each connection is one.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

void print_table(const Settings& settings, const Endpoints& endpoints) {
    const std::string host = gateway_host(settings, local_names());
    const auto row = [](const char* what, const std::string& value) { std::cout << "  " << what << value << "\n"; };
    std::cout << "Fogbank " FOGBANK_VERSION " is ready (pid " << ::getpid() << ")\n";
    row("MQTT, client certificate  ", host + ":" + std::to_string(endpoints.mqtt.mqtts));
    row("MQTT by ALPN              ", host + ":" + std::to_string(endpoints.mqtt.alpn));
    row("HTTPS, client certificate ", "https://" + host + ":" + std::to_string(endpoints.api.https) + "/topics/<topic>");
    row("AWS APIs, HTTP and HTTPS  ", "http://localhost:" + std::to_string(endpoints.api.api));
    if (endpoints.mqtt.mqtt >= 0) row("MQTT, plain, loopback     ", "127.0.0.1:" + std::to_string(endpoints.mqtt.mqtt));
    row("root CA                   ", endpoints.ca_file);
    row("all values for scripts    ", (std::filesystem::absolute(settings.data) / "endpoints.json").string());
    row("a first gateway           ", "fogbank provision NAME --out DIR --data " + settings.data.string());
    std::cout.flush();
}

}  // namespace

ExitCode run_serve(const Settings& settings) {
    const sigset_t signals = block_signals();
    raise_descriptor_limit();
    auto server = Server::start(settings, Doors{});
    if (!server) {
        std::cerr << "fogbank: " << server.error().message << "\n";
        return ExitCode::cannot_start;
    }
    print_table(settings, (*server)->endpoints());

    int signal_number = 0;
    sigwait(&signals, &signal_number);
    std::cout << "stopping\n" << std::flush;
    // A second signal ends the process at once: everything acknowledged is committed, so nothing is lost.
    ::signal(SIGTERM, [](int) { ::_exit(static_cast<int>(ExitCode::not_clean)); });
    ::signal(SIGINT, [](int) { ::_exit(static_cast<int>(ExitCode::not_clean)); });
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    (*server)->stop(stop_grace);
    server->reset();
    return ExitCode::ok;
}

}  // namespace fogbank::app
