/// Error codes of the registry; the message is AWS's text for the client. api/aws_errors.cpp gives each its exception name and status.
#pragma once

#include "common/errc.h"

namespace fogbank::registry {

enum class Errc {
    invalid_request = 1,         ///< InvalidRequestException 400
    resource_not_found,          ///< 404
    resource_already_exists,     ///< 409
    version_conflict,            ///< 409
    delete_conflict,             ///< 409
    limit_exceeded,              ///< 410
    malformed_policy,            ///< 400
    versions_limit_exceeded,     ///< 409
    certificate_state,           ///< 406
    certificate_validation,      ///< 400
    certificate_not_registered,  ///< TLS peers: DEVICE_CERTIFICATE_NOT_REGISTERED
    certificate_inactive,        ///< DEVICE_CERTIFICATE_INACTIVE
    certificate_revoked,         ///< DEVICE_CERTIFICATE_REVOKED
    certificate_expired,
    certificate_pending,
    unknown_access_key,             ///< UnrecognizedClientException 403
    store_unavailable,              ///< ServiceUnavailableException 503
    session_expired,                ///< temporary credentials: ExpiredTokenException 403
    certificate_conflict,           ///< 409
    registration_code_validation,   ///< 400
    transfer_conflict,              ///< 409
    transfer_already_completed,     ///< 410
    resource_registration_failure,  ///< 400
    conflicting_resource_update,    ///< 409
    invalid_response,               ///< 400: a custom authorizer's function
    not_authorized,                 ///< a custom authorizer or a provisioning hook said no
    invalid_query,                  ///< InvalidQueryException 400
    invalid_aggregation,            ///< InvalidAggregationException 400
    index_not_ready,                ///< IndexNotReadyException 400
    not_configured,                 ///< NotConfiguredException 404
};

const boost::system::error_category& category();
inline boost::system::error_code make_error_code(Errc e) {
    return {static_cast<int>(e), category()};
}

}  // namespace fogbank::registry

FOGBANK_ERROR_CODE_ENUM(fogbank::registry::Errc)
