#include "registry/detail/impl.h"
#include "registry/detail/keys.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {

Awaitable<void> RegistryImpl::attach_policy(PolicyName name, std::string target) {
    if (auto valid = Validation().policy_name(name).result(); !valid) co_return valid.error();
    const auto id = certificate_of(target);
    if (!id) co_return id.error();
    ChangeBody<void> body = [this, name, target, id = *id](Transaction& tx, Affected& affected) -> Result<void> {
        if (auto stored = require_policy(tx, name); !stored) return stored.error();
        if (auto stored = require_certificate(tx, id); !stored) return stored.error();
        const auto present = tx.get(keys::target_policy(target, name));
        if (!present) return present.error();
        if (*present) return {};
        const auto attached = scan_in(tx, keys::target_policies(target));
        if (!attached) return attached.error();
        const std::int64_t limit = deps_.quotas[Quota::policies_per_principal];
        if (static_cast<std::int64_t>(attached->size()) >= limit) {
            return Error(Errc::limit_exceeded,
                         "The maximum number of policies (" + std::to_string(limit) + ") is already attached to " + target);
        }
        tx.put(keys::target_policy(target, name), "");
        tx.put(keys::policy_target(name, target), "");
        affected.certificates = {id};
        return {};
    };
    co_return co_await change<void>(std::move(body));
}

Awaitable<void> RegistryImpl::detach_policy(PolicyName name, std::string target) {
    if (auto valid = Validation().policy_name(name).result(); !valid) co_return valid.error();
    const auto id = certificate_of(target);
    // AWS's model has no ResourceNotFoundException here: what is not attached is detached.
    if (!id && id.error().code == Errc::resource_not_found) co_return Result<void>();
    if (!id) co_return id.error();
    ChangeBody<void> body = [name, target, id = *id](Transaction& tx, Affected& affected) -> Result<void> {
        tx.erase(keys::target_policy(target, name));
        tx.erase(keys::policy_target(name, target));
        affected.certificates = {id};
        return {};
    };
    co_return co_await change<void>(std::move(body));
}

Awaitable<ListPage<PolicyRecord>> RegistryImpl::list_attached_policies(std::string target, PageRequest page) {
    if (auto valid = Validation().page(page, "pageSize").result(); !valid) co_return valid.error();
    const auto id = certificate_of(target);
    if (!id) co_return id.error();
    const auto certificate = co_await read(keys::certificate(*id));
    if (!certificate) co_return certificate.error();
    if (!*certificate) co_return not_found("Certificate", id->view());
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
