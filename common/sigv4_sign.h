/// Signs requests to AWS services with Signature Version 4, as SDKs do. Pure. Source: AWS IAM User Guide, "Create a signed AWS API
/// request".
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/clock.h"

namespace fogbank {

struct SigningKey {
    std::string access_key_id, secret_access_key;
    std::string session_token;  ///< empty: long-lived keys
};

struct SigningScope {
    std::string region, service;
};

/// What is signed. Header names in lower case; `host` must be among them.
struct SigningRequest {
    std::string method;
    std::string path;   ///< percent-encoded as it is sent; empty is `/`
    std::string query;  ///< encoded, sorted by name
    std::map<std::string, std::string> headers;
    std::string_view body;
};

/// `yyyymmddThhmmssZ`, as `x-amz-date` says it; what is below a second is cut off.
std::string sigv4_date_time(WallTime time);

/// The key that signatures of one day, region and service are made with. `date`: `yyyymmdd`.
std::string sigv4_signing_key(std::string_view secret_access_key, std::string_view date, std::string_view region, std::string_view service);

/// The value of the `authorization` header for the request as it stands; its headers are all signed. `date_time`: as sigv4_date_time.
std::string sigv4_authorization(const SigningRequest& request, const SigningKey& key, const SigningScope& scope,
                                std::string_view date_time);

/// Adds `x-amz-date`, `authorization`, for temporary keys `x-amz-security-token`, and for service `s3` `x-amz-content-sha256`.
void sign_sigv4(SigningRequest& request, const SigningKey& key, const SigningScope& scope, WallTime now);

}  // namespace fogbank
