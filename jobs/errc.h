/// Why a jobs request failed. Source: AWS IoT API reference and AWS IoT Core Developer Guide, "Jobs MQTT API" (reference "registry",
/// section 16).
#pragma once

#include "common/errc.h"

namespace fogbank::jobs {

enum class Errc {
    invalid_request = 1,
    not_found,
    already_exists,
    invalid_state_transition,
    version_conflict,
    limit_exceeded,
    terminal_state,  ///< a device asks for an execution that is over
    unavailable,
};

const boost::system::error_category& category();
inline boost::system::error_code make_error_code(Errc e) {
    return {static_cast<int>(e), category()};
}

}  // namespace fogbank::jobs

FOGBANK_ERROR_CODE_ENUM(fogbank::jobs::Errc)
