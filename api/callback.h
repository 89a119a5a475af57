/// From callbacks to coroutines: waits for something that reports on another thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>

#include "common/function.h"
#include "common/result.h"

namespace fogbank::api {

using Callback = UniqueFunction<void(Result<void>)>;

/// Calls `start` with a callback that may be called once from any thread, and resumes on the caller's executor when it was.
/// Errors: what the callback was given; Errc::unavailable when nothing came within `deadline` (a late report is then dropped).
boost::asio::awaitable<Result<void>> wait_for_callback(UniqueFunction<void(Callback)> start, std::chrono::milliseconds deadline);

}  // namespace fogbank::api
