#include "lambda/invocation_queue.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "common/logging.h"
#include "lambda/errc.h"
#include "lambda/function_record.h"
#include "store/kv/errc.h"

// The scans are in invocation_queue_scan.cpp.

namespace fogbank::lambda {
namespace {

/// How long to leave the store alone after it refused.
constexpr std::chrono::milliseconds store_pause{1000};

std::uint64_t milliseconds(WallTime time) {
    return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

Result<void> told(const Result<void>& committed, const FunctionName& function) {
    if (committed) return {};
    if (committed.error().code == store::kv::Errc::precondition_failed) {
        return Error(Errc::resource_not_found, "Function not found: " + function.str());
    }
    return Error(Errc::unavailable, committed.error().message);
}

}  // namespace

InvocationQueue::InvocationQueue(Dependencies dependencies, const InvocationPolicy& policy, std::size_t attempts_max, Start start_attempt)
    : dependencies_(dependencies),
      policy_(policy),
      attempts_max_(attempts_max),
      start_attempt_(std::move(start_attempt)),
      run_(dependencies.random.number() & run_mask),
      retries_(dependencies.metrics.counter("fogbank_lambda_retries_total", "Asynchronous invocations tried again after an error.")),
      dropped_(dependencies.metrics.counter("fogbank_lambda_dropped_events_total",
                                            "Asynchronous invocations given up after their last attempt.")),
      window_(policy_) {}

InvocationQueue::~InvocationQueue() {
    stop();
    wait_until_quiet();
}

std::string InvocationQueue::next_key(const FunctionName& function) {
    // Later keys are greater, also when the clock goes back.
    last_ms_ = std::max(last_ms_, milliseconds(dependencies_.clock.now()));
    ++last_number_;
    return QueueKey{function, last_ms_, (last_number_ << 32) | run_}.encode();
}

void InvocationQueue::enqueue(const FunctionReference& reference, std::string event, store::kv::CommitHandler done) {
    const FunctionName& function = reference.name;
    QueueValue value{dependencies_.random.uuid(), reference.qualifier, 0, dependencies_.clock.now(), std::move(event)};
    const auto entry = std::make_shared<QueueEntry>();
    store::kv::Batch batch;
    batch.preconditions.push_back({function_key(function), store::kv::Precondition::Kind::exists, {}});
    std::string bytes = value.encode();
    entry->request_id = std::move(value.request_id);
    entry->qualifier = std::move(value.qualifier);
    entry->accepted_ms = milliseconds(value.not_before);
    entry->event = std::make_shared<const std::string>(std::move(value.event));
    bool in_window = false;
    std::optional<Error> refused;
    {
        const std::lock_guard lock(mutex_);
        entry->key = next_key(function);
        if (stopped_) {
            refused = Error(Errc::unavailable, "the server is shutting down");
        } else if (!window_.accepts(entry->bytes())) {
            refused = Error(Errc::too_many_requests, "Rate Exceeded.");
        } else {
            entry->lane = window_.lane(function);
            window_.count(*entry);
            in_window = window_.reserve(entry);
            ++outstanding_;
        }
    }
    if (refused) return done(*refused);
    batch.put(entry->key, std::move(bytes));
    dependencies_.engine.commit(std::move(batch), [this, entry, in_window, done = std::move(done)](Result<void> result) mutable {
        committed(entry, in_window, result.has_value());
        done(told(result, entry->lane->function));
        dispatch();
        refill_if_needed();
        leave();
    });
}

void InvocationQueue::committed(const QueueEntryPtr& entry, bool in_window, bool success) {
    const std::lock_guard lock(mutex_);
    if (!success) {
        window_.uncount(*entry);
        if (in_window) window_.release(*entry);
    } else if (in_window) {
        window_.push_ready(entry);
    } else {
        spilled_ = true;
        ++spills_;
    }
}

void InvocationQueue::forget(const FunctionName& function) {
    const std::lock_guard lock(mutex_);
    window_.forget(function);
}

std::size_t InvocationQueue::backlog() const {
    const std::lock_guard lock(mutex_);
    return window_.backlog_events();
}

void InvocationQueue::start() {
    {
        const std::lock_guard lock(mutex_);
        started_ = true;
    }
    refill_if_needed();
    dispatch();
}

QueueEntryPtr InvocationQueue::take() {
    const std::lock_guard lock(mutex_);
    if (!started_ || stopped_ || attempts_ >= attempts_max_) return nullptr;
    auto entry = window_.take_ready();
    if (entry) ++attempts_;
    return entry;
}

void InvocationQueue::dispatch() {
    while (const auto entry = take()) {
        const auto report = [this, entry](Ending ending) { finished(entry, std::move(ending)); };
        switch (start_attempt_(*entry, report)) {
            case Started::yes:
                break;
            case Started::no_such_function:
                leave_attempt();
                drop(entry, "the function does not exist");
                break;
            case Started::throttled:
                leave_attempt();
                throttled(entry);
                break;
            case Started::shutting_down:
                leave_attempt();
                break;
        }
    }
}

void InvocationQueue::finished(const QueueEntryPtr& entry, Ending ending) {
    settle(entry, std::move(ending));
    dispatch();
}

void InvocationQueue::leave_attempt() {
    const std::lock_guard lock(mutex_);
    --attempts_;
}

std::chrono::milliseconds InvocationQueue::age(const QueueEntry& entry) const {
    return dependencies_.clock.now().time_since_epoch() - std::chrono::milliseconds(entry.accepted_ms);
}

void InvocationQueue::settle(const QueueEntryPtr& entry, Ending ending) {
    leave_attempt();
    entry->throttles = 0;
    if (ending.outcome == Outcome::abandoned) return;
    if (ending.outcome == Outcome::succeeded) return tell(entry, std::move(ending));
    const RetryPlan plan = dependencies_.plan({entry->lane->function, entry->qualifier});
    if (entry->attempts >= std::min<std::size_t>(plan.retries_max, policy_.retry_delays.size())) {
        ending.condition = "RetriesExhausted";
        return give_up(entry, std::move(ending));
    }
    if (age(*entry) + policy_.retry_delays[entry->attempts] > plan.age_max) {
        ending.condition = "EventAgeExceeded";
        return give_up(entry, std::move(ending));
    }
    retry(entry);
}

/// The function's concurrency is used up: later, without counting it as an attempt. Source: Developer Guide, "Asynchronous invocation".
void InvocationQueue::throttled(const QueueEntryPtr& entry) {
    constexpr unsigned doublings_max = 9;
    constexpr std::chrono::milliseconds first(1000), longest(std::chrono::minutes(5));
    const auto delay = std::min(longest, first * (1 << std::min(entry->throttles, doublings_max)));
    ++entry->throttles;
    const RetryPlan plan = dependencies_.plan({entry->lane->function, entry->qualifier});
    if (age(*entry) + delay > plan.age_max) return give_up(entry, {Outcome::failed, {}, {}, "EventAgeExceeded"});
    retry_later(entry, delay);
}

void InvocationQueue::give_up(const QueueEntryPtr& entry, Ending ending) {
    dropped_.add();
    logger("lambda").warn("asynchronous invocation dropped function={} request_id={} attempts={} condition={} reason={}",
                          entry->lane->function.str(), entry->request_id, entry->attempts + 1, ending.condition, log_value(ending.payload));
    tell(entry, std::move(ending));
}

/// Erases the event once whoever is interested in its end has taken note.
void InvocationQueue::tell(const QueueEntryPtr& entry, Ending ending) {
    {
        const std::lock_guard lock(mutex_);
        ++outstanding_;
    }
    dependencies_.settled(*entry, std::move(ending), [this, entry](bool noted) {
        if (noted) erase_soon(entry);
        leave();
    });
}

void InvocationQueue::retry(const QueueEntryPtr& entry) {
    const auto delay = policy_.retry_delays[entry->attempts];
    ++entry->attempts;
    const QueueValue value{entry->request_id, entry->qualifier, entry->attempts, dependencies_.clock.now() + delay, *entry->event};
    store::kv::Batch batch;
    // Not written back if the function, and its queue with it, was deleted meanwhile.
    batch.preconditions.push_back({entry->key, store::kv::Precondition::Kind::exists, {}});
    batch.put(entry->key, value.encode());
    {
        const std::lock_guard lock(mutex_);
        ++outstanding_;
    }
    dependencies_.engine.commit(std::move(batch), [this, entry, delay](Result<void> result) {
        // If the store refuses, the attempt is not counted after a restart; the event still waits its time now.
        const bool gone = !result && result.error().code == store::kv::Errc::precondition_failed;
        if (!gone) {
            retry_later(entry, delay);
            retries_.add();
        }
        leave();
    });
}

void InvocationQueue::retry_later(const QueueEntryPtr& entry, std::chrono::milliseconds delay) {
    dependencies_.timers.after(delay, [this, entry] {
        {
            const std::lock_guard lock(mutex_);
            window_.push_ready(entry);
        }
        dispatch();
    });
}

void InvocationQueue::drop(const QueueEntryPtr& entry, const std::string& reason) {
    dropped_.add();
    logger("lambda").warn("asynchronous invocation dropped function={} request_id={} attempts={} reason={}", entry->lane->function.str(),
                          entry->request_id, entry->attempts + 1, log_value(reason));
    erase_soon(entry);
}

void InvocationQueue::erase_soon(const QueueEntryPtr& entry) {
    bool now = false;
    bool first = false;
    {
        const std::lock_guard lock(mutex_);
        if (entry->lane->forgotten) return;
        window_.uncount(*entry);
        finished_.push_back(entry);
        first = finished_.size() == 1;
        now = finished_.size() >= policy_.erase_batch;
    }
    if (now) {
        erase_finished();
    } else if (first) {
        dependencies_.timers.after(policy_.erase_delay, [this] { erase_finished(); });
    }
}

void InvocationQueue::erase_finished() {
    std::vector<QueueEntryPtr> entries;
    {
        const std::lock_guard lock(mutex_);
        entries.swap(finished_);
        if (entries.empty()) return;
        ++outstanding_;
    }
    store::kv::Batch batch;
    for (const auto& entry : entries) batch.erase(entry->key);
    dependencies_.engine.commit(std::move(batch), [this, entries = std::move(entries)](Result<void> result) {
        erased(entries, result.has_value());
        refill_if_needed();
        leave();
    });
}

void InvocationQueue::erased(const std::vector<QueueEntryPtr>& entries, bool success) {
    {
        const std::lock_guard lock(mutex_);
        if (success) {
            for (const auto& entry : entries) window_.release(*entry);
            return;
        }
        finished_.insert(finished_.end(), entries.begin(), entries.end());
    }
    dependencies_.timers.after(store_pause, [this] { erase_finished(); });
}

void InvocationQueue::leave() {
    const std::lock_guard lock(mutex_);
    if (--outstanding_ == 0) quiet_.notify_all();
}

void InvocationQueue::stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
}

void InvocationQueue::flush() {
    erase_finished();
    wait_until_quiet();
}

void InvocationQueue::wait_until_quiet() {
    std::unique_lock lock(mutex_);
    quiet_.wait(lock, [this] { return outstanding_ == 0; });
}

}  // namespace fogbank::lambda
