/// Error codes of logs; api/aws_errors.cpp gives each its exception name.
#pragma once

#include "common/errc.h"

namespace fogbank::logs {

enum class Errc {
    invalid_parameter = 1,    ///< InvalidParameterException 400
    resource_not_found,       ///< ResourceNotFoundException 400
    resource_already_exists,  ///< ResourceAlreadyExistsException 400
    limit_exceeded,           ///< LimitExceededException 400
    unavailable,              ///< ServiceUnavailableException 500
};

const boost::system::error_category& category();
inline boost::system::error_code make_error_code(Errc e) {
    return {static_cast<int>(e), category()};
}

}  // namespace fogbank::logs

FOGBANK_ERROR_CODE_ENUM(fogbank::logs::Errc)
