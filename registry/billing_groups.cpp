#include "registry/billing_groups.h"

#include "registry/detail/keys.h"
#include "registry/detail/parts.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {
namespace {

constexpr std::size_t description_bytes_max = 2028;  // model: BillingGroupDescription

Error version_conflict(const std::string& name) {
    return {Errc::version_conflict, "The version for billing group " + name + " does not match the expected version."};
}

Validation check_group(const std::string& name, const std::string& description) {
    Validation check;
    check.name("billingGroupName", name).text("billingGroupProperties.billingGroupDescription", description, description_bytes_max);
    return check;
}

}  // namespace

Result<BillingGroup> Core::require_billing_group(Transaction& tx, const std::string& name) const {
    const auto bytes = tx.get(keys::billing_group(name));
    if (!bytes) return bytes.error();
    if (!*bytes) return not_found("Billing group", name);
    return decode_billing_group(name, **bytes, deps_.arns);
}

Awaitable<BillingGroup> BillingGroupsPart::create_billing_group(std::string name, std::string description, TagMap tags) {
    if (auto valid = check_group(name, description).tags(tags).result(); !valid) co_return valid.error();
    BillingGroup fresh;
    fresh.arn = billing_group_arn(core_.deps().arns, name);
    fresh.name = std::move(name);
    fresh.id = core_.deps().random.uuid();
    fresh.description = std::move(description);
    fresh.created_at = core_.deps().clock.now();
    ChangeBody<BillingGroup> body = [this, fresh = std::move(fresh), tags = std::move(tags)](Transaction& tx,
                                                                                             Affected&) -> Result<BillingGroup> {
        const auto bytes = tx.get(keys::billing_group(fresh.name));
        if (!bytes) return bytes.error();
        if (*bytes) {
            auto stored = decode_billing_group(fresh.name, **bytes, core_.deps().arns);
            if (!stored || stored->description == fresh.description) return stored;
            return Error(Errc::resource_already_exists,
                         "Billing Group " + fresh.name + " already exists in current account with different properties");
        }
        if (auto done = core_.put_tags(tx, fresh.arn, tags); !done) return done.error();
        tx.put(keys::billing_group(fresh.name), encode(fresh));
        return fresh;
    };
    co_return co_await core_.change<BillingGroup>(std::move(body));
}

Awaitable<BillingGroup> BillingGroupsPart::describe_billing_group(std::string name) {
    if (auto valid = Validation().name("billingGroupName", name).result(); !valid) co_return valid.error();
    const auto bytes = co_await core_.read(keys::billing_group(name));
    if (!bytes) co_return bytes.error();
    if (!*bytes) co_return not_found("Billing group", name);
    co_return decode_billing_group(name, **bytes, core_.deps().arns);
}

Awaitable<std::int64_t> BillingGroupsPart::update_billing_group(std::string name, std::string description,
                                                                std::optional<std::int64_t> expected_version) {
    if (auto valid = check_group(name, description).result(); !valid) co_return valid.error();
    ChangeBody<std::int64_t> body = [this, name, description, expected_version](Transaction& tx, Affected&) -> Result<std::int64_t> {
        auto stored = core_.require_billing_group(tx, name);
        if (!stored) return stored.error();
        if (expected_version && *expected_version != stored->version) return version_conflict(name);
        stored->description = description;
        ++stored->version;
        tx.put(keys::billing_group(name), encode(*stored));
        return stored->version;
    };
    co_return co_await core_.change<std::int64_t>(std::move(body));
}

