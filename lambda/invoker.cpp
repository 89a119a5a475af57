#include "lambda/invoker.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>

#include "common/logging.h"
#include "lambda/limits.h"
#include "lambda/spin_wait.h"

namespace fogbank::lambda {

struct Invoker::State {
    struct Job {
        std::shared_ptr<Invocation> invocation;
        Source source = Source::caller;
    };
    struct Waiting {
        std::shared_ptr<Invocation> invocation;
        SteadyTime since{};
    };
    State(std::size_t threads_max, Gauge& busy_gauge) : running(threads_max), exited(threads_max, true), busy(&busy_gauge) {}

    std::mutex mutex;
    std::condition_variable work;     ///< something to run, or stopping
    std::condition_variable settled;  ///< a thread became idle or went
    std::deque<Waiting> callers, queued;
    std::vector<Job> running;          ///< per thread; empty when idle
    std::vector<bool> exited;          ///< or not begun
    std::size_t idle_threads = 0;      ///< one of them may be looking out
    bool looking_out = false;          ///< an idle thread is awake
    std::atomic<bool> look_up{false};  ///< there is something to do for the one that looks out
    std::size_t busy_threads = 0;      ///< with an entry in `running`
    std::size_t running_callers = 0;
    bool stopping = false;
    Gauge* busy;  ///< null once stopped

    bool work_to_do() const { return stopping || !callers.empty() || !queued.empty(); }

    bool idle() const { return busy_threads == 0; }
};

Invoker::Invoker(std::size_t threads, std::size_t threads_max, Gauge& busy)
    : state_(std::make_shared<State>(std::max({threads_max, threads, std::size_t{1}}), busy)) {
    const std::lock_guard lock(state_->mutex);
    for (std::size_t i = 0; i < std::max<std::size_t>(threads, 1); ++i) add_thread();
}

/// With the lock held.
void Invoker::add_thread() {
    const std::size_t index = threads_.size();
    state_->exited[index] = false;
    threads_.emplace_back([state = state_, index] { run(state, index); });
    pthread_setname_np(threads_.back().native_handle(), ("lambda-" + std::to_string(index)).c_str());
}

bool Invoker::grow(SteadyTime now) {
    const std::lock_guard lock(state_->mutex);
    const auto& state = *state_;
    if (state.stopping || (state.callers.empty() && state.queued.empty())) return false;
    if (threads_.size() == state.running.size()) return false;
    SteadyTime oldest = SteadyTime::max();
    if (!state.callers.empty()) oldest = std::min(oldest, state.callers.front().since);
    if (!state.queued.empty()) oldest = std::min(oldest, state.queued.front().since);
    if (state.idle_threads == 0 && oldest + patience <= now) add_thread();
    return true;
}

Invoker::~Invoker() {
    stop(std::chrono::milliseconds(0));
}

Result<Invoker::Pickup> Invoker::submit(std::shared_ptr<Invocation> invocation, Source source, SteadyTime now) {
    const std::lock_guard lock(state_->mutex);
    if (state_->stopping) return Error(Errc::unavailable, "the server is shutting down");
    if (source == Source::caller && state_->callers.size() >= waiting_callers_max) return Error(Errc::too_many_requests, "Rate Exceeded.");
    auto& target = source == Source::caller ? state_->callers : state_->queued;
    target.push_back({std::move(invocation), now});
    const bool alone = state_->callers.size() + state_->queued.size() == 1 && state_->idle();
    if (state_->looking_out && alone) {
        state_->look_up.store(true, std::memory_order_release);
        return Pickup::at_once;
    }
    state_->work.notify_one();
    return Pickup::later;
}

std::vector<std::shared_ptr<Invocation>> Invoker::withdraw(SteadyTime time) {
    std::vector<std::shared_ptr<Invocation>> out;
    const std::lock_guard lock(state_->mutex);
    while (!state_->callers.empty() && state_->callers.front().since < time) {
        out.push_back(std::move(state_->callers.front().invocation));
        state_->callers.pop_front();
    }
    return out;
}

std::size_t Invoker::callers() const {
    const std::lock_guard lock(state_->mutex);
    return state_->callers.size() + state_->running_callers;
}

/// Returns when there is something to do. When no function runs at all, one thread stays awake a while: more would take the cores from
/// those that have something to do.
void Invoker::wait_for_work(State& state, std::unique_lock<std::mutex>& lock, SpinWait& spin) {
    ++state.idle_threads;
    if (!state.work_to_do() && !state.looking_out && state.idle()) {
        state.looking_out = true;
        state.look_up.store(false, std::memory_order_relaxed);
        lock.unlock();
        spin([&] { return state.look_up.load(std::memory_order_acquire); });
        lock.lock();
        state.looking_out = false;
    }
    state.work.wait(lock, [&] { return state.work_to_do(); });
    --state.idle_threads;
}

void Invoker::run(const std::shared_ptr<State>& state, std::size_t index) {
    SpinWait spin;
    std::unique_lock lock(state->mutex);
    while (true) {
        wait_for_work(*state, lock, spin);
        if (state->stopping) break;
        const Source source = state->callers.empty() ? Source::queue : Source::caller;
        auto& from = source == Source::caller ? state->callers : state->queued;
        std::shared_ptr<Invocation> invocation = std::move(from.front().invocation);
        from.pop_front();
        state->running[index] = {invocation, source};
        ++state->busy_threads;
        if (source == Source::caller) ++state->running_callers;
        state->busy->add(1);
        const bool alone = state->callers.empty() && state->queued.empty() && state->busy_threads == 1;
        lock.unlock();
        invocation->run(alone);
        lock.lock();
        state->running[index] = {};
        --state->busy_threads;
        if (source == Source::caller) --state->running_callers;
        if (state->busy != nullptr) state->busy->add(-1);
        state->settled.notify_all();
        // The last owner may unload code, which runs foreign destructors.
        lock.unlock();
        invocation.reset();
        lock.lock();
    }
    state->exited[index] = true;
    state->settled.notify_all();
}

void Invoker::stop(std::chrono::milliseconds grace) {
    std::vector<std::shared_ptr<Invocation>> left;
    {
        std::unique_lock lock(state_->mutex);
        state_->stopping = true;
        state_->work.notify_all();
        state_->settled.wait_for(lock, grace, [this] { return state_->idle(); });
        for (auto* waiting : {&state_->callers, &state_->queued}) {
            for (const auto& one : *waiting) left.push_back(one.invocation);
            waiting->clear();
        }
        for (const auto& job : state_->running) {
            if (job.invocation) left.push_back(job.invocation);
        }
    }
    for (const auto& invocation : left) invocation->abandon(Error(Errc::unavailable, "the server is shutting down"));
    // Handlers that waited for the host return now; a thread gets a moment for that.
    std::unique_lock lock(state_->mutex);
    const auto all_gone = [this] { return std::find(state_->exited.begin(), state_->exited.end(), false) == state_->exited.end(); };
    state_->settled.wait_for(lock, std::chrono::milliseconds(200), all_gone);
    state_->busy = nullptr;
    const std::vector<bool> exited = state_->exited;
    lock.unlock();
    // Nobody adds threads any more: `grow` sees that this is the end.
    for (std::size_t i = 0; i < threads_.size(); ++i) {
        if (exited[i]) {
            threads_[i].join();
        } else {
            logger("lambda").error("a handler does not return, its thread is left behind thread={}", i);
            threads_[i].detach();
        }
    }
    threads_.clear();
}

}  // namespace fogbank::lambda
