#include "registry/things.h"

#include "common/encoding.h"
#include "registry/detail/impl.h"
#include "registry/detail/keys.h"
#include "registry/detail/search_terms.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {
namespace {

/// Source: AWS General Reference, IoT Device Management quotas: without a type 3, with one 50, 47 KB together.
constexpr std::size_t untyped_attributes_max = 3;
constexpr std::size_t typed_attributes_max = 50;
constexpr std::size_t attributes_bytes_max = 47 * 1024;
/// How many things one ListThings looks at when its filter is not an index; the rest follows with the token.
constexpr std::size_t examined_max = 20'000;

/// How many it reads at once.
constexpr std::int64_t chunk = 500;

/// The marker that continues after `name` in the list that `filter` chooses.
std::string thing_marker(const ThingFilter& filter, const ThingName& name) {
    const std::string key = filter.type_name ? keys::type_thing(*filter.type_name, name) : keys::thing(name);
    const Range range = filter.type_name ? keys::type_things(*filter.type_name) : keys::things();
    return base64_encode(std::string_view(key).substr(range.begin.size()));
}

bool same_configuration(const Thing& a, const Thing& b) {
    return a.type_name == b.type_name && a.attributes == b.attributes && a.billing_group_name == b.billing_group_name;
}

Result<void> check_attribute_limits(const Thing& thing) {
    const bool typed = !thing.type_name.empty();
    const std::size_t limit = typed ? typed_attributes_max : untyped_attributes_max;
    if (thing.attributes.size() > limit) {
        return Error(Errc::invalid_request, typed ? "A thing with a thing type can have at most 50 attributes"
                                                  : "A thing without a thing type can have at most 3 attributes");
    }
    std::size_t bytes = 0;
    for (const auto& [name, value] : thing.attributes) bytes += name.size() + value.size();
    if (bytes > attributes_bytes_max) return Error(Errc::invalid_request, "The attributes of a thing can have at most 47 KB together");
    return {};
}

Error version_conflict(const ThingName& name) {
    return {Errc::version_conflict, "The version for thing " + name.str() + " does not match the expected version."};
}

void apply_attributes(const UpdateThingRequest& request, Thing& thing) {
    if (!request.attributes) return;
    if (!request.merge) {
        thing.attributes = *request.attributes;
        return;
    }
    for (const auto& [name, value] : *request.attributes) {
        if (value.empty()) {
            thing.attributes.erase(name);
        } else {
            thing.attributes[name] = value;
        }
    }
}

}  // namespace

bool ThingFilter::accepts(const Thing& thing) const {
    if (type_name && thing.type_name != *type_name) return false;
    if (!attribute_name) return true;
    const auto found = thing.attributes.find(*attribute_name);
    if (found == thing.attributes.end()) return false;
    if (!attribute_value) return true;
    return value_is_prefix ? found->second.starts_with(*attribute_value) : found->second == *attribute_value;
}

Result<std::optional<Thing>> Core::find_thing(Transaction& tx, const ThingName& name) const {
    auto bytes = tx.get(keys::thing(name));
    if (!bytes) return bytes.error();
    if (!*bytes) return std::optional<Thing>();
    auto thing = decode_thing(name, **bytes, deps_.arns);
    if (!thing) return thing.error();
    return std::optional<Thing>(std::move(*thing));
}

Result<Thing> Core::require_thing(Transaction& tx, const ThingName& name) const {
    auto thing = find_thing(tx, name);
    if (!thing) return thing.error();
    if (!*thing) return not_found("Thing", name.view());
    return std::move(**thing);
}

/// Writes the record and what leads to it; `before` is what was stored, if anything.
void Core::put_thing(Transaction& tx, const Thing* before, const Thing& after) const {
    const std::string old_type = before != nullptr ? before->type_name : "";
    const std::string old_billing = before != nullptr ? before->billing_group_name : "";
    if (old_type != after.type_name) {
        if (!old_type.empty()) tx.erase(keys::type_thing(old_type, after.name));
        if (!after.type_name.empty()) tx.put(keys::type_thing(after.type_name, after.name), "");
    }
    if (old_billing != after.billing_group_name) {
        if (!old_billing.empty()) tx.erase(keys::billing_thing(old_billing, after.name));
        if (!after.billing_group_name.empty()) tx.put(keys::billing_thing(after.billing_group_name, after.name), "");
    }
    put_search_terms(tx, before, &after);
    tx.put(keys::thing(after.name), encode(after));
}

