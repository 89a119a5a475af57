#include "registry/events.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "registry/detail/events.h"
#include "registry/detail/group_records.h"
#include "registry/detail/keys.h"
#include "registry/detail/parts.h"
#include "registry/detail/record_json.h"

namespace fogbank::registry {

using namespace record_json;

namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(EventType::count_)> type_names{
    "THING",         "THING_GROUP", "THING_TYPE",  "THING_GROUP_MEMBERSHIP", "THING_GROUP_HIERARCHY", "THING_TYPE_ASSOCIATION", "JOB",
    "JOB_EXECUTION", "POLICY",      "CERTIFICATE", "CA_CERTIFICATE"};

std::string upper(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return out;
}

json text_or_null(const std::string& text) {
    return text.empty() ? json() : json(text);
}

std::string encode(const EventConfiguration& configuration) {
    json enabled = json::object();
    for (std::size_t i = 0; i < type_names.size(); ++i) enabled[std::string(type_names[i])] = configuration.enabled[i];
    return dump({{"v", format_version},
                 {"enabled", enabled},
                 {"created", ms(configuration.created_at.value_or(WallTime()))},
                 {"modified", ms(configuration.modified_at.value_or(WallTime()))}});
}

Result<EventConfiguration> decode_configuration(std::string_view bytes) {
    return decode<EventConfiguration>("setting", "event configurations", bytes, [](const json& value) {
        EventConfiguration out;
        for (std::size_t i = 0; i < type_names.size(); ++i) out.enabled[i] = value.at("enabled").value(std::string(type_names[i]), false);
        out.created_at = time_at(value, "created");
        out.modified_at = time_at(value, "modified");
        return out;
    });
}

constexpr std::string_view setting_name = "event-configurations";

}  // namespace

std::string_view event_type_name(EventType type) {
    return type_names[static_cast<std::size_t>(type)];
}

std::optional<EventType> event_type_of(std::string_view name) {
    const auto found = std::find(type_names.begin(), type_names.end(), name);
    if (found == type_names.end()) return std::nullopt;
    return static_cast<EventType>(found - type_names.begin());
}

void EventMaker::set(const EventConfiguration& configuration) {
    std::uint32_t mask = 0;
    for (std::size_t i = 0; i < configuration.enabled.size(); ++i) mask |= (configuration.enabled[i] ? 1U : 0U) << i;
    mask_.store(mask, std::memory_order_relaxed);
}

void EventMaker::add(Events& out, std::string_view type, std::string_view operation, std::string topic, nlohmann::json members) const {
    members["eventType"] = type;
    members["eventId"] = deps_.random.uuid();
    members["timestamp"] = ms(deps_.clock.now());
    members["operation"] = upper(operation);
    out.push_back({"$aws/events/" + std::move(topic) + "/" + std::string(operation), dump(members)});
}

void EventMaker::thing(Events& out, std::string_view operation, const Thing& thing) const {
    if (!enabled(EventType::thing)) return;
    add(out, "THING_EVENT", operation, "thing/" + thing.name.str(),
        {{"accountId", deps_.arns.account().str()},
         {"thingId", thing.id},
         {"thingName", thing.name.str()},
         {"versionNumber", thing.version},
         {"thingTypeName", text_or_null(thing.type_name)},
         {"billingGroupName", text_or_null(thing.billing_group_name)},
         {"attributes", thing.attributes}});
}

void EventMaker::thing_type(Events& out, std::string_view operation, const ThingType& type) const {
    if (!enabled(EventType::thing_type)) return;
    json propagating = json::array();
    for (const PropagatingAttribute& one : type.properties.propagating_attributes) {
        json entry{{"userPropertyKey", one.user_property_key}};
        if (!one.thing_attribute.empty()) entry["thingAttribute"] = one.thing_attribute;
        if (!one.connection_attribute.empty()) entry["connectionAttribute"] = one.connection_attribute;
        propagating.push_back(std::move(entry));
    }
    add(out, "THING_TYPE_EVENT", operation, "thingType/" + type.name,
        {{"accountId", deps_.arns.account().str()},
         {"thingTypeId", type.id},
         {"thingTypeName", type.name},
         {"isDeprecated", type.deprecated},
         {"deprecationDate", type.deprecated ? json(ms(type.deprecated_at)) : json()},
         {"searchableAttributes", type.properties.searchable_attributes},
         {"propagatingAttributes", std::move(propagating)},
         {"description", type.properties.description}});
}

