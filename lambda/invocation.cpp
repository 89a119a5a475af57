#include "lambda/invocation.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "common/logging.h"
#include "lambda/host_calls.h"
#include "lambda/limits.h"
#include "lambda/process_starter.h"
#include "lambda/runtime.h"

namespace fogbank::lambda {
namespace {

std::int64_t milliseconds(WallTime time) {
    return time.time_since_epoch().count();
}

/// What is kept of an invocation's log before it is written.
constexpr std::size_t log_events_max = 100, log_events_bytes_max = 64 * 1024;

std::string two_decimals(double value) {
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "%.2f", value);
    return buffer;
}

InvocationResult function_error(std::string error_object) {
    InvocationResult result;
    result.payload = std::move(error_object);
    result.function_error = "Unhandled";
    return result;
}

/// What the log says of a process that ended.
std::string exit_line(std::string_view request_id, const std::string& ending) {
    return "RequestId: " + std::string(request_id) + " Error: Runtime exited " +
           (ending.empty() ? "without providing a reason" : "with error: " + ending);
}

bool is_json(std::string_view text) {
    return detail::JsonChecker(text).document();
}

/// What the caller gets for what the handler returned. `any_bytes`: a bootstrap of one's own may answer what it likes, as the one of AWS's
/// tutorial does; the other runtimes answer JSON.
InvocationResult judged(int status, std::string payload, bool too_large, bool any_bytes) {
    if (too_large) {
        return function_error(detail::error_object(
            "Function.ResponseSizeTooLarge",
            "Response payload size exceeded maximum allowed payload size (" + std::to_string(result_bytes_max) + " bytes)."));
    }
    if (payload.empty() && status == 0) payload = "null";
    if (!(any_bytes && status == 0) && !is_json(payload)) {
        if (status != 0) return function_error(detail::error_object("Unhandled", "the handler failed without an error object"));
        return function_error(detail::error_object("Runtime.MarshalError", "Unable to marshal response: the handler's result is not JSON"));
    }
    if (status != 0) return function_error(std::move(payload));
    InvocationResult result;
    result.payload = std::move(payload);
    return result;
}

}  // namespace

std::string timeout_error(WallTime now, std::string_view request_id, std::int64_t timeout_s) {
    const std::string text = iso8601(milliseconds(now)) + " " + std::string(request_id) + " Task timed out after " +
                             two_decimals(static_cast<double>(timeout_s)) + " seconds";
    return JsonObject().set("errorMessage", text).str();
}

void LogTail::append(std::string_view line) {
    // A line that is longer than the tail keeps its end; twice the tail is held before it is cut, so that cutting is rare.
    text_ += line.size() <= log_tail_bytes_max ? line : line.substr(line.size() - log_tail_bytes_max);
    text_.push_back('\n');
    if (text_.size() > 2 * log_tail_bytes_max) text_.erase(0, text_.size() - log_tail_bytes_max);
}

std::string LogTail::take() && {
    if (text_.size() > log_tail_bytes_max) text_.erase(0, text_.size() - log_tail_bytes_max);
    return std::move(text_);
}

void PendingCall::complete(Result<std::string> answer) {
    const std::lock_guard lock(mutex_);
    if (!answer_) answer_ = std::move(answer);
    completed_.notify_one();
}

Result<std::string> PendingCall::wait() {
    std::unique_lock lock(mutex_);
    completed_.wait(lock, [this] { return answer_.has_value(); });
    return *answer_;
}

Invocation::Invocation(std::shared_ptr<InvocationServices> services, std::shared_ptr<Function> function, std::string request_id,
                       std::shared_ptr<const std::string> event, InvocationDetails details, Done done)
    : services_(std::move(services)),
      function_(std::move(function)),
      request_id_(std::move(request_id)),
      details_(std::move(details)),
      event_(std::move(event)),
      done_(std::move(done)) {}

void Invocation::run(bool alone, const std::function<void()>& before_answer) {
    {
        const std::lock_guard lock(mutex_);
        if (!done_) return;
        auto current = services_->current(function_);
        if (current) function_ = std::move(current);
    }
    const auto code = function_->code();
    if (!code) {
        begin(nullptr, Failure{detail::error_object("Runtime.InvalidEntrypoint", code.error().message), code.error().message});
        return;
    }
    if (!code->plugin) return run_in_environment(*code, alone, before_answer);
    if (!begin(&*code, std::nullopt)) return;
    HandlerReturn returned = call_handler(*code->plugin);
    before_answer();
    finish(judged(returned.status, std::move(returned.result), returned.too_large, false));
}

