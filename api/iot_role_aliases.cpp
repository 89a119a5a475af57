/// Role aliases. Source: AWS IoT API reference (reference "registry", section 2; reference "auth", section 6).
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "api/iot_new_tags.h"
#include "api/members.h"
#include "registry/device_access.h"
#include "registry/errc.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using registry::DeviceAccessState;
using registry::RoleAlias;
using Edit = UniqueFunction<Result<void>(DeviceAccessState&)>;

constexpr std::size_t aliases_max = 100;  // AWS General Reference
constexpr std::int64_t duration_s_min = 900, duration_s_max = 43'200;
constexpr std::int64_t page_max = 250, default_page = 25;

Error not_found(const std::string& name) {
    return Error(registry::Errc::resource_not_found, "Role alias " + name + " not found");
}

Result<void> check_name(const std::string& name) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("_=,@-").find(c) != std::string_view::npos;
    };
    if (name.empty() || name.size() > 128 || !std::all_of(name.begin(), name.end(), fits))
        return constraint_error(name.substr(0, 200), "roleAlias", "Member must satisfy regular expression pattern: [\\w=,@-]+");
    return {};
}

/// Role and duration of a body; what is not given is nothing.
struct Members {
    std::optional<std::string> role_arn;
    std::optional<std::int64_t> duration_s;
    json body;
};
Result<Members> read_members(const Call& call) {
    auto body = json_object_body(call, control_body_bytes_max);
    if (!body) return body.error();
    Members out;
    auto role = optional_string(*body, "roleArn");
    if (!role) return role.error();
    auto duration = optional_integer(*body, "credentialDurationSeconds");
    if (!duration) return duration.error();
    out.role_arn = *role;
    out.duration_s = *duration;
    out.body = std::move(*body);
    if (out.role_arn && (!out.role_arn->starts_with("arn:") || out.role_arn->find(":role/") == std::string::npos))
        return validation_error("roleArn is not the ARN of a role");
    if (out.duration_s && (*out.duration_s < duration_s_min || *out.duration_s > duration_s_max))
        return constraint_error(std::to_string(*out.duration_s), "credentialDurationSeconds",
                                "Member must have value between 900 and 43200");
    return out;
}

std::string arn_of(const Services& services, const std::string& name) {
    return services.rooms.arns.iot("rolealias/" + name);
}

asio::awaitable<Outcome> create_role_alias(const Services& services, const Call& call) {
    RoleAlias fresh;
    fresh.name = call.label("roleAlias");
    if (auto valid = check_name(fresh.name); !valid) co_return valid.error();
    const auto members = read_members(call);
    if (!members) co_return members.error();
    if (!members->role_arn) co_return missing_member("roleArn");
    fresh.role_arn = *members->role_arn;
    fresh.duration_s = members->duration_s.value_or(3600);
    auto tags = new_tags(members->body);
    if (!tags) co_return tags.error();
    fresh.created_at = fresh.modified_at = services.rooms.clock.now();
    Edit edit = [fresh](DeviceAccessState& state) -> Result<void> {
        if (state.role_aliases.contains(fresh.name))
            return Error(registry::Errc::resource_already_exists, "Role alias " + fresh.name + " already exists");
        if (state.role_aliases.size() >= aliases_max)
            return Error(registry::Errc::limit_exceeded, "The account has the maximum number of role aliases (100)");
        state.role_aliases.emplace(fresh.name, fresh);
        return {};
    };
    const auto done = co_await services.rooms.access.change(std::move(edit));
    const std::string arn = arn_of(services, fresh.name);
    if (!done && done.error().code == registry::Errc::resource_already_exists)
        co_return error_response(Family::control, done.error(), call.request_id, {{"resourceId", fresh.name}, {"resourceArn", arn}});
    if (!done) co_return done.error();
    const auto tagged = co_await tag_new_resource(services, arn, std::move(*tags));
    if (!tagged) co_return tagged.error();
    co_return json_response({{"roleAlias", fresh.name}, {"roleAliasArn", arn}});
}

