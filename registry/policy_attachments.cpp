#include "common/encoding.h"
#include "registry/detail/impl.h"
#include "registry/detail/keys.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {
namespace {

void note_target(Affected& affected, const Core::PolicyTarget& target) {
    if (target.certificate) {
        affected.certificates = {*target.certificate};
    } else {
        affected.groups = {target.group};
    }
}

}  // namespace

Result<Core::PolicyTarget> Core::policy_target_of(std::string_view arn) const {
    PolicyTarget out;
    const auto parsed = Arn::parse(arn);
    constexpr std::string_view prefix = "thinggroup/";
    if (parsed && parsed->service == "iot" && parsed->resource.starts_with(prefix) && is_valid_utf8(arn)) {
        out.group = parsed->resource.substr(prefix.size());
        if (auto valid = Validation().thing_group_name(out.group).result(); !valid) return valid.error();
        if (thing_group_arn(deps_.arns, out.group) != arn) return not_found("Thing group", arn);  // of another account or region
        return out;
    }
    auto certificate = certificate_of(arn);
    if (!certificate) return certificate.error();
    out.certificate = std::move(*certificate);
    return out;
}

Result<void> Core::require_policy_target(Transaction& tx, const PolicyTarget& target) const {
    if (target.certificate) {
        auto stored = require_certificate(tx, *target.certificate);
        return stored ? Result<void>() : Result<void>(stored.error());
    }
    const auto group = require_thing_group(tx, target.group);
    if (!group) return group.error();
    if (group->dynamic) return Error(Errc::invalid_request, "Policies cannot be attached to dynamic thing group " + target.group);
    return {};
}

Awaitable<void> RegistryImpl::attach_policy(PolicyName name, std::string target) {
    if (auto valid = Validation().policy_name(name).result(); !valid) co_return valid.error();
    const auto where = policy_target_of(target);
    if (!where) co_return where.error();
    ChangeBody<void> body = [this, name, target, where = *where](Transaction& tx, Affected& affected) -> Result<void> {
        if (auto stored = require_policy(tx, name); !stored) return stored.error();
        if (auto stored = require_policy_target(tx, where); !stored) return stored.error();
        const auto present = tx.get(keys::target_policy(target, name));
        if (!present) return present.error();
        if (*present) return {};
        const auto attached = scan_in(tx, keys::target_policies(target));
        if (!attached) return attached.error();
        const std::int64_t limit = deps_.quotas[where.certificate ? Quota::policies_per_principal : Quota::policies_per_thing_group];
        if (static_cast<std::int64_t>(attached->size()) >= limit) {
            return Error(Errc::limit_exceeded,
                         "The maximum number of policies (" + std::to_string(limit) + ") is already attached to " + target);
        }
        tx.put(keys::target_policy(target, name), "");
        tx.put(keys::policy_target(name, target), "");
        note_target(affected, where);
        return {};
    };
    co_return co_await change<void>(std::move(body));
}

Awaitable<void> RegistryImpl::detach_policy(PolicyName name, std::string target) {
    if (auto valid = Validation().policy_name(name).result(); !valid) co_return valid.error();
    const auto where = policy_target_of(target);
    // AWS's model has no ResourceNotFoundException here: what is not attached is detached.
    if (!where && where.error().code == Errc::resource_not_found) co_return Result<void>();
    if (!where) co_return where.error();
    ChangeBody<void> body = [name, target, where = *where](Transaction& tx, Affected& affected) -> Result<void> {
        tx.erase(keys::target_policy(target, name));
        tx.erase(keys::policy_target(name, target));
        note_target(affected, where);
        return {};
    };
    co_return co_await change<void>(std::move(body));
}

/// What a target and its ancestors have, in one list; short enough (two policies each) to be made whole.
Awaitable<ListPage<PolicyRecord>> RegistryImpl::list_inherited_policies(std::string group, PageRequest page) {
    auto targets = co_await group_path(std::move(group));
    if (!targets) co_return targets.error();
    const auto names = co_await policies_of(std::move(*targets));
    if (!names) co_return names.error();
    ListPage<PolicyRecord> out;
    for (const PolicyName& name : *names) {
        if (page.marker && name.str() <= *page.marker) continue;
        if (static_cast<std::int64_t>(out.items.size()) == page.items_max) {
            out.next = out.items.back().name.str();
            break;
        }
        PolicyRecord record;
        record.name = name;
        record.arn = deps_.arns.policy(name);
        out.items.push_back(std::move(record));
    }
    co_return out;
}

Awaitable<ListPage<PolicyRecord>> RegistryImpl::list_attached_policies(std::string target, bool recursive, PageRequest page) {
    if (auto valid = Validation().page(page, "pageSize").result(); !valid) co_return valid.error();
    const auto where = policy_target_of(target);
    if (!where) co_return where.error();
    std::string record = where->certificate ? keys::certificate(*where->certificate) : keys::thing_group(where->group);
    const auto stored = co_await read(std::move(record));
    if (!stored) co_return stored.error();
    if (!*stored) co_return not_found("Target", target);
    if (recursive && !where->certificate) co_return co_await list_inherited_policies(where->group, std::move(page));
    const Range range = keys::target_policies(target);
    auto found = co_await scan_page(range, std::move(page));
    if (!found) co_return found.error();
    ListPage<PolicyRecord> out;
    out.next = std::move(found->next);
    for (const KeyValue& item : found->items) {
        PolicyRecord record;
        record.name = PolicyName(keys::last_part(item.key, range));
        record.arn = deps_.arns.policy(record.name);
        out.items.push_back(std::move(record));
    }
    co_return out;
}

Awaitable<ListPage<std::string>> RegistryImpl::list_targets_for_policy(PolicyName name, PageRequest page) {
    if (auto valid = Validation().policy_name(name).page(page, "pageSize").result(); !valid) co_return valid.error();
    const auto policy = co_await read(keys::policy(name));
    if (!policy) co_return policy.error();
    if (!*policy) co_return not_found("Policy", name.view());
    const Range range = keys::policy_targets(name);
    auto found = co_await scan_page(range, std::move(page));
    if (!found) co_return found.error();
    ListPage<std::string> out;
    out.next = std::move(found->next);
    for (const KeyValue& item : found->items) out.items.push_back(keys::last_part(item.key, range));
    co_return out;
}

}  // namespace fogbank::registry