bool Invocation::begin(const Function::Code* code, const std::optional<Failure>& failure) {
    const std::lock_guard lock(mutex_);
    if (!done_) return false;
    if (code != nullptr && code->replaced) services_->code_replaced(function_);
    record_ = function_->record();
    services_->invocations.add();
    began_ = services_->clock.steady();
    append("START RequestId: " + request_id_ + " Version: " + record_->configuration.version);
    if (failure) {
        append(failure->log_line);
        log_end();
        answer(function_error(failure->function_error));
        return false;
    }
    if (code != nullptr && code->init_duration) init_duration_ = code->init_duration;
    const std::chrono::seconds limit(record_->configuration.timeout_s);
    deadline_ms_ = milliseconds(services_->clock.now() + limit);
    time_limit_ = services_->timers.after(limit, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->time_out();
    });
    return true;
}

/// A warm environment, or a new one that says it is ready. Nothing, and why, if there is none.
std::unique_ptr<Environment> Invocation::ready_environment(const Function::Code& code, std::optional<Failure>& failure) {
    const auto begun = std::chrono::steady_clock::now();
    auto taken = function_->take_environment(code);
    if (!taken) {
        failure = Failure{detail::error_object("Runtime.InvalidEntrypoint", taken.error().message), taken.error().message};
        return nullptr;
    }
    if (!taken->fresh) return std::move(taken->environment);
    if (auto failed = taken->environment->wait_until_ready()) {
        failure = Failure{failed->function_error, failed->reason};
        if (failed->exited)
            failure = Failure{exit_error(request_id_, failed->function_error), exit_line(request_id_, failed->function_error)};
        return std::move(taken->environment);  // its log is worth reading
    }
    init_duration_ = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
    return std::move(taken->environment);
}

void Invocation::run_in_environment(const Function::Code& code, bool alone, const std::function<void()>& before_answer) {
    std::optional<Failure> failure;
    auto environment = ready_environment(code, failure);
    if (environment) {
        const std::lock_guard lock(mutex_);
        log_stream_ = environment->log_stream();
    }
    if (environment && failure) environment->pass_output([this](std::string_view line) { log_line(line); });
    if (!begin(&code, failure)) {
        if (environment && !failure) function_->environments().put(std::move(environment), code.identity, services_->clock.steady());
        return;
    }
    EnvironmentReturn returned = run_environment(*environment, alone);
    if (returned.reusable) function_->environments().put(std::move(environment), code.identity, std::chrono::steady_clock::now());
    environment.reset();  // the end of a process that is not kept is waited for here
    before_answer();
    if (returned.kind == EnvironmentReturn::Kind::exited) {
        const std::string error = exit_error(request_id_, returned.payload);
        log_line(exit_line(request_id_, returned.payload));
        return finish(function_error(error));
    }
    const bool any_bytes = runtime_kind(record_->configuration.runtime) == RuntimeKind::provided;
    finish(judged(returned.kind == EnvironmentReturn::Kind::result ? 0 : 1, std::move(returned.payload), returned.too_large, any_bytes));
}

EnvironmentReturn Invocation::run_environment(Environment& environment, bool alone) {
    const std::string& arn = details_.invoked_arn.empty() ? record_->configuration.arn : details_.invoked_arn;
    const fogbank_host host = HostCalls::host_table(*this);
    EnvironmentRun run{
        request_id_, arn, *event_, details_.client_context, deadline_ms_, &host, [this](std::string_view line) { log_line(line); }, alone};
    {
        const std::lock_guard lock(mutex_);
        // If its time is up already, nothing is to be run.
        if (!done_) return {};
        environment_ = &environment;
    }
    EnvironmentReturn returned = environment.run(run);
    const std::lock_guard lock(mutex_);
    environment_ = nullptr;
    memory_kb_ = std::max<std::size_t>(returned.memory_kb, 1);
    if (!done_) returned.reusable = false;  // it was killed
    return returned;
}

