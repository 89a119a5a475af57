/// Error codes of the HTTP front itself: authentication, routing, request members. api/aws_errors.cpp gives each its exception names.
#pragma once

#include "common/errc.h"

namespace fogbank::api {

enum class Errc {
    missing_authentication_token = 1,  ///< no Authorization header and no signed query
    incomplete_signature,              ///< not a well-formed SigV4 Authorization
    unrecognized_client,               ///< no such access key
    invalid_signature,                 ///< the signature does not match
    signature_expired,                 ///< the client's clock is too far from ours, or a presigned URL is too old
    forbidden,                         ///< data plane: the principal's policies do not allow it
    unknown_operation,                 ///< no operation with this method and path, or this target
    method_not_allowed,                ///< the path exists, the method does not
    validation,                        ///< a member is missing, out of range or not supported
    malformed_body,                    ///< the body is not what the protocol wants
    body_too_large,
    unavailable,      ///< a room that the request needs refused for now
    throttled,        ///< a rate that a quota bounds
    gateway_timeout,  ///< somebody else did not answer in time
    internal,         ///< a bug; the message says no more than that
};

const boost::system::error_category& category();
inline boost::system::error_code make_error_code(Errc e) {
    return {static_cast<int>(e), category()};
}

}  // namespace fogbank::api

FOGBANK_ERROR_CODE_ENUM(fogbank::api::Errc)
