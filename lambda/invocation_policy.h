/// How invocations are queued, retried and timed. The defaults are AWS's; tests choose shorter ones.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>

#include "lambda/function_service.h"

namespace fogbank::lambda {

/// How event source mappings wait. AWS publishes no times; these are ours.
struct StreamPolicy {
    /// After a failed invocation or read; doubled with each in a row.
    std::chrono::milliseconds retry_delay{1000}, retry_delay_max{60'000};
    /// Records of another process are not announced.
    std::chrono::milliseconds look_again{5000};
};

struct InvocationPolicy {
    /// Waits before the second and third attempt of an asynchronous invocation. Source: Developer Guide, "Retry behavior" of asynchronous
    /// invocation.
    std::array<std::chrono::milliseconds, 2> retry_delays{std::chrono::minutes(1), std::chrono::minutes(2)};
    /// How long a caller of `invoke` waits for a free function thread before too_many_requests.
    std::chrono::milliseconds thread_wait_max = std::chrono::seconds(60);

    /// Events accepted and not finished; beyond either bound invoke_async answers too_many_requests.
    std::size_t backlog_events_max = 1'000'000;
    std::size_t backlog_bytes_max = std::size_t{4} << 30;
    /// How many of them are kept in memory as well; one function may take half. The rest is read back from the store when there is room.
    std::size_t window_events_max = 20'000;
    std::size_t window_bytes_max = 64 << 20;

    /// Finished events are erased this many at a time, or this long after the first of them finished. What was not erased at kill -9 runs
    /// again.
    std::size_t erase_batch = 256;
    std::chrono::milliseconds erase_delay{50};

    /// The timer thread looks at the clock at least this often; a ManualClock needs it short.
    std::chrono::milliseconds timer_tick{1000};

    StreamPolicy streams{};
};

/// `open_function_service` with another policy, for tests and benchmarks.
Awaitable<std::unique_ptr<FunctionService>> open_function_service(FunctionService::Dependencies dependencies, InvocationPolicy policy);

}  // namespace fogbank::lambda
