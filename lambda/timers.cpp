#include "lambda/timers.h"

#include <pthread.h>

#include <algorithm>

namespace fogbank::lambda {

Timers::Timers(const Clock& clock, std::chrono::milliseconds tick) : clock_(clock), tick_(tick), thread_([this] { run(); }) {
    pthread_setname_np(thread_.native_handle(), "lambda-timers");
}

Timers::~Timers() {
    stop();
}

Timers::Id Timers::after(std::chrono::milliseconds delay, UniqueFunction<void()> task) {
    const std::lock_guard lock(mutex_);
    if (stopped_) return {};
    const Id id{clock_.steady() + delay, ++last_number_};
    tasks_.emplace(id, std::move(task));
    if (id.due < sleeping_until_) wake_.notify_one();
    return id;
}

void Timers::cancel(Id id) {
    UniqueFunction<void()> task;  // destroyed after the lock is gone: it may own things that lock
    const std::lock_guard lock(mutex_);
    if (const auto found = tasks_.find(id); found != tasks_.end()) {
        task = std::move(found->second);
        tasks_.erase(found);
    }
}

void Timers::stop() {
    std::map<Id, UniqueFunction<void()>> dropped;
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        dropped.swap(tasks_);
        wake_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

void Timers::run() {
    std::unique_lock lock(mutex_);
    while (!stopped_) {
        const SteadyTime now = clock_.steady();
        if (!tasks_.empty() && tasks_.begin()->first.due <= now) {
            auto task = std::move(tasks_.begin()->second);
            tasks_.erase(tasks_.begin());
            lock.unlock();
            task();
            task = nullptr;
            lock.lock();
            continue;
        }
        sleeping_until_ = now + tick_;
        if (!tasks_.empty()) sleeping_until_ = std::min(sleeping_until_, tasks_.begin()->first.due);
        wake_.wait_for(lock, sleeping_until_ - now);
        sleeping_until_ = SteadyTime::min();  // awake: nobody need notify
    }
}

}  // namespace fogbank::lambda
