#include "lambda/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include "fogbank/lambda.h"
#include "lambda/detail/sanitized.h"
#include "lambda/limits.h"
#include "lambda/plugin.h"
#include "lambda/spin_wait.h"
#include "lambda/worker_protocol.h"

namespace fogbank::lambda {
namespace {

constexpr int channel = 3;
constexpr int usage_status = 64, parent_gone_status = 65, program_missing_status = 127;

/// The frames of the channel, one after the other. The worker has one thread that talks; a handler's own threads must not call the host.
class Channel {
  public:
    void send(FrameKind kind, std::initializer_list<std::uint64_t> numbers, std::initializer_list<std::string_view> texts) {
        out_.clear();
        append_frame(out_, kind, numbers, texts);
        std::string_view left = out_;
        while (!left.empty()) {
            const ssize_t sent = ::send(channel, left.data(), left.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno == EINTR) continue;
            if (sent <= 0) ::_exit(parent_gone_status);
            left.remove_prefix(static_cast<std::size_t>(sent));
        }
        if (out_.capacity() > kept_bytes) out_ = std::string();
    }
    /// Whether `receive` may wait awake.
    void set_awake(bool awake) { awake_ = awake; }
    /// Valid until the next call.
    Frame receive() {
        in_.erase(0, consumed_);
        consumed_ = 0;
        while (true) {
            const auto size = frame_size(in_);
            if (size && in_.size() >= *size) {
                consumed_ = *size;
                auto frame = decode_frame(std::string_view(in_).substr(0, *size));
                if (!frame) ::_exit(parent_gone_status);
                return std::move(*frame);
            }
            more(size ? *size - in_.size() : chunk);
        }
    }

  private:
    static constexpr std::size_t chunk = 8 * 1024;
    static constexpr std::size_t kept_bytes = 256 * 1024;
    void more(std::size_t wanted) {
        const std::size_t before = in_.size();
        in_.resize(before + std::max(wanted, std::size_t{4096}));
        ssize_t got = -1;
        const auto look = [&] {
            got = ::recv(channel, in_.data() + before, in_.size() - before, MSG_DONTWAIT);
            return got >= 0;
        };
        if (!awake_ || !spin_(look)) {
            do {
                got = ::recv(channel, in_.data() + before, in_.size() - before, 0);
            } while (got < 0 && errno == EINTR);
        }
        if (got <= 0) ::_exit(0);  // the server is done with this worker
        in_.resize(before + static_cast<std::size_t>(got));
    }
    std::string in_, out_;
    std::size_t consumed_ = 0;
    SpinWait spin_;
    bool awake_ = false;
};

/// What stands behind fogbank_host in a worker.
struct WorkerHost {
    Channel& channel;

    static WorkerHost& of(void* state) { return *static_cast<WorkerHost*>(state); }

    int ask(HostCall what, fogbank_bytes first, fogbank_bytes second, fogbank_bytes third, std::uint64_t number, fogbank_sink good,
            fogbank_sink bad) {
        channel.send(FrameKind::call, {static_cast<std::uint64_t>(what), number},
                     {detail::view(first), detail::view(second), detail::view(third)});
        const Frame reply = channel.receive();
        if (reply.kind != FrameKind::reply) ::_exit(parent_gone_status);
        const bool failed = reply.numbers[0] != 0;
        const fogbank_sink sink = failed ? bad : good;
        if (sink.set != nullptr && (failed || !reply.texts[0].empty())) sink.set(sink.owner, detail::bytes(reply.texts[0]));
        return failed ? 1 : 0;
    }

