#include "registry/fleet_index.h"

#include <algorithm>
#include <array>

#include "common/encoding.h"
#include "registry/detail/fleet_index_part.h"
#include "registry/detail/keys.h"
#include "registry/detail/record_json.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {

using namespace record_json;

namespace {

constexpr std::string_view setting_name = "indexing";
constexpr std::size_t custom_fields_max = 5;  // AWS IoT Device Management quotas, fleet indexing
constexpr std::size_t named_shadows_max = 10;
constexpr std::string_view things_index = "AWS_Things";
constexpr std::string_view groups_index = "AWS_ThingGroups";
constexpr std::size_t dynamic_query_terms_max = 5;  // AWS IoT Core Developer Guide, "Dynamic thing groups"

json fields_json(const std::vector<CustomField>& fields) {
    json out = json::array();
    for (const CustomField& one : fields) out.push_back({{"name", one.name}, {"type", one.type}});
    return out;
}

std::vector<CustomField> fields_of(const json& list) {
    std::vector<CustomField> out;
    for (const json& one : list) out.push_back({one.at("name").get<std::string>(), one.at("type").get<std::string>()});
    return out;
}

std::string encode(const IndexingConfiguration& c) {
    return dump({{"v", format_version},
                 {"things", c.thing_mode},
                 {"connectivity", c.connectivity_mode},
                 {"named", c.named_shadow_mode},
                 {"groups", c.group_mode},
                 {"named_shadows", c.named_shadows},
                 {"fields", fields_json(c.custom_fields)},
                 {"group_fields", fields_json(c.group_custom_fields)}});
}

Result<IndexingConfiguration> decode_indexing(std::string_view bytes) {
    return decode<IndexingConfiguration>("setting", setting_name, bytes, [](const json& value) {
        IndexingConfiguration out;
        out.thing_mode = value.at("things").get<std::string>();
        out.connectivity_mode = value.at("connectivity").get<std::string>();
        out.named_shadow_mode = value.at("named").get<std::string>();
        out.group_mode = value.at("groups").get<std::string>();
        out.named_shadows = value.at("named_shadows").get<std::vector<std::string>>();
        out.custom_fields = fields_of(value.at("fields"));
        out.group_custom_fields = fields_of(value.at("group_fields"));
        return out;
    });
}

Validation& check_mode(Validation& check, std::string_view member, const std::string& mode, std::string_view one,
                       std::string_view other = "") {
    const bool known = mode == "OFF" || mode == one || (!other.empty() && mode == other);
    return check.require(known, member, mode, "Member must satisfy enum value set");
}

Validation& check_fields(Validation& check, const std::vector<CustomField>& fields) {
    check.require(fields.size() <= custom_fields_max, "customFields", std::to_string(fields.size()),
                  "Member must have length less than or equal to 5");
    for (const CustomField& one : fields) {
        check.require(!one.name.empty() && one.name.size() <= 1024, "customFields.name", one.name,
                      "Member must have a length between 1 and 1024");
        check.require(one.type == "Number" || one.type == "String" || one.type == "Boolean", "customFields.type", one.type,
                      "Member must satisfy enum value set: [Boolean, Number, String]");
    }
    return check;
}

Result<void> check_configuration(const IndexingConfiguration& c) {
    Validation check;
    check_mode(check, "thingIndexingMode", c.thing_mode, "REGISTRY", "REGISTRY_AND_SHADOW");
    check_mode(check, "thingConnectivityIndexingMode", c.connectivity_mode, "STATUS");
    check_mode(check, "namedShadowIndexingMode", c.named_shadow_mode, "ON");
    check_mode(check, "thingGroupIndexingMode", c.group_mode, "ON");
    check_fields(check, c.custom_fields);
    check_fields(check, c.group_custom_fields);
    check.require(c.named_shadows.size() <= named_shadows_max, "filter.namedShadowNames", std::to_string(c.named_shadows.size()),
                  "Member must have length less than or equal to 10");
    check.require(c.things() || (!c.connectivity() && !c.named()), "thingIndexingMode", c.thing_mode,
                  "Member must not be OFF while connectivity or named shadows are indexed");
    return check.result();
}

std::string schema_of(const IndexingConfiguration& c) {
    if (c.named()) return "MULTI_INDEXING_MODE";
    if (c.shadows()) return c.connectivity() ? "REGISTRY_AND_SHADOW_AND_CONNECTIVITY_STATUS" : "REGISTRY_AND_SHADOW";
    return c.connectivity() ? "REGISTRY_AND_CONNECTIVITY_STATUS" : "REGISTRY";
}

}  // namespace