Invocation::HandlerReturn Invocation::call_handler(const Plugin& plugin) {
    HandlerReturn returned;
    const fogbank_host host = HostCalls::host_table(*this);
    const fogbank_sink sink{&returned, [](void* owner, fogbank_bytes bytes) {
                                auto& out = *static_cast<HandlerReturn*>(owner);
                                out.too_large = bytes.size > result_bytes_max;
                                out.result = out.too_large ? std::string() : std::string(detail::view(bytes));
                            }};
    try {
        returned.status = plugin.handler()(&host, detail::bytes(*event_), sink);
    } catch (...) {
        // Against the contract, but the handler is foreign code and this thread is ours.
        returned.status = 1;
        returned.result = detail::error_object("Unknown", "the handler let an exception cross the C border");
    }
    return returned;
}

void Invocation::log_line(std::string_view text) {
    {
        const std::lock_guard lock(mutex_);
        if (!done_) return;
        append(std::string(text));
    }
    logger("lambda").info("function={} request_id={} line={}", function_->record()->configuration.name.str(), request_id_, log_value(text));
}

/// With the lock held.
void Invocation::append(std::string text) {
    log_.append(text);
    if (services_->logs == nullptr) return;
    log_events_bytes_ += text.size();
    LogEvent event{services_->clock.now(), std::move(text)};
    log_events_.push_back(std::move(event));
    if (log_events_bytes_ > log_events_bytes_max || log_events_.size() > log_events_max) write_log();
}

/// With the lock held. What is logged goes out in few pieces, but a function that runs long is read while it runs.
void Invocation::write_log() {
    LogSink* sink = services_->logs;
    if (sink == nullptr || log_events_.empty()) return;
    const FunctionConfiguration& configuration = record_ ? record_->configuration : function_->record()->configuration;
    if (log_stream_.empty()) log_stream_ = log_stream_name(services_->clock.now(), configuration.version, services_->server_log_stream);
    sink->write("/aws/lambda/" + configuration.name.str(), log_stream_, std::exchange(log_events_, {}));
    log_events_bytes_ = 0;
}

void Invocation::finish(InvocationResult result) {
    const std::lock_guard lock(mutex_);
    if (!done_) return;
    services_->timers.cancel(time_limit_);
    log_end();
    answer(std::move(result));
}

void Invocation::time_out() {
    const std::lock_guard lock(mutex_);
    if (!done_) return;
    const std::int64_t timeout_s = record_->configuration.timeout_s;
    services_->timeouts.add();
    log_end();
    append(iso8601(milliseconds(services_->clock.now())) + " " + request_id_ + " Task timed out after " +
           two_decimals(static_cast<double>(timeout_s)) + " seconds");
    logger("lambda").warn("function exceeds its time, {} function={} request_id={} timeout_s={}",
                          environment_ != nullptr ? "its process is killed" : "its thread stays busy until it returns",
                          record_->configuration.name.str(), request_id_, timeout_s);
    if (environment_ != nullptr) environment_->kill();
    answer(function_error(timeout_error(services_->clock.now(), request_id_, timeout_s)));
}

void Invocation::abandon(Error error) {
    const std::lock_guard lock(mutex_);
    if (!done_) return;
    if (pending_) pending_->complete(error);
    if (environment_ != nullptr) environment_->kill();
    Done done = std::move(done_);
    done_ = nullptr;
    done(std::move(error));
}

void Invocation::answer(InvocationResult result) {
    if (!result.function_error.empty()) services_->errors.add();
    if (pending_) pending_->complete(Error(Errc::unavailable, "Task timed out"));
    if (record_) result.executed_version = record_->configuration.version;
    result.log_tail = std::move(log_).take();
    write_log();
    log_ = LogTail();
    Done done = std::move(done_);
    done_ = nullptr;
    done(std::move(result));
}

void Invocation::log_end() {
    const auto took = services_->clock.steady() - began_;
    function_->set_last_took(took);
    const double ms = std::chrono::duration<double, std::milli>(took).count();
    append("END RequestId: " + request_id_);
    std::string report = "REPORT RequestId: " + request_id_ + "\tDuration: " + two_decimals(ms) +
                         " ms\tBilled Duration: " + std::to_string(static_cast<std::int64_t>(std::ceil(ms))) +
                         " ms\tMemory Size: " + std::to_string(record_->configuration.memory_mb) + " MB\tMax Memory Used: " +
                         std::to_string(memory_kb_ > 0 ? static_cast<long>((memory_kb_ + 1023) / 1024)
                                                       : services_->peak_memory_mb.load(std::memory_order_relaxed)) +
                         " MB";
    if (init_duration_) report += "\tInit Duration: " + two_decimals(static_cast<double>(init_duration_->count()) / 1000.0) + " ms";
    append(report);
}

}  // namespace fogbank::lambda
