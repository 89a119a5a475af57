#include "lambda/environment.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace fogbank::lambda {
namespace {

/// What is kept of what a process says while nobody invokes it.
constexpr std::size_t early_lines_max = 200;

}  // namespace

Environment::Environment(std::unique_ptr<ChildProcess> process, const EnvironmentSettings& settings)
    : memory_mb_(settings.memory_mb), process_(std::move(process)), log_stream_(settings.log_stream) {}

bool Environment::alive() const {
    pollfd watched{process_->exited(), POLLIN, 0};
    return ::poll(&watched, 1, 0) == 0;
}

void Environment::say(const EnvironmentRun* run, std::string_view line) {
    if (run != nullptr) return run->log(line);
    if (early_lines_.size() < early_lines_max) early_lines_.emplace_back(line);
}

void Environment::drain_output(const EnvironmentRun* run) {
    if (run != nullptr && !early_lines_.empty()) {
        for (const std::string& line : std::exchange(early_lines_, {})) run->log(line);
    }
    std::array<char, 16 * 1024> bytes;
    // Bounded, so that a process that never stops writing does not keep its invocation from being answered.
    for (int i = 0; i < 64; ++i) {
        const ssize_t got = ::read(process_->output(), bytes.data(), bytes.size());
        if (got <= 0) return;
        lines_.add(std::string_view(bytes.data(), static_cast<std::size_t>(got)), [&](std::string_view line) { say(run, line); });
        if (static_cast<std::size_t>(got) < bytes.size()) return;
    }
}

void Environment::pass_output(std::function<void(std::string_view)> sink) {
    EnvironmentRun run;
    run.log = std::move(sink);
    drain_output(&run);
    lines_.flush(run.log);
}

std::string exit_error(std::string_view request_id, std::string_view reason) {
    const std::string ending =
        reason.empty() ? "Runtime exited without providing a reason" : "Runtime exited with error: " + std::string(reason);
    return detail::error_object("Runtime.ExitError", "RequestId: " + std::string(request_id) + " Error: " + ending);
}

}  // namespace fogbank::lambda
