// A worker process with a C++ handler, at the other end of a socket pair.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "lambda/environment.h"
#include "lambda/errc.h"
#include "lambda/limits.h"
#include "lambda/spin_wait.h"
#include "lambda/worker.h"
#include "lambda/worker_protocol.h"

namespace fogbank::lambda {
namespace {

struct Answer {
    int status = 0;
    std::string text;
};

/// Asks the host on behalf of the handler.
Answer answer_call(const fogbank_host& host, const Frame& call) {
    Answer answer;
    const auto first = detail::bytes(call.texts[0]), second = detail::bytes(call.texts[1]), third = detail::bytes(call.texts[2]);
    const fogbank_sink out = detail::sink(answer.text);
    switch (static_cast<HostCall>(call.numbers[0])) {
        case HostCall::put_item:
            answer.status = host.put_item(host.state, first, second, out);
            return answer;
        case HostCall::get_item:
            answer.status = host.get_item(host.state, first, second, out, out);
            return answer;
        case HostCall::delete_item:
            answer.status = host.delete_item(host.state, first, second, out);
            return answer;
        case HostCall::publish:
            answer.status = host.publish(host.state, first, second, call.numbers[1] == 0 ? 0 : call.numbers[1] == 1 ? 1 : -1, out);
            return answer;
        case HostCall::get_shadow:
            answer.status = host.get_shadow(host.state, first, second, out, out);
            return answer;
        case HostCall::update_shadow:
            answer.status = host.update_shadow(host.state, first, second, third, out, out);
            return answer;
    }
    return {1, "this server has no such call"};
}

class CppEnvironment final : public Environment {
  public:
    CppEnvironment(std::unique_ptr<ChildProcess> process, OwnedDescriptor channel, const EnvironmentSettings& settings)
        : Environment(std::move(process), settings), channel_(std::move(channel)) {}

    std::unique_ptr<StartFailure> wait_until_ready() override {
        const auto deadline = std::chrono::steady_clock::now() + start_limit;
        const auto frame = receive(nullptr, &deadline);
        if (frame && frame->kind == FrameKind::ready) return nullptr;
        if (frame && frame->kind == FrameKind::refused) {
            const std::string reason(frame->texts[0]);
            return failure(detail::error_object("Runtime.InvalidEntrypoint", reason), reason);
        }
        kill();
        const std::string ending = process_->wait();
        if (std::chrono::steady_clock::now() >= deadline) {
            return failure(detail::error_object("Runtime.InitError", "the handler's static constructors did not return within 10 seconds"),
                           "its static constructors did not return within 10 seconds");
        }
        return std::make_unique<StartFailure>(
            StartFailure{ending, "cannot be loaded: its process ended (" + (ending.empty() ? "exit status 0" : ending) + ")", true});
    }

    EnvironmentReturn run(const EnvironmentRun& run) override {
        out_.clear();
        append_frame(out_, FrameKind::invoke, {static_cast<std::uint64_t>(run.deadline_ms), run.alone ? 1U : 0U},
                     {run.request_id, run.function_arn, run.event});
        if (!send()) return exited(run);
        while (const auto frame = receive(&run, nullptr)) {
            switch (frame->kind) {
                case FrameKind::log:
                    run.log(frame->texts[0]);
                    break;
                case FrameKind::call: {
                    const Answer answer = answer_call(*run.host, *frame);
                    out_.clear();
                    append_frame(out_, FrameKind::reply, {static_cast<std::uint64_t>(answer.status != 0)}, {answer.text});
                    if (!send()) return exited(run);
                    break;
                }
                case FrameKind::result:
                    return returned(*frame, run);
                default:
                    kill();
                    return exited(run);
            }
        }
        kill();
        return exited(run);
    }

  private:
    static std::unique_ptr<StartFailure> failure(std::string function_error, std::string reason) {
        return std::make_unique<StartFailure>(StartFailure{std::move(function_error), std::move(reason), false});
    }

