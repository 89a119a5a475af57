#include "policy/errc.h"
#include "registry/detail/impl.h"
#include "registry/detail/keys.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {

/// Bounds and grammar of a document, as CreatePolicy and CreatePolicyVersion check them.
Result<void> RegistryImpl::check_document(const std::string& document) const {
    const auto parsed = policy::Policy::parse("", document, deps_.quotas.bytes(Quota::policy_document_bytes));
    if (!parsed) return Error(Errc::malformed_policy, "The policy document is malformed: " + parsed.error().message);
    return {};
}

PolicyRecord RegistryImpl::policy_record(const PolicyName& name, const StoredPolicy& policy, std::uint64_t version,
                                         StoredPolicyVersion stored) const {
    PolicyRecord out;
    out.name = name;
    out.arn = deps_.arns.policy(name);
    out.document = std::move(stored.document);
    out.version_id = std::to_string(version);
    out.is_default = policy.default_version == version;
    out.created_at = stored.created_at;
    out.modified_at = policy.modified_at;
    return out;
}

Result<StoredPolicy> Core::require_policy(Transaction& tx, const PolicyName& name) const {
    auto bytes = tx.get(keys::policy(name));
    if (!bytes) return bytes.error();
    if (!*bytes) return not_found("Policy", name.view());
    return decode_policy(name, **bytes);
}

Awaitable<PolicyRecord> RegistryImpl::create_policy(PolicyName name, std::string document, TagMap tags) {
    if (auto valid = Validation().policy_name(name).tags(tags).result(); !valid) co_return valid.error();
    if (auto valid = check_document(document); !valid) co_return valid.error();
    StoredPolicyVersion version{std::move(document), deps_.clock.now()};
    ChangeBody<PolicyRecord> body = [this, name, tags = std::move(tags), version = std::move(version)](
                                        Transaction& tx, Affected& affected) -> Result<PolicyRecord> {
        auto stored = tx.get(keys::policy(name));
        if (!stored) return stored.error();
        if (*stored)
            return Error(Errc::resource_already_exists, "Policy cannot be created - name already exists (name=" + name.str() + ")");
        if (auto done = put_tags(tx, deps_.arns.policy(name), tags); !done) return done.error();
        StoredPolicy policy;
        policy.created_at = policy.modified_at = version.created_at;
        tx.put(keys::policy(name), encode(policy));
        tx.put(keys::policy_by_time(policy.created_at, name), "");
        tx.put(keys::policy_version(name, policy.default_version), encode(version));
        affected.policies = {name};
        return policy_record(name, policy, policy.default_version, version);
    };
    co_return co_await change<PolicyRecord>(std::move(body));
}

Awaitable<PolicyRecord> RegistryImpl::get_policy(PolicyName name) {
    if (auto valid = Validation().policy_name(name).result(); !valid) co_return valid.error();
    // One transaction, because record and version are two keys that must fit.
    ChangeBody<PolicyRecord> body = [this, name](Transaction& tx, Affected&) -> Result<PolicyRecord> {
        auto policy = require_policy(tx, name);
        if (!policy) return policy.error();
        auto version = require_policy_version(tx, name, policy->default_version);
        if (!version) return version.error();
        PolicyRecord out = policy_record(name, *policy, policy->default_version, std::move(*version));
        out.created_at = policy->created_at;
        return out;
    };
    co_return co_await change<PolicyRecord>(std::move(body));
}

Awaitable<void> RegistryImpl::delete_policy(PolicyName name) {
    if (auto valid = Validation().policy_name(name).result(); !valid) co_return valid.error();
    ChangeBody<void> body = [this, name](Transaction& tx, Affected& affected) -> Result<void> {
        const auto policy = require_policy(tx, name);
        if (!policy) return policy.error();
        const auto unattached = empty_in(tx, keys::policy_targets(name));
        if (!unattached) return unattached.error();
        if (!*unattached) {
            return Error(Errc::delete_conflict,
                         "The policy cannot be deleted as the policy is attached to one or more principals (name=" + name.str() + ")");
        }
        const auto versions = scan_in(tx, keys::policy_versions(name));
        if (!versions) return versions.error();
        if (versions->size() > 1) {
            return Error(Errc::delete_conflict,
                         "Cannot delete the policy because it has one or more policy versions attached to it (name=" + name.str() + ")");
        }
        tx.erase(keys::policy(name));
        tx.erase(keys::policy_by_time(policy->created_at, name));
        tx.erase_range(keys::policy_versions(name));
        erase_tags(tx, deps_.arns.policy(name));
        affected.policies = {name};
        return {};
    };
    co_return co_await change<void>(std::move(body));
}

Awaitable<ListPage<PolicyRecord>> RegistryImpl::list_policies(PageRequest page) {
    if (auto valid = Validation().page(page, "pageSize").result(); !valid) co_return valid.error();
    auto found = co_await scan_page(keys::policies_by_time(), std::move(page));
    if (!found) co_return found.error();
    ListPage<PolicyRecord> out;
    out.next = std::move(found->next);
    for (const KeyValue& item : found->items) {
        PolicyRecord record;
        record.name = PolicyName(keys::part_after_time(item.key, keys::policies_by_time()));
        record.arn = deps_.arns.policy(record.name);
        out.items.push_back(std::move(record));
    }
    co_return out;
}

}  // namespace fogbank::registry
