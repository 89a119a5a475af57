/// Error codes of topic rules; api/aws_errors.cpp gives each its exception name.
#pragma once

#include "common/errc.h"

namespace fogbank::rules {

enum class Errc {
    sql_parse = 1,            ///< SqlParseException 400; the message names position and reason
    invalid_request,          ///< InvalidRequestException 400
    resource_already_exists,  ///< ResourceAlreadyExistsException 409
    access_denied,            ///< UnauthorizedException 401: what AWS answers for a rule that does not exist
    limit_exceeded,           ///< LimitExceededException
    unavailable,              ///< ServiceUnavailableException 503
    evaluation,               ///< an external function or an action failed at run time
};

const boost::system::error_category& category();
inline boost::system::error_code make_error_code(Errc e) {
    return {static_cast<int>(e), category()};
}

}  // namespace fogbank::rules

FOGBANK_ERROR_CODE_ENUM(fogbank::rules::Errc)
