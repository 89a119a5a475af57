/// What IAM's operations on users and roles have in common.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "api/members.h"
#include "api/query_protocol.h"
#include "registry/iam.h"

namespace fogbank::api::iam {

using nlohmann::ordered_json;
using registry::IamState;

inline constexpr std::string_view xml_namespace = "https://iam.amazonaws.com/doc/2010-05-08/";
inline constexpr std::string_view name_characters = "+=,.@-";

struct UserKind {
    static constexpr std::string_view member = "UserName", noun = "user";
    static auto& map(IamState& state) { return state.users; }
    static const auto& map(const IamState& state) { return state.users; }
};
struct RoleKind {
    static constexpr std::string_view member = "RoleName", noun = "role";
    static auto& map(IamState& state) { return state.roles; }
    static const auto& map(const IamState& state) { return state.roles; }
};

inline Error no_such(std::string_view noun, const std::string& name) {
    return Error(registry::Errc::resource_not_found, "The " + std::string(noun) + " with name " + name + " cannot be found.");
}

/// The user or role, of either a state or one that may be changed.
template <class Kind, class State>
auto find(State& state, const std::string& name) -> decltype(&Kind::map(state).begin()->second) {
    auto& map = Kind::map(state);
    const auto found = map.find(name);
    return found == map.end() ? nullptr : &found->second;
}

/// Runs `edit` on the user or role that the form names, as one change.
template <class Kind, class Edit>
boost::asio::awaitable<Result<void>> change_one(const Services& services, const Call& call, Edit edit) {
    const auto name = required_form(call, Kind::member);
    if (!name) co_return name.error();
    UniqueFunction<Result<void>(IamState&)> body = [name = *name, edit = std::move(edit)](IamState& state) -> Result<void> {
        auto* one = find<Kind>(state, name);
        if (one == nullptr) return no_such(Kind::noun, name);
        return edit(state, *one);
    };
    co_return co_await services.rooms.iam.change(std::move(body));
}

/// An answer without members.
inline Outcome answer(const Call& call, std::string_view operation) {
    return xml_response(operation, xml_namespace, nullptr, call.request_id);
}
inline Outcome answer(const Call& call, std::string_view operation, const ordered_json& result) {
    return xml_response(operation, xml_namespace, result, call.request_id);
}
inline Outcome done(const Result<void>& changed, const Call& call, std::string_view operation) {
    if (!changed) return changed.error();
    return answer(call, operation);
}

/// One page of `items` as `member`, with IAM's Marker, MaxItems and IsTruncated.
inline Outcome page(const Call& call, std::string_view operation, const std::string& member, const ordered_json& items) {
    const auto limit = form_integer(call, "MaxItems", 1, 1000, 100);
    if (!limit) return limit.error();
    const auto part = slice(call.query_value("Marker"), items.size(), static_cast<std::size_t>(*limit));
    if (!part) return part.error();
    ordered_json list = ordered_json::array();
    for (std::size_t i = part->begin; i < part->end; ++i) list.push_back(items[i]);
    ordered_json result{{"IsTruncated", part->next.has_value()}, {member, std::move(list)}};
    if (part->next) result["Marker"] = *part->next;
    return answer(call, operation, result);
}

inline ordered_json tags_json(const std::map<std::string, std::string>& tags) {
    ordered_json out = ordered_json::array();
    for (const auto& [key, value] : tags) out.push_back({{"Key", key}, {"Value", value}});
    return out;
}

/// `/` or `/a/b/`. Errors: validation.
Result<std::string> read_path(const Call& call);
bool same_name(const std::string& a, const std::string& b);  ///< IAM's names are unique without regard to case
ordered_json user_json(const registry::Iam& iam, const registry::IamUser& user);
ordered_json role_json(const registry::Iam& iam, const registry::IamRole& role);

}  // namespace fogbank::api::iam
