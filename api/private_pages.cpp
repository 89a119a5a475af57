#include "api/private_pages.h"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "api/answer.h"
#include "api/members.h"
#include "common/activity_feed.h"
#include "registry/authorization.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr std::string_view activity_path = "/_fogbank/activity";
constexpr std::string_view stream_path = "/_fogbank/activity/stream";
constexpr std::string_view explain_path = "/_fogbank/explain";
constexpr std::int64_t limit_max = 1000;
constexpr std::int64_t limit_default = 100;
constexpr std::size_t piece_entries_max = 100;
/// How soon an entry is sent, and how often a stop is noticed.
constexpr std::chrono::milliseconds poll_interval{200};
/// So that a reader that has gone is noticed, and proxies keep the connection.
constexpr std::chrono::seconds heartbeat_interval{10};

constexpr std::array actions{
    IotAction::connect,
    IotAction::publish,
    IotAction::retain_publish,
    IotAction::subscribe,
    IotAction::receive,
    IotAction::get_thing_shadow,
    IotAction::update_thing_shadow,
    IotAction::delete_thing_shadow,
    IotAction::list_named_shadows_for_thing,
    IotAction::get_retained_message,
    IotAction::list_retained_messages,
    IotAction::assume_role_with_certificate,
};

json entry_json(const ActivityEntry& entry) {
    const Activity& activity = entry.activity;
    json out{{"number", entry.number}, {"timestamp", activity.at.time_since_epoch().count()}, {"kind", activity.kind}};
    const std::array<std::pair<const char*, const std::string*>, 5> members{{{"clientId", &activity.client_id},
                                                                             {"thingName", &activity.thing_name},
                                                                             {"principalId", &activity.principal_id},
                                                                             {"topic", &activity.topic},
                                                                             {"detail", &activity.detail}}};
    for (const auto& [name, value] : members) {
        if (!value->empty()) out[name] = *value;
    }
    return out;
}

