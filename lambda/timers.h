/// One thread that calls tasks when their time has come: time limits, retries, delayed writes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "common/clock.h"
#include "common/function.h"

namespace fogbank::lambda {

/// Tasks run on the timer thread, one after the other, without a lock held; they must be short. All calls: any thread.
class Timers {
  public:
    /// Names a task that waits. A default one names none.
    struct Id {
        SteadyTime due{};
        std::uint64_t number = 0;
        friend auto operator<=>(const Id&, const Id&) = default;
    };

    /// @param tick  how often the clock is looked at when nothing is due before; the clock may be one that tests move.
    Timers(const Clock& clock, std::chrono::milliseconds tick);
    ~Timers();
    Timers(const Timers&) = delete;
    Timers& operator=(const Timers&) = delete;

    /// Calls `task` once, `delay` from now. After `stop` the task is dropped.
    Id after(std::chrono::milliseconds delay, UniqueFunction<void()> task);
    /// Forgets a task that has not begun; one that runs now is not waited for.
    void cancel(Id id);
    /// Drops what waits and joins the thread. Not from a task. Idempotent.
    void stop();

  private:
    void run();

    const Clock& clock_;
    const std::chrono::milliseconds tick_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::map<Id, UniqueFunction<void()>> tasks_;
    SteadyTime sleeping_until_ = SteadyTime::max();  ///< by `clock_`; spares the wake-up for every later task
    std::uint64_t last_number_ = 0;
    bool stopped_ = false;
    std::thread thread_;
};

}  // namespace fogbank::lambda
