/// IAM-style judgement of an API caller: may this access key, or these temporary credentials, do that to this resource? Implemented by the
/// registry; asked by api/ once per request (and per table in it). IoT policies of certificates are `Permissions` (common/authenticator.h).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/authenticator.h"

namespace fogbank {

/// What is judged. Source: AWS service authorization reference (actions, resource types and condition keys of each service).
struct AccessRequest {
    std::string action;    ///< `dynamodb:PutItem`
    std::string resource;  ///< full ARN, or `*` where the action has no resource type
    /// Condition keys beyond those of every request (aws:SourceIp, aws:CurrentTime …, which the implementation adds), with all their
    /// values: {`dynamodb:LeadingKeys`, {`user-1`}}.
    std::vector<std::pair<std::string, std::vector<std::string>>> context;
};

/// The compiled IAM-style policies of one caller. Immutable, thread-safe, shared by requests of the same caller.
class CallerAccess {
  public:
    virtual ~CallerAccess() = default;
    /// An explicit Deny wins, no matching Allow is an implicit deny; the reason is for the log and for AccessDeniedException's message.
    virtual AccessDecision check(const AccessRequest& request) const = 0;
};

}  // namespace fogbank
