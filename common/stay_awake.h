/// Shards that wait for something quick.
#pragma once

#include <chrono>

namespace fogbank {

/// Until `time` the loop of this thread's shard looks for work without sleeping: for an answer that a thread which is awake gives within
/// microseconds, when sleeping and being woken would take longer than the answer. Tens of microseconds ahead at most. Does nothing on a
/// thread that is no shard's.
void stay_awake(std::chrono::steady_clock::time_point time);

}  // namespace fogbank
