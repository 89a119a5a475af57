/// Custom authorizers. Source: AWS IoT API reference (reference "registry", section 2; reference "auth", section 7).
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "api/iot_new_tags.h"
#include "api/members.h"
#include "common/encoding.h"
#include "registry/custom_authorizers.h"
#include "registry/function_call.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using registry::CustomAuthorizer;
using registry::DeviceAccessState;
using Edit = UniqueFunction<Result<void>(DeviceAccessState&)>;

/// Source: AWS General Reference.
constexpr std::size_t authorizers_max = 100, active_max = 32;
constexpr std::size_t keys_max = 2, key_bytes_max = 5120;  // service model, KeyValue
constexpr std::int64_t page_max = 250, default_page = 25;

Error not_found(const std::string& name) {
    return Error(registry::Errc::resource_not_found, "Authorizer " + name + " not found");
}

bool fits(const std::string& text, std::size_t max, std::string_view others) {
    return !text.empty() && text.size() <= max && std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || others.find(c) != std::string_view::npos;
    });
}

struct Members {
    std::optional<std::string> function_arn, token_key_name;
    std::optional<std::map<std::string, std::string>> signing_keys;
    std::optional<bool> active, signing_disabled, caching;
};

Result<std::optional<std::map<std::string, std::string>>> read_keys(const json& body) {
    using Keys = std::map<std::string, std::string>;
    const json* given = find_member(body, "tokenSigningPublicKeys");
    if (given == nullptr) return std::optional<Keys>();
    if (!given->is_object() || given->size() > keys_max)
        return validation_error("tokenSigningPublicKeys must be an object with at most 2 keys");
    Keys out;
    for (const auto& [name, value] : given->items()) {
        if (!fits(name, 128, ":_-"))
            return constraint_error(name.substr(0, 200), "tokenSigningPublicKeys",
                                    "Map keys must satisfy regular expression pattern: [a-zA-Z0-9:_-]+");
        if (!value.is_string() || value.get_ref<const std::string&>().size() > key_bytes_max ||
            !registry::is_token_signing_key(value.get<std::string>()))
            return validation_error("tokenSigningPublicKeys: " + name + " is not the PEM of an RSA public key");
        out[name] = value.get<std::string>();
    }
    return std::optional<Keys>(std::move(out));
}

Result<Members> read_members(const json& body) {
    Members out;
    auto function = optional_string(body, "authorizerFunctionArn");
    if (!function) return function.error();
    auto token_key = optional_string(body, "tokenKeyName");
    if (!token_key) return token_key.error();
    auto status = optional_string(body, "status");
    if (!status) return status.error();
    auto disabled = optional_bool(body, "signingDisabled");
    if (!disabled) return disabled.error();
    auto caching = optional_bool(body, "enableCachingForHttp");
    if (!caching) return caching.error();
    auto keys = read_keys(body);
    if (!keys) return keys.error();
    if (*token_key && !fits(**token_key, 128, "_-"))
        return constraint_error((*token_key)->substr(0, 200), "tokenKeyName",
                                "Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+");
    if (*status && **status != "ACTIVE" && **status != "INACTIVE")
        return constraint_error(**status, "status", "Member must satisfy enum value set: [ACTIVE, INACTIVE]");
    if (*function && ((*function)->empty() || (*function)->size() > 2048)) return validation_error("authorizerFunctionArn is not valid");
    out.function_arn = *function;
    out.token_key_name = *token_key;
    out.signing_keys = std::move(*keys);
    if (*status) out.active = **status == "ACTIVE";
    out.signing_disabled = *disabled;
    out.caching = *caching;
    return out;
}

void apply(const Members& members, CustomAuthorizer& one) {
    one.function_arn = members.function_arn.value_or(one.function_arn);
    one.token_key_name = members.token_key_name.value_or(one.token_key_name);
    if (members.signing_keys) one.signing_keys = *members.signing_keys;
    one.active = members.active.value_or(one.active);
    one.caching_for_http = members.caching.value_or(one.caching_for_http);
}

Result<void> check_whole(const CustomAuthorizer& one) {
    if (one.function_arn.empty()) return missing_member("authorizerFunctionArn");
    if (one.signing_disabled) return {};
    if (one.token_key_name.empty() || one.signing_keys.empty())
        return validation_error("tokenKeyName and tokenSigningPublicKeys are required unless signingDisabled is true");
    return {};
}