asio::awaitable<Outcome> describe_role_alias(const Services& services, const Call& call) {
    const auto state = services.rooms.access.state();
    const auto found = state->role_aliases.find(call.label("roleAlias"));
    if (found == state->role_aliases.end()) co_return not_found(call.label("roleAlias"));
    const RoleAlias& one = found->second;
    const json description{{"roleAlias", one.name},
                           {"roleAliasArn", arn_of(services, one.name)},
                           {"roleArn", one.role_arn},
                           {"owner", services.rooms.arns.account().str()},
                           {"credentialDurationSeconds", one.duration_s},
                           {"creationDate", epoch_seconds(one.created_at)},
                           {"lastModifiedDate", epoch_seconds(one.modified_at)}};
    co_return json_response({{"roleAliasDescription", description}});
}

asio::awaitable<Outcome> update_role_alias(const Services& services, const Call& call) {
    const auto members = read_members(call);
    if (!members) co_return members.error();
    const std::string& name = call.label("roleAlias");
    Edit edit = [name, members = *members, now = services.rooms.clock.now()](DeviceAccessState& state) -> Result<void> {
        const auto found = state.role_aliases.find(name);
        if (found == state.role_aliases.end()) return not_found(name);
        found->second.role_arn = members.role_arn.value_or(found->second.role_arn);
        found->second.duration_s = members.duration_s.value_or(found->second.duration_s);
        found->second.modified_at = now;
        return {};
    };
    const auto done = co_await services.rooms.access.change(std::move(edit));
    if (!done) co_return done.error();
    co_return json_response({{"roleAlias", name}, {"roleAliasArn", arn_of(services, name)}});
}

asio::awaitable<Outcome> delete_role_alias(const Services& services, const Call& call) {
    Edit edit = [name = call.label("roleAlias")](DeviceAccessState& state) -> Result<void> {
        if (state.role_aliases.erase(name) == 0) return not_found(name);
        return {};
    };
    const auto done = co_await services.rooms.access.change(std::move(edit));
    if (!done) co_return done.error();
    co_await forget_tags(services, arn_of(services, call.label("roleAlias")));
    co_return empty_response();
}

asio::awaitable<Outcome> list_role_aliases(const Services& services, const Call& call) {
    const auto limit = query_integer(call, "pageSize", 1, page_max);
    if (!limit) co_return limit.error();
    const auto ascending = query_bool(call, "isAscendingOrder", false);
    if (!ascending) co_return ascending.error();
    const auto state = services.rooms.access.state();
    std::vector<const RoleAlias*> all;
    for (const auto& [name, one] : state->role_aliases) all.push_back(&one);
    std::sort(all.begin(), all.end(), [&](const RoleAlias* a, const RoleAlias* b) {
        const auto left = std::tie(a->created_at, a->name), right = std::tie(b->created_at, b->name);
        return *ascending ? left < right : right < left;
    });
    const auto part = slice(call.query_value("marker"), all.size(), static_cast<std::size_t>(limit->value_or(default_page)));
    if (!part) co_return part.error();
    json names = json::array();
    for (std::size_t i = part->begin; i < part->end; ++i) names.push_back(all[i]->name);
    json out{{"roleAliases", std::move(names)}};
    if (part->next) out["nextMarker"] = *part->next;
    co_return json_response(out);
}

constexpr std::array operations{
    Operation{"CreateRoleAlias", "POST", "/role-aliases/{roleAlias}", create_role_alias},
    Operation{"DescribeRoleAlias", "GET", "/role-aliases/{roleAlias}", describe_role_alias},
    Operation{"UpdateRoleAlias", "PUT", "/role-aliases/{roleAlias}", update_role_alias},
    Operation{"DeleteRoleAlias", "DELETE", "/role-aliases/{roleAlias}", delete_role_alias},
    Operation{"ListRoleAliases", "GET", "/role-aliases", list_role_aliases},
};

}  // namespace

std::span<const Operation> iot_role_aliases_operations() {
    return operations;
}

}  // namespace fogbank::api