Awaitable<IndexingConfiguration> read_indexing(Core& core) {
    const auto bytes = co_await core.read(keys::setting(setting_name));
    if (!bytes) co_return bytes.error();
    if (!*bytes) co_return IndexingConfiguration();
    co_return decode_indexing(**bytes);
}

Awaitable<void> ThingGroupsPart::check_query(GroupQuery query) {
    if (query.index_name != things_index) co_return not_found("Index", query.index_name.substr(0, 128));
    if (query.query_version != "2017-09-30")
        co_return Error(Errc::invalid_query, "Invalid query version: " + query.query_version.substr(0, 64) + ". Supported: 2017-09-30");
    const auto configuration = co_await read_indexing(core_);
    if (!configuration) co_return configuration.error();
    if (!configuration->things()) co_return not_found("Index", query.index_name);
    const auto parsed = IndexQuery::parse(query.query, core_.deps().quotas);
    if (!parsed) co_return parsed.error();
    if (parsed->terms() > dynamic_query_terms_max && core_.deps().quotas.profile() == QuotaProfile::aws)
        co_return Error(Errc::invalid_query, "The query of a dynamic thing group can have at most 5 terms");
    co_return Result<void>();
}

Awaitable<void> FleetIndexPart::load() {
    const auto configuration = co_await read_indexing(core_);
    if (!configuration) co_return configuration.error();
    connectivity_on_ = configuration->connectivity();
    co_return Result<void>();
}

Awaitable<void> FleetIndexPart::update_indexing_configuration(IndexingUpdate update) {
    ChangeBody<IndexingConfiguration> body = [update = std::move(update)](Transaction& tx, Affected&) -> Result<IndexingConfiguration> {
        const auto bytes = tx.get(keys::setting(setting_name));
        if (!bytes) return bytes.error();
        IndexingConfiguration stored;
        if (*bytes) {
            auto decoded = decode_indexing(**bytes);
            if (!decoded) return decoded.error();
            stored = std::move(*decoded);
        }
        IndexingConfiguration after = update.things ? update.configuration : stored;
        const IndexingConfiguration& for_groups = update.groups ? update.configuration : stored;
        after.group_mode = for_groups.group_mode;
        after.group_custom_fields = for_groups.group_custom_fields;
        if (auto valid = check_configuration(after); !valid) return valid.error();
        tx.put(keys::setting(setting_name), encode(after));
        return after;
    };
    const auto done = co_await core_.change<IndexingConfiguration>(std::move(body));
    if (!done) co_return done.error();
    connectivity_on_ = done->connectivity();
    follow_presence();
    co_return Result<void>();
}

Awaitable<IndexingConfiguration> FleetIndexPart::indexing_configuration() {
    co_return co_await read_indexing(core_);
}

Awaitable<IndexDescription> FleetIndexPart::describe_index(std::string name) {
    const auto configuration = co_await read_indexing(core_);
    if (!configuration) co_return configuration.error();
    if (name == things_index && configuration->things()) co_return IndexDescription{name, "ACTIVE", schema_of(*configuration)};
    if (name == groups_index && configuration->groups()) co_return IndexDescription{name, "ACTIVE", "REGISTRY"};
    co_return not_found("Index", is_valid_utf8(name) ? name.substr(0, 128) : "(not UTF-8)");
}

Awaitable<std::vector<std::string>> FleetIndexPart::list_indices() {
    const auto configuration = co_await read_indexing(core_);
    if (!configuration) co_return configuration.error();
    std::vector<std::string> out;
    if (configuration->groups()) out.emplace_back(groups_index);
    if (configuration->things()) out.emplace_back(things_index);
    co_return out;
}

}  // namespace fogbank::registry
