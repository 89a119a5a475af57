/// Lambda's operations on versions and aliases.
#include <nlohmann/json.hpp>

#include "api/lambda.h"
#include "api/members.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr std::int64_t page_max = 10'000;  // model: MaxListItems
constexpr std::int64_t default_page = 50;
constexpr std::size_t body_bytes_max = 64 * 1024;
constexpr std::size_t alias_bytes_max = 128, description_bytes_max = 256;

json alias_json(const Services& services, const FunctionName& function, const std::string& name, const lambda::Alias& alias) {
    json out{{"AliasArn", services.rooms.arns.function(function) + ":" + name},
             {"Name", name},
             {"FunctionVersion", alias.function_version},
             {"Description", alias.description},
             {"RevisionId", alias.revision_id}};
    if (!alias.routing.empty()) out["RoutingConfig"] = {{"AdditionalVersionWeights", alias.routing}};
    return out;
}

Error no_alias(const Services& services, const FunctionName& function, const std::string& name) {
    return Error(lambda::Errc::resource_not_found, "Cannot find alias arn: " + services.rooms.arns.function(function) + ":" + name);
}

Result<void> check_alias_name(const std::string& name) {
    const bool digits = std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (name.size() <= alias_bytes_max && !digits && lambda::is_qualifier(name) && name != lambda::latest_version) return {};
    return constraint_error(name, "name", "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)");
}

/// Where an alias may point to.
Result<void> check_version(const Services& services, const FunctionName& function, const std::string& version,
                           const std::set<std::uint64_t>& versions) {
    if (version == lambda::latest_version) return {};
    for (const std::uint64_t number : versions) {
        if (version == std::to_string(number)) return {};
    }
    return Error(lambda::Errc::resource_not_found, "Function not found: " + services.rooms.arns.function(function) + ":" + version);
}

struct AliasChange {
    std::optional<std::string> name, version, description, revision_id;
    std::optional<std::map<std::string, double>> routing;
};

Result<std::optional<std::map<std::string, double>>> read_routing(const json& body) {
    const json* config = find_member(body, "RoutingConfig");
    if (config == nullptr) return std::optional<std::map<std::string, double>>();
    std::map<std::string, double> out;
    if (!config->is_object()) return validation_error("RoutingConfig must be an object");
    const json* weights = find_member(*config, "AdditionalVersionWeights");
    if (weights == nullptr) return std::optional(out);
    if (!weights->is_object()) return validation_error("AdditionalVersionWeights must be an object");
    for (const auto& [version, weight] : weights->items()) {
        const double share = weight.is_number() ? weight.get<double>() : -1;
        if (share < 0 || share > 1) return validation_error("Weight must be between 0.0 and 1.0 (inclusive)");
        out.emplace(version, share);
    }
    if (out.size() > 1) return validation_error("Number of items in AdditionalVersionWeights cannot be greater than 1");
    return std::optional(out);
}

Result<AliasChange> read_alias(const Call& call) {
    const auto body = json_object_body(call, body_bytes_max);
    if (!body) return body.error();
    AliasChange out;
    for (const auto& [member, field] : {std::pair<const char*, std::optional<std::string>*>("Name", &out.name),
                                        {"FunctionVersion", &out.version},
                                        {"Description", &out.description},
                                        {"RevisionId", &out.revision_id}}) {
        auto value = optional_string(*body, member);
        if (!value) return value.error();
        *field = std::move(*value);
    }
    if (out.description && out.description->size() > description_bytes_max)
        return constraint_error(*out.description, "description", "Member must have length less than or equal to 256");
    auto routing = read_routing(*body);
    if (!routing) return routing.error();
    out.routing = std::move(*routing);
    return out;
}

/// Applies a change; checks what the alias then points to.
Result<void> apply(const Services& services, const FunctionName& function, const AliasChange& change, lambda::Alias& alias,
                   const std::set<std::uint64_t>& versions) {
    if (change.version) alias.function_version = *change.version;
    if (change.description) alias.description = *change.description;
    if (change.routing) alias.routing = *change.routing;
    if (auto known = check_version(services, function, alias.function_version, versions); !known) return known;
    for (const auto& [version, weight] : alias.routing) {
        if (version == lambda::latest_version || alias.function_version == lambda::latest_version)
            return validation_error("$LATEST is not supported for an alias pointing to more than 1 version");
        if (version == alias.function_version) return validation_error("Function versions in an alias's routing must differ");
        if (auto known = check_version(services, function, version, versions); !known) return known;
    }
    alias.revision_id = services.rooms.random.uuid();
    return {};
}

}  // namespace

asio::awaitable<Outcome> publish_version(const Services& services, const Call& call) {
    auto name = function_name(services, call);
    if (!name) co_return name.error();
    const auto body = json_object_body(call, body_bytes_max);
    if (!body) co_return body.error();
    lambda::PublishVersionRequest request;
    request.name = std::move(*name);
    for (const auto& [member, field] : {std::pair<const char*, std::optional<std::string>*>("CodeSha256", &request.code_sha256),
                                        {"Description", &request.description},
                                        {"RevisionId", &request.revision_id}}) {
        auto value = optional_string(*body, member);
        if (!value) co_return value.error();
        *field = std::move(*value);
    }
    const auto published = co_await services.rooms.functions.administration().publish_version(std::move(request));
    if (!published) co_return published.error();
    co_return json_response(function_configuration(*published), 201);
}

