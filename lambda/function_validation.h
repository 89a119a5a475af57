/// What CreateFunction accepts. Source: API reference, CreateFunction.
#pragma once

#include "common/result.h"
#include "lambda/function_service.h"

namespace fogbank::lambda {

/// Everything that can be judged without looking at the code. Errors: invalid_parameter, invalid_code when not exactly one kind of code is
/// given.
Result<void> validate(const CreateFunctionRequest& request);

/// The same of a whole configuration, after an update.
Result<void> validate(const FunctionConfiguration& configuration);

/// Whether it is JSON that a handler may get: an empty event is one (`{}`). Errors: request_too_large, invalid_request_content.
Result<void> validate_event(std::string_view event, std::size_t bytes_max);

}  // namespace fogbank::lambda