Result<void> check_active(const DeviceAccessState& state) {
    const auto active =
        std::count_if(state.authorizers.begin(), state.authorizers.end(), [](const auto& entry) { return entry.second.active; });
    if (active > static_cast<std::ptrdiff_t>(active_max))
        return Error(registry::Errc::limit_exceeded, "The account has the maximum number of active authorizers (32)");
    return {};
}

json names(const Services& services, const std::string& name) {
    return {{"authorizerName", name}, {"authorizerArn", services.rooms.arns.iot("authorizer/" + name)}};
}

asio::awaitable<Outcome> create_authorizer(const Services& services, const Call& call) {
    CustomAuthorizer fresh;
    fresh.name = call.label("authorizerName");
    if (!fits(fresh.name, 128, "_=,@-"))
        co_return constraint_error(fresh.name.substr(0, 200), "authorizerName",
                                   "Member must satisfy regular expression pattern: [\\w=,@-]+");
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    const auto members = read_members(*body);
    if (!members) co_return members.error();
    apply(*members, fresh);
    auto tags = new_tags(*body);
    if (!tags) co_return tags.error();
    fresh.signing_disabled = members->signing_disabled.value_or(false);
    fresh.created_at = fresh.modified_at = services.rooms.clock.now();
    if (auto whole = check_whole(fresh); !whole) co_return whole.error();
    Edit edit = [fresh](DeviceAccessState& state) -> Result<void> {
        if (state.authorizers.contains(fresh.name))
            return Error(registry::Errc::resource_already_exists, "Authorizer " + fresh.name + " already exists");
        if (state.authorizers.size() >= authorizers_max)
            return Error(registry::Errc::limit_exceeded, "The account has the maximum number of authorizers (100)");
        state.authorizers.emplace(fresh.name, fresh);
        return check_active(state);
    };
    const auto done = co_await services.rooms.access.change(std::move(edit));
    if (!done && done.error().code == registry::Errc::resource_already_exists) {
        co_return error_response(Family::control, done.error(), call.request_id,
                                 {{"resourceId", fresh.name}, {"resourceArn", services.rooms.arns.iot("authorizer/" + fresh.name)}});
    }
    if (!done) co_return done.error();
    const auto tagged = co_await tag_new_resource(services, services.rooms.arns.iot("authorizer/" + fresh.name), std::move(*tags));
    if (!tagged) co_return tagged.error();
    co_return json_response(names(services, fresh.name));
}

json description(const Services& services, const CustomAuthorizer& one) {
    json out = names(services, one.name);
    out["authorizerFunctionArn"] = one.function_arn;
    if (!one.token_key_name.empty()) out["tokenKeyName"] = one.token_key_name;
    if (!one.signing_keys.empty()) out["tokenSigningPublicKeys"] = one.signing_keys;
    out["status"] = one.active ? "ACTIVE" : "INACTIVE";
    out["creationDate"] = epoch_seconds(one.created_at);
    out["lastModifiedDate"] = epoch_seconds(one.modified_at);
    out["signingDisabled"] = one.signing_disabled;
    out["enableCachingForHttp"] = one.caching_for_http;
    return out;
}

asio::awaitable<Outcome> describe_authorizer(const Services& services, const Call& call) {
    const auto state = services.rooms.access.state();
    const auto found = state->authorizers.find(call.label("authorizerName"));
    if (found == state->authorizers.end()) co_return not_found(call.label("authorizerName"));
    co_return json_response({{"authorizerDescription", description(services, found->second)}});
}

asio::awaitable<Outcome> update_authorizer(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    const auto members = read_members(*body);
    if (!members) co_return members.error();
    const std::string& name = call.label("authorizerName");
    Edit edit = [name, members = *members, now = services.rooms.clock.now()](DeviceAccessState& state) -> Result<void> {
        const auto found = state.authorizers.find(name);
        if (found == state.authorizers.end()) return not_found(name);
        apply(members, found->second);
        found->second.modified_at = now;
        if (auto whole = check_whole(found->second); !whole) return whole;
        if (!found->second.active && state.default_authorizer == name)
            return Error(registry::Errc::invalid_request, "The default authorizer cannot be deactivated");
        return check_active(state);
    };
    const auto done = co_await services.rooms.access.change(std::move(edit));
    if (!done) co_return done.error();
    co_return json_response(names(services, name));
}

