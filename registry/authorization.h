/// Asking what would be allowed, without doing it. Source: AWS IoT API reference, TestAuthorization (reference "policy", section 14).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/authenticator.h"
#include "common/ids.h"
#include "registry/errc.h"
#include "registry/paging.h"

namespace fogbank::registry {

/// One question: may all of `resources` be done?
struct AuthQuestion {
    std::string action;                  ///< `iot:Publish`
    std::vector<std::string> resources;  ///< full ARNs
};

struct AuthTest {
    std::string principal;  ///< certificate or thing group ARN; empty: only the policies to add
    ClientId client_id;     ///< also names the thing; may be empty
    std::vector<PolicyName> add, skip;
    std::vector<AuthQuestion> questions;
};

struct AuthAnswer {
    AccessDecision::Outcome outcome = AccessDecision::Outcome::implicit_deny;
    std::vector<PolicyName> allowed_by, denied_by, silent;  ///< silent: no statement of it matched
    std::vector<std::string> missing_context;
};

/// What `fogbank explain` asks.
struct ExplainRequest {
    ThingName thing;        ///< its principals are asked about, unless `principal` is given
    std::string principal;  ///< certificate ARN
    ClientId client_id;     ///< empty: the thing's name
    IotAction action = IotAction::publish;
    std::string resource_name;  ///< topic, filter, client id …: without the ARN
};

struct Explanation {
    std::string principal;
    AccessDecision decision;
};

class Authorization {
  public:
    virtual ~Authorization() = default;
    /// One answer for each question, in order. Errors: resource_not_found for principal and policies.
    virtual Awaitable<std::vector<AuthAnswer>> test_authorization(AuthTest test) = 0;
    /// The decision of a live connection, for each principal of the thing. Errors: resource_not_found.
    virtual Awaitable<std::vector<Explanation>> explain(ExplainRequest request) = 0;
};

}  // namespace fogbank::registry
