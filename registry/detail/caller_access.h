/// What an IAM principal may do: its identity-based policies, narrowed by a session policy.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "policy/policy_set.h"
#include "registry/access_keys.h"

namespace fogbank::registry {

/// Condition keys with their values, without regard to case.
class KeyValues final : public policy::Context {
  public:
    const std::vector<std::string>* find(std::string_view key) const override;
    void set(std::string_view key, std::vector<std::string> values);

  private:
    std::unordered_map<std::string, std::vector<std::string>> values_;  ///< by key in lower case
};

/// The policies of one principal as they were when it was asked for.
struct IdentityPolicies {
    std::string principal_arn;
    std::vector<policy::Policy> policies;
    std::optional<std::vector<policy::Policy>> session_policies;  ///< both must allow
    KeyValues keys;                                               ///< of the principal and its session
};

/// What an IdentityGrants keeps: the same, compiled.
struct CompiledIdentity {
    std::string principal_arn;
    policy::PolicySet policies;
    std::optional<policy::PolicySet> session_policies;
    KeyValues keys;
};

/// The keys that every request has. Source: IAM User Guide, "AWS global condition context keys".
void set_request_keys(const CallerFacts& facts, KeyValues& out);

class IdentityGrants final : public CallerGrants {
  public:
    explicit IdentityGrants(IdentityPolicies given);
    std::unique_ptr<CallerAccess> for_request(CallerFacts facts) const override;

  private:
    std::shared_ptr<const CompiledIdentity> given_;
};

}  // namespace fogbank::registry
