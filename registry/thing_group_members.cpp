// Which things are in which groups.

#include <algorithm>

#include "common/encoding.h"
#include "registry/detail/keys.h"
#include "registry/detail/parts.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {
namespace {

/// How many groups of one hierarchy a recursive list looks at.
constexpr std::size_t descendants_max = 100'000;

const std::string& root_of(const ThingGroup& group) {
    return group.ancestors.empty() ? group.name : group.ancestors.front();
}

void put_membership(Transaction& tx, Affected& affected, const std::string& group, const ThingName& thing) {
    tx.put(keys::group_thing(group, thing), "");
    tx.put(keys::thing_membership(thing, group), "");
    affected.things.push_back(thing);
}

void erase_membership(Transaction& tx, Affected& affected, const std::string& group, const ThingName& thing) {
    tx.erase(keys::group_thing(group, thing));
    tx.erase(keys::thing_membership(thing, group));
    affected.things.push_back(thing);
}

}  // namespace

/// Whether the thing may join: the number of its groups, and only one group of a hierarchy. Source: AWS IoT Core Developer Guide, "Static
/// thing groups".
Result<void> ThingGroupsPart::make_room(Transaction& tx, Affected& affected, const Thing& thing, const ThingGroup& group,
                                        bool override_dynamic) const {
    const Range range = keys::thing_memberships(thing.name);
    const auto present = scan_in(tx, range);
    if (!present) return present.error();
    std::optional<ThingGroup> last_dynamic;
    for (const KeyValue& item : *present) {
        auto other = core_.require_thing_group(tx, keys::last_part(item.key, range));
        if (!other) return other.error();
        if (!other->dynamic && !group.dynamic && root_of(*other) == root_of(group)) {
            return Error(Errc::invalid_request,
                         "Thing " + thing.name.str() + " is already in group " + other->name + " of the hierarchy of group " + group.name);
        }
        if (other->dynamic) last_dynamic = std::move(*other);
    }
    const std::int64_t limit = core_.deps().quotas[Quota::groups_per_thing];
    if (static_cast<std::int64_t>(present->size()) < limit) return {};
    if (!override_dynamic || !last_dynamic) {
        return Error(Errc::invalid_request,
                     "Thing " + thing.name.str() + " is already in the maximum number of thing groups (" + std::to_string(limit) + ")");
    }
    erase_membership(tx, affected, last_dynamic->name, thing.name);
    core_.events_made().membership(affected.events, "removed", *last_dynamic, thing);
    return {};
}

Result<void> ThingGroupsPart::add_in(Transaction& tx, Affected& affected, const std::string& group, const Thing& thing,
                                     bool override_dynamic) const {
    const auto stored = core_.require_thing_group(tx, group);
    if (!stored) return stored.error();
    if (stored->dynamic) return Error(Errc::invalid_request, "Things cannot be added to dynamic thing group " + group);
    const auto present = tx.get(keys::group_thing(group, thing.name));
    if (!present) return present.error();
    if (*present) return {};
    if (auto room = make_room(tx, affected, thing, *stored, override_dynamic); !room) return room;
    put_membership(tx, affected, group, thing.name);
    core_.events_made().membership(affected.events, "added", *stored, thing);
    return {};
}

Result<void> ThingGroupsPart::remove_in(Transaction& tx, Affected& affected, const std::string& group, const Thing& thing) const {
    const auto stored = core_.require_thing_group(tx, group);
    if (!stored) return stored.error();
    if (stored->dynamic) return Error(Errc::invalid_request, "Things cannot be removed from dynamic thing group " + group);
    const auto present = tx.get(keys::group_thing(group, thing.name));
    if (!present) return present.error();
    if (!*present) return {};
    erase_membership(tx, affected, group, thing.name);
    core_.events_made().membership(affected.events, "removed", *stored, thing);
    return {};
}

Awaitable<void> ThingGroupsPart::add_thing_to_group(std::string group, ThingName thing, bool override_dynamic) {
    std::vector<std::string> add{std::move(group)};
    std::vector<std::string> remove;
    co_return co_await update_groups_of_thing(std::move(thing), std::move(add), std::move(remove), override_dynamic);
}

Awaitable<void> ThingGroupsPart::remove_thing_from_group(std::string group, ThingName thing) {
    std::vector<std::string> add;
    std::vector<std::string> remove{std::move(group)};
    co_return co_await update_groups_of_thing(std::move(thing), std::move(add), std::move(remove), false);
}

Awaitable<void> ThingGroupsPart::update_groups_of_thing(ThingName thing, std::vector<std::string> add, std::vector<std::string> remove,
                                                        bool override_dynamic) {
    Validation check;
    check.thing_name(thing);
    for (const std::string& one : add) check.thing_group_name(one);
    for (const std::string& one : remove) check.thing_group_name(one);
    if (auto valid = check.result(); !valid) co_return valid.error();
    ChangeBody<void> body = [this, thing, add = std::move(add), remove = std::move(remove), override_dynamic](
                                Transaction& tx, Affected& affected) -> Result<void> {
        const auto stored = core_.require_thing(tx, thing);
        if (!stored) return stored.error();
        for (const std::string& one : remove) {
            if (auto done = remove_in(tx, affected, one, *stored); !done) return done;
        }
        for (const std::string& one : add) {
            if (auto done = add_in(tx, affected, one, *stored, override_dynamic); !done) return done;
        }
        return {};
    };
    co_return co_await core_.change<void>(std::move(body));
}