    bool send() {
        std::string_view left = out_;
        while (!left.empty()) {
            const ssize_t sent = ::send(channel_.number(), left.data(), left.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno == EINTR) continue;
            if (sent <= 0) return false;
            left.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    /// Nothing if the worker is gone, talks nonsense, or the deadline has passed.
    std::optional<Frame> receive(const EnvironmentRun* run, const std::chrono::steady_clock::time_point* deadline) {
        in_.erase(0, consumed_);
        consumed_ = 0;
        while (true) {
            if (const auto size = frame_size(in_)) {
                if (*size > frame_bytes_max) return std::nullopt;
                if (in_.size() >= *size) {
                    consumed_ = *size;
                    return decode_frame(std::string_view(in_).substr(0, *size));
                }
            }
            if (run != nullptr && run->alone && spin_([this] { return try_read(); })) continue;
            if (!wait(run, deadline) || !read()) return std::nullopt;
        }
    }

    /// Until there is something to read; passes output on meanwhile.
    bool wait(const EnvironmentRun* run, const std::chrono::steady_clock::time_point* deadline) {
        while (true) {
            std::array<pollfd, 2> watched{pollfd{channel_.number(), POLLIN, 0}, pollfd{process_->output(), POLLIN, 0}};
            int timeout = -1;
            if (deadline != nullptr) {
                const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
                if (left.count() <= 0) return false;
                timeout = static_cast<int>(left.count());
            }
            const nfds_t count = (output_ended_ ? 1 : 2);
            if (::poll(watched.data(), count, timeout) < 0 && errno != EINTR) return false;
            if (watched[1].revents != 0 && !output_ended_) {
                drain_output(run);
                output_ended_ = (watched[1].revents & POLLIN) == 0;
            }
            if (watched[0].revents != 0) return true;
        }
    }

    bool read(int flags = 0) {
        ssize_t got = 0;
        do {
            got = ::recv(channel_.number(), received_.data(), received_.size(), flags);
        } while (got < 0 && errno == EINTR);
        in_.append(received_.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        return got > 0;
    }
    bool try_read() { return read(MSG_DONTWAIT); }

    EnvironmentReturn returned(const Frame& frame, const EnvironmentRun& run) {
        drain_output(&run);
        EnvironmentReturn out;
        const bool failed = frame.numbers[0] != 0;
        out.kind = failed ? EnvironmentReturn::Kind::function_error : EnvironmentReturn::Kind::result;
        out.memory_kb = static_cast<std::size_t>(frame.numbers[1]);
        out.too_large = frame.texts[0].size() > result_bytes_max;
        if (!out.too_large) out.payload = frame.texts[0];
        // A handler that leaks gets a fresh worker before it has used up the memory of this one, or when it has.
        const bool leaks = out.memory_kb > static_cast<std::size_t>(memory_mb_) * 1024 * 9 / 10;
        out.reusable = !leaks && !(failed && out.payload.find("bad_alloc") != std::string::npos);
        return out;
    }

    EnvironmentReturn exited(const EnvironmentRun& run) {
        EnvironmentReturn out;
        out.payload = process_->wait();
        drain_output(&run);
        return out;
    }

    const OwnedDescriptor channel_;
    std::array<char, 16 * 1024> received_;
    std::string in_, out_;
    std::size_t consumed_ = 0;
    SpinWait spin_;
    bool output_ended_ = false;
};

}  // namespace

Result<std::unique_ptr<Environment>> start_cpp_environment(const EnvironmentSettings& settings) {
    std::array<int, 2> ends{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        return Error(Errc::unavailable, "a socket pair for a function");
    OwnedDescriptor ours(ends[0]);
    const OwnedDescriptor theirs(ends[1]);
    ChildProcess::Options options;
    options.executable = settings.worker_executable;
    options.arguments = {std::string(worker_mode), "run", std::to_string(::getpid()), std::to_string(settings.memory_mb),
                         settings.code.string()};
    options.environment = settings.environment;
    options.channel = theirs.number();
    auto process = ChildProcess::spawn(options);
    if (!process) return process.error();
    return std::unique_ptr<Environment>(std::make_unique<CppEnvironment>(std::move(*process), std::move(ours), settings));
}

}  // namespace fogbank::lambda