Awaitable<void> BillingGroupsPart::delete_billing_group(std::string name, std::optional<std::int64_t> expected_version) {
    if (auto valid = Validation().name("billingGroupName", name).result(); !valid) co_return valid.error();
    ChangeBody<void> body = [this, name, expected_version](Transaction& tx, Affected& affected) -> Result<void> {
        const auto stored = core_.require_billing_group(tx, name);
        if (!stored && stored.error().code == Errc::resource_not_found) return {};
        if (!stored) return stored.error();
        if (expected_version && *expected_version != stored->version) return version_conflict(name);
        const Range range = keys::billing_things(name);
        const auto things = scan_in(tx, range);
        if (!things) return things.error();
        for (const KeyValue& item : *things) {
            const ThingName thing(keys::last_part(item.key, range));
            const auto member = core_.require_thing(tx, thing);
            if (!member) return member.error();
            Thing released = *member;
            released.billing_group_name.clear();
            core_.put_thing(tx, &*member, released);
            affected.things.push_back(thing);
        }
        tx.erase(keys::billing_group(name));
        core_.erase_tags(tx, stored->arn);
        return {};
    };
    co_return co_await core_.change<void>(std::move(body));
}

Awaitable<ListPage<BillingGroup>> BillingGroupsPart::list_billing_groups(std::string name_prefix, PageRequest page) {
    Validation check;
    check.page(page, "maxResults");
    if (!name_prefix.empty()) check.name("namePrefixFilter", name_prefix);
    if (auto valid = check.result(); !valid) co_return valid.error();
    const Range all = keys::billing_groups();
    auto found = co_await core_.scan_page(keys::with_prefix(all, name_prefix), std::move(page));
    if (!found) co_return found.error();
    ListPage<BillingGroup> out;
    out.next = std::move(found->next);
    for (const KeyValue& item : found->items) {
        auto group = decode_billing_group(keys::last_part(item.key, all), item.value, core_.deps().arns);
        if (!group) co_return group.error();
        out.items.push_back(std::move(*group));
    }
    co_return out;
}

Awaitable<void> BillingGroupsPart::add_thing_to_billing_group(std::string group, ThingName thing) {
    if (auto valid = Validation().name("billingGroupName", group).thing_name(thing).result(); !valid) co_return valid.error();
    ChangeBody<void> body = [this, group, thing](Transaction& tx, Affected& affected) -> Result<void> {
        if (auto stored = core_.require_billing_group(tx, group); !stored) return stored.error();
        const auto before = core_.require_thing(tx, thing);
        if (!before) return before.error();
        Thing after = *before;
        after.billing_group_name = group;
        core_.put_thing(tx, &*before, after);
        affected.things = {thing};
        return {};
    };
    co_return co_await core_.change<void>(std::move(body));
}

Awaitable<void> BillingGroupsPart::remove_thing_from_billing_group(std::string group, ThingName thing) {
    if (auto valid = Validation().name("billingGroupName", group).thing_name(thing).result(); !valid) co_return valid.error();
    ChangeBody<void> body = [this, group, thing](Transaction& tx, Affected& affected) -> Result<void> {
        if (auto stored = core_.require_billing_group(tx, group); !stored) return stored.error();
        const auto before = core_.require_thing(tx, thing);
        if (!before) return before.error();
        if (before->billing_group_name != group) return {};
        Thing after = *before;
        after.billing_group_name.clear();
        core_.put_thing(tx, &*before, after);
        affected.things = {thing};
        return {};
    };
    co_return co_await core_.change<void>(std::move(body));
}

Awaitable<ListPage<ThingName>> BillingGroupsPart::list_things_in_billing_group(std::string group, PageRequest page) {
    if (auto valid = Validation().name("billingGroupName", group).page(page, "maxResults").result(); !valid) co_return valid.error();
    const auto stored = co_await core_.read(keys::billing_group(group));
    if (!stored) co_return stored.error();
    if (!*stored) co_return not_found("Billing group", group);
    const Range range = keys::billing_things(group);
    auto found = co_await core_.scan_page(range, std::move(page));
    if (!found) co_return found.error();
    ListPage<ThingName> out;
    out.next = std::move(found->next);
    for (const KeyValue& item : found->items) out.items.emplace_back(keys::last_part(item.key, range));
    co_return out;
}

}  // namespace fogbank::registry
