/// IAM: managed and inline policies and their attachments. Source: IAM API reference 2010-05-08.
#include "api/iam_support.h"
#include "common/encoding.h"

namespace fogbank::api::iam {
namespace {

namespace asio = boost::asio;
using registry::Errc;
using registry::IamIdentity;
using registry::IamPolicy;
using registry::IamPolicyVersion;

/// IAM quotas.
constexpr std::size_t name_max = 128, policies_max = 1500, versions_max = 5, attached_max = 10, inline_max = 10;

Error no_such_policy(const std::string& arn) {
    return Error(Errc::resource_not_found, "Policy " + arn + " does not exist or is not attachable.");
}

/// The customer managed policy with that ARN in a state.
template <class State>
auto find_policy(const registry::Iam& iam, State& state, const std::string& arn) -> decltype(&state.policies.begin()->second) {
    const auto found = state.policies.find(arn.substr(arn.rfind('/') + 1));
    return found == state.policies.end() || iam.policy_arn(found->second) != arn ? nullptr : &found->second;
}

std::int64_t attachments(const IamState& state, const std::string& arn) {
    const auto has = [&](const auto& entry) {
        const auto& list = entry.second.attached_policies;
        return std::find(list.begin(), list.end(), arn) != list.end();
    };
    return std::count_if(state.users.begin(), state.users.end(), has) + std::count_if(state.roles.begin(), state.roles.end(), has);
}

ordered_json policy_json(const registry::Iam& iam, const IamState& state, const IamPolicy& policy) {
    const std::string arn = iam.policy_arn(policy);
    ordered_json out{{"PolicyName", policy.name},
                     {"PolicyId", policy.id},
                     {"Arn", arn},
                     {"Path", policy.path},
                     {"DefaultVersionId", "v" + std::to_string(policy.default_version)},
                     {"AttachmentCount", attachments(state, arn)},
                     {"PermissionsBoundaryUsageCount", 0},
                     {"IsAttachable", true},
                     {"CreateDate", xml_time(policy.created_at)},
                     {"UpdateDate", xml_time(policy.updated_at)}};
    if (!policy.description.empty()) out["Description"] = policy.description;
    if (!policy.tags.empty()) out["Tags"] = tags_json(policy.tags);
    return out;
}

ordered_json managed_json(const std::string& arn, const registry::ManagedPolicy& policy, const IamState& state) {
    return {{"PolicyName", std::string(policy.name)},
            {"PolicyId", "ANPA" + hex_encode(sha256(arn)).substr(0, 17)},
            {"Arn", arn},
            {"Path", std::string(policy.path)},
            {"DefaultVersionId", "v1"},
            {"AttachmentCount", attachments(state, arn)},
            {"PermissionsBoundaryUsageCount", 0},
            {"IsAttachable", true},
            {"CreateDate", xml_time(WallTime{})},
            {"UpdateDate", xml_time(WallTime{})}};
}

ordered_json version_json(const IamPolicy& policy, std::uint64_t number, const IamPolicyVersion& version, bool with_document) {
    ordered_json out;
    if (with_document) out["Document"] = percent_encode(version.document);
    out["VersionId"] = "v" + std::to_string(number);
    out["IsDefaultVersion"] = number == policy.default_version;
    out["CreateDate"] = xml_time(version.created_at);
    return out;
}

asio::awaitable<Outcome> create_policy(const Services& services, const Call& call) {
    const auto name = required_form(call, "PolicyName");
    if (!name) co_return name.error();
    if (auto valid = check_form("policyName", *name, 1, name_max, name_characters); !valid) co_return valid.error();
    const auto document = required_form(call, "PolicyDocument");
    if (!document) co_return document.error();
    if (auto valid = registry::check_identity_policy(*document); !valid) co_return valid.error();
    auto path = read_path(call);
    if (!path) co_return path.error();
    auto tags = form_tags(call);
    if (!tags) co_return tags.error();
    IamPolicy policy;
    policy.name = *name;
    policy.path = *path;
    policy.tags = *tags;
    policy.description = optional_form(call, "Description");
    policy.id = services.rooms.iam.new_id("ANPA");
    policy.created_at = policy.updated_at = services.rooms.clock.now();
    policy.versions[1] = IamPolicyVersion{*document, policy.created_at};
    UniqueFunction<Result<void>(IamState&)> edit = [policy](IamState& state) -> Result<void> {
        const bool taken = std::any_of(state.policies.begin(), state.policies.end(),
                                       [&](const auto& entry) { return same_name(entry.first, policy.name); });
        if (taken)
            return Error(Errc::resource_already_exists,
                         "A policy called " + policy.name + " already exists. Duplicate names are not allowed.");
        if (state.policies.size() >= policies_max) return Error(Errc::limit_exceeded, "Cannot exceed quota for PoliciesPerAccount: 1500");
        state.policies.emplace(policy.name, policy);
        return {};
    };
    const auto changed = co_await services.rooms.iam.change(std::move(edit));
    if (!changed) co_return changed.error();
    const auto state = services.rooms.iam.state();
    const ordered_json result{{"Policy", policy_json(services.rooms.iam, *state, policy)}};
    co_return answer(call, "CreatePolicy", result);
}

asio::awaitable<Outcome> get_policy(const Services& services, const Call& call) {
    const auto arn = required_form(call, "PolicyArn");
    if (!arn) co_return arn.error();
    const auto state = services.rooms.iam.state();
    ordered_json shown;
    if (const auto* managed = registry::managed_policy(*arn)) {
        shown = managed_json(*arn, *managed, *state);
    } else if (const IamPolicy* policy = find_policy(services.rooms.iam, *state, *arn)) {
        shown = policy_json(services.rooms.iam, *state, *policy);
    } else {
        co_return no_such_policy(*arn);
    }
    const ordered_json result{{"Policy", std::move(shown)}};
    co_return answer(call, "GetPolicy", result);
}

asio::awaitable<Outcome> list_policies(const Services& services, const Call& call) {
    const auto state = services.rooms.iam.state();
    const std::string prefix = optional_form(call, "PathPrefix", "/");
    const bool only_attached = optional_form(call, "OnlyAttached") == "true";
    ordered_json items = ordered_json::array();
    for (const auto& [name, policy] : state->policies) {
        if (!policy.path.starts_with(prefix) || optional_form(call, "Scope") == "AWS") continue;
        if (only_attached && attachments(*state, services.rooms.iam.policy_arn(policy)) == 0) continue;
        items.push_back(policy_json(services.rooms.iam, *state, policy));
    }
    co_return page(call, "ListPolicies", "Policies", items);
}

/// Changes the customer managed policy that the form names.
template <class Edit>
asio::awaitable<Result<void>> change_policy(const Services& services, const Call& call, Edit edit) {
    const auto arn = required_form(call, "PolicyArn");
    if (!arn) co_return arn.error();
    UniqueFunction<Result<void>(IamState&)> body = [arn = *arn, edit, &iam = services.rooms.iam](IamState& state) -> Result<void> {
        IamPolicy* policy = find_policy(iam, state, arn);
        if (policy == nullptr) return no_such_policy(arn);
        return edit(state, *policy);
    };
    co_return co_await services.rooms.iam.change(std::move(body));
}

asio::awaitable<Outcome> delete_policy(const Services& services, const Call& call) {
    const auto edit = [&iam = services.rooms.iam](IamState& state, IamPolicy& policy) -> Result<void> {
        if (attachments(state, iam.policy_arn(policy)) > 0)
            return Error(Errc::delete_conflict, "Cannot delete a policy attached to entities.");
        if (policy.versions.size() > 1)
            return Error(Errc::delete_conflict,
                         "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The "
                         "default version is deleted with the policy.");
        state.policies.erase(std::string(policy.name));
        return {};
    };
    const auto changed = co_await change_policy(services, call, edit);
    co_return done(changed, call, "DeletePolicy");
}

/// `v12` to 12; 0 for what is no version id.
std::uint64_t version_number(const std::string& id) {
    if (id.size() < 2 || id.size() > 10 || id.front() != 'v') return 0;
    std::uint64_t out = 0;
    for (const char c : id.substr(1)) {
        if (c < '0' || c > '9') return 0;
        out = out * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return out;
}

asio::awaitable<Outcome> create_policy_version(const Services& services, const Call& call) {
    const auto document = required_form(call, "PolicyDocument");
    if (!document) co_return document.error();
    if (auto valid = registry::check_identity_policy(*document); !valid) co_return valid.error();
    const bool as_default = optional_form(call, "SetAsDefault") == "true";
    const auto made = std::make_shared<ordered_json>();
    const auto edit = [document = *document, as_default, now = services.rooms.clock.now(), made](IamState&,
                                                                                                 IamPolicy& policy) -> Result<void> {
        if (policy.versions.size() >= versions_max)
            return Error(
                Errc::limit_exceeded,
                "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.");
        const std::uint64_t number = policy.next_version++;
        policy.versions[number] = IamPolicyVersion{document, now};
        if (as_default) policy.default_version = number;
        policy.updated_at = now;
        *made = version_json(policy, number, policy.versions[number], false);
        return {};
    };
    const auto changed = co_await change_policy(services, call, edit);
    if (!changed) co_return changed.error();
    const ordered_json result{{"PolicyVersion", *made}};
    co_return answer(call, "CreatePolicyVersion", result);
}

asio::awaitable<Outcome> get_policy_version(const Services& services, const Call& call) {
    const auto arn = required_form(call, "PolicyArn");
    if (!arn) co_return arn.error();
    const auto id = required_form(call, "VersionId");
    if (!id) co_return id.error();
    const auto state = services.rooms.iam.state();
    ordered_json shown;
    if (const auto* managed = registry::managed_policy(*arn); managed != nullptr && *id == "v1") {
        const IamPolicyVersion version{std::string(managed->document), WallTime{}};
        shown = version_json(IamPolicy(), 1, version, true);
    } else if (const IamPolicy* policy = find_policy(services.rooms.iam, *state, *arn)) {
        const auto version = policy->versions.find(version_number(*id));
        if (version == policy->versions.end())
            co_return Error(Errc::resource_not_found, "Policy " + *arn + " version " + *id + " does not exist or is not attachable.");
        shown = version_json(*policy, version->first, version->second, true);
    } else {
        co_return no_such_policy(*arn);
    }
    const ordered_json result{{"PolicyVersion", std::move(shown)}};
    co_return answer(call, "GetPolicyVersion", result);
}

asio::awaitable<Outcome> list_policy_versions(const Services& services, const Call& call) {
    const auto arn = required_form(call, "PolicyArn");
    if (!arn) co_return arn.error();
    const auto state = services.rooms.iam.state();
    ordered_json items = ordered_json::array();
    if (const auto* managed = registry::managed_policy(*arn)) {
        const IamPolicyVersion version{std::string(managed->document), WallTime{}};
        items.push_back(version_json(IamPolicy(), 1, version, false));
    } else if (const IamPolicy* policy = find_policy(services.rooms.iam, *state, *arn)) {
        for (const auto& [number, version] : policy->versions) items.push_back(version_json(*policy, number, version, false));
    } else {
        co_return no_such_policy(*arn);
    }
    co_return page(call, "ListPolicyVersions", "Versions", items);
}

asio::awaitable<Outcome> set_default_policy_version(const Services& services, const Call& call) {
    const auto id = required_form(call, "VersionId");
    if (!id) co_return id.error();
    const auto edit = [id = *id](IamState&, IamPolicy& policy) -> Result<void> {
        const std::uint64_t number = version_number(id);
        if (!policy.versions.contains(number)) return Error(Errc::resource_not_found, "Policy version " + id + " does not exist.");
        policy.default_version = number;
        return {};
    };
    const auto changed = co_await change_policy(services, call, edit);
    co_return done(changed, call, "SetDefaultPolicyVersion");
}

asio::awaitable<Outcome> delete_policy_version(const Services& services, const Call& call) {
    const auto id = required_form(call, "VersionId");
    if (!id) co_return id.error();
    const auto edit = [id = *id](IamState&, IamPolicy& policy) -> Result<void> {
        const std::uint64_t number = version_number(id);
        if (!policy.versions.contains(number)) return Error(Errc::resource_not_found, "Policy version " + id + " does not exist.");
        if (number == policy.default_version) return Error(Errc::delete_conflict, "Cannot delete the default version of a policy.");
        policy.versions.erase(number);
        return {};
    };
    const auto changed = co_await change_policy(services, call, edit);
    co_return done(changed, call, "DeletePolicyVersion");
}

asio::awaitable<Outcome> list_entities_for_policy(const Services& services, const Call& call) {
    const auto arn = required_form(call, "PolicyArn");
    if (!arn) co_return arn.error();
    const auto state = services.rooms.iam.state();
    if (registry::managed_policy(*arn) == nullptr && find_policy(services.rooms.iam, *state, *arn) == nullptr)
        co_return no_such_policy(*arn);
    ordered_json users = ordered_json::array(), roles = ordered_json::array();
    const auto attached = [&](const IamIdentity& one) {
        return std::find(one.attached_policies.begin(), one.attached_policies.end(), *arn) != one.attached_policies.end();
    };
    for (const auto& [name, user] : state->users) {
        if (attached(user)) users.push_back({{"UserName", name}, {"UserId", user.id}});
    }
    for (const auto& [name, role] : state->roles) {
        if (attached(role)) roles.push_back({{"RoleName", name}, {"RoleId", role.id}});
    }
    const ordered_json result{
        {"PolicyGroups", ordered_json::array()}, {"PolicyUsers", users}, {"PolicyRoles", roles}, {"IsTruncated", false}};
    co_return answer(call, "ListEntitiesForPolicy", result);
}

/// `PutUserPolicy` and so on: the verb, `User` or `Role`, the rest.
template <class Kind>
constexpr std::string_view pick(std::string_view of_user, std::string_view of_role) {
    return Kind::noun == std::string_view("user") ? of_user : of_role;
}

template <class Kind>
asio::awaitable<Outcome> put_inline(const Services& services, const Call& call) {
    const auto name = required_form(call, "PolicyName");
    if (!name) co_return name.error();
    if (auto valid = check_form("policyName", *name, 1, name_max, name_characters); !valid) co_return valid.error();
    const auto document = required_form(call, "PolicyDocument");
    if (!document) co_return document.error();
    if (auto valid = registry::check_identity_policy(*document); !valid) co_return valid.error();
    const auto edit = [name = *name, document = *document](IamState&, IamIdentity& one) -> Result<void> {
        one.inline_policies[name] = document;
        if (one.inline_policies.size() > inline_max) return Error(Errc::limit_exceeded, "Maximum number of inline policies exceeded.");
        return {};
    };
    const auto changed = co_await change_one<Kind>(services, call, edit);
    co_return done(changed, call, pick<Kind>("PutUserPolicy", "PutRolePolicy"));
}

Error no_inline(std::string_view noun, const std::string& name) {
    return Error(Errc::resource_not_found, "The " + std::string(noun) + " policy with name " + name + " cannot be found.");
}

template <class Kind>
asio::awaitable<Outcome> get_inline(const Services& services, const Call& call) {
    const auto owner = required_form(call, Kind::member);
    if (!owner) co_return owner.error();
    const auto name = required_form(call, "PolicyName");
    if (!name) co_return name.error();
    const auto state = services.rooms.iam.state();
    const auto* one = find<Kind>(*state, *owner);
    if (one == nullptr) co_return no_such(Kind::noun, *owner);
    const auto found = one->inline_policies.find(*name);
    if (found == one->inline_policies.end()) co_return no_inline(Kind::noun, *name);
    const ordered_json result{
        {std::string(Kind::member), *owner}, {"PolicyName", *name}, {"PolicyDocument", percent_encode(found->second)}};
    co_return answer(call, pick<Kind>("GetUserPolicy", "GetRolePolicy"), result);
}

template <class Kind>
asio::awaitable<Outcome> list_inline(const Services& services, const Call& call) {
    const auto owner = required_form(call, Kind::member);
    if (!owner) co_return owner.error();
    const auto state = services.rooms.iam.state();
    const auto* one = find<Kind>(*state, *owner);
    if (one == nullptr) co_return no_such(Kind::noun, *owner);
    ordered_json names = ordered_json::array();
    for (const auto& [name, document] : one->inline_policies) names.push_back(name);
    co_return page(call, pick<Kind>("ListUserPolicies", "ListRolePolicies"), "PolicyNames", names);
}

template <class Kind>
asio::awaitable<Outcome> delete_inline(const Services& services, const Call& call) {
    const auto name = required_form(call, "PolicyName");
    if (!name) co_return name.error();
    const auto edit = [name = *name](IamState&, IamIdentity& one) -> Result<void> {
        if (one.inline_policies.erase(name) == 0) return no_inline(Kind::noun, name);
        return {};
    };
    const auto changed = co_await change_one<Kind>(services, call, edit);
    co_return done(changed, call, pick<Kind>("DeleteUserPolicy", "DeleteRolePolicy"));
}

template <class Kind>
asio::awaitable<Outcome> attach(const Services& services, const Call& call) {
    const auto arn = required_form(call, "PolicyArn");
    if (!arn) co_return arn.error();
    const auto edit = [arn = *arn, &iam = services.rooms.iam](IamState& state, IamIdentity& one) -> Result<void> {
        if (registry::managed_policy(arn) == nullptr && find_policy(iam, state, arn) == nullptr) return no_such_policy(arn);
        auto& list = one.attached_policies;
        if (std::find(list.begin(), list.end(), arn) != list.end()) return {};
        if (list.size() >= attached_max)
            return Error(Errc::limit_exceeded, "Cannot exceed quota for PoliciesPerUser or PoliciesPerRole: 10");
        list.push_back(arn);
        return {};
    };
    const auto changed = co_await change_one<Kind>(services, call, edit);
    co_return done(changed, call, pick<Kind>("AttachUserPolicy", "AttachRolePolicy"));
}

template <class Kind>
asio::awaitable<Outcome> detach(const Services& services, const Call& call) {
    const auto arn = required_form(call, "PolicyArn");
    if (!arn) co_return arn.error();
    const auto edit = [arn = *arn](IamState&, IamIdentity& one) -> Result<void> {
        if (std::erase(one.attached_policies, arn) == 0) return Error(Errc::resource_not_found, "Policy " + arn + " was not found.");
        return {};
    };
    const auto changed = co_await change_one<Kind>(services, call, edit);
    co_return done(changed, call, pick<Kind>("DetachUserPolicy", "DetachRolePolicy"));
}

template <class Kind>
asio::awaitable<Outcome> list_attached(const Services& services, const Call& call) {
    const auto owner = required_form(call, Kind::member);
    if (!owner) co_return owner.error();
    const auto state = services.rooms.iam.state();
    const auto* one = find<Kind>(*state, *owner);
    if (one == nullptr) co_return no_such(Kind::noun, *owner);
    ordered_json items = ordered_json::array();
    for (const std::string& arn : one->attached_policies) {
        items.push_back({{"PolicyName", arn.substr(arn.rfind('/') + 1)}, {"PolicyArn", arn}});
    }
    co_return page(call, pick<Kind>("ListAttachedUserPolicies", "ListAttachedRolePolicies"), "AttachedPolicies", items);
}

constexpr std::array operations{
    Operation{"CreatePolicy", "", "", create_policy},
    Operation{"GetPolicy", "", "", get_policy},
    Operation{"ListPolicies", "", "", list_policies},
    Operation{"DeletePolicy", "", "", delete_policy},
    Operation{"CreatePolicyVersion", "", "", create_policy_version},
    Operation{"GetPolicyVersion", "", "", get_policy_version},
    Operation{"ListPolicyVersions", "", "", list_policy_versions},
    Operation{"SetDefaultPolicyVersion", "", "", set_default_policy_version},
    Operation{"DeletePolicyVersion", "", "", delete_policy_version},
    Operation{"ListEntitiesForPolicy", "", "", list_entities_for_policy},
    Operation{"PutUserPolicy", "", "", put_inline<UserKind>},
    Operation{"GetUserPolicy", "", "", get_inline<UserKind>},
    Operation{"ListUserPolicies", "", "", list_inline<UserKind>},
    Operation{"DeleteUserPolicy", "", "", delete_inline<UserKind>},
    Operation{"AttachUserPolicy", "", "", attach<UserKind>},
    Operation{"DetachUserPolicy", "", "", detach<UserKind>},
    Operation{"ListAttachedUserPolicies", "", "", list_attached<UserKind>},
    Operation{"PutRolePolicy", "", "", put_inline<RoleKind>},
    Operation{"GetRolePolicy", "", "", get_inline<RoleKind>},
    Operation{"ListRolePolicies", "", "", list_inline<RoleKind>},
    Operation{"DeleteRolePolicy", "", "", delete_inline<RoleKind>},
    Operation{"AttachRolePolicy", "", "", attach<RoleKind>},
    Operation{"DetachRolePolicy", "", "", detach<RoleKind>},
    Operation{"ListAttachedRolePolicies", "", "", list_attached<RoleKind>},
};

}  // namespace

std::span<const Operation> policy_operations() {
    return operations;
}

}  // namespace fogbank::api::iam
