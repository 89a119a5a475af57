/// One run of a function: the handler's call, what the host offers it meanwhile, its log tail and its time limit.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/function.h"
#include "common/metrics.h"
#include "common/publisher.h"
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
/// A handler cannot be killed. After a timeout `done` has its result at once; the thread is busy until the handler returns, and what the
/// handler asks of the host meanwhile is refused.
class Invocation : public std::enable_shared_from_this<Invocation> {
  public:
    using Done = UniqueFunction<void(Result<InvocationResult>)>;
    Invocation(std::shared_ptr<InvocationServices> services, std::shared_ptr<Function> function, std::string request_id,
               std::shared_ptr<const std::string> event, Done done);

    /// Calls the handler on this thread; returns when it has returned. Once.
    void run();
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
    bool begin(const Result<Function::Code>& code);
    HandlerReturn call_handler(const Plugin& plugin);
    void finish(HandlerReturn returned);
    void time_out();
    void answer(InvocationResult result);
    void log_end();
    /// Runs `start` unless the time is up, and waits for its answer.
    template <class Start>
    Result<std::string> ask_host(Start start);

    const std::shared_ptr<InvocationServices> services_;
    const std::shared_ptr<Function> function_;
    const std::string request_id_;
    const std::shared_ptr<const std::string> event_;
    std::shared_ptr<const FunctionRecord> record_;  ///< as it was when the handler began
    std::int64_t deadline_ms_ = 0;

    std::mutex mutex_;  ///< guards what follows
    Done done_;         ///< empty once answered
    LogTail log_;
    SteadyTime began_{};
    std::optional<std::chrono::microseconds> init_duration_;
    Timers::Id time_limit_;
    std::shared_ptr<PendingCall> pending_;
};

/// The function error of a handler that ran out of time, an object as in reference "lambda", section 1.1.
std::string timeout_error(WallTime now, std::string_view request_id, std::int64_t timeout_s);

}  // namespace fogbank::lambda