Awaitable<void> ThingGroupsPart::set_dynamic_membership(std::string group, ThingName thing, bool member) {
    ChangeBody<void> body = [this, group, thing, member](Transaction& tx, Affected& affected) -> Result<void> {
        // Either may have gone since the index looked.
        const auto stored = core_.find_thing(tx, thing);
        if (!stored) return stored.error();
        const auto found = core_.find_thing_group(tx, group);
        if (!found) return found.error();
        const auto present = tx.get(keys::group_thing(group, thing));
        if (!present) return present.error();
        if (!*stored || !*found || !(*found)->dynamic || present->has_value() == member) return {};
        affected.by_index = true;
        if (member) {
            // A thing in as many groups as it may be does not join: static groups come first.
            if (auto room = make_room(tx, affected, **stored, **found, false); !room) return {};
            put_membership(tx, affected, group, thing);
        } else {
            erase_membership(tx, affected, group, thing);
        }
        core_.events_made().membership(affected.events, member ? "added" : "removed", **found, **stored);
        return {};
    };
    co_return co_await core_.change<void>(std::move(body));
}

Awaitable<void> ThingGroupsPart::mark_built(std::string group, std::int64_t version) {
    ChangeBody<void> body = [this, group, version](Transaction& tx, Affected&) -> Result<void> {
        auto stored = core_.find_thing_group(tx, group);
        if (!stored) return stored.error();
        if (!*stored || (*stored)->version != version) return {};
        (*stored)->building = false;
        tx.put(keys::thing_group(group), encode(**stored));
        return {};
    };
    co_return co_await core_.change<void>(std::move(body));
}

Awaitable<ListPage<std::string>> ThingGroupsPart::list_groups_of_thing(ThingName thing, PageRequest page) {
    if (auto valid = Validation().thing_name(thing).page(page, "maxResults").result(); !valid) co_return valid.error();
    const auto stored = co_await core_.read(keys::thing(thing));
    if (!stored) co_return stored.error();
    if (!*stored) co_return not_found("Thing", thing.view());
    const Range range = keys::thing_memberships(thing);
    auto found = co_await core_.scan_page(range, std::move(page));
    if (!found) co_return found.error();
    ListPage<std::string> out;
    out.next = std::move(found->next);
    for (const KeyValue& item : found->items) out.items.push_back(keys::last_part(item.key, range));
    co_return out;
}

/// The group and all below it, parents first. Errors: invalid_request beyond the bound.
Awaitable<std::vector<std::string>> ThingGroupsPart::with_descendants(std::string group) {
    std::vector<std::string> out{std::move(group)};
    for (std::size_t at = 0; at < out.size(); ++at) {
        const Range range = keys::group_children(out[at]);
        const auto children = co_await core_.scan_all(range);
        if (!children) co_return children.error();
        if (out.size() + children->size() > descendants_max)
            co_return Error(Errc::invalid_request, "the hierarchy below this thing group is too large to be listed at once");
        for (const KeyValue& item : *children) out.push_back(keys::last_part(item.key, range));
    }
    co_return out;
}

Awaitable<ListPage<ThingName>> ThingGroupsPart::list_things_in_group(std::string group, bool recursive, PageRequest page) {
    if (auto valid = Validation().thing_group_name(group).page(page, "maxResults").result(); !valid) co_return valid.error();
    const auto stored = co_await core_.read(keys::thing_group(group));
    if (!stored) co_return stored.error();
    if (!*stored) co_return not_found("Thing group", group);
    std::vector<std::string> groups{group};
    if (recursive) {
        auto all = co_await with_descendants(group);
        if (!all) co_return all.error();
        groups = std::move(*all);
    }
    // The marker is `<group>/<marker within the group>`; group names have no slash.
    std::size_t at = 0;
    if (page.marker) {
        const std::size_t slash = page.marker->find('/');
        const auto where = std::find(groups.begin(), groups.end(), page.marker->substr(0, slash));
        if (slash == std::string::npos || where == groups.end()) co_return Error(Errc::invalid_request, "Invalid marker: " + *page.marker);
        at = static_cast<std::size_t>(where - groups.begin());
        const std::string inner = page.marker->substr(slash + 1);
        page.marker.reset();
        if (!inner.empty()) page.marker = inner;
    }
    ListPage<ThingName> out;
    const auto wanted = static_cast<std::size_t>(page.items_max);
    for (; at < groups.size(); ++at) {
        if (out.items.size() == wanted) {
            out.next = groups[at] + "/";
            co_return out;
        }
        page.items_max = static_cast<std::int64_t>(wanted - out.items.size());
        const Range range = keys::group_things(groups[at]);
        auto found = co_await core_.scan_page(range, page);
        if (!found) co_return found.error();
        for (const KeyValue& item : found->items) out.items.emplace_back(keys::last_part(item.key, range));
        if (found->next) {
            out.next = groups[at] + "/" + *found->next;
            co_return out;
        }
        page.marker.reset();
    }
    co_return out;
}

}  // namespace fogbank::registry
