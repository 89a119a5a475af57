/// Temporary credentials of a role, as STS hands them out. Implemented by the registry; used by lambda/ (a function runs with its role's
/// credentials) and by the credentials provider.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>

#include "common/clock.h"
#include "common/result.h"

namespace fogbank {

struct TemporaryCredentials {
    std::string access_key_id, secret_access_key, session_token;
    WallTime expires_at{};
};

class RoleCredentials {
  public:
    virtual ~RoleCredentials() = default;
    /// For the server's own use: whether the role's trust policy admits the asker has been judged, or does not matter. A role that was
    /// never created has credentials that may do everything (nobody needs to configure IAM to start; docs/parity.md); a role that exists is
    /// held to its policies. `duration` 15 minutes to 12 hours. Any thread; resumes on the caller's executor. Errors: store_unavailable.
    virtual boost::asio::awaitable<Result<TemporaryCredentials>> role_credentials(std::string role_arn, std::string session_name,
                                                                                  std::chrono::seconds duration) = 0;
};

}  // namespace fogbank
