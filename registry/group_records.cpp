#include "registry/detail/group_records.h"

#include "registry/detail/record_json.h"

namespace fogbank::registry {

using namespace record_json;

namespace {

json propagating_json(const std::vector<PropagatingAttribute>& attributes) {
    json out = json::array();
    for (const PropagatingAttribute& one : attributes) {
        out.push_back({{"key", one.user_property_key}, {"thing", one.thing_attribute}, {"connection", one.connection_attribute}});
    }
    return out;
}

std::vector<PropagatingAttribute> propagating_of(const json& list) {
    std::vector<PropagatingAttribute> out;
    for (const json& one : list) {
        out.push_back({one.at("key").get<std::string>(), one.at("thing").get<std::string>(), one.at("connection").get<std::string>()});
    }
    return out;
}

}  // namespace

std::string encode(const ThingType& type) {
    return dump({{"v", format_version},
                 {"id", type.id},
                 {"description", type.properties.description},
                 {"searchable", type.properties.searchable_attributes},
                 {"propagating", propagating_json(type.properties.propagating_attributes)},
                 {"deprecated", type.deprecated},
                 {"deprecated_at", ms(type.deprecated_at)},
                 {"created", ms(type.created_at)}});
}

Result<ThingType> decode_thing_type(const std::string& name, std::string_view bytes, const ArnFactory& arns) {
    return decode<ThingType>("thing type", name, bytes, [&](const json& value) {
        ThingType out;
        out.name = name;
        out.arn = thing_type_arn(arns, name);
        out.id = value.at("id").get<std::string>();
        out.properties.description = value.at("description").get<std::string>();
        out.properties.searchable_attributes = value.at("searchable").get<std::vector<std::string>>();
        out.properties.propagating_attributes = propagating_of(value.at("propagating"));
        out.deprecated = value.at("deprecated").get<bool>();
        out.deprecated_at = time_at(value, "deprecated_at");
        out.created_at = time_at(value, "created");
        return out;
    });
}

std::string encode(const ThingGroup& group) {
    json out{
        {"v", format_version},          {"id", group.id},           {"description", group.description}, {"attributes", group.attributes},
        {"ancestors", group.ancestors}, {"version", group.version}, {"created", ms(group.created_at)},  {"building", group.building}};
    if (group.dynamic) {
        out["dynamic"] = {{"index", group.dynamic->index_name}, {"query", group.dynamic->query}, {"version", group.dynamic->query_version}};
    }
    return dump(out);
}

Result<ThingGroup> decode_thing_group(const std::string& name, std::string_view bytes, const ArnFactory& arns) {
    return decode<ThingGroup>("thing group", name, bytes, [&](const json& value) {
        ThingGroup out;
        out.name = name;
        out.arn = thing_group_arn(arns, name);
        out.id = value.at("id").get<std::string>();
        out.description = value.at("description").get<std::string>();
        out.attributes = value.at("attributes").get<Attributes>();
        out.ancestors = value.at("ancestors").get<std::vector<std::string>>();
        out.version = value.at("version").get<std::int64_t>();
        out.created_at = time_at(value, "created");
        out.building = value.at("building").get<bool>();
        if (const auto dynamic = value.find("dynamic"); dynamic != value.end()) {
            out.dynamic = GroupQuery{dynamic->at("index").get<std::string>(), dynamic->at("query").get<std::string>(),
                                     dynamic->at("version").get<std::string>()};
        }
        return out;
    });
}

std::string encode(const BillingGroup& group) {
    return dump({{"v", format_version},
                 {"id", group.id},
                 {"description", group.description},
                 {"version", group.version},
                 {"created", ms(group.created_at)}});
}

Result<BillingGroup> decode_billing_group(const std::string& name, std::string_view bytes, const ArnFactory& arns) {
    return decode<BillingGroup>("billing group", name, bytes, [&](const json& value) {
        BillingGroup out;
        out.name = name;
        out.arn = billing_group_arn(arns, name);
        out.id = value.at("id").get<std::string>();
        out.description = value.at("description").get<std::string>();
        out.version = value.at("version").get<std::int64_t>();
        out.created_at = time_at(value, "created");
        return out;
    });
}

}  // namespace fogbank::registry
