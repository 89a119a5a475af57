/// Waiting awake, for what another thread or process does within microseconds.
#pragma once

#include <sched.h>

#include <algorithm>
#include <chrono>

namespace fogbank::lambda {

/// Being put to sleep and woken again costs tens of microseconds, more than a small function takes. So whoever waits for one looks a while
/// before it sleeps; but only as long as that pays: after each wait in vain the next ones sleep at once, twice as many as the time before.
/// One thread at a time.
class SpinWait {
  public:
    static constexpr std::chrono::microseconds limit{50};

    /// Looks until `there()`; false if the limit has passed or it was not worth a look.
    template <class There>
    bool operator()(There there) {
        if (skipped_ < skip_) {
            ++skipped_;
            return false;
        }
        skipped_ = 0;
        if (look(there)) {
            skip_ = 0;
            return true;
        }
        skip_ = std::clamp(skip_ * 2, 1, skip_max);
        return false;
    }

  private:
    static constexpr int skip_max = 64, looks_per_yield = 16;

    template <class There>
    static bool look(There& there) {
        const auto until = std::chrono::steady_clock::now() + limit;
        for (int looks = 1;; ++looks) {
            if (there()) return true;
            if (looks % looks_per_yield != 0) {
                relax();
                continue;
            }
            if (std::chrono::steady_clock::now() >= until) return false;
            ::sched_yield();  // to whoever else wants this core
        }
    }
    static void relax() {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        asm volatile("yield");
#endif
    }

    int skip_ = 0, skipped_ = 0;
};

}  // namespace fogbank::lambda
