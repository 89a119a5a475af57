/// The function threads. They run invocations, those of waiting callers before those from the queue.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "common/metrics.h"
#include "common/result.h"
#include "lambda/invocation.h"

namespace fogbank::lambda {

class SpinWait;

/// Any thread, except where said.
class Invoker {
  public:
    /// @param threads  that there are from the beginning: enough for functions that compute.
    /// @param threads_max  that there may be when invocations wait because functions wait: one is added whenever something has waited for
    ///                     `patience` and nobody is free.
    /// @param busy  counts threads that are in a handler, also one that exceeded its time.
    Invoker(std::size_t threads, std::size_t threads_max, Gauge& busy);
    static constexpr std::chrono::milliseconds patience{5};
    ~Invoker();
    Invoker(const Invoker&) = delete;
    Invoker& operator=(const Invoker&) = delete;

    enum class Source { caller, queue };
    /// Whether a thread that is awake takes the invocation at once.
    enum class Pickup : std::uint8_t { at_once, later };
    /// Runs `invocation` when a thread is free. Errors, and then it was not taken and its `done` not called: too_many_requests, when
    /// waiting_callers_max callers wait already; unavailable after `stop`. From the queue no bound applies here; the queue keeps its own.
    Result<Pickup> submit(std::shared_ptr<Invocation> invocation, Source source, SteadyTime now);
    /// Adds a thread if that is due. True if somebody waits still and there may be more threads: ask again after `patience`.
    bool grow(SteadyTime now);
    /// Takes back the callers' invocations that no thread has begun and that were submitted before `time`.
    std::vector<std::shared_ptr<Invocation>> withdraw(SteadyTime time);

    /// Callers' invocations that wait or run.
    std::size_t callers() const;

    /// Takes nothing more, waits up to `grace` for the handlers that run, then abandons every invocation that is left and joins the
    /// threads. A thread whose handler does not return even then is left behind: it can neither be killed nor touch anything of ours. Not
    /// from a function thread. Idempotent.
    void stop(std::chrono::milliseconds grace);

  private:
    struct State;
    void add_thread();
    static void wait_for_work(State& state, std::unique_lock<std::mutex>& lock, SpinWait& spin);
    static void run(const std::shared_ptr<State>& state, std::size_t index);
    std::shared_ptr<State> state_;  ///< shared with the threads, which may outlive this
    std::vector<std::thread> threads_;
};

}  // namespace fogbank::lambda
