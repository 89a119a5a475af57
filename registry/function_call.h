/// Functions that decide about a device have five seconds. Source: AWS IoT Core Developer Guide, "Pre-provisioning hooks", "Defining your
/// Lambda function" (custom authentication).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>

#include "common/functions.h"

namespace fogbank::registry {

inline constexpr std::chrono::seconds function_deadline{5};

/// The function's answer. Errors: not_authorized when it failed, answered an error, or not in time.
boost::asio::awaitable<Result<std::string>> call_in_time(FunctionCaller& functions, std::string function, std::string event);

}  // namespace fogbank::registry
