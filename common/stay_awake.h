/// Waiting awake for something quick instead of sleeping.
#pragma once

#include <algorithm>
#include <chrono>

namespace fogbank {

/// Whether waiting awake is worth a try: after each wait in vain (on a busy machine perhaps on the very core that the other thread waits
/// for) the next ones are to sleep at once, twice as many as the time before. One thread at a time.
class AwakeBackoff {
  public:
    /// Counts the wait that asks.
    bool worth_a_try() {
        if (skipped_ < to_skip_) {
            ++skipped_;
            return false;
        }
        skipped_ = 0;
        return true;
    }
    void paid() { to_skip_ = 0; }
    void in_vain() { to_skip_ = std::clamp(2 * to_skip_, 1, skip_max); }

  private:
    static constexpr int skip_max = 64;
    int to_skip_ = 0, skipped_ = 0;
};

/// Until `time` the loop of this thread's shard looks for work without sleeping: for an answer that a thread which is awake gives within
/// microseconds, when sleeping and being woken would take longer than the answer. Tens of microseconds ahead at most. Does nothing on a
/// thread that is no shard's.
void stay_awake(std::chrono::steady_clock::time_point time);

}  // namespace fogbank