asio::awaitable<Outcome> delete_authorizer(const Services& services, const Call& call) {
    Edit edit = [name = call.label("authorizerName")](DeviceAccessState& state) -> Result<void> {
        const auto found = state.authorizers.find(name);
        if (found == state.authorizers.end()) return not_found(name);
        if (state.default_authorizer == name)
            return Error(registry::Errc::delete_conflict, "The authorizer " + name + " is the default authorizer");
        if (found->second.active)
            return Error(registry::Errc::delete_conflict, "The authorizer " + name + " must be INACTIVE before it is deleted");
        state.authorizers.erase(found);
        return {};
    };
    const auto done = co_await services.rooms.access.change(std::move(edit));
    if (!done) co_return done.error();
    co_await forget_tags(services, services.rooms.arns.iot("authorizer/" + call.label("authorizerName")));
    co_return empty_response();
}

asio::awaitable<Outcome> list_authorizers(const Services& services, const Call& call) {
    const auto limit = query_integer(call, "pageSize", 1, page_max);
    if (!limit) co_return limit.error();
    const auto ascending = query_bool(call, "isAscendingOrder", false);
    if (!ascending) co_return ascending.error();
    const std::string* status = call.query_value("status");
    if (status != nullptr && *status != "ACTIVE" && *status != "INACTIVE")
        co_return constraint_error(*status, "status", "Member must satisfy enum value set: [ACTIVE, INACTIVE]");
    const auto state = services.rooms.access.state();
    std::vector<const CustomAuthorizer*> all;
    for (const auto& [name, one] : state->authorizers) {
        if (status == nullptr || (*status == "ACTIVE") == one.active) all.push_back(&one);
    }
    std::sort(all.begin(), all.end(), [&](const CustomAuthorizer* a, const CustomAuthorizer* b) {
        const auto left = std::tie(a->created_at, a->name), right = std::tie(b->created_at, b->name);
        return *ascending ? left < right : right < left;
    });
    const auto part = slice(call.query_value("marker"), all.size(), static_cast<std::size_t>(limit->value_or(default_page)));
    if (!part) co_return part.error();
    json items = json::array();
    for (std::size_t i = part->begin; i < part->end; ++i) items.push_back(names(services, all[i]->name));
    json out{{"authorizers", std::move(items)}};
    if (part->next) out["nextMarker"] = *part->next;
    co_return json_response(out);
}

asio::awaitable<Outcome> set_default_authorizer(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    const auto name = required_string(*body, "authorizerName");
    if (!name) co_return name.error();
    Edit edit = [name = *name](DeviceAccessState& state) -> Result<void> {
        const auto found = state.authorizers.find(name);
        if (found == state.authorizers.end()) return not_found(name);
        if (!found->second.active) return Error(registry::Errc::invalid_request, "The authorizer " + name + " is INACTIVE");
        if (!state.default_authorizer.empty() && state.default_authorizer != name)
            return Error(registry::Errc::resource_already_exists, "There is already a default authorizer: " + state.default_authorizer);
        state.default_authorizer = name;
        return {};
    };
    const auto done = co_await services.rooms.access.change(std::move(edit));
    if (!done) co_return done.error();
    co_return json_response(names(services, *name));
}

asio::awaitable<Outcome> describe_default_authorizer(const Services& services, const Call&) {
    const auto state = services.rooms.access.state();
    const auto found = state->authorizers.find(state->default_authorizer);
    if (found == state->authorizers.end()) co_return Error(registry::Errc::resource_not_found, "There is no default authorizer");
    co_return json_response({{"authorizerDescription", description(services, found->second)}});
}

asio::awaitable<Outcome> clear_default_authorizer(const Services& services, const Call&) {
    Edit edit = [](DeviceAccessState& state) -> Result<void> {
        if (state.default_authorizer.empty()) return Error(registry::Errc::resource_not_found, "There is no default authorizer");
        state.default_authorizer.clear();
        return {};
    };
    const auto done = co_await services.rooms.access.change(std::move(edit));
    if (!done) co_return done.error();
    co_return empty_response();
}

