/// Custom authorizers: a function decides who comes in and what it may do. Source: AWS IoT Core Developer Guide, "Custom authentication and
/// authorization" (reference "auth", section 7).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/arn.h"
#include "common/door_authentication.h"
#include "common/functions.h"
#include "common/random.h"
#include "registry/device_access.h"

namespace fogbank::registry {

/// What an authorizer's function answered.
struct AuthorizerAnswer {
    bool is_authenticated = false;
    std::string principal_id;                   ///< [a-zA-Z0-9]{1,128}
    std::vector<std::string> policy_documents;  ///< at most 10, each at most 2,048 characters
    std::optional<std::int64_t> refresh_after_s, disconnect_after_s;
};

/// Errors: invalid_response, naming what is wrong.
Result<AuthorizerAnswer> read_authorizer_answer(std::string_view payload);

/// Whether `signature` (base64) over `token` was made with one of the authorizer's keys (RSA, SHA-256, PKCS #1 v1.5).
bool token_signature_fits(const CustomAuthorizer& authorizer, std::string_view token, std::string_view signature);

/// Whether `pem` is an RSA public key.
bool is_token_signing_key(std::string_view pem);

/// The event that the function gets.
std::string authorizer_event(const CustomCredentials& credentials, bool signature_verified, std::string_view connection_id);

struct CustomAuthenticatorDependencies {
    DeviceAccess& access;
    FunctionCaller& functions;
    const Clock& clock;
    RandomSource& random;
    ArnFactory arns;
};
/// Thread-safe. The dependencies must outlive it.
std::unique_ptr<CustomAuthenticator> make_custom_authenticator(CustomAuthenticatorDependencies dependencies);

}  // namespace fogbank::registry
