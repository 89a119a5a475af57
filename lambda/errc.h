/// Error codes of functions; api/aws_errors.cpp gives each its exception name.
#pragma once

#include "common/errc.h"

namespace fogbank::lambda {

enum class Errc {
    invalid_parameter = 1,    ///< InvalidParameterValueException 400
    resource_not_found,       ///< ResourceNotFoundException 404
    resource_conflict,        ///< ResourceConflictException 409
    invalid_request_content,  ///< InvalidRequestContentException 400: the event is not JSON
    request_too_large,        ///< RequestTooLargeException 413
    too_many_requests,        ///< TooManyRequestsException 429: the queue is full
    invalid_code,             ///< InvalidParameterValueException 400: not loadable, missing symbol, wrong ABI; the message says which
    unavailable,              ///< ServiceException 500
    precondition_failed,      ///< PreconditionFailedException 412: the RevisionId is not the current one
};

const boost::system::error_category& category();
inline boost::system::error_code make_error_code(Errc e) {
    return {static_cast<int>(e), category()};
}

}  // namespace fogbank::lambda

FOGBANK_ERROR_CODE_ENUM(fogbank::lambda::Errc)
