/// Waiting awake, for what another thread or process does within microseconds.
#pragma once

#include <sched.h>

#include <chrono>
#include <mutex>

#include "common/stay_awake.h"

namespace fogbank::lambda {

namespace detail {

/// One turn of a loop that waits awake.
inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

}  // namespace detail

/// Locks what everybody holds for less than a microsecond: a collision is waited for awake before it is slept over.
inline void lock_awake(std::unique_lock<std::mutex>& lock) {
    constexpr int tries = 200;
    for (int i = 0; i < tries; ++i) {
        if (lock.try_lock()) return;
        detail::relax();
    }
    lock.lock();
}

/// Being put to sleep and woken again costs tens of microseconds, more than a small function takes. So whoever waits for one looks a while
/// before it sleeps; but only as long as that pays.
/// One thread at a time.
class SpinWait {
  public:
    static constexpr std::chrono::microseconds limit{50};

    /// Looks until `there()`; false if the limit has passed or it was not worth a look.
    template <class There>
    bool operator()(There there) {
        if (!backoff_.worth_a_try()) return false;
        const bool seen = look(there);
        seen ? backoff_.paid() : backoff_.in_vain();
        return seen;
    }

  private:
    static constexpr int looks_per_yield = 16;

    template <class There>
    static bool look(There& there) {
        const auto until = std::chrono::steady_clock::now() + limit;
        for (int looks = 1;; ++looks) {
            if (there()) return true;
            if (looks % looks_per_yield != 0) {
                detail::relax();
                continue;
            }
            if (std::chrono::steady_clock::now() >= until) return false;
            ::sched_yield();  // to whoever else wants this core
        }
    }
    AwakeBackoff backoff_;
};

}  // namespace fogbank::lambda
