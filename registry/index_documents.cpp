// Things and groups as the index sees them and as SearchIndex answers them.

#include <charconv>
#include <cmath>

#include "registry/detail/fleet_index_part.h"
#include "registry/detail/record_json.h"

namespace fogbank::registry {

using namespace record_json;

namespace {

constexpr std::size_t fields_max = 10'000;  // of one thing; a shadow of 8 KB has fewer
constexpr std::size_t depth_max = 64;

void add(IndexDocument& out, std::string name, std::string text) {
    IndexField field;
    field.name = std::move(name);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (!text.empty() && error == std::errc() && end == text.data() + text.size() && std::isfinite(value)) field.number = value;
    field.text = std::move(text);
    out.push_back(std::move(field));
}

void flatten(const std::string& name, const json& value, IndexDocument& out, std::size_t depth) {
    if (out.size() >= fields_max || depth > depth_max) return;
    if (value.is_object()) {
        for (const auto& [key, member] : value.items()) flatten(name + "." + key, member, out, depth + 1);
    } else if (value.is_array()) {
        for (const json& element : value) flatten(name, element, out, depth + 1);
    } else if (value.is_string()) {
        add(out, name, value.get<std::string>());
    } else if (!value.is_null()) {
        add(out, name, value.dump());
    }
}

/// The members of a shadow that are searched and shown: desired, reported, delta, metadata, version, hasDelta.
json shadow_parts(const std::string& document) {
    const json whole = json::parse(document, nullptr, false);
    json out = json::object();
    if (!whole.is_object()) return out;
    const json state = whole.value("state", json::object());
    for (const char* part : {"desired", "reported", "delta"}) {
        if (state.contains(part)) out[part] = state.at(part);
    }
    if (whole.contains("metadata")) out["metadata"] = whole.at("metadata");
    if (whole.contains("version")) out["version"] = whole.at("version");
    out["hasDelta"] = out.contains("delta");
    return out;
}

}  // namespace

IndexNeeds IndexNeeds::of(const IndexQuery& query, std::string_view field, const IndexingConfiguration& configuration) {
    IndexNeeds out;
    out.groups = query.asks_for("thingGroupNames") || field.starts_with("thingGroupNames");
    out.shadows = (configuration.shadows() || configuration.named()) && (query.asks_for("shadow.") || field.starts_with("shadow."));
    out.connectivity = configuration.connectivity() && (query.asks_for("connectivity.") || field.starts_with("connectivity."));
    return out;
}

IndexDocument document_of(const IndexedThing& thing) {
    IndexDocument out;
    add(out, "thingName", thing.thing.name.str());
    add(out, "thingId", thing.thing.id);
    add(out, "registry.version", std::to_string(thing.thing.version));
    if (!thing.thing.type_name.empty()) add(out, "thingTypeName", thing.thing.type_name);
    if (!thing.thing.billing_group_name.empty()) add(out, "billingGroupName", thing.thing.billing_group_name);
    for (const auto& [name, value] : thing.thing.attributes) add(out, "attributes." + name, value);
    for (const std::string& group : thing.groups) add(out, "thingGroupNames", group);
    for (const auto& [name, document] : thing.shadows) {
        flatten(name.empty() ? "shadow" : "shadow.name." + name, shadow_parts(document), out, 0);
    }
    if (!thing.connectivity.empty()) flatten("connectivity", json::parse(thing.connectivity, nullptr, false), out, 0);
    return out;
}

std::string answer_of(const IndexedThing& thing) {
    json out{{"thingName", thing.thing.name.str()}, {"thingId", thing.thing.id}, {"attributes", thing.thing.attributes}};
    if (!thing.thing.type_name.empty()) out["thingTypeName"] = thing.thing.type_name;
    if (!thing.groups.empty()) out["thingGroupNames"] = thing.groups;
    json shadow = json::object();
    for (const auto& [name, document] : thing.shadows) {
        if (name.empty()) {
            shadow.update(shadow_parts(document));
        } else {
            shadow["name"][name] = shadow_parts(document);
        }
    }
    if (!shadow.empty()) out["shadow"] = dump(shadow);
    if (!thing.connectivity.empty()) {
        const json connectivity = json::parse(thing.connectivity, nullptr, false);
        json shown = json::object();
        for (const char* member : {"connected", "timestamp", "disconnectReason"}) {
            if (connectivity.is_object() && connectivity.contains(member)) shown[member] = connectivity.at(member);
        }
        out["connectivity"] = std::move(shown);
    }
    return dump(out);
}

IndexDocument document_of(const ThingGroup& group) {
    IndexDocument out;
    add(out, "thingGroupName", group.name);
    add(out, "thingGroupId", group.id);
    if (!group.description.empty()) add(out, "thingGroupDescription", group.description);
    for (const auto& [name, value] : group.attributes) add(out, "attributes." + name, value);
    for (const std::string& one : group.ancestors) add(out, "parentGroupNames", one);
    return out;
}

std::string answer_of(const ThingGroup& group) {
    json out{{"thingGroupName", group.name}, {"thingGroupId", group.id}, {"attributes", group.attributes}};
    if (!group.description.empty()) out["thingGroupDescription"] = group.description;
    if (!group.ancestors.empty()) out["parentGroupNames"] = group.ancestors;
    return dump(out);
}

}  // namespace fogbank::registry