asio::awaitable<Outcome> list_versions_by_function(const Services& services, const Call& call) {
    auto name = function_name(services, call);
    if (!name) co_return name.error();
    const auto limit = query_integer(call, "MaxItems", 1, page_max);
    if (!limit) co_return limit.error();
    const auto all = co_await services.rooms.functions.administration().list_versions(std::move(*name));
    if (!all) co_return all.error();
    const auto part = slice(call.query_value("Marker"), all->size(), static_cast<std::size_t>(limit->value_or(default_page)));
    if (!part) co_return part.error();
    json versions = json::array();
    for (std::size_t i = part->begin; i < part->end; ++i) versions.push_back(function_configuration((*all)[i]));
    json answer{{"Versions", std::move(versions)}};
    if (part->next) answer["NextMarker"] = *part->next;
    co_return json_response(answer);
}

asio::awaitable<Outcome> create_alias(const Services& services, const Call& call) {
    const auto name = function_name(services, call);
    if (!name) co_return name.error();
    const auto change = read_alias(call);
    if (!change) co_return change.error();
    if (!change->name) co_return missing_member("name");
    if (!change->version) co_return missing_member("functionVersion");
    if (const auto good = check_alias_name(*change->name); !good) co_return good.error();
    const std::string alias_name = *change->name;
    lambda::FunctionAdministration::MetaChange add = [&](lambda::FunctionMeta& meta,
                                                         const std::set<std::uint64_t>& versions) -> Result<void> {
        if (meta.aliases.contains(alias_name)) {
            return Error(lambda::Errc::resource_conflict,
                         "Alias already exists: " + services.rooms.arns.function(*name) + ":" + alias_name);
        }
        return apply(services, *name, *change, meta.aliases[alias_name], versions);
    };
    const auto meta = co_await services.rooms.functions.administration().change_meta(*name, std::move(add));
    if (!meta) co_return meta.error();
    co_return json_response(alias_json(services, *name, alias_name, meta->aliases.at(alias_name)), 201);
}

asio::awaitable<Outcome> update_alias(const Services& services, const Call& call) {
    const auto name = function_name(services, call);
    if (!name) co_return name.error();
    const auto change = read_alias(call);
    if (!change) co_return change.error();
    const std::string alias_name = call.label("Name");
    lambda::FunctionAdministration::MetaChange edit = [&](lambda::FunctionMeta& meta,
                                                          const std::set<std::uint64_t>& versions) -> Result<void> {
        const auto found = meta.aliases.find(alias_name);
        if (found == meta.aliases.end()) return no_alias(services, *name, alias_name);
        if (change->revision_id && *change->revision_id != found->second.revision_id) {
            return Error(lambda::Errc::precondition_failed,
                         "The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API to retrieve the "
                         "latest RevisionId for your resource");
        }
        return apply(services, *name, *change, found->second, versions);
    };
    const auto meta = co_await services.rooms.functions.administration().change_meta(*name, std::move(edit));
    if (!meta) co_return meta.error();
    co_return json_response(alias_json(services, *name, alias_name, meta->aliases.at(alias_name)));
}

asio::awaitable<Outcome> get_alias(const Services& services, const Call& call) {
    const auto name = function_name(services, call);
    if (!name) co_return name.error();
    const auto meta = co_await services.rooms.functions.administration().get_meta(*name);
    if (!meta) co_return meta.error();
    const std::string& alias_name = call.label("Name");
    const auto found = meta->aliases.find(alias_name);
    if (found == meta->aliases.end()) co_return no_alias(services, *name, alias_name);
    co_return json_response(alias_json(services, *name, alias_name, found->second));
}

asio::awaitable<Outcome> list_aliases(const Services& services, const Call& call) {
    const auto name = function_name(services, call);
    if (!name) co_return name.error();
    const auto limit = query_integer(call, "MaxItems", 1, page_max);
    if (!limit) co_return limit.error();
    const auto meta = co_await services.rooms.functions.administration().get_meta(*name);
    if (!meta) co_return meta.error();
    const std::string* version = call.query_value("FunctionVersion");
    json all = json::array();
    for (const auto& [alias_name, alias] : meta->aliases) {
        if (version == nullptr || alias.function_version == *version) all.push_back(alias_json(services, *name, alias_name, alias));
    }
    const auto part = slice(call.query_value("Marker"), all.size(), static_cast<std::size_t>(limit->value_or(default_page)));
    if (!part) co_return part.error();
    json aliases = json::array();
    for (std::size_t i = part->begin; i < part->end; ++i) aliases.push_back(all[i]);
    json answer{{"Aliases", std::move(aliases)}};
    if (part->next) answer["NextMarker"] = *part->next;
    co_return json_response(answer);
}

asio::awaitable<Outcome> delete_alias(const Services& services, const Call& call) {
    const auto name = function_name(services, call);
    if (!name) co_return name.error();
    const std::string alias_name = call.label("Name");
    lambda::FunctionAdministration::MetaChange erase = [&alias_name](lambda::FunctionMeta& meta,
                                                                     const std::set<std::uint64_t>&) -> Result<void> {
        meta.aliases.erase(alias_name);  // as AWS: what is not there is deleted
        meta.policies.erase(alias_name);
        meta.invoke_configs.erase(alias_name);
        return {};
    };
    const auto meta = co_await services.rooms.functions.administration().change_meta(*name, std::move(erase));
    if (!meta) co_return meta.error();
    co_return empty_response(204);
}

}  // namespace fogbank::api
