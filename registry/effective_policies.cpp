// Which policies govern a principal, a thing, or both. Source: AWS IoT API reference, GetEffectivePolicies.

#include <set>

#include "registry/detail/impl.h"
#include "registry/detail/keys.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {

Awaitable<std::vector<PolicyName>> RegistryImpl::policies_of(std::vector<std::string> targets) {
    std::set<PolicyName> names;
    for (const std::string& target : targets) {
        const Range range = keys::target_policies(target);
        const auto attached = co_await scan_all(range);
        if (!attached) co_return attached.error();
        for (const KeyValue& item : *attached) names.emplace(keys::last_part(item.key, range));
    }
    co_return std::vector<PolicyName>(names.begin(), names.end());
}

Awaitable<std::vector<std::string>> RegistryImpl::group_path(std::string group) {
    const auto stored = co_await groups_.describe_thing_group(std::move(group));
    if (!stored) co_return stored.error();
    std::vector<std::string> out{stored->arn};
    for (const std::string& one : stored->ancestors) out.push_back(thing_group_arn(deps_.arns, one));
    co_return out;
}

Awaitable<std::vector<PolicyRecord>> RegistryImpl::effective_policies(std::string principal, std::optional<ThingName> thing) {
    std::vector<std::string> targets;
    if (!principal.empty()) {
        const auto where = policy_target_of(principal);
        if (!where) co_return where.error();
        if (where->certificate) {
            const auto stored = co_await describe_certificate(*where->certificate);
            if (!stored) co_return stored.error();
            targets.push_back(principal);
        } else {
            auto path = co_await group_path(where->group);
            if (!path) co_return path.error();
            targets = std::move(*path);
        }
    }
    if (thing) {
        const auto stored = co_await describe_thing(*thing);
        if (!stored) co_return stored.error();
        const Range range = keys::thing_memberships(*thing);
        const auto groups = co_await scan_all(range);
        if (!groups) co_return groups.error();
        for (const KeyValue& item : *groups) {
            auto path = co_await group_path(keys::last_part(item.key, range));
            if (!path && path.error().code == Errc::resource_not_found) continue;  // deleted since the scan
            if (!path) co_return path.error();
            targets.insert(targets.end(), path->begin(), path->end());
        }
    }
    const auto names = co_await policies_of(std::move(targets));
    if (!names) co_return names.error();
    std::vector<PolicyRecord> out;
    for (const PolicyName& name : *names) {
        auto policy = co_await get_policy(name);
        if (!policy && policy.error().code == Errc::resource_not_found) continue;
        if (!policy) co_return policy.error();
        out.push_back(std::move(*policy));
    }
    co_return out;
}

}  // namespace fogbank::registry
