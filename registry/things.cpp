#include "registry/detail/impl.h"
#include "registry/detail/keys.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {
namespace {

bool same_configuration(const Thing& a, const Thing& b) {
    return a.type_name == b.type_name && a.attributes == b.attributes && a.billing_group_name == b.billing_group_name;
}

}  // namespace

Result<std::optional<Thing>> RegistryImpl::find_thing(Transaction& tx, const ThingName& name) const {
    auto bytes = tx.get(keys::thing(name));
    if (!bytes) return bytes.error();
    if (!*bytes) return std::optional<Thing>();
    auto thing = decode_thing(name, **bytes, deps_.arns);
    if (!thing) return thing.error();
    return std::optional<Thing>(std::move(*thing));
}

Result<Thing> RegistryImpl::require_thing(Transaction& tx, const ThingName& name) const {
    auto thing = find_thing(tx, name);
    if (!thing) return thing.error();
    if (!*thing) return not_found("Thing", name.view());
    return std::move(**thing);
}

Awaitable<Thing> RegistryImpl::create_thing(CreateThingRequest request) {
    Validation check;
    check.thing_name(request.name)
        .type_name(request.type_name)
        .attributes(request.attributes)
        .billing_group_name(request.billing_group_name);
    if (auto valid = check.result(); !valid) co_return valid.error();
    // There are no thing types and billing groups yet that could be named.
    if (!request.type_name.empty()) co_return not_found("Thing type", request.type_name);
    if (!request.billing_group_name.empty()) co_return not_found("Billing group", request.billing_group_name);

    Thing fresh;
    fresh.arn = deps_.arns.thing(request.name);
    fresh.name = std::move(request.name);
    fresh.id = deps_.random.uuid();
    fresh.attributes = std::move(request.attributes);
    ChangeBody<Thing> body = [this, fresh = std::move(fresh)](Transaction& tx, Affected&) -> Result<Thing> {
        auto stored = find_thing(tx, fresh.name);
        if (!stored) return stored.error();
        if (*stored && same_configuration(**stored, fresh)) return std::move(**stored);
        if (*stored) {
            return Error(Errc::resource_already_exists,
                         "Thing " + fresh.name.str() + " already exists in account with different attributes");
        }
        tx.put(keys::thing(fresh.name), encode(fresh));
        return fresh;
    };
    co_return co_await change<Thing>(std::move(body));
}

Awaitable<Thing> RegistryImpl::describe_thing(ThingName name) {
    if (auto valid = Validation().thing_name(name).result(); !valid) co_return valid.error();
    auto bytes = co_await read(keys::thing(name));
    if (!bytes) co_return bytes.error();
    if (!*bytes) co_return not_found("Thing", name.view());
    co_return decode_thing(name, **bytes, deps_.arns);
}

Awaitable<void> RegistryImpl::delete_thing(ThingName name, std::optional<std::int64_t> expected_version) {
    if (auto valid = Validation().thing_name(name).result(); !valid) co_return valid.error();
    ChangeBody<void> body = [this, name, expected_version](Transaction& tx, Affected&) -> Result<void> {
        auto stored = find_thing(tx, name);
        if (!stored) return stored.error();
        if (!*stored) return {};
        if (expected_version && *expected_version != (*stored)->version) {
            return Error(Errc::version_conflict, "The version for thing " + name.str() + " does not match the expected version.");
        }
        const auto unattached = empty_in(tx, keys::thing_principals(name));
        if (!unattached) return unattached.error();
        if (!*unattached)
            return Error(Errc::invalid_request, "Cannot delete. Thing " + name.str() + " is still attached to one or more principals");
        tx.erase(keys::thing(name));
        return {};
    };
    co_return co_await change<void>(std::move(body));
}

Awaitable<ListPage<Thing>> RegistryImpl::list_things(PageRequest page) {
    if (auto valid = Validation().page(page, "maxResults").result(); !valid) co_return valid.error();
    auto found = co_await scan_page(keys::things(), std::move(page));
    if (!found) co_return found.error();
    ListPage<Thing> out;
    out.next = std::move(found->next);
    for (const KeyValue& item : found->items) {
        auto thing = decode_thing(ThingName(keys::last_part(item.key, keys::things())), item.value, deps_.arns);
        if (!thing) co_return thing.error();
        out.items.push_back(std::move(*thing));
    }
    co_return out;
}

}  // namespace fogbank::registry