    static void log(void* state, fogbank_bytes line) { of(state).channel.send(FrameKind::log, {}, {detail::view(line)}); }
    static fogbank_bytes environment(void*, fogbank_bytes name) {
        const char* value = std::getenv(std::string(detail::view(name)).c_str());
        return value == nullptr ? fogbank_bytes{nullptr, 0} : fogbank_bytes{value, std::strlen(value)};
    }
    static int put_item(void* state, fogbank_bytes table, fogbank_bytes item, fogbank_sink error) {
        return of(state).ask(HostCall::put_item, table, item, {}, 0, {}, error);
    }
    static int get_item(void* state, fogbank_bytes table, fogbank_bytes key, fogbank_sink item, fogbank_sink error) {
        return of(state).ask(HostCall::get_item, table, key, {}, 0, item, error);
    }
    static int publish(void* state, fogbank_bytes topic, fogbank_bytes payload, int qos, fogbank_sink error) {
        return of(state).ask(HostCall::publish, topic, payload, {}, static_cast<std::uint64_t>(qos), {}, error);
    }
    static int delete_item(void* state, fogbank_bytes table, fogbank_bytes key, fogbank_sink error) {
        return of(state).ask(HostCall::delete_item, table, key, {}, 0, {}, error);
    }
    static int get_shadow(void* state, fogbank_bytes thing, fogbank_bytes shadow, fogbank_sink document, fogbank_sink error) {
        return of(state).ask(HostCall::get_shadow, thing, shadow, {}, 0, document, error);
    }
    static int update_shadow(void* state, fogbank_bytes thing, fogbank_bytes shadow, fogbank_bytes document, fogbank_sink accepted,
                             fogbank_sink error) {
        return of(state).ask(HostCall::update_shadow, thing, shadow, document, 0, accepted, error);
    }
    static std::int64_t now_ms(void*) {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    }
};

fogbank_host host_table(WorkerHost& worker) {
    fogbank_host host{};
    host.abi_version = FOGBANK_LAMBDA_ABI_VERSION;
    host.struct_size = sizeof host;
    host.state = &worker;
    host.log = &WorkerHost::log;
    host.environment = &WorkerHost::environment;
    host.put_item = &WorkerHost::put_item;
    host.get_item = &WorkerHost::get_item;
    host.publish = &WorkerHost::publish;
    host.now_ms = &WorkerHost::now_ms;
    host.delete_item = &WorkerHost::delete_item;
    host.get_shadow = &WorkerHost::get_shadow;
    host.update_shadow = &WorkerHost::update_shadow;
    return host;
}

struct HandlerReturn {
    int status = 0;
    std::string payload;
};

HandlerReturn call(fogbank_lambda_handler handler, const fogbank_host& host, fogbank_bytes event) {
    HandlerReturn returned;
    const fogbank_sink sink{&returned, [](void* owner, fogbank_bytes bytes) {
                                // One byte too many is kept, for the server to see that it is too much.
                                static_cast<HandlerReturn*>(owner)->payload = detail::view(bytes).substr(0, result_bytes_max + 1);
                            }};
    try {
        returned.status = handler(&host, event, sink);
    } catch (...) {
        returned.status = 1;
        returned.payload = detail::error_object("Unknown", "the handler let an exception cross the C border");
    }
    return returned;
}

std::uint64_t peak_memory_kb() {
    if (sanitized) return 0;
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_maxrss);
}

/// Copies, because the channel's buffer is used again while the handler runs.
struct Invocation {
    explicit Invocation(const Frame& frame)
        : deadline_ms(static_cast<std::int64_t>(frame.numbers[0])),
          request_id(frame.texts[0]),
          arn(frame.texts[1]),
          event(frame.texts[2]) {}
    std::int64_t deadline_ms;
    std::string request_id, arn, event;
};

[[noreturn]] void serve(Channel& messages, fogbank_lambda_handler handler) {
    WorkerHost worker{messages};
    fogbank_host host = host_table(worker);
    const char* name = std::getenv("AWS_LAMBDA_FUNCTION_NAME");
    host.function_name = detail::bytes(name != nullptr ? name : "");
    while (true) {
        const Frame frame = messages.receive();
        if (frame.kind != FrameKind::invoke) ::_exit(parent_gone_status);
        const Invocation invocation(frame);
        messages.set_awake(frame.numbers[1] != 0);
        host.request_id = detail::bytes(invocation.request_id);
        host.function_arn = detail::bytes(invocation.arn);
        host.deadline_ms = invocation.deadline_ms;
        const HandlerReturn returned = call(handler, host, detail::bytes(invocation.event));
        std::fflush(nullptr);  // what the handler printed belongs to this invocation
        messages.send(FrameKind::result, {static_cast<std::uint64_t>(returned.status != 0), peak_memory_kb()}, {returned.payload});
    }
}

std::optional<long> number(const char* text) {
    long value = 0;
    const char* end = text + std::strlen(text);
    const auto read = std::from_chars(text, end, value);
    if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
    return value;
}

/// The worker goes when the server does, however that happens.
bool die_with(long parent) {
    return ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && ::getppid() == parent;
}

/// Handlers that ask for more get std::bad_alloc or NULL. What the program itself occupies is not counted.
void limit_memory(long memory_mb) {
    if (sanitized) return;
    constexpr rlim_t own = rlim_t{64} << 20;
    const rlim_t bytes = own + (static_cast<rlim_t>(memory_mb) << 20);
    const rlimit limit{bytes, bytes};
    ::setrlimit(RLIMIT_DATA, &limit);
}

int run(char** argv) {
    const auto memory_mb = number(argv[1]);
    if (!memory_mb) return usage_status;
    ::fcntl(channel, F_SETFD, FD_CLOEXEC);
    limit_memory(*memory_mb);
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    Channel messages;
    const auto plugin = Plugin::load(argv[2]);
    if (!plugin) {
        messages.send(FrameKind::refused, {}, {plugin.error().message});
        return 0;
    }
    messages.send(FrameKind::ready, {}, {});
    serve(messages, (*plugin)->handler());
}

int become(char** argv) {
    ::execvp(argv[1], argv + 1);
    std::fprintf(stderr, "%s: %s\n", argv[1], std::strerror(errno));
    return program_missing_status;
}

}  // namespace

int run_worker(int argc, char** argv) {
    // argv: program, lambda-worker, run or exec, PARENT, …
    const auto parent = argc > 4 ? number(argv[3]) : std::nullopt;
    if (!parent) {
        std::fputs("fogbank lambda-worker is for fogbank's own use\n", stderr);
        return usage_status;
    }
    if (!die_with(*parent)) return parent_gone_status;
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    const std::string_view what = argv[2];
    if (what == "run" && argc == 6) return run(argv + 3);
    if (what == "exec") return become(argv + 3);
    return usage_status;
}

}  // namespace fogbank::lambda
