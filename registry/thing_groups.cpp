#include "registry/thing_groups.h"

#include <algorithm>

#include "common/encoding.h"
#include "registry/detail/keys.h"
#include "registry/detail/parts.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {
namespace {

constexpr std::size_t attributes_max = 50;           // AWS IoT Device Management quotas: attributes per thing group
constexpr std::size_t description_bytes_max = 2028;  // model: ThingGroupDescription
constexpr std::size_t examined_max = 20'000;         // how many groups one list looks at; the rest follows with the token
constexpr std::int64_t chunk = 500;

bool same_configuration(const ThingGroup& a, const ThingGroup& b) {
    return a.parent() == b.parent() && a.description == b.description && a.attributes == b.attributes && a.dynamic == b.dynamic;
}

Error version_conflict(const std::string& name) {
    return {Errc::version_conflict, "The version for thing group " + name + " does not match the expected version."};
}

Result<void> check_attributes(const Attributes& attributes) {
    if (attributes.size() > attributes_max) return Error(Errc::invalid_request, "A thing group can have at most 50 attributes");
    return {};
}

void apply(const UpdateThingGroupRequest& request, ThingGroup& group) {
    if (request.description) group.description = *request.description;
    if (request.attributes && !request.merge) group.attributes = *request.attributes;
    if (request.attributes && request.merge) {
        for (const auto& [name, value] : *request.attributes) {
            if (value.empty()) {
                group.attributes.erase(name);
            } else {
                group.attributes[name] = value;
            }
        }
    }
    if (group.dynamic) {
        if (request.query && *request.query != group.dynamic->query) group.building = true;
        if (request.query) group.dynamic->query = *request.query;
        if (request.index_name) group.dynamic->index_name = *request.index_name;
        if (request.query_version) group.dynamic->query_version = *request.query_version;
    }
    ++group.version;
}

bool listed(const ThingGroup& group, const GroupListFilter& filter) {
    if (filter.parent.empty()) return filter.recursive.value_or(true) || group.ancestors.empty();
    return std::find(group.ancestors.begin(), group.ancestors.end(), filter.parent) != group.ancestors.end();
}

}  // namespace

const std::string& ThingGroup::parent() const {
    static const std::string none;
    return ancestors.empty() ? none : ancestors.back();
}

Result<std::optional<ThingGroup>> Core::find_thing_group(Transaction& tx, const std::string& name) const {
    const auto bytes = tx.get(keys::thing_group(name));
    if (!bytes) return bytes.error();
    if (!*bytes) return std::optional<ThingGroup>();
    auto group = decode_thing_group(name, **bytes, deps_.arns);
    if (!group) return group.error();
    return std::optional<ThingGroup>(std::move(*group));
}

Result<ThingGroup> Core::require_thing_group(Transaction& tx, const std::string& name) const {
    auto group = find_thing_group(tx, name);
    if (!group) return group.error();
    if (!*group) return not_found("Thing group", name);
    return std::move(**group);
}

Result<std::vector<ThingGroup>> ThingGroupsPart::ancestors_of(Transaction& tx, const ThingGroup& group) const {
    std::vector<ThingGroup> out;
    for (const std::string& name : group.ancestors) {
        auto one = core_.require_thing_group(tx, name);
        if (!one) return one.error();
        out.push_back(std::move(*one));
    }
    return out;
}

/// The new group below its parent, within the limits on hierarchies.
Result<ThingGroup> ThingGroupsPart::make_group(Transaction& tx, const CreateThingGroupRequest& request, Affected& affected) const {
    ThingGroup fresh;
    fresh.name = request.name;
    fresh.arn = thing_group_arn(core_.deps().arns, request.name);
    fresh.id = core_.deps().random.uuid();
    fresh.description = request.description;
    fresh.attributes = request.attributes;
    fresh.dynamic = request.dynamic;
    fresh.building = request.dynamic.has_value();
    fresh.created_at = core_.deps().clock.now();
    std::vector<ThingGroup> ancestors;
    if (!request.parent.empty()) {
        auto parent = core_.require_thing_group(tx, request.parent);
        if (!parent) return parent.error();
        if (parent->dynamic) return Error(Errc::invalid_request, "A dynamic thing group cannot be a parent: " + request.parent);
        fresh.ancestors = parent->ancestors;
        fresh.ancestors.push_back(parent->name);
        const Quotas& quotas = core_.deps().quotas;
        if (static_cast<std::int64_t>(fresh.ancestors.size()) > quotas[Quota::thing_group_depth]) {
            return Error(Errc::invalid_request,
                         "The maximum depth of a thing group hierarchy is " + std::to_string(quotas[Quota::thing_group_depth]));
        }
        const auto children = scan_in(tx, keys::group_children(request.parent));
        if (!children) return children.error();
        if (static_cast<std::int64_t>(children->size()) >= quotas[Quota::thing_group_children]) {
            return Error(Errc::invalid_request,
                         "The maximum number of direct child groups is " + std::to_string(quotas[Quota::thing_group_children]));
        }
        auto above = ancestors_of(tx, *parent);
        if (!above) return above.error();
        ancestors = std::move(*above);
        ancestors.push_back(std::move(*parent));
        tx.put(keys::group_child(request.parent, request.name), "");
        core_.events_made().hierarchy(affected.events, "added", ancestors.back(), fresh);
    }
    core_.events_made().thing_group(affected.events, "created", fresh, ancestors);
    return fresh;
}

