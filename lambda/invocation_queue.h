/// The durable queue of asynchronous invocations.
///
/// The life of an event: committed under `fnq` → its sender is told → an attempt starts when a function thread is near → on success its key
/// is erased, together with others; on an error it is written again with one attempt more and waits; after the last attempt it is dropped
/// with a log line and a metric. kill -9 at any moment leaves every accepted event in the store until it has succeeded or was dropped, so
/// an event may run more than once.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/function.h"
#include "common/metrics.h"
#include "common/random.h"
#include "lambda/function_reference.h"
#include "lambda/queue_entry.h"
#include "lambda/queue_window.h"
#include "lambda/timers.h"
#include "store/kv/engine.h"

namespace fogbank::lambda {

/// How the events of one function are treated. Source: API reference, PutFunctionEventInvokeConfig.
struct RetryPlan {
    unsigned retries_max = 2;
    std::chrono::milliseconds age_max = std::chrono::hours(6);
};

/// Any thread.
class InvocationQueue {
  public:
    enum class Outcome { succeeded, failed, abandoned };
    /// How an attempt, or in the end the event, ended. `abandoned` (shutdown): the event stays for the next start.
    struct Ending {
        Outcome outcome = Outcome::abandoned;
        std::string payload;           ///< the result, or the error object
        std::string executed_version;  ///< empty: none
        std::string condition = {};    ///< of an event that was given up: `RetriesExhausted` or `EventAgeExceeded`
    };
    /// Called once per attempt that began.
    using Report = UniqueFunction<void(Ending ending)>;
    enum class Started { yes, no_such_function, throttled, shutting_down };
    /// Begins an attempt. Called from any thread, without a lock held; must not block. `report` is called only after `yes`.
    using Start = UniqueFunction<Started(const QueueEntry& entry, Report report)>;

    struct Dependencies {
        store::kv::Engine& engine;
        const Clock& clock;
        RandomSource& random;
        Metrics& metrics;
        Timers& timers;
        boost::asio::io_context& io;  ///< runs the scans
        /// How the events of a function are treated. Any thread.
        std::function<RetryPlan(const FunctionReference& function)> plan;
        /// Told of each event that succeeded or was given up; calls `then` once, on any thread: with true the event is erased, with false
        /// (shutdown) it stays, to run again.
        std::function<void(const QueueEntry& entry, Ending ending, UniqueFunction<void(bool)> then)> settled;
    };
    /// @param attempts_max  running at the same time.
    InvocationQueue(Dependencies dependencies, const InvocationPolicy& policy, std::size_t attempts_max, Start start_attempt);
    ~InvocationQueue();
    InvocationQueue(const InvocationQueue&) = delete;
    InvocationQueue& operator=(const InvocationQueue&) = delete;

    /// Errors for `done`: too_many_requests when the backlog is full, resource_not_found when the function is not in the store (its key is
    /// the commit's precondition, so an event of a deleted function cannot be left over), unavailable. Refusals may come before the return.
    void enqueue(const FunctionReference& reference, std::string event, store::kv::CommitHandler done);
    /// The function and its keys were deleted.
    void forget(const FunctionName& function);

    /// Begins to run what is queued and reads what an earlier run of the server left.
    void start();
    /// Accepted and not finished. Counts what an earlier run left as it is found.
    std::size_t backlog() const;

    /// Refuses new events, starts no attempt.
    void stop();
    /// After `stop`, with no attempt and no timer left: erases what finished and waits for the store.
    void flush();
    /// After `stop`, with no attempt and no timer left: waits for the store. What finished and was not erased yet will run again.
    void wait_until_quiet();

  private:
    /// One pass of reading the store for events that are not in the window. Guarded by mutex_.
    struct Scan {
        bool running = false;
        bool wanted = false;           ///< asked for while it ran
        bool failed = false;           ///< the store refused; a timer tries again
        bool counting = true;          ///< the first pass: counts what an earlier run left, never stops half way
        bool skipped = false;          ///< this pass skipped what earlier ones had seen
        bool loaded = false;           ///< it found something for the window
        bool left = false;             ///< it saw something that did not fit
        std::uint64_t generation = 0;  ///< of `spills_` when it began
        std::string cursor;
    };

    std::string next_key(const FunctionName& function);
    void committed(const QueueEntryPtr& entry, bool in_window, bool success);
    void dispatch();
    QueueEntryPtr take();
    void finished(const QueueEntryPtr& entry, Ending ending);
    void settle(const QueueEntryPtr& entry, Ending ending);
    void leave_attempt();
    void retry(const QueueEntryPtr& entry);
    void throttled(const QueueEntryPtr& entry);
    void give_up(const QueueEntryPtr& entry, Ending ending);
    void tell(const QueueEntryPtr& entry, Ending ending);
    std::chrono::milliseconds age(const QueueEntry& entry) const;
    void retry_later(const QueueEntryPtr& entry, std::chrono::milliseconds delay);
    void drop(const QueueEntryPtr& entry, const std::string& reason);
    void erase_soon(const QueueEntryPtr& entry);
    void erase_finished();
    void erased(const std::vector<QueueEntryPtr>& entries, bool success);
    void leave();

    void refill_if_needed();
    boost::asio::awaitable<void> refill();
    std::optional<store::kv::ScanOptions> next_scan();
    void begin_pass();
    bool pass_again();
    void absorb(const Result<store::kv::Page>& page);
    bool absorb_item(const store::kv::KeyValue& item);
    bool load(const std::string& store_key, const QueueKey& key, const std::shared_ptr<QueueLane>& lane, QueueValue value);
    bool pause_lane(QueueLane& lane, const std::string& store_key);

    Dependencies dependencies_;
    const InvocationPolicy policy_;
    const std::size_t attempts_max_;
    Start start_attempt_;
    static constexpr std::uint64_t run_mask = 0xFFFFFFFF;
    const std::uint64_t run_;  ///< tells the keys of this run from those that an earlier one left
    Counter& retries_;
    Counter& dropped_;

    mutable std::mutex mutex_;
    std::condition_variable quiet_;  ///< outstanding_ became 0
    QueueWindow window_;
    std::vector<QueueEntryPtr> finished_;  ///< to be erased
    Scan scan_;
    bool spilled_ = true;          ///< the store may hold events that are not in the window
    std::uint64_t spills_ = 0;     ///< counts them, so that a scan sees when it was overtaken
    std::size_t attempts_ = 0;     ///< running
    std::size_t outstanding_ = 0;  ///< commits and scans under way; they refer to this object
    std::uint64_t last_ms_ = 0, last_number_ = 0;
    bool started_ = false;
    bool stopped_ = false;
};

}  // namespace fogbank::lambda
