/// One run of a function: the handler's call, what the host offers it meanwhile, its log tail and its time limit.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/arn.h"
#include "common/clock.h"
#include "common/function.h"
#include "common/log_sink.h"
#include "common/metrics.h"
#include "common/publisher.h"
#include "common/role_access.h"
#include "common/shadows.h"
#include "lambda/function.h"
#include "lambda/timers.h"
#include "store/table/table_service.h"

namespace fogbank::lambda {

/// What invocations use of the rest of the server. An invocation that was answered touches none of it, so it may be gone then.
struct InvocationServices {
    store::table::TableService& tables;
    Publisher& publisher;
    const Clock& clock;
    Timers& timers;
    boost::asio::io_context& io;  ///< the room's own, for awaitables that handlers wait for
    Counter& invocations;
    Counter& errors;
    Counter& timeouts;
    /// Called on a function thread when a function's file was found to be replaced.
    UniqueFunction<void(const std::shared_ptr<Function>&)> code_replaced;
    /// The object that stands for the same version now: an update may have come since the invocation was accepted. Null if it was deleted.
    UniqueFunction<std::shared_ptr<Function>(const std::shared_ptr<Function>&)> current;
    /// Set once by the service's `start`; null until then.
    std::atomic<Shadows*> shadows = nullptr;
    std::atomic<LogSink*> logs = nullptr;
    std::atomic<RoleAccess*> role_access = nullptr;
    /// The server's own peak, that of functions that run inside it; looked up every second.
    std::atomic<long> peak_memory_mb = 0;
    const ArnFactory arns;
    const std::function<std::optional<std::string>(const TableName&)> partition_key_of;
    const std::string server_log_stream = {};  ///< of functions that run inside the server; the day and version come before it
    std::atomic<std::string_view (*)(const boost::system::error_code&)> shadow_exception = nullptr;  ///< as `shadows`
};

/// What an invocation is told beyond its event.
struct InvocationDetails {
    std::string invoked_arn;     ///< as the caller named the function; empty: the function's own ARN
    std::string client_context;  ///< JSON in one line; may be empty
};

/// The end of a log, line by line.
class LogTail {
  public:
    void append(std::string_view line);
    /// At most log_tail_bytes_max, the newest.
    std::string take() &&;

  private:
    std::string text_;
};

/// A blocking wait of a handler for something asynchronous, which the end of the handler's time interrupts. Any thread.
class PendingCall {
  public:
    /// The first answer counts.
    void complete(Result<std::string> answer);
    Result<std::string> wait();

  private:
    std::mutex mutex_;
    std::condition_variable completed_;
    std::optional<Result<std::string>> answer_;
};

/// Made by the service, run by one function thread, perhaps ended early by the timer thread or by stop. `done` is called exactly once by
/// whichever is first, with the invocation's lock held: it must not block and must not come back to this invocation.
///
/// An environment that runs out of time is killed. A handler inside the server cannot be: after a timeout `done` has its result at once,
/// but the thread is busy until the handler returns, and what the handler asks of the host meanwhile is refused.
class Invocation : public std::enable_shared_from_this<Invocation> {
  public:
    using Done = UniqueFunction<void(Result<InvocationResult>)>;
    Invocation(std::shared_ptr<InvocationServices> services, std::shared_ptr<Function> function, std::string request_id,
               std::shared_ptr<const std::string> event, InvocationDetails details, Done done);

    /// Calls the handler on this thread; returns when it has returned. Once.
    /// @param alone  no other invocation runs or waits: a core may be spent on waiting awake.
    /// @param before_answer  called on this thread when the handler has returned, before its caller can know: the thread is free in a
    /// moment.
    void run(bool alone, const std::function<void()>& before_answer);
    /// Ends it with `error` if it was not answered. When this returns, the invocation touches no service any more.
    void abandon(Error error);

    const std::string& request_id() const { return request_id_; }
    const Function& function() const { return *function_; }

  private:
    friend struct HostCalls;
    struct HandlerReturn {
        int status = 0;
        std::string result;
        bool too_large = false;
    };
    struct Failure {
        std::string function_error, log_line;
    };
    bool begin(const Function::Code* code, const std::optional<Failure>& failure);
    HandlerReturn call_handler(const Plugin& plugin);
    void run_in_environment(const Function::Code& code, bool alone, const std::function<void()>& before_answer);
    std::unique_ptr<Environment> ready_environment(const Function::Code& code, std::optional<Failure>& failure);
    EnvironmentReturn run_environment(Environment& environment, bool alone);
    void finish(InvocationResult result);
    void log_line(std::string_view text);
    void append(std::string text);
    void write_log();
    void time_out();
    void answer(InvocationResult result);
    void log_end();
    /// Runs `start` unless the time is up, and waits for its answer.
    template <class Start>
    Result<std::string> ask_host(Start start);
    /// Whether the function's role allows it.
    template <class Make>
    Result<void> authorize(Make make);

    const std::shared_ptr<InvocationServices> services_;
    std::shared_ptr<Function> function_;  ///< as accepted, then the current one
    const std::string request_id_;
    const InvocationDetails details_;
    const std::shared_ptr<const std::string> event_;
    std::shared_ptr<const FunctionRecord> record_;  ///< as it was when the handler began
    std::int64_t deadline_ms_ = 0;

    std::mutex mutex_;  ///< guards what follows
    Done done_;         ///< empty once answered
    LogTail log_;
    std::vector<LogEvent> log_events_;  ///< written when it ends, or when there are many
    std::size_t log_events_bytes_ = 0;
    std::string log_stream_;
    SteadyTime began_{};
    std::optional<std::chrono::microseconds> init_duration_;
    Timers::Id time_limit_;
    std::shared_ptr<PendingCall> pending_;
    std::optional<Result<std::shared_ptr<const CallerAccess>>> access_;  ///< of the role, from the first question on
    Environment* environment_ = nullptr;                                 ///< that runs it; killed when its time is up
    std::size_t memory_kb_ = 0;                                          ///< of that environment; 0: the server's own
};

/// The function error of a handler that ran out of time, an object as in reference "lambda", section 1.1.
std::string timeout_error(WallTime now, std::string_view request_id, std::int64_t timeout_s);

}  // namespace fogbank::lambda
