/// Why a shadow request was rejected. Source: AWS IoT Core Developer Guide, "Device Shadow error messages" (reference "shadow", section 8).
#pragma once

#include "common/errc.h"

namespace fogbank::shadow {

/// shadow/rejection.h has the number that a device sees for each, api/aws_errors.cpp the exception's name.
enum class Errc {
    invalid_request = 1,   ///< 400: the document is not one, or breaks a rule
    not_found,             ///< 404: no such shadow
    version_conflict,      ///< 409: the version asked for is not the stored one
    document_too_large,    ///< 413: the document after the merge, or the request itself
    unsupported_encoding,  ///< 415: not UTF-8
    too_many_requests,     ///< 429: too many unanswered requests of one connection for one thing, or of everybody
    internal_failure,      ///< 500: the store failed; nothing was changed
    unavailable,           ///< 503: the server is stopping
};

const boost::system::error_category& category();
inline boost::system::error_code make_error_code(Errc e) {
    return {static_cast<int>(e), category()};
}

}  // namespace fogbank::shadow

FOGBANK_ERROR_CODE_ENUM(fogbank::shadow::Errc)
