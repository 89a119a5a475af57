/// IAM: users, roles, access keys. Source: IAM API reference 2010-05-08.
#include "api/iam_support.h"
#include "common/encoding.h"

namespace fogbank::api::iam {
namespace {

namespace asio = boost::asio;
using registry::Errc;
using registry::IamAccessKey;
using registry::IamRole;
using registry::IamUser;

constexpr std::size_t name_max = 64, description_max = 1000;
/// IAM quotas.
constexpr std::size_t users_max = 5000, roles_max = 1000, access_keys_per_user = 2;
constexpr std::int64_t session_s_min = 3600, session_s_max = 43'200;

template <class Map>
bool taken(const Map& map, const std::string& name) {
    return std::any_of(map.begin(), map.end(), [&](const auto& entry) { return same_name(entry.first, name); });
}

Error exists(std::string_view noun, const std::string& name) {
    return Error(Errc::resource_already_exists, std::string(noun) + " with name " + name + " already exists.");
}

asio::awaitable<Outcome> create_user(const Services& services, const Call& call) {
    const auto name = required_form(call, "UserName");
    if (!name) co_return name.error();
    if (auto valid = check_form("userName", *name, 1, name_max, name_characters); !valid) co_return valid.error();
    auto path = read_path(call);
    if (!path) co_return path.error();
    auto tags = form_tags(call);
    if (!tags) co_return tags.error();
    IamUser user;
    user.name = *name;
    user.path = *path;
    user.tags = *tags;
    user.id = services.rooms.iam.new_id("AIDA");
    user.created_at = services.rooms.clock.now();
    UniqueFunction<Result<void>(IamState&)> edit = [user](IamState& state) -> Result<void> {
        if (taken(state.users, user.name)) return exists("User", user.name);
        if (state.users.size() >= users_max) return Error(Errc::limit_exceeded, "Cannot exceed quota for UsersPerAccount: 5000");
        state.users.emplace(user.name, user);
        return {};
    };
    const auto changed = co_await services.rooms.iam.change(std::move(edit));
    if (!changed) co_return changed.error();
    const ordered_json result{{"User", user_json(services.rooms.iam, user)}};
    co_return answer(call, "CreateUser", result);
}

/// GetUser without a name is about the caller.
asio::awaitable<Outcome> get_user(const Services& services, const Call& call) {
    const registry::Iam& iam = services.rooms.iam;
    const auto state = iam.state();
    std::string name = optional_form(call, "UserName");
    if (name.empty() && call.principal.arn == services.rooms.arns.root_user()) {
        const ordered_json root{{"UserId", call.principal.id}, {"Arn", call.principal.arn}, {"CreateDate", xml_time(WallTime{})}};
        const ordered_json result{{"User", root}};
        co_return answer(call, "GetUser", result);
    }
    if (name.empty()) name = call.principal.arn.substr(call.principal.arn.rfind('/') + 1);
    const IamUser* user = find<UserKind>(*state, name);
    if (user == nullptr) co_return no_such("user", name);
    const ordered_json result{{"User", user_json(iam, *user)}};
    co_return answer(call, "GetUser", result);
}

asio::awaitable<Outcome> list_users(const Services& services, const Call& call) {
    const auto state = services.rooms.iam.state();
    const std::string prefix = optional_form(call, "PathPrefix", "/");
    ordered_json items = ordered_json::array();
    for (const auto& [name, user] : state->users) {
        if (user.path.starts_with(prefix)) items.push_back(user_json(services.rooms.iam, user));
    }
    co_return page(call, "ListUsers", "Users", items);
}

asio::awaitable<Outcome> delete_user(const Services& services, const Call& call) {
    const auto changed = co_await change_one<UserKind>(services, call, [](IamState& state, IamUser& user) -> Result<void> {
        const bool has_keys = std::any_of(state.access_keys.begin(), state.access_keys.end(),
                                          [&](const auto& entry) { return entry.second.user_name == user.name; });
        if (has_keys) return Error(Errc::delete_conflict, "Cannot delete entity, must delete access keys first.");
        if (!user.inline_policies.empty()) return Error(Errc::delete_conflict, "Cannot delete entity, must delete policies first.");
        if (!user.attached_policies.empty()) return Error(Errc::delete_conflict, "Cannot delete entity, must detach all policies first.");
        state.users.erase(std::string(user.name));
        return {};
    });
    co_return done(changed, call, "DeleteUser");
}

/// Of the user that the form names, or of the caller.
std::string user_of(const Call& call) {
    const std::string given = optional_form(call, "UserName");
    return given.empty() ? call.principal.arn.substr(call.principal.arn.rfind('/') + 1) : given;
}

asio::awaitable<Outcome> create_access_key(const Services& services, const Call& call) {
    IamAccessKey key;
    key.user_name = user_of(call);
    key.id = services.rooms.iam.new_id("AKIA");
    key.secret = services.rooms.iam.new_secret();
    key.created_at = services.rooms.clock.now();
    UniqueFunction<Result<void>(IamState&)> edit = [key](IamState& state) -> Result<void> {
        if (!state.users.contains(key.user_name)) return no_such("user", key.user_name);
        const auto count = std::count_if(state.access_keys.begin(), state.access_keys.end(),
                                         [&](const auto& entry) { return entry.second.user_name == key.user_name; });
        if (count >= static_cast<std::ptrdiff_t>(access_keys_per_user))
            return Error(Errc::limit_exceeded, "Cannot exceed quota for AccessKeysPerUser: 2");
        state.access_keys.emplace(key.id, key);
        return {};
    };
    const auto changed = co_await services.rooms.iam.change(std::move(edit));
    if (!changed) co_return changed.error();
    const ordered_json shown{{"UserName", key.user_name},
                             {"AccessKeyId", key.id},
                             {"Status", "Active"},
                             {"SecretAccessKey", key.secret},
                             {"CreateDate", xml_time(key.created_at)}};
    const ordered_json result{{"AccessKey", shown}};
    co_return answer(call, "CreateAccessKey", result);
}

asio::awaitable<Outcome> list_access_keys(const Services& services, const Call& call) {
    const auto state = services.rooms.iam.state();
    const std::string user = user_of(call);
    if (!state->users.contains(user)) co_return no_such("user", user);
    ordered_json items = ordered_json::array();
    for (const auto& [id, key] : state->access_keys) {
        if (key.user_name != user) continue;
        items.push_back({{"UserName", user},
                         {"AccessKeyId", id},
                         {"Status", key.active ? "Active" : "Inactive"},
                         {"CreateDate", xml_time(key.created_at)}});
    }
    co_return page(call, "ListAccessKeys", "AccessKeyMetadata", items);
}

/// Changes one access key of a user.
template <class Edit>
asio::awaitable<Result<void>> change_access_key(const Services& services, const Call& call, const Edit& edit) {
    const auto id = required_form(call, "AccessKeyId");
    if (!id) co_return id.error();
    UniqueFunction<Result<void>(IamState&)> body = [id = *id, user = user_of(call), edit](IamState& state) -> Result<void> {
        const auto found = state.access_keys.find(id);
        if (found == state.access_keys.end() || found->second.user_name != user)
            return Error(Errc::resource_not_found, "The Access Key with id " + id + " cannot be found.");
        edit(state, found);
        return {};
    };
    co_return co_await services.rooms.iam.change(std::move(body));
}

asio::awaitable<Outcome> delete_access_key(const Services& services, const Call& call) {
    const auto erase = [](IamState& state, auto found) { state.access_keys.erase(found); };
    const auto changed = co_await change_access_key(services, call, erase);
    co_return done(changed, call, "DeleteAccessKey");
}

asio::awaitable<Outcome> update_access_key(const Services& services, const Call& call) {
    const auto status = required_form(call, "Status");
    if (!status) co_return status.error();
    if (*status != "Active" && *status != "Inactive")
        co_return constraint_error(*status, "status", "Member must satisfy enum value set: [Active, Inactive]");
    const bool active = *status == "Active";
    const auto set_status = [active](IamState&, auto found) { found->second.active = active; };
    const auto changed = co_await change_access_key(services, call, set_status);
    co_return done(changed, call, "UpdateAccessKey");
}

asio::awaitable<Outcome> create_role(const Services& services, const Call& call) {
    const auto name = required_form(call, "RoleName");
    if (!name) co_return name.error();
    if (auto valid = check_form("roleName", *name, 1, name_max, name_characters); !valid) co_return valid.error();
    const auto trust = required_form(call, "AssumeRolePolicyDocument");
    if (!trust) co_return trust.error();
    if (auto valid = registry::check_trust_policy(*trust); !valid) co_return valid.error();
    auto path = read_path(call);
    if (!path) co_return path.error();
    auto tags = form_tags(call);
    if (!tags) co_return tags.error();
    const auto duration = form_integer(call, "MaxSessionDuration", session_s_min, session_s_max, session_s_min);
    if (!duration) co_return duration.error();
    IamRole role;
    role.name = *name;
    role.path = *path;
    role.tags = *tags;
    role.trust_policy = *trust;
    role.description = optional_form(call, "Description");
    if (role.description.size() > description_max) co_return validation_error("description: at most 1000 characters");
    role.session_s_max = *duration;
    role.id = services.rooms.iam.new_id("AROA");
    role.created_at = services.rooms.clock.now();
    UniqueFunction<Result<void>(IamState&)> edit = [role](IamState& state) -> Result<void> {
        if (taken(state.roles, role.name)) return exists("Role", role.name);
        if (state.roles.size() >= roles_max) return Error(Errc::limit_exceeded, "Cannot exceed quota for RolesPerAccount: 1000");
        state.roles.emplace(role.name, role);
        return {};
    };
    const auto changed = co_await services.rooms.iam.change(std::move(edit));
    if (!changed) co_return changed.error();
    const ordered_json result{{"Role", role_json(services.rooms.iam, role)}};
    co_return answer(call, "CreateRole", result);
}

asio::awaitable<Outcome> get_role(const Services& services, const Call& call) {
    const auto name = required_form(call, "RoleName");
    if (!name) co_return name.error();
    const auto state = services.rooms.iam.state();
    const IamRole* role = find<RoleKind>(*state, *name);
    if (role == nullptr) co_return no_such("role", *name);
    const ordered_json result{{"Role", role_json(services.rooms.iam, *role)}};
    co_return answer(call, "GetRole", result);
}

asio::awaitable<Outcome> list_roles(const Services& services, const Call& call) {
    const auto state = services.rooms.iam.state();
    const std::string prefix = optional_form(call, "PathPrefix", "/");
    ordered_json items = ordered_json::array();
    for (const auto& [name, role] : state->roles) {
        if (role.path.starts_with(prefix)) items.push_back(role_json(services.rooms.iam, role));
    }
    co_return page(call, "ListRoles", "Roles", items);
}

asio::awaitable<Outcome> delete_role(const Services& services, const Call& call) {
    const auto changed = co_await change_one<RoleKind>(services, call, [](IamState& state, IamRole& role) -> Result<void> {
        if (!role.inline_policies.empty()) return Error(Errc::delete_conflict, "Cannot delete entity, must delete policies first.");
        if (!role.attached_policies.empty()) return Error(Errc::delete_conflict, "Cannot delete entity, must detach all policies first.");
        state.roles.erase(std::string(role.name));
        return {};
    });
    co_return done(changed, call, "DeleteRole");
}

asio::awaitable<Outcome> update_role(const Services& services, const Call& call) {
    const auto duration = form_integer(call, "MaxSessionDuration", session_s_min, session_s_max, 0);
    if (!duration) co_return duration.error();
    const bool described = call.query_value("Description") != nullptr;
    const std::string description = optional_form(call, "Description");
    if (description.size() > description_max) co_return validation_error("description: at most 1000 characters");
    const auto edit = [seconds = *duration, described, description](IamState&, IamRole& role) -> Result<void> {
        if (seconds != 0) role.session_s_max = seconds;
        if (described) role.description = description;
        return {};
    };
    const auto changed = co_await change_one<RoleKind>(services, call, edit);
    if (!changed) co_return changed.error();
    co_return answer(call, "UpdateRole", ordered_json::object());
}

asio::awaitable<Outcome> update_assume_role_policy(const Services& services, const Call& call) {
    const auto trust = required_form(call, "PolicyDocument");
    if (!trust) co_return trust.error();
    if (auto valid = registry::check_trust_policy(*trust); !valid) co_return valid.error();
    const auto edit = [document = *trust](IamState&, IamRole& role) -> Result<void> {
        role.trust_policy = document;
        return {};
    };
    const auto changed = co_await change_one<RoleKind>(services, call, edit);
    co_return done(changed, call, "UpdateAssumeRolePolicy");
}

template <class Kind>
asio::awaitable<Outcome> tag(const Services& services, const Call& call) {
    const auto tags = form_tags(call);
    if (!tags) co_return tags.error();
    const auto edit = [tags = *tags](IamState&, registry::IamIdentity& one) -> Result<void> {
        for (const auto& [key, value] : tags) one.tags[key] = value;
        if (one.tags.size() > 50) return Error(Errc::limit_exceeded, "The number of tags has reached the maximum limit.");
        return {};
    };
    const auto changed = co_await change_one<Kind>(services, call, edit);
    co_return done(changed, call, Kind::noun == "user" ? "TagUser" : "TagRole");
}

template <class Kind>
asio::awaitable<Outcome> untag(const Services& services, const Call& call) {
    const auto edit = [wanted = form_list(call, "TagKeys")](IamState&, registry::IamIdentity& one) -> Result<void> {
        for (const std::string& key : wanted) one.tags.erase(key);
        return {};
    };
    const auto changed = co_await change_one<Kind>(services, call, edit);
    co_return done(changed, call, Kind::noun == "user" ? "UntagUser" : "UntagRole");
}

template <class Kind>
asio::awaitable<Outcome> list_tags(const Services& services, const Call& call) {
    const auto name = required_form(call, Kind::member);
    if (!name) co_return name.error();
    const auto state = services.rooms.iam.state();
    const auto* one = find<Kind>(*state, *name);
    if (one == nullptr) co_return no_such(Kind::noun, *name);
    co_return page(call, Kind::noun == "user" ? "ListUserTags" : "ListRoleTags", "Tags", tags_json(one->tags));
}

/// Groups and instance profiles do not exist here, so nobody is in one; Terraform asks before it deletes.
asio::awaitable<Outcome> list_groups_for_user(const Services& services, const Call& call) {
    const auto name = required_form(call, "UserName");
    if (!name) co_return name.error();
    if (!services.rooms.iam.state()->users.contains(*name)) co_return no_such("user", *name);
    co_return page(call, "ListGroupsForUser", "Groups", ordered_json::array());
}
asio::awaitable<Outcome> list_instance_profiles_for_role(const Services& services, const Call& call) {
    const auto name = required_form(call, "RoleName");
    if (!name) co_return name.error();
    if (!services.rooms.iam.state()->roles.contains(*name)) co_return no_such("role", *name);
    co_return page(call, "ListInstanceProfilesForRole", "InstanceProfiles", ordered_json::array());
}

constexpr std::array operations{
    Operation{"CreateUser", "", "", create_user},
    Operation{"GetUser", "", "", get_user},
    Operation{"ListUsers", "", "", list_users},
    Operation{"DeleteUser", "", "", delete_user},
    Operation{"TagUser", "", "", tag<UserKind>},
    Operation{"UntagUser", "", "", untag<UserKind>},
    Operation{"ListUserTags", "", "", list_tags<UserKind>},
    Operation{"ListGroupsForUser", "", "", list_groups_for_user},
    Operation{"CreateAccessKey", "", "", create_access_key},
    Operation{"ListAccessKeys", "", "", list_access_keys},
    Operation{"UpdateAccessKey", "", "", update_access_key},
    Operation{"DeleteAccessKey", "", "", delete_access_key},
    Operation{"CreateRole", "", "", create_role},
    Operation{"GetRole", "", "", get_role},
    Operation{"ListRoles", "", "", list_roles},
    Operation{"DeleteRole", "", "", delete_role},
    Operation{"UpdateRole", "", "", update_role},
    Operation{"UpdateAssumeRolePolicy", "", "", update_assume_role_policy},
    Operation{"TagRole", "", "", tag<RoleKind>},
    Operation{"UntagRole", "", "", untag<RoleKind>},
    Operation{"ListRoleTags", "", "", list_tags<RoleKind>},
    Operation{"ListInstanceProfilesForRole", "", "", list_instance_profiles_for_role},
};

}  // namespace

Result<std::string> read_path(const Call& call) {
    std::string path = optional_form(call, "Path", "/");
    const bool framed = path.size() <= 512 && path.starts_with('/') && path.ends_with('/');
    const bool printable = std::all_of(path.begin(), path.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    if (!framed || !printable)
        return validation_error(
            "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / "
            "characters.");
    return path;
}

bool same_name(const std::string& a, const std::string& b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

ordered_json user_json(const registry::Iam& iam, const IamUser& user) {
    ordered_json out{{"Path", user.path},
                     {"UserName", user.name},
                     {"UserId", user.id},
                     {"Arn", iam.user_arn(user)},
                     {"CreateDate", xml_time(user.created_at)}};
    if (!user.tags.empty()) out["Tags"] = tags_json(user.tags);
    return out;
}

ordered_json role_json(const registry::Iam& iam, const IamRole& role) {
    ordered_json out{{"Path", role.path},
                     {"RoleName", role.name},
                     {"RoleId", role.id},
                     {"Arn", iam.role_arn(role)},
                     {"CreateDate", xml_time(role.created_at)},
                     {"AssumeRolePolicyDocument", percent_encode(role.trust_policy)},
                     {"MaxSessionDuration", role.session_s_max}};
    if (!role.description.empty()) out["Description"] = role.description;
    if (!role.tags.empty()) out["Tags"] = tags_json(role.tags);
    return out;
}

std::span<const Operation> identity_operations() {
    return operations;
}

}  // namespace fogbank::api::iam
