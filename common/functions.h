/// How rooms that do not link lambda/ invoke a function: custom authorizers, provisioning hooks. Implemented by lambda/.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "common/result.h"

namespace fogbank {

struct FunctionAnswer {
    std::string payload;         ///< JSON: the result, or an error object
    std::string function_error;  ///< empty, or `Unhandled`
};

class FunctionCaller {
  public:
    virtual ~FunctionCaller() = default;
    /// Runs the function and waits for it. `function` is a name or an ARN (any account and region; a qualifier is honoured).
    /// Any shard; resumes on the caller's executor. Errors: lambda::Errc.
    virtual boost::asio::awaitable<Result<FunctionAnswer>> call_function(std::string function, std::string event) = 0;
};

}  // namespace fogbank