/// The contexts of a test call as what a client would have given.
Result<CustomCredentials> read_test(const json& body) {
    CustomCredentials out;
    auto token = optional_string(body, "token");
    if (!token) return token.error();
    auto signature = optional_string(body, "tokenSignature");
    if (!signature) return signature.error();
    out.token = token->value_or("");
    out.token_signature = signature->value_or("");
    if (const json* http = find_member(body, "httpContext")) {
        if (!http->is_object()) return validation_error("httpContext must be an object");
        if (const json* headers = find_member(*http, "headers")) {
            if (!headers->is_object()) return validation_error("headers must be an object");
            for (const auto& [name, value] : headers->items()) {
                if (!value.is_string()) return validation_error("header " + name + " must be a string");
                out.headers.emplace_back(name, value.get<std::string>());
            }
        }
        auto query = optional_string(*http, "queryString");
        if (!query) return query.error();
        out.query_string = query->value_or("");
    }
    if (const json* mqtt = find_member(body, "mqttContext")) {
        if (!mqtt->is_object()) return validation_error("mqttContext must be an object");
        out.over_mqtt = true;
        for (const auto& [member, target] :
             {std::pair("username", &out.user_name), std::pair("password", &out.password), std::pair("clientId", &out.client_id)}) {
            auto value = optional_string(*mqtt, member);
            if (!value) return value.error();
            *target = value->value_or("");
        }
        auto password = base64_decode(out.password);  // a blob
        if (!password) return validation_error("password must be base64");
        out.password = std::move(*password);
    }
    if (const json* tls = find_member(body, "tlsContext")) {
        if (!tls->is_object()) return validation_error("tlsContext must be an object");
        auto name = optional_string(*tls, "serverName");
        if (!name) return name.error();
        out.server_name = name->value_or("");
    }
    return out;
}

asio::awaitable<Outcome> test_invoke_authorizer(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    const auto credentials = read_test(*body);
    if (!credentials) co_return credentials.error();
    const auto state = services.rooms.access.state();
    const auto found = state->authorizers.find(call.label("authorizerName"));
    if (found == state->authorizers.end()) co_return not_found(call.label("authorizerName"));
    const CustomAuthorizer& one = found->second;
    const bool signature_fits = registry::token_signature_fits(one, credentials->token, credentials->token_signature);
    if (!one.signing_disabled && !signature_fits)
        co_return Error(registry::Errc::invalid_request, "The token's signature does not fit the authorizer's public keys");
    std::string event = registry::authorizer_event(*credentials, signature_fits, services.rooms.random.uuid());
    const auto payload = co_await registry::call_in_time(services.rooms.functions, one.function_arn, std::move(event));
    if (!payload) co_return Error(registry::Errc::invalid_response, payload.error().message);
    const auto answer = registry::read_authorizer_answer(*payload);
    if (!answer) co_return answer.error();
    json out{{"isAuthenticated", answer->is_authenticated}, {"policyDocuments", answer->policy_documents}};
    if (!answer->principal_id.empty()) out["principalId"] = answer->principal_id;
    if (answer->refresh_after_s) out["refreshAfterInSeconds"] = *answer->refresh_after_s;
    if (answer->disconnect_after_s) out["disconnectAfterInSeconds"] = *answer->disconnect_after_s;
    co_return json_response(out);
}

constexpr std::array operations{
    Operation{"CreateAuthorizer", "POST", "/authorizer/{authorizerName}", create_authorizer},
    Operation{"DescribeAuthorizer", "GET", "/authorizer/{authorizerName}", describe_authorizer},
    Operation{"UpdateAuthorizer", "PUT", "/authorizer/{authorizerName}", update_authorizer},
    Operation{"DeleteAuthorizer", "DELETE", "/authorizer/{authorizerName}", delete_authorizer},
    Operation{"ListAuthorizers", "GET", "/authorizers/", list_authorizers},
    Operation{"SetDefaultAuthorizer", "POST", "/default-authorizer", set_default_authorizer},
    Operation{"DescribeDefaultAuthorizer", "GET", "/default-authorizer", describe_default_authorizer},
    Operation{"ClearDefaultAuthorizer", "DELETE", "/default-authorizer", clear_default_authorizer},
    Operation{"TestInvokeAuthorizer", "POST", "/authorizer/{authorizerName}/test", test_invoke_authorizer},
};

}  // namespace

std::span<const Operation> iot_authorizers_operations() {
    return operations;
}

}  // namespace fogbank::api
