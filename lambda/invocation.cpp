#include "lambda/invocation.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "common/logging.h"
#include "lambda/host_calls.h"
#include "lambda/limits.h"

namespace fogbank::lambda {
namespace {

std::int64_t milliseconds(WallTime time) {
    return time.time_since_epoch().count();
}

std::string two_decimals(double value) {
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "%.2f", value);
    return buffer;
}

/// Handlers share the server's memory, so this is the process's peak.
long peak_memory_mb() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

InvocationResult function_error(std::string error_object) {
    InvocationResult result;
    result.payload = std::move(error_object);
    result.function_error = "Unhandled";
    return result;
}

bool is_json(std::string_view text) {
    return detail::JsonChecker(text).document();
}

/// What the caller gets for what the handler returned.
InvocationResult judged(int status, std::string payload, bool too_large) {
    if (too_large) {
        return function_error(detail::error_object(
            "Function.ResponseSizeTooLarge",
            "Response payload size exceeded maximum allowed payload size (" + std::to_string(result_bytes_max) + " bytes)."));
    }
    if (payload.empty() && status == 0) payload = "null";
    if (!is_json(payload)) {
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
                       std::shared_ptr<const std::string> event, Done done)
    : services_(std::move(services)),
      function_(std::move(function)),
      request_id_(std::move(request_id)),
      event_(std::move(event)),
      done_(std::move(done)) {}

void Invocation::run() {
    const auto code = function_->code();
    if (!begin(code)) return;
    finish(call_handler(*code->plugin));
}

bool Invocation::begin(const Result<Function::Code>& code) {
    const std::lock_guard lock(mutex_);
    if (!done_) return false;
    if (code && code->replaced) services_->code_replaced(function_);
    record_ = function_->record();
    services_->invocations.add();
    began_ = services_->clock.steady();
    log_.append("START RequestId: " + request_id_ + " Version: $LATEST");
    if (!code) {
        log_.append(code.error().message);
        log_end();
        answer(function_error(detail::error_object("Runtime.InvalidEntrypoint", code.error().message)));
        return false;
    }
    init_duration_ = code->init_duration;
    const std::chrono::seconds limit(record_->configuration.timeout_s);
    deadline_ms_ = milliseconds(services_->clock.now() + limit);
    time_limit_ = services_->timers.after(limit, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->time_out();
    });
    return true;
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

void Invocation::finish(HandlerReturn returned) {
    InvocationResult result = judged(returned.status, std::move(returned.result), returned.too_large);
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
    log_.append(iso8601(milliseconds(services_->clock.now())) + " " + request_id_ + " Task timed out after " +
                two_decimals(static_cast<double>(timeout_s)) + " seconds");
    logger("lambda").warn("handler exceeds its time, its thread stays busy until it returns function={} request_id={} timeout_s={}",
                          record_->configuration.name.str(), request_id_, timeout_s);
    answer(function_error(timeout_error(services_->clock.now(), request_id_, timeout_s)));
}

void Invocation::abandon(Error error) {
    const std::lock_guard lock(mutex_);
    if (!done_) return;
    if (pending_) pending_->complete(error);
    Done done = std::move(done_);
    done_ = nullptr;
    done(std::move(error));
}

void Invocation::answer(InvocationResult result) {
    if (!result.function_error.empty()) services_->errors.add();
    if (pending_) pending_->complete(Error(Errc::unavailable, "Task timed out"));
    result.log_tail = std::move(log_).take();
    log_ = LogTail();
    Done done = std::move(done_);
    done_ = nullptr;
    done(std::move(result));
}

void Invocation::log_end() {
    const double ms = std::chrono::duration<double, std::milli>(services_->clock.steady() - began_).count();
    log_.append("END RequestId: " + request_id_);
    std::string report = "REPORT RequestId: " + request_id_ + "\tDuration: " + two_decimals(ms) +
                         " ms\tBilled Duration: " + std::to_string(static_cast<std::int64_t>(std::ceil(ms))) +
                         " ms\tMemory Size: " + std::to_string(record_->configuration.memory_mb) +
                         " MB\tMax Memory Used: " + std::to_string(peak_memory_mb()) + " MB";
    if (init_duration_) report += "\tInit Duration: " + two_decimals(static_cast<double>(init_duration_->count()) / 1000.0) + " ms";
    log_.append(report);
}

}  // namespace fogbank::lambda
