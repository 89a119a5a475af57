/// Device shadows over REST. Source: AWS IoT Data Plane API reference; AWS IoT Core Developer Guide, "Device Shadow REST API" (reference
/// "shadow", section 9).
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "api/members.h"
#include "shadow/rejection.h"
#include "shadow/shadow_service.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr std::int64_t page_size_default = 25, page_size_max = 100;

Result<shadow::ShadowName> read_name(const Call& call) {
    shadow::ShadowName out;
    out.thing = ThingName(call.label("thingName"));
    if (const std::string* name = call.query_value("name")) {
        if (name->empty()) return constraint_error(*name, "shadowName", "Member must have length greater than or equal to 1");
        out.shadow = *name;
    }
    if (auto valid = shadow::validate(out); !valid) return valid.error();
    return out;
}

/// AWS's pages name `thing/<thing>` as the resource of a named shadow, its authorization tables `thing/<thing>/<shadow>`: either may allow,
/// either may deny.
Result<void> authorize(const Call& call, IotAction action, const shadow::ShadowName& name) {
    if (call.permissions == nullptr) return {};
    std::vector<std::string> resources{name.thing.str()};
    if (!name.shadow.empty()) resources.push_back(name.thing.str() + "/" + name.shadow);
    const bool clear = std::all_of(resources.begin(), resources.end(),
                                   [&](const std::string& resource) { return call.permissions->allows(action, resource); });
    if (clear) return {};
    bool allowed = false;
    AccessDecision refusal;
    for (const std::string& resource : resources) {
        AccessDecision decision = call.permissions->explain(action, resource);
        if (decision.outcome == AccessDecision::Outcome::explicit_deny) return Error(Errc::forbidden, decision.reason);
        if (decision.allowed()) allowed = true;
        refusal = std::move(decision);
    }
    if (allowed) return {};
    return Error(Errc::forbidden, refusal.reason);
}

/// The error response document of the shadow service (`code`, `message`, `clientToken`) with what every data-plane error carries.
Response rejection(const Call& call, const shadow::Answer& answer) {
    Response response = error_response(Family::data, answer.document.error(), call.request_id);
    auto body = json::parse(response.body);
    body["code"] = response.status;
    if (answer.client_token) body["clientToken"] = *answer.client_token;
    response.body = body.dump();
    return response;
}

std::shared_ptr<const MessageOrigin> origin_of(const Call& call) {
    auto origin = std::make_shared<MessageOrigin>();
    origin->protocol = MessageOrigin::Protocol::http;
    origin->principal_id = call.principal.id;
    origin->source_ip = call.request.remote_ip;
    return origin;
}

asio::awaitable<Outcome> run(const Services& services, const Call& call, IotAction action, shadow::Operation operation) {
    auto name = read_name(call);
    if (!name) co_return name.error();
    if (const auto allowed = authorize(call, action, *name); !allowed) co_return allowed.error();
    std::string payload = operation == shadow::Operation::update ? call.request.body : std::string();
    auto origin = origin_of(call);
    const shadow::Answer answer =
        co_await services.rooms.shadows->request(std::move(*name), operation, std::move(payload), std::move(origin));
    if (!answer.document) co_return rejection(call, answer);
    Response response(200);
    response.content_type = "application/json";
    response.body = *answer.document;
    co_return response;
}

asio::awaitable<Outcome> get_shadow(const Services& services, const Call& call) {
    return run(services, call, IotAction::get_thing_shadow, shadow::Operation::get);
}
asio::awaitable<Outcome> update_shadow(const Services& services, const Call& call) {
    return run(services, call, IotAction::update_thing_shadow, shadow::Operation::update);
}
asio::awaitable<Outcome> delete_shadow(const Services& services, const Call& call) {
    return run(services, call, IotAction::delete_thing_shadow, shadow::Operation::remove);
}

asio::awaitable<Outcome> list_named_shadows(const Services& services, const Call& call) {
    const shadow::ShadowName name{ThingName(call.label("thingName")), std::string()};
    if (const auto valid = shadow::validate(name); !valid) co_return valid.error();
    if (const auto allowed = authorize(call, IotAction::list_named_shadows_for_thing, name); !allowed) co_return allowed.error();
    const auto page_size = query_integer(call, "pageSize", 1, page_size_max);
    if (!page_size) co_return page_size.error();
    const auto token = decode_token(call.query_value("nextToken"));
    if (!token) co_return token.error();
    const auto items_max = static_cast<std::size_t>(page_size->value_or(page_size_default));
    const auto page = co_await services.rooms.shadows->list_named(name.thing, *token, items_max);
    if (!page) co_return page.error();
    json body{{"results", page->names}, {"timestamp", static_cast<std::int64_t>(services.rooms.clock.epoch_seconds())}};
    if (page->more) body["nextToken"] = encode_token(page->names.back());
    co_return json_response(body);
}

constexpr std::array operations{
    Operation{"GetThingShadow", "GET", "/things/{thingName}/shadow", get_shadow},
    Operation{"UpdateThingShadow", "POST", "/things/{thingName}/shadow", update_shadow},
    Operation{"DeleteThingShadow", "DELETE", "/things/{thingName}/shadow", delete_shadow},
    Operation{"ListNamedShadowsForThing", "GET", "/api/things/shadow/ListNamedShadowsForThing/{thingName}", list_named_shadows},
};

}  // namespace

std::span<const Operation> iot_data_shadow_operations() {
    return operations;
}

}  // namespace fogbank::api