Awaitable<ThingGroup> ThingGroupsPart::create_thing_group(CreateThingGroupRequest request) {
    Validation check;
    check.thing_group_name(request.name).attributes(request.attributes).tags(request.tags);
    check.text("thingGroupProperties.thingGroupDescription", request.description, description_bytes_max);
    if (!request.parent.empty()) check.name("parentGroupName", request.parent);
    if (auto valid = check.result(); !valid) co_return valid.error();
    if (auto valid = check_attributes(request.attributes); !valid) co_return valid.error();
    if (request.dynamic) {
        if (auto valid = co_await check_query(*request.dynamic); !valid) co_return valid.error();
    }
    ChangeBody<ThingGroup> body = [this, request = std::move(request)](Transaction& tx, Affected& affected) -> Result<ThingGroup> {
        auto stored = core_.find_thing_group(tx, request.name);
        if (!stored) return stored.error();
        if (*stored) {
            ThingGroup wanted;
            wanted.description = request.description;
            wanted.attributes = request.attributes;
            wanted.dynamic = request.dynamic;
            if (!request.parent.empty()) wanted.ancestors = {request.parent};
            if (same_configuration(**stored, wanted)) return std::move(**stored);
            return Error(Errc::resource_already_exists,
                         "Thing Group " + request.name + " already exists in current account with different properties");
        }
        if (request.dynamic) {
            const auto others = scan_in(tx, keys::dynamic_groups());
            if (!others) return others.error();
            const std::int64_t limit = core_.deps().quotas[Quota::dynamic_thing_groups];
            if (static_cast<std::int64_t>(others->size()) >= limit)
                return Error(Errc::limit_exceeded, "The maximum number of dynamic thing groups is " + std::to_string(limit));
            tx.put(keys::dynamic_group(request.name), "");
        }
        auto fresh = make_group(tx, request, affected);
        if (!fresh) return fresh;
        if (auto done = core_.put_tags(tx, fresh->arn, request.tags); !done) return done.error();
        tx.put(keys::thing_group(fresh->name), encode(*fresh));
        affected.groups = {fresh->name};
        return fresh;
    };
    co_return co_await core_.change<ThingGroup>(std::move(body));
}

Awaitable<ThingGroup> ThingGroupsPart::describe_thing_group(std::string name) {
    if (auto valid = Validation().thing_group_name(name).result(); !valid) co_return valid.error();
    const auto bytes = co_await core_.read(keys::thing_group(name));
    if (!bytes) co_return bytes.error();
    if (!*bytes) co_return not_found("Thing group", name);
    co_return decode_thing_group(name, **bytes, core_.deps().arns);
}

Awaitable<std::int64_t> ThingGroupsPart::update_thing_group(UpdateThingGroupRequest request) {
    Validation check;
    check.thing_group_name(request.name);
    if (request.attributes) check.attributes(*request.attributes);
    if (request.description) check.text("thingGroupProperties.thingGroupDescription", *request.description, description_bytes_max);
    if (auto valid = check.result(); !valid) co_return valid.error();
    if (request.is_dynamic && (request.query || request.query_version || request.index_name)) {
        const GroupQuery asked{request.index_name.value_or("AWS_Things"), request.query.value_or("*"),
                               request.query_version.value_or("2017-09-30")};
        if (auto valid = co_await check_query(asked); !valid) co_return valid.error();
    }
    ChangeBody<std::int64_t> body = [this, request = std::move(request)](Transaction& tx, Affected& affected) -> Result<std::int64_t> {
        auto stored = core_.require_thing_group(tx, request.name);
        if (!stored) return stored.error();
        if (request.is_dynamic != stored->dynamic.has_value()) {
            return Error(Errc::invalid_request, "Thing group " + request.name + (stored->dynamic ? " is dynamic" : " is not dynamic"));
        }
        if (request.expected_version && *request.expected_version != stored->version) return version_conflict(request.name);
        apply(request, *stored);
        if (auto valid = check_attributes(stored->attributes); !valid) return valid.error();
        const auto ancestors = ancestors_of(tx, *stored);
        if (!ancestors) return ancestors.error();
        tx.put(keys::thing_group(stored->name), encode(*stored));
        affected.groups = {stored->name};
        core_.events_made().thing_group(affected.events, "updated", *stored, *ancestors);
        return stored->version;
    };
    co_return co_await core_.change<std::int64_t>(std::move(body));
}

