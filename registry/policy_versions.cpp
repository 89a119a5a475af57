#include <charconv>

#include "registry/detail/impl.h"
#include "registry/detail/keys.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {
namespace {

/// Source: AWS General Reference, "Maximum number of named policy versions".
constexpr std::size_t versions_max = 5;

Error version_not_found(const PolicyName& name, std::string_view version_id) {
    return not_found("Version " + std::string(version_id) + " of policy", name.view());
}

/// The number in a version id; a well-formed id that no version can have (0, or beyond 64 bits) is one that is not found.
Result<std::uint64_t> version_number(const PolicyName& name, std::string_view version_id) {
    if (auto valid = Validation().policy_name(name).policy_version_id(version_id).result(); !valid) return valid.error();
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(version_id.data(), version_id.data() + version_id.size(), number);
    if (error != std::errc{} || number == 0) return version_not_found(name, version_id);
    return number;
}

}  // namespace

Result<StoredPolicyVersion> Core::require_policy_version(Transaction& tx, const PolicyName& name, std::uint64_t version) const {
    auto bytes = tx.get(keys::policy_version(name, version));
    if (!bytes) return bytes.error();
    if (!*bytes) return version_not_found(name, std::to_string(version));
    return decode_policy_version(name, **bytes);
}

Awaitable<PolicyRecord> RegistryImpl::create_policy_version(PolicyName name, std::string document, bool set_as_default) {
    if (auto valid = Validation().policy_name(name).result(); !valid) co_return valid.error();
    if (auto valid = check_document(document); !valid) co_return valid.error();
    StoredPolicyVersion version{std::move(document), deps_.clock.now()};
    ChangeBody<PolicyRecord> body = [this, name, set_as_default, version = std::move(version)](Transaction& tx,
                                                                                               Affected& affected) -> Result<PolicyRecord> {
        auto policy = require_policy(tx, name);
        if (!policy) return policy.error();
        const auto versions = scan_in(tx, keys::policy_versions(name));
        if (!versions) return versions.error();
        if (versions->size() >= versions_max) {
            return Error(Errc::versions_limit_exceeded, "The policy " + name.str() + " already has the maximum number of versions (5)");
        }
        const std::uint64_t number = policy->next_version++;
        if (set_as_default) policy->default_version = number;
        policy->modified_at = version.created_at;
        tx.put(keys::policy(name), encode(*policy));
        tx.put(keys::policy_version(name, number), encode(version));
        affected.policies = {name};
        return policy_record(name, *policy, number, version);
    };
    co_return co_await change<PolicyRecord>(std::move(body));
}

Awaitable<PolicyRecord> RegistryImpl::get_policy_version(PolicyName name, std::string version_id) {
    const auto number = version_number(name, version_id);
    if (!number) co_return number.error();
    ChangeBody<PolicyRecord> body = [this, name, number = *number](Transaction& tx, Affected&) -> Result<PolicyRecord> {
        const auto policy = require_policy(tx, name);
        if (!policy) return policy.error();
        auto version = require_policy_version(tx, name, number);
        if (!version) return version.error();
        return policy_record(name, *policy, number, std::move(*version));
    };
    co_return co_await change<PolicyRecord>(std::move(body));
}

Awaitable<std::vector<PolicyRecord>> RegistryImpl::list_policy_versions(PolicyName name) {
    if (auto valid = Validation().policy_name(name).result(); !valid) co_return valid.error();
    ChangeBody<std::vector<PolicyRecord>> body = [this, name](Transaction& tx, Affected&) -> Result<std::vector<PolicyRecord>> {
        const auto policy = require_policy(tx, name);
        if (!policy) return policy.error();
        const Range range = keys::policy_versions(name);
        const auto versions = scan_in(tx, range);
        if (!versions) return versions.error();
        std::vector<PolicyRecord> out;
        for (const KeyValue& item : *versions) {
            auto stored = decode_policy_version(name, item.value);
            if (!stored) return stored.error();
            out.push_back(policy_record(name, *policy, keys::last_number(item.key, range), std::move(*stored)));
        }
        return out;
    };
    co_return co_await change<std::vector<PolicyRecord>>(std::move(body));
}

Awaitable<void> RegistryImpl::set_default_policy_version(PolicyName name, std::string version_id) {
    const auto number = version_number(name, version_id);
    if (!number) co_return number.error();
    ChangeBody<void> body = [this, name, number = *number, now = deps_.clock.now()](Transaction& tx, Affected& affected) -> Result<void> {
        auto policy = require_policy(tx, name);
        if (!policy) return policy.error();
        if (auto version = require_policy_version(tx, name, number); !version) return version.error();
        if (policy->default_version == number) return {};
        policy->default_version = number;
        policy->modified_at = now;
        tx.put(keys::policy(name), encode(*policy));
        affected.policies = {name};
        return {};
    };
    co_return co_await change<void>(std::move(body));
}

Awaitable<void> RegistryImpl::delete_policy_version(PolicyName name, std::string version_id) {
    const auto number = version_number(name, version_id);
    if (!number) co_return number.error();
    ChangeBody<void> body = [this, name, number = *number](Transaction& tx, Affected&) -> Result<void> {
        const auto policy = require_policy(tx, name);
        if (!policy) return policy.error();
        if (auto version = require_policy_version(tx, name, number); !version) return version.error();
        if (policy->default_version == number) return Error(Errc::delete_conflict, "Cannot delete the default version of a policy");
        tx.erase(keys::policy_version(name, number));
        return {};
    };
    co_return co_await change<void>(std::move(body));
}

}  // namespace fogbank::registry
