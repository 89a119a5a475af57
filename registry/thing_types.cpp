#include "registry/thing_types.h"

#include "registry/detail/keys.h"
#include "registry/detail/parts.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {
namespace {

/// AWS IoT API reference, DeleteThingType: "You must wait 5 minutes after you deprecate the thing type".
constexpr std::chrono::minutes deprecated_before_deletion{5};
constexpr std::size_t searchable_attributes_max = 3;
constexpr std::size_t propagating_attributes_max = 20;
constexpr std::size_t description_bytes_max = 2028;  // model: ThingTypeDescription

Result<void> check_properties(const std::string& name, const ThingTypeProperties& properties) {
    Validation check;
    check.name("thingTypeName", name)
        .text("thingTypeProperties.thingTypeDescription", properties.description, description_bytes_max)
        .require(properties.searchable_attributes.size() <= searchable_attributes_max, "thingTypeProperties.searchableAttributes",
                 std::to_string(properties.searchable_attributes.size()), "Member must have length less than or equal to 3")
        .require(properties.propagating_attributes.size() <= propagating_attributes_max,
                 "thingTypeProperties.mqtt5Configuration.propagatingAttributes", std::to_string(properties.propagating_attributes.size()),
                 "Member must have length less than or equal to 20");
    Attributes names;
    for (const std::string& one : properties.searchable_attributes) names[one] = "";
    check.attributes(names);
    for (const PropagatingAttribute& one : properties.propagating_attributes) {
        check.require(one.thing_attribute.empty() != one.connection_attribute.empty(), "propagatingAttributes", one.user_property_key,
                      "Member must have exactly one of thingAttribute and connectionAttribute");
    }
    return check.result();
}

}  // namespace

Result<ThingType> Core::require_thing_type(Transaction& tx, const std::string& name) const {
    const auto bytes = tx.get(keys::thing_type(name));
    if (!bytes) return bytes.error();
    if (!*bytes) return not_found("Thing type", name);
    return decode_thing_type(name, **bytes, deps_.arns);
}

Awaitable<ThingType> ThingTypesPart::create_thing_type(std::string name, ThingTypeProperties properties, TagMap tags) {
    if (auto valid = check_properties(name, properties); !valid) co_return valid.error();
    if (auto valid = Validation().tags(tags).result(); !valid) co_return valid.error();
    ThingType fresh;
    fresh.arn = thing_type_arn(core_.deps().arns, name);
    fresh.name = std::move(name);
    fresh.id = core_.deps().random.uuid();
    fresh.properties = std::move(properties);
    fresh.created_at = core_.deps().clock.now();
    ChangeBody<ThingType> body = [this, fresh = std::move(fresh), tags = std::move(tags)](Transaction& tx,
                                                                                          Affected& affected) -> Result<ThingType> {
        const auto bytes = tx.get(keys::thing_type(fresh.name));
        if (!bytes) return bytes.error();
        if (*bytes) {
            auto stored = decode_thing_type(fresh.name, **bytes, core_.deps().arns);
            if (!stored || stored->properties == fresh.properties) return stored;
            return Error(Errc::resource_already_exists,
                         "Thing Type " + fresh.name + " already exists in current account with different properties");
        }
        if (auto done = core_.put_tags(tx, fresh.arn, tags); !done) return done.error();
        core_.events_made().thing_type(affected.events, "created", fresh);
        tx.put(keys::thing_type(fresh.name), encode(fresh));
        return fresh;
    };
    co_return co_await core_.change<ThingType>(std::move(body));
}

Awaitable<ThingType> ThingTypesPart::describe_thing_type(std::string name) {
    if (auto valid = Validation().name("thingTypeName", name).result(); !valid) co_return valid.error();
    const auto bytes = co_await core_.read(keys::thing_type(name));
    if (!bytes) co_return bytes.error();
    if (!*bytes) co_return not_found("Thing type", name);
    co_return decode_thing_type(name, **bytes, core_.deps().arns);
}

Awaitable<void> ThingTypesPart::update_thing_type(std::string name, ThingTypeProperties properties) {
    if (auto valid = check_properties(name, properties); !valid) co_return valid.error();
    ChangeBody<void> body = [this, name, properties = std::move(properties)](Transaction& tx, Affected& affected) -> Result<void> {
        auto stored = core_.require_thing_type(tx, name);
        if (!stored) return stored.error();
        stored->properties = properties;
        tx.put(keys::thing_type(name), encode(*stored));
        core_.events_made().thing_type(affected.events, "updated", *stored);
        return {};
    };
    co_return co_await core_.change<void>(std::move(body));
}

Awaitable<void> ThingTypesPart::deprecate_thing_type(std::string name, bool undo) {
    if (auto valid = Validation().name("thingTypeName", name).result(); !valid) co_return valid.error();
    ChangeBody<void> body = [this, name, undo, now = core_.deps().clock.now()](Transaction& tx, Affected& affected) -> Result<void> {
        auto stored = core_.require_thing_type(tx, name);
        if (!stored) return stored.error();
        if (stored->deprecated == !undo) return {};  // a second deprecation does not restart the five minutes
        stored->deprecated = !undo;
        stored->deprecated_at = undo ? WallTime() : now;
        tx.put(keys::thing_type(name), encode(*stored));
        core_.events_made().thing_type(affected.events, "updated", *stored);
        return {};
    };
    co_return co_await core_.change<void>(std::move(body));
}

Awaitable<void> ThingTypesPart::delete_thing_type(std::string name) {
    if (auto valid = Validation().name("thingTypeName", name).result(); !valid) co_return valid.error();
    ChangeBody<void> body = [this, name, now = core_.deps().clock.now()](Transaction& tx, Affected& affected) -> Result<void> {
        const auto stored = core_.require_thing_type(tx, name);
        if (!stored) return stored.error();
        if (!stored->deprecated || now < stored->deprecated_at + deprecated_before_deletion) {
            return Error(Errc::invalid_request,
                         "Can not delete thing type : " + name + " that is not deprecated, or that was deprecated less than 5 minutes ago");
        }
        const auto unused = empty_in(tx, keys::type_things(name));
        if (!unused) return unused.error();
        if (!*unused) return Error(Errc::invalid_request, "Can not delete thing type : " + name + " that is associated with things");
        tx.erase(keys::thing_type(name));
        core_.erase_tags(tx, stored->arn);
        core_.events_made().thing_type(affected.events, "deleted", *stored);
        return {};
    };
    co_return co_await core_.change<void>(std::move(body));
}

Awaitable<ListPage<ThingType>> ThingTypesPart::list_thing_types(std::string name, PageRequest page) {
    Validation check;
    check.page(page, "maxResults").type_name(name);
    if (auto valid = check.result(); !valid) co_return valid.error();
    ListPage<ThingType> out;
    if (!name.empty()) {
        auto one = co_await describe_thing_type(name);
        if (!one && one.error().code != Errc::resource_not_found) co_return one.error();
        if (one) out.items.push_back(std::move(*one));
        co_return out;
    }
    const Range range = keys::thing_types();
    auto found = co_await core_.scan_page(range, std::move(page));
    if (!found) co_return found.error();
    out.next = std::move(found->next);
    for (const KeyValue& item : found->items) {
        auto type = decode_thing_type(keys::last_part(item.key, range), item.value, core_.deps().arns);
        if (!type) co_return type.error();
        out.items.push_back(std::move(*type));
    }
    co_return out;
}

}  // namespace fogbank::registry