/// Takes the group out of everything that names it.
Result<void> ThingGroupsPart::erase_group(Transaction& tx, const ThingGroup& group, Affected& affected) const {
    const Range members = keys::group_things(group.name);
    const auto things = scan_in(tx, members);
    if (!things) return things.error();
    for (const KeyValue& item : *things) {
        const ThingName thing(keys::last_part(item.key, members));
        tx.erase(item.key);
        tx.erase(keys::thing_membership(thing, group.name));
        affected.things.push_back(thing);
    }
    const Range attached = keys::target_policies(group.arn);
    const auto policies = scan_in(tx, attached);
    if (!policies) return policies.error();
    for (const KeyValue& item : *policies) {
        tx.erase(item.key);
        tx.erase(keys::policy_target(PolicyName(keys::last_part(item.key, attached)), group.arn));
    }
    if (!group.parent().empty()) tx.erase(keys::group_child(group.parent(), group.name));
    if (group.dynamic) tx.erase(keys::dynamic_group(group.name));
    tx.erase(keys::thing_group(group.name));
    core_.erase_tags(tx, group.arn);
    affected.groups = {group.name};
    return {};
}

Awaitable<void> ThingGroupsPart::delete_thing_group(std::string name, bool is_dynamic, std::optional<std::int64_t> expected_version) {
    if (auto valid = Validation().thing_group_name(name).result(); !valid) co_return valid.error();
    ChangeBody<void> body = [this, name, is_dynamic, expected_version](Transaction& tx, Affected& affected) -> Result<void> {
        const auto stored = core_.find_thing_group(tx, name);
        if (!stored) return stored.error();
        if (!*stored) return {};
        const ThingGroup& group = **stored;
        if (is_dynamic != group.dynamic.has_value())
            return Error(Errc::invalid_request, "Thing group " + name + (group.dynamic ? " is dynamic" : " is not dynamic"));
        if (expected_version && *expected_version != group.version) return version_conflict(name);
        const auto childless = empty_in(tx, keys::group_children(name));
        if (!childless) return childless.error();
        if (!*childless) {
            return Error(Errc::invalid_request,
                         "Cannot delete thing group : " + name + " when there are still child groups attached to it");
        }
        const auto ancestors = ancestors_of(tx, group);
        if (!ancestors) return ancestors.error();
        if (!ancestors->empty()) core_.events_made().hierarchy(affected.events, "removed", ancestors->back(), group);
        core_.events_made().thing_group(affected.events, "deleted", group, *ancestors);
        return erase_group(tx, group, affected);
    };
    co_return co_await core_.change<void>(std::move(body));
}

Awaitable<ListPage<std::string>> ThingGroupsPart::list_thing_groups(GroupListFilter filter, PageRequest page) {
    Validation check;
    check.page(page, "maxResults");
    if (!filter.parent.empty()) check.name("parentGroup", filter.parent);
    if (!filter.name_prefix.empty()) check.name("namePrefixFilter", filter.name_prefix);
    if (auto valid = check.result(); !valid) co_return valid.error();
    if (!filter.parent.empty()) {
        const auto parent = co_await describe_thing_group(filter.parent);
        if (!parent) co_return parent.error();
    }
    ListPage<std::string> out;
    if (!filter.parent.empty() && !filter.recursive.value_or(false)) {
        const Range all = keys::group_children(filter.parent);
        auto found = co_await core_.scan_page(keys::with_prefix(all, filter.name_prefix), std::move(page));
        if (!found) co_return found.error();
        for (const KeyValue& item : found->items) out.items.push_back(keys::last_part(item.key, all));
        out.next = std::move(found->next);
        co_return out;
    }
    const Range all = keys::thing_groups();
    const Range range = keys::with_prefix(all, filter.name_prefix);
    const auto wanted = static_cast<std::size_t>(page.items_max);
    page.items_max = chunk;
    for (std::size_t examined = 0; examined < examined_max; examined += chunk) {
        auto found = co_await core_.scan_page(range, page);
        if (!found) co_return found.error();
        for (const KeyValue& item : found->items) {
            std::string name = keys::last_part(item.key, all);
            const auto group = decode_thing_group(name, item.value, core_.deps().arns);
            if (!group) co_return group.error();
            if (!listed(*group, filter)) continue;
            if (out.items.size() == wanted) {
                const std::string last = keys::thing_group(out.items.back());
                out.next = base64_encode(std::string_view(last).substr(range.begin.size()));
                co_return out;
            }
            out.items.push_back(std::move(name));
        }
        page.marker = std::move(found->next);
        if (!page.marker) break;
    }
    out.next = std::move(page.marker);
    co_return out;
}

}  // namespace fogbank::registry
