/// Error codes of common/ itself: parsing and configuration.
#pragma once

#include "common/errc.h"

namespace fogbank {

enum class CommonErrc { malformed = 1, too_large, too_deep, invalid_configuration, io_error, crypto_failure, stopped };

const boost::system::error_category& common_category();
inline boost::system::error_code make_error_code(CommonErrc e) {
    return {static_cast<int>(e), common_category()};
}

}  // namespace fogbank

FOGBANK_ERROR_CODE_ENUM(fogbank::CommonErrc)
