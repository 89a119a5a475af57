/// IoT policies, their versions and what they are attached to. Source: AWS IoT API reference (reference "registry", section 7). Rules for
/// all calls: registry/registry.h.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"
#include "registry/errc.h"
#include "registry/paging.h"

namespace fogbank::registry {

using TagMap = std::map<std::string, std::string>;

struct PolicyRecord {
    PolicyName name;
    std::string arn;
    std::string document;  ///< text as given
    std::string version_id;
    bool is_default = true;
    WallTime created_at{}, modified_at{};
};

class Policies {
  public:
    virtual ~Policies() = default;
    /// Errors: resource_already_exists even for the same document, malformed_policy.
    virtual Awaitable<PolicyRecord> create_policy(PolicyName name, std::string document, TagMap tags) = 0;
    virtual Awaitable<PolicyRecord> get_policy(PolicyName name) = 0;
    virtual Awaitable<void> delete_policy(PolicyName name) = 0;
    virtual Awaitable<ListPage<PolicyRecord>> list_policies(PageRequest page) = 0;
    virtual Awaitable<PolicyRecord> create_policy_version(PolicyName name, std::string document, bool set_as_default) = 0;
    virtual Awaitable<PolicyRecord> get_policy_version(PolicyName name, std::string version_id) = 0;
    virtual Awaitable<std::vector<PolicyRecord>> list_policy_versions(PolicyName name) = 0;
    virtual Awaitable<void> set_default_policy_version(PolicyName name, std::string version_id) = 0;
    virtual Awaitable<void> delete_policy_version(PolicyName name, std::string version_id) = 0;

    // `target` is a certificate's or a thing group's ARN.

    virtual Awaitable<void> attach_policy(PolicyName name, std::string target) = 0;
    virtual Awaitable<void> detach_policy(PolicyName name, std::string target) = 0;
    /// `recursive`: with those of the group's ancestors.
    virtual Awaitable<ListPage<PolicyRecord>> list_attached_policies(std::string target, bool recursive, PageRequest page) = 0;
    virtual Awaitable<ListPage<std::string>> list_targets_for_policy(PolicyName name, PageRequest page) = 0;
    /// The default versions that govern a principal, a thing's groups, or both together. Both may be empty, then the answer is.
    virtual Awaitable<std::vector<PolicyRecord>> effective_policies(std::string principal, std::optional<ThingName> thing) = 0;
};

}  // namespace fogbank::registry
