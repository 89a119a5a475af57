#include "lambda/function_meta.h"

#include <nlohmann/json.hpp>

#include "common/json.h"
#include "lambda/errc.h"
#include "store/kv/key.h"

namespace fogbank::lambda {
namespace {

using nlohmann::json;
using store::kv::KeyBuilder;
constexpr int meta_version = 1;

json json_of(const Alias& alias) {
    return {{"version", alias.function_version},
            {"description", alias.description},
            {"revision_id", alias.revision_id},
            {"routing", alias.routing}};
}
Alias alias_of(const json& in) {
    return {in.at("version").get<std::string>(), in.at("description").get<std::string>(), in.at("revision_id").get<std::string>(),
            in.at("routing").get<std::map<std::string, double>>()};
}

json json_of(const EventInvokeConfig& config) {
    json out{{"on_success", config.on_success},
             {"on_failure", config.on_failure},
             {"modified_at_ms", config.modified_at.time_since_epoch().count()}};
    if (config.maximum_retry_attempts) out["retries"] = *config.maximum_retry_attempts;
    if (config.maximum_event_age_s) out["age_s"] = *config.maximum_event_age_s;
    return out;
}
EventInvokeConfig config_of(const json& in) {
    EventInvokeConfig out;
    in.at("on_success").get_to(out.on_success);
    in.at("on_failure").get_to(out.on_failure);
    out.modified_at = WallTime(std::chrono::milliseconds(in.at("modified_at_ms").get<std::int64_t>()));
    if (in.contains("retries")) out.maximum_retry_attempts = in.at("retries").get<std::int64_t>();
    if (in.contains("age_s")) out.maximum_event_age_s = in.at("age_s").get<std::int64_t>();
    return out;
}

json json_of(const FunctionPolicy& policy) {
    return {{"revision_id", policy.revision_id}, {"statements", policy.statements}};
}
FunctionPolicy policy_of(const json& in) {
    return {in.at("revision_id").get<std::string>(), in.at("statements").get<std::vector<std::pair<std::string, std::string>>>()};
}

template <class T>
json all_of(const std::map<std::string, T>& values) {
    json out = json::object();
    for (const auto& [name, value] : values) out[name] = json_of(value);
    return out;
}

FunctionMeta meta_of(const json& in) {
    FunctionMeta out;
    in.at("tags").get_to(out.tags);
    in.at("last_version").get_to(out.last_version);
    if (in.contains("reserved_concurrency")) out.reserved_concurrency = in.at("reserved_concurrency").get<std::int64_t>();
    for (const auto& [name, value] : in.at("aliases").items()) out.aliases.emplace(name, alias_of(value));
    for (const auto& [name, value] : in.at("policies").items()) out.policies.emplace(name, policy_of(value));
    for (const auto& [name, value] : in.at("invoke_configs").items()) out.invoke_configs.emplace(name, config_of(value));
    return out;
}

}  // namespace

std::string encode(const FunctionMeta& meta) {
    json out{{"version", meta_version},           {"tags", meta.tags},
             {"last_version", meta.last_version}, {"aliases", all_of(meta.aliases)},
             {"policies", all_of(meta.policies)}, {"invoke_configs", all_of(meta.invoke_configs)}};
    if (meta.reserved_concurrency) out["reserved_concurrency"] = *meta.reserved_concurrency;
    return out.dump();
}

Result<FunctionMeta> decode_function_meta(std::string_view bytes) {
    const Error corrupt(Errc::unavailable, "what is stored of a function cannot be read");
    const auto parsed = parse_json(bytes);
    if (!parsed || !parsed->is_object()) return corrupt;
    try {
        if (parsed->at("version") != meta_version) return corrupt;
        return meta_of(*parsed);
    } catch (const json::exception&) {
        return corrupt;
    }
}

std::string function_meta_key(const FunctionName& name) {
    return KeyBuilder("fnm").text(name.view()).str();
}
store::kv::Range function_meta_keys() {
    return KeyBuilder("fnm").prefix_range();
}
std::string function_version_key(const FunctionName& name, std::uint64_t version) {
    return KeyBuilder("fnv").text(name.view()).number(version).str();
}
store::kv::Range function_version_keys() {
    return KeyBuilder("fnv").prefix_range();
}
store::kv::Range function_version_keys(const FunctionName& name) {
    return KeyBuilder("fnv").text(name.view()).prefix_range();
}

}  // namespace fogbank::lambda
