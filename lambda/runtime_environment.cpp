// A program that speaks the Lambda Runtime API: bootstraps of `provided` runtimes, and those of Node.js and Python that are shipped here.
// Source: Developer Guide, "Using the Lambda runtime API" (reference "lambda", section 3).
//
// Each environment has a listening socket of its own on loopback, so a process can reach its own invocations only. The function thread that
// runs an invocation serves the socket itself; between invocations the process waits in GET …/next, unanswered.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <list>

#include "lambda/environment.h"
#include "lambda/errc.h"
#include "lambda/limits.h"
#include "lambda/runtime_http.h"
#include "lambda/worker.h"

namespace fogbank::lambda {
namespace {

constexpr std::string_view api = "/2018-06-01/runtime/";
constexpr std::size_t connections_max = 8;
/// How often the memory of a running process is looked at.
constexpr int memory_interval_ms = 100;
constexpr std::string_view json_type = "application/json";

struct Connection {
    explicit Connection(OwnedDescriptor accepted) : socket(std::move(accepted)), parser(result_bytes_max) {}
    OwnedDescriptor socket;
    RuntimeRequestParser parser;
    bool closed = false;
};

bool send_all(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

std::string refusal(std::string_view type, std::string_view message) {
    return JsonObject().set("errorMessage", message).set("errorType", type).str();
}

class RuntimeEnvironment final : public Environment {
  public:
    RuntimeEnvironment(std::unique_ptr<ChildProcess> process, OwnedDescriptor listener, const EnvironmentSettings& settings)
        : Environment(std::move(process), settings), listener_(std::move(listener)) {}

    std::unique_ptr<StartFailure> wait_until_ready() override {
        const auto deadline = std::chrono::steady_clock::now() + start_limit;
        while (waiting_ == nullptr) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
            if (left.count() <= 0) {
                // As AWS does: the first invocation goes on waiting, until its own time is up.
                return nullptr;
            }
            const bool going = turn(nullptr, static_cast<int>(left.count()));
            if (!init_error_.empty()) return failure(init_error_, init_error_);
            if (!going) {
                const std::string ending = process_->wait();
                return std::make_unique<StartFailure>(StartFailure{ending, "its process ended before it was ready", true});
            }
        }
        return nullptr;
    }

    EnvironmentReturn run(const EnvironmentRun& run) override {
        request_id_ = run.request_id;
        answered_ = false;
        returned_ = {};
        drain_output(&run);
        while (!answered_) {
            if (!sent_ && waiting_ != nullptr) send_event(run);
            if (!turn(&run, memory_interval_ms)) return exited(run);
            if (!init_error_.empty()) {
                returned_.kind = EnvironmentReturn::Kind::function_error;
                returned_.payload = init_error_;
                break;
            }
            if (!within_memory()) kill();
        }
        within_memory();
        drain_output(&run);
        sent_ = false;
        request_id_.clear();
        returned_.memory_kb = peak_kb_;
        returned_.reusable = init_error_.empty();
        return std::move(returned_);
    }

  private:
    static std::unique_ptr<StartFailure> failure(std::string function_error, std::string reason) {
        return std::make_unique<StartFailure>(StartFailure{std::move(function_error), std::move(reason), false});
    }

    bool within_memory() {
        const auto now = std::chrono::steady_clock::now();
        if (now - looked_at_ < std::chrono::milliseconds(memory_interval_ms / 2)) return true;
        looked_at_ = now;
        const std::size_t used = process_->memory_kb().value_or(0);
        peak_kb_ = std::max(peak_kb_, used);
        return used <= static_cast<std::size_t>(memory_mb_) * 1024;
    }

    void send_event(const EnvironmentRun& run) {
        sent_ = true;
        std::string head = "Lambda-Runtime-Aws-Request-Id: " + std::string(run.request_id) +
                           "\r\nLambda-Runtime-Deadline-Ms: " + std::to_string(run.deadline_ms) +
                           "\r\nLambda-Runtime-Invoked-Function-Arn: " + std::string(run.function_arn) +
                           "\r\nLambda-Runtime-Trace-Id: Root=1-00000000-" + trace_of(run.request_id) + ";Sampled=0\r\n";
        if (!run.client_context.empty()) head += "Lambda-Runtime-Client-Context: " + std::string(run.client_context) + "\r\n";
        Connection* connection = std::exchange(waiting_, nullptr);
        if (!send_all(connection->socket.number(), runtime_response(200, head, json_type, run.event))) {
            connection->closed = true;
            sent_ = false;
        }
    }

    /// 24 hex digits, made of the request id.
    static std::string trace_of(std::string_view request_id) {
        std::string out;
        std::copy_if(request_id.begin(), request_id.end(), std::back_inserter(out), [](char c) { return c != '-'; });
        out.resize(24, '0');
        return out;
    }

    /// Waits for something to happen and sees to it. False if the process is dead.
    bool turn(const EnvironmentRun* run, int timeout_ms) {
        std::vector<pollfd> watched{{process_->exited(), POLLIN, 0}, {listener_.number(), POLLIN, 0}, {process_->output(), POLLIN, 0}};
        if (output_ended_) watched[2].fd = -1;
        for (const auto& connection : connections_) watched.push_back({connection.socket.number(), POLLIN, 0});
        if (::poll(watched.data(), watched.size(), timeout_ms) < 0 && errno != EINTR) return false;
        if (watched[2].revents != 0) {
            drain_output(run);
            output_ended_ = (watched[2].revents & POLLIN) == 0;
        }
        std::size_t i = 3;
        for (auto& connection : connections_) {
            if (watched[i++].revents != 0) read(connection);
        }
        connections_.remove_if([this](const Connection& connection) {
            if (connection.closed && waiting_ == &connection) waiting_ = nullptr;
            return connection.closed;
        });
        if (watched[1].revents != 0) accept();
        // What the process said before it died was just read.
        return watched[0].revents == 0 || answered_;
    }

    void accept() {
        OwnedDescriptor accepted(::accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!accepted || connections_.size() >= connections_max) return;
        const int yes = 1;
        ::setsockopt(accepted.number(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        connections_.emplace_back(std::move(accepted));
    }

    void read(Connection& connection) {
        buffer_.resize(64 * 1024);
        const ssize_t got = ::recv(connection.socket.number(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (got <= 0) {
            connection.closed = true;
            return;
        }
        connection.parser.add(std::string_view(buffer_.data(), static_cast<std::size_t>(got)));
        while (const auto request = connection.parser.next()) {
            handle(connection, *request);
            if (!request->keep_alive && waiting_ != &connection) connection.closed = true;
        }
        if (connection.parser.take_expects_continue()) send_all(connection.socket.number(), "HTTP/1.1 100 Continue\r\n\r\n");
        if (connection.parser.malformed()) {
            reply(connection, 400, refusal("InvalidRequest", "the request is not HTTP"));
            connection.closed = true;
        }
    }

    void reply(Connection& connection, unsigned status, std::string_view body) {
        if (!send_all(connection.socket.number(), runtime_response(status, {}, json_type, body))) connection.closed = true;
    }

    void handle(Connection& connection, const RuntimeRequest& request) {
        std::string_view path = request.path;
        if (!path.starts_with(api)) return reply(connection, 404, refusal("NotFound", "this server has the Runtime API 2018-06-01 only"));
        path.remove_prefix(api.size());
        if (request.method == "GET" && path == "invocation/next") {
            waiting_ = &connection;
            return;
        }
        if (request.method == "POST" && path == "init/error") {
            init_error_ = error_object(request, "Runtime.InitError");
            return reply(connection, 202, R"({"status":"OK"})");
        }
        constexpr std::string_view invocation = "invocation/";
        if (request.method != "POST" || !path.starts_with(invocation))
            return reply(connection, 404, refusal("NotFound", "the Runtime API has no such call"));
        path.remove_prefix(invocation.size());
        const std::size_t slash = path.find('/');
        handle_answer(connection, request, path.substr(0, slash), slash == std::string_view::npos ? "" : path.substr(slash + 1));
    }

    void handle_answer(Connection& connection, const RuntimeRequest& request, std::string_view id, std::string_view what) {
        if (what != "response" && what != "error") return reply(connection, 404, refusal("NotFound", "the Runtime API has no such call"));
        if (id != request_id_ || !sent_ || answered_) return reply(connection, 400, refusal("InvalidRequestID", "Invalid request ID"));
        answered_ = true;
        returned_.kind = what == "response" ? EnvironmentReturn::Kind::result : EnvironmentReturn::Kind::function_error;
        returned_.too_large = request.body_too_large;
        if (request.body_too_large) {
            return reply(connection, 413,
                         refusal("RequestEntityTooLarge",
                                 "Exceeded maximum allowed payload size (" + std::to_string(result_bytes_max) + " bytes)."));
        }
        returned_.payload = what == "response" ? request.body : error_object(request, "Unhandled");
        reply(connection, 202, R"({"status":"OK"})");
    }

    /// What a runtime reports, if it is JSON; otherwise its words inside an object.
    static std::string error_object(const RuntimeRequest& request, std::string_view type) {
        if (!request.body.empty() && detail::JsonChecker(request.body).document()) return request.body;
        return detail::error_object(request.error_type.empty() ? type : std::string_view(request.error_type), request.body.substr(0, 4096));
    }

    EnvironmentReturn exited(const EnvironmentRun& run) {
        EnvironmentReturn out;
        out.payload = process_->wait();
        drain_output(&run);
        out.memory_kb = peak_kb_;
        return out;
    }

    const OwnedDescriptor listener_;
    std::list<Connection> connections_;
    Connection* waiting_ = nullptr;  ///< sent GET …/next and was not answered
    std::string init_error_;
    std::string request_id_;  ///< of the invocation that runs
    bool sent_ = false, answered_ = false, output_ended_ = false;
    EnvironmentReturn returned_;
    std::string buffer_;
    std::chrono::steady_clock::time_point looked_at_{};
};

struct Listener {
    OwnedDescriptor socket;
    std::uint16_t port = 0;
};

Result<Listener> listen_on_loopback() {
    Listener out;
    out.socket.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (!out.socket || ::bind(out.socket.number(), generic, size) != 0 || ::listen(out.socket.number(), connections_max) != 0 ||
        ::getsockname(out.socket.number(), generic, &size) != 0) {
        return Error(Errc::unavailable, "no socket for a function's runtime");
    }
    out.port = ntohs(address.sin_port);
    return out;
}

}  // namespace

Result<std::unique_ptr<Environment>> start_runtime_environment(const EnvironmentSettings& settings) {
    auto listener = listen_on_loopback();
    if (!listener) return listener.error();
    ChildProcess::Options options;
    options.executable = settings.worker_executable;
    options.arguments = {std::string(worker_mode), "exec", std::to_string(::getpid())};
    options.arguments.insert(options.arguments.end(), settings.command.begin(), settings.command.end());
    options.environment = settings.environment;
    options.environment.push_back("AWS_LAMBDA_RUNTIME_API=127.0.0.1:" + std::to_string(listener->port));
    options.folder = settings.code;
    auto process = ChildProcess::spawn(options);
    if (!process) return process.error();
    return std::unique_ptr<Environment>(std::make_unique<RuntimeEnvironment>(std::move(*process), std::move(listener->socket), settings));
}

}  // namespace fogbank::lambda
