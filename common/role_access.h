/// What a role allows, for what the server does on a role's behalf without a signed request: the clients of C++ handlers. Implemented by
/// the registry's IAM; asked by lambda/.
#pragma once

#include <memory>
#include <string>

#include "common/access.h"
#include "common/result.h"

namespace fogbank {

class RoleAccess {
  public:
    virtual ~RoleAccess() = default;
    /// The role's policies as they are now; null: may do everything, because the role was never created (as in RoleCredentials). From
    /// memory; any thread. Errors: of the registry, when the ARN names another path than the role has.
    virtual Result<std::shared_ptr<const CallerAccess>> role_access(const std::string& role_arn, const std::string& session_name) const = 0;
};

}  // namespace fogbank