/// The type must exist and not be deprecated. `text`: AWS's words for a deprecated one.
Result<void> Core::check_type_for_thing(Transaction& tx, const std::string& type, std::string_view text) const {
    if (type.empty()) return {};
    const auto stored = require_thing_type(tx, type);
    if (!stored) return stored.error();
    if (stored->deprecated) return Error(Errc::invalid_request, std::string(text) + type);
    return {};
}

Awaitable<Thing> RegistryImpl::create_thing(CreateThingRequest request) {
    Validation check;
    check.thing_name(request.name)
        .type_name(request.type_name)
        .attributes(request.attributes)
        .billing_group_name(request.billing_group_name);
    if (auto valid = check.result(); !valid) co_return valid.error();
    Thing fresh;
    fresh.arn = deps_.arns.thing(request.name);
    fresh.name = std::move(request.name);
    fresh.id = deps_.random.uuid();
    fresh.attributes = std::move(request.attributes);
    fresh.type_name = std::move(request.type_name);
    fresh.billing_group_name = std::move(request.billing_group_name);
    if (auto within = check_attribute_limits(fresh); !within) co_return within.error();
    ChangeBody<Thing> body = [this, fresh = std::move(fresh)](Transaction& tx, Affected& affected) -> Result<Thing> {
        auto stored = find_thing(tx, fresh.name);
        if (!stored) return stored.error();
        if (*stored && same_configuration(**stored, fresh)) return std::move(**stored);
        if (*stored) {
            return Error(Errc::resource_already_exists,
                         "Thing " + fresh.name.str() + " already exists in account with different attributes");
        }
        if (auto fits = check_type_for_thing(tx, fresh.type_name, "Can not create new thing with depreated thing type:"); !fits)
            return fits.error();
        if (!fresh.billing_group_name.empty()) {
            if (auto group = require_billing_group(tx, fresh.billing_group_name); !group) return group.error();
        }
        put_thing(tx, nullptr, fresh);
        affected.things = {fresh.name};
        events_.thing(affected.events, "created", fresh);
        if (!fresh.type_name.empty()) events_.type_association(affected.events, "added", fresh, fresh.type_name);
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

/// What an update makes of a stored thing; no effects.
Result<Thing> RegistryImpl::updated_thing(Transaction& tx, const Thing& stored, const UpdateThingRequest& request) const {
    Thing out = stored;
    out.version = stored.version + 1;
    if (request.remove_type) out.type_name.clear();
    if (!request.type_name.empty() && request.type_name != stored.type_name) {
        constexpr std::string_view text = "Can not update a thing to use deprecated thing type: ";
        if (auto fits = check_type_for_thing(tx, request.type_name, text); !fits) return fits.error();
        out.type_name = request.type_name;
    }
    apply_attributes(request, out);
    if (auto within = check_attribute_limits(out); !within) return within.error();
    return out;
}

Awaitable<void> RegistryImpl::update_thing(UpdateThingRequest request) {
    Validation check;
    check.thing_name(request.name).type_name(request.type_name);
    if (request.attributes) check.attributes(*request.attributes);
    if (auto valid = check.result(); !valid) co_return valid.error();
    if (request.remove_type && !request.type_name.empty()) {
        co_return Error(Errc::invalid_request, "removeThingType and thingTypeName cannot be given together");
    }
    ChangeBody<void> body = [this, request = std::move(request)](Transaction& tx, Affected& affected) -> Result<void> {
        const auto stored = require_thing(tx, request.name);
        if (!stored) return stored.error();
        if (request.expected_version && *request.expected_version != stored->version) return version_conflict(request.name);
        const auto after = updated_thing(tx, *stored, request);
        if (!after) return after.error();
        put_thing(tx, &*stored, *after);
        affected.things = {request.name};
        events_.thing(affected.events, "updated", *after);
        if (stored->type_name != after->type_name) {
            if (!stored->type_name.empty()) events_.type_association(affected.events, "removed", *after, stored->type_name);
            if (!after->type_name.empty()) events_.type_association(affected.events, "added", *after, after->type_name);
        }
        return {};
    };
    co_return co_await change<void>(std::move(body));
}

Awaitable<void> RegistryImpl::delete_thing(ThingName name, std::optional<std::int64_t> expected_version) {
    if (auto valid = Validation().thing_name(name).result(); !valid) co_return valid.error();
    ChangeBody<void> body = [this, name, expected_version](Transaction& tx, Affected& affected) -> Result<void> {
        auto stored = find_thing(tx, name);
        if (!stored) return stored.error();
        if (!*stored) return {};
        const Thing& thing = **stored;
        if (expected_version && *expected_version != thing.version) return version_conflict(name);
        const auto unattached = empty_in(tx, keys::thing_principals(name));
        if (!unattached) return unattached.error();
        if (!*unattached)
            return Error(Errc::invalid_request, "Cannot delete. Thing " + name.str() + " is still attached to one or more principals");
        const auto groups = scan_in(tx, keys::thing_memberships(name));
        if (!groups) return groups.error();
        for (const KeyValue& item : *groups) {
            const std::string group = keys::last_part(item.key, keys::thing_memberships(name));
            tx.erase(keys::group_thing(group, name));
            tx.erase(item.key);
        }
        if (!thing.type_name.empty()) tx.erase(keys::type_thing(thing.type_name, name));
        if (!thing.billing_group_name.empty()) tx.erase(keys::billing_thing(thing.billing_group_name, name));
        tx.erase_range(keys::indexed_of("connectivity", name));
        put_search_terms(tx, &thing, nullptr);
        tx.erase(keys::thing(name));
        affected.things = {name};
        events_.thing(affected.events, "deleted", thing);
        return {};
    };
    co_return co_await change<void>(std::move(body));
}

/// One page of the things of a type: the index holds names, the records follow.
Awaitable<ListPage<Thing>> RegistryImpl::list_things_of_type(std::string type, PageRequest page) {
    const Range range = keys::type_things(type);
    auto found = co_await scan_page(range, std::move(page));
    if (!found) co_return found.error();
    std::vector<ThingName> names;
    for (const KeyValue& item : found->items) names.emplace_back(keys::last_part(item.key, range));
    auto things = co_await read_things(std::move(names));
    if (!things) co_return things.error();
    ListPage<Thing> out;
    out.items = std::move(*things);
    out.next = std::move(found->next);
    co_return out;
}

Awaitable<ListPage<Thing>> RegistryImpl::list_all_things(PageRequest page) {
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

Awaitable<ListPage<Thing>> RegistryImpl::list_things(ThingFilter filter, PageRequest page) {
    if (auto valid = Validation().page(page, "maxResults").result(); !valid) co_return valid.error();
    const auto wanted = static_cast<std::size_t>(page.items_max);
    const bool filtered = filter.attribute_name.has_value();
    if (filtered) page.items_max = chunk;
    ListPage<Thing> out;
    for (std::size_t examined = 0; examined < examined_max; examined += chunk) {
        ListPage<Thing> part;
        if (filter.type_name) {
            auto found = co_await list_things_of_type(*filter.type_name, page);
            if (!found) co_return found.error();
            part = std::move(*found);
        } else {
            auto found = co_await list_all_things(page);
            if (!found) co_return found.error();
            part = std::move(*found);
        }
        for (Thing& thing : part.items) {
            if (!filter.accepts(thing)) continue;
            if (out.items.size() == wanted) {  // one more than fits: there is a next page
                out.next = thing_marker(filter, out.items.back().name);
                co_return out;
            }
            out.items.push_back(std::move(thing));
        }
        page.marker = std::move(part.next);
        if (!page.marker || !filtered) break;
    }
    out.next = std::move(page.marker);
    co_return out;
}

}  // namespace fogbank::registry