std::string text(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// The feed from a number on, as server-sent events. Source: WHATWG HTML, "Server-sent events".
class ActivityStream final : public ResponseStream {
  public:
    ActivityStream(const ActivityFeed& feed, ActivityFilter filter, std::uint64_t after)
        : feed_(feed), filter_(std::move(filter)), seen_(after) {}

    asio::awaitable<std::string> next() override {
        std::string out = take();
        if (!out.empty() || std::exchange(first_, false)) co_return out.empty() ? ": this is the activity feed\n\n" : out;
        asio::steady_timer timer(co_await asio::this_coro::executor, poll_interval);
        const auto [error] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
        static_cast<void>(error);
        out = take();
        const auto now = std::chrono::steady_clock::now();
        if (!out.empty()) last_sent_ = now;
        if (out.empty() && now - last_sent_ > heartbeat_interval) {
            last_sent_ = now;
            out = ":\n\n";
        }
        co_return out;
    }

  private:
    std::string take() {
        std::string out;
        const auto entries = feed_.after(seen_, filter_, piece_entries_max);
        for (const ActivityEntry& entry : entries) {
            out += "id: " + std::to_string(entry.number) + "\nevent: " + std::string(entry.activity.kind) +
                   "\ndata: " + text(entry_json(entry)) + "\n\n";
        }
        if (!entries.empty()) seen_ = entries.back().number;
        return out;
    }

    const ActivityFeed& feed_;
    ActivityFilter filter_;
    std::uint64_t seen_;
    bool first_ = true;
    std::chrono::steady_clock::time_point last_sent_ = std::chrono::steady_clock::now();
};

ActivityFilter read_filter(const Call& call) {
    ActivityFilter filter;
    if (const auto* client = call.query_value("client"); client != nullptr) filter.client_id = *client;
    if (const auto* thing = call.query_value("thing"); thing != nullptr) filter.thing_name = *thing;
    if (const auto* kind = call.query_value("kind"); kind != nullptr) filter.kind = *kind;
    return filter;
}

Outcome activity(const Services& services, const Call& call) {
    const auto limit = query_integer(call, "limit", 1, limit_max);
    if (!limit) return limit.error();
    json list = json::array();
    const auto wanted = static_cast<std::size_t>(limit->value_or(limit_default));
    for (const ActivityEntry& entry : services.rooms.activity->newest(read_filter(call), wanted)) list.push_back(entry_json(entry));
    return json_response({{"activities", std::move(list)}});
}

Outcome stream(const Services& services, const Call& call) {
    std::uint64_t after = services.rooms.activity->last_number();
    if (const auto last = call.request.header("last-event-id"); last && last->size() < 20) {
        const bool digits = !last->empty() && last->find_first_not_of("0123456789") == std::string_view::npos;
        if (digits) after = std::min<std::uint64_t>(after, std::stoull(std::string(*last)));
    }
    Response response;
    response.content_type = "text/event-stream";
    response.headers.emplace_back("Cache-Control", "no-store");
    response.stream = std::make_shared<ActivityStream>(*services.rooms.activity, read_filter(call), after);
    return response;
}

Result<registry::ExplainRequest> read_explain(const Call& call) {
    registry::ExplainRequest request;
    if (const auto* thing = call.query_value("thing"); thing != nullptr) request.thing = ThingName(*thing);
    if (const auto* principal = call.query_value("principal"); principal != nullptr) request.principal = *principal;
    if (const auto* client = call.query_value("client"); client != nullptr) request.client_id = ClientId(*client);
    if (const auto* resource = call.query_value("resource"); resource != nullptr) request.resource_name = *resource;
    if (request.thing.empty() && request.principal.empty()) return missing_member("thing");
    const auto* action = call.query_value("action");
    if (action == nullptr) return missing_member("action");
    const auto known = std::find_if(actions.begin(), actions.end(), [&](IotAction one) { return iot_action_name(one) == *action; });
    if (known == actions.end()) return constraint_error(*action, "action", "Member must be an action of IoT policies, as iot:Publish");
    request.action = *known;
    if (request.action == IotAction::connect && request.resource_name.empty()) {
        request.resource_name = request.client_id.empty() ? request.thing.str() : request.client_id.str();
    }
    return request;
}

std::string_view decision_name(AccessDecision::Outcome outcome) {
    switch (outcome) {
        case AccessDecision::Outcome::allowed:
            return "ALLOWED";
        case AccessDecision::Outcome::explicit_deny:
            return "EXPLICIT_DENY";
        case AccessDecision::Outcome::implicit_deny:
            break;
    }
    return "IMPLICIT_DENY";
}

asio::awaitable<Outcome> explain(const Services& services, const Call& call) {
    auto request = read_explain(call);
    if (!request) co_return request.error();
    const auto found = co_await services.rooms.registry.authorization().explain(std::move(*request));
    if (!found) co_return found.error();
    json list = json::array();
    for (const auto& one : *found) {
        list.push_back({{"principal", one.principal}, {"decision", decision_name(one.decision.outcome)}, {"reason", one.decision.reason}});
    }
    co_return json_response({{"decisions", std::move(list)}});
}

Result<void> may_read(const Call& call, const CallerAccess* access) {
    if (access == nullptr) return {};
    AccessRequest request;
    request.action = call.request.path == explain_path ? "fogbank:Explain" : "fogbank:ReadActivity";
    request.resource = "*";
    const AccessDecision decision = access->check(request);
    if (!decision.allowed()) return Error(Errc::forbidden, decision.reason);
    return {};
}

}  // namespace

bool is_private_page(std::string_view path) {
    return path == activity_path || path == stream_path || path == explain_path;
}

asio::awaitable<Response> private_page(const Services& services, Request request, std::string request_id, const CallerAccess* access) {
    auto query = parse_query(request.query).value_or(QueryParameters());  // the verification refused what cannot be parsed
    Call call(std::move(request), std::move(query));
    Outcome outcome(Error(Errc::method_not_allowed, "this page is read with GET"));
    const auto allowed = may_read(call, access);
    if (!allowed) outcome = allowed.error();
    if (allowed && call.request.method == "GET") {
        const bool no_feed = services.rooms.activity == nullptr && call.request.path != explain_path;
        if (no_feed) outcome = Error(Errc::unavailable, "this server keeps no activity feed");
        if (!no_feed && call.request.path == activity_path) outcome = activity(services, call);
        if (!no_feed && call.request.path == stream_path) outcome = stream(services, call);
        if (call.request.path == explain_path) outcome = co_await explain(services, call);
    }
    Response response = outcome ? std::move(*outcome) : error_response(Family::control, outcome.error(), request_id);
    response.headers.emplace_back("x-amzn-RequestId", request_id);
    co_return response;
}

}  // namespace fogbank::api