void EventMaker::type_association(Events& out, std::string_view operation, const Thing& thing, const std::string& type) const {
    if (!enabled(EventType::thing_type_association)) return;
    add(out, "THING_TYPE_ASSOCIATION_EVENT", operation, "thingTypeAssociation/thing/" + thing.name.str() + "/thingType/" + type,
        {{"thingId", thing.id}, {"thingName", thing.name.str()}, {"thingTypeName", type}});
}

void EventMaker::thing_group(Events& out, std::string_view operation, const ThingGroup& group,
                             const std::vector<ThingGroup>& ancestors) const {
    if (!enabled(EventType::thing_group)) return;
    json path = json::array();
    for (const ThingGroup& one : ancestors) path.push_back({{"groupArn", one.arn}, {"groupId", one.id}});
    add(out, "THING_GROUP_EVENT", operation, "thingGroup/" + group.name,
        {{"accountId", deps_.arns.account().str()},
         {"thingGroupId", group.id},
         {"thingGroupName", group.name},
         {"versionNumber", group.version},
         {"parentGroupName", text_or_null(group.parent())},
         {"parentGroupId", ancestors.empty() ? json() : json(ancestors.back().id)},
         {"description", group.description},
         {"rootToParentThingGroups", std::move(path)},
         {"attributes", group.attributes},
         {"dynamicGroupMappingId", group.dynamic ? json(group.id) : json()}});
}

void EventMaker::membership(Events& out, std::string_view operation, const ThingGroup& group, const Thing& thing) const {
    if (!enabled(EventType::thing_group_membership)) return;
    add(out, "THING_GROUP_MEMBERSHIP_EVENT", operation, "thingGroupMembership/thingGroup/" + group.name + "/thing/" + thing.name.str(),
        {{"accountId", deps_.arns.account().str()},
         {"groupArn", group.arn},
         {"groupId", group.id},
         {"thingArn", thing.arn},
         {"thingId", thing.id},
         {"membershipId", group.id + "-" + thing.id}});
}

void EventMaker::hierarchy(Events& out, std::string_view operation, const ThingGroup& parent, const ThingGroup& child) const {
    if (!enabled(EventType::thing_group_hierarchy)) return;
    add(out, "THING_GROUP_HIERARCHY_EVENT", operation, "thingGroupHierarchy/thingGroup/" + parent.name + "/childThingGroup/" + child.name,
        {{"accountId", deps_.arns.account().str()},
         {"thingGroupId", parent.id},
         {"thingGroupName", parent.name},
         {"childGroupId", child.id},
         {"childGroupName", child.name}});
}

Awaitable<void> EventConfigurationsPart::load() {
    const auto stored = co_await describe_event_configurations();
    if (!stored) co_return stored.error();
    core_.events_made().set(*stored);
    co_return Result<void>();
}

Awaitable<void> EventConfigurationsPart::update_event_configurations(std::map<EventType, bool> changes) {
    ChangeBody<EventConfiguration> body = [changes = std::move(changes), now = core_.deps().clock.now()](
                                              Transaction& tx, Affected&) -> Result<EventConfiguration> {
        const auto bytes = tx.get(keys::setting(setting_name));
        if (!bytes) return bytes.error();
        EventConfiguration configuration;
        if (*bytes) {
            auto stored = decode_configuration(**bytes);
            if (!stored) return stored.error();
            configuration = *stored;
        } else {
            configuration.created_at = now;
        }
        configuration.modified_at = now;
        for (const auto& [type, enabled] : changes) configuration.enabled[static_cast<std::size_t>(type)] = enabled;
        tx.put(keys::setting(setting_name), encode(configuration));
        return configuration;
    };
    const auto done = co_await core_.change<EventConfiguration>(std::move(body));
    if (!done) co_return done.error();
    core_.events_made().set(*done);
    co_return Result<void>();
}

Awaitable<EventConfiguration> EventConfigurationsPart::describe_event_configurations() {
    const auto bytes = co_await core_.read(keys::setting(setting_name));
    if (!bytes) co_return bytes.error();
    if (!*bytes) co_return EventConfiguration();
    co_return decode_configuration(**bytes);
}

bool EventConfigurationsPart::event_enabled(EventType type) const {
    return core_.events_made().enabled(type);
}

}  // namespace fogbank::registry
