/// GetRetainedMessage and ListRetainedMessages. Source: AWS IoT Data Plane API reference (reference "broker", sections 5 and 12).
#include <array>
#include <nlohmann/json.hpp>

#include "api/members.h"
#include "common/encoding.h"
#include "registry/errc.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr std::int64_t page_items_max = 200;

Result<void> authorize(const Call& call, IotAction action, const std::string& resource_name) {
    if (call.permissions == nullptr || call.permissions->allows(action, resource_name)) return {};
    return Error(Errc::forbidden, call.permissions->explain(action, resource_name).reason);
}

/// As in the request header: base64 of a JSON array of one-member objects.
json user_properties(const Message& message) {
    if (message.properties() == nullptr || message.properties()->user_properties.empty()) return nullptr;
    json list = json::array();
    for (const auto& [name, value] : message.properties()->user_properties) list.push_back(json::object({{name, value}}));
    return base64_encode(list.dump(-1, ' ', false, json::error_handler_t::replace));
}

asio::awaitable<Outcome> get_retained_message(const Services& services, const Call& call) {
    if (services.rooms.retained == nullptr) co_return Error(Errc::unavailable, "no messages are retained here");
    const std::string& topic = call.label("topic");
    if (const auto allowed = authorize(call, IotAction::get_retained_message, topic); !allowed) co_return allowed.error();
    std::string asked = topic;
    Result<MessagePtr> found = co_await services.rooms.retained->find_retained(std::move(asked));
    if (!found) co_return Error(Errc::unavailable, found.error().message);
    if (!*found) co_return Error(registry::Errc::resource_not_found, "No retained message exists for topic " + topic);
    const RetainedPage about = services.rooms.retained->list_retained(topic.substr(0, topic.size() - 1), 1);
    const Message& message = **found;
    WallTime modified = message.received_at();
    if (!about.topics.empty() && about.topics.front().topic_name == topic) modified = about.topics.front().last_modified;
    json body{{"topic", topic},
              {"payload", base64_encode(message.payload())},
              {"qos", static_cast<int>(message.qos())},
              {"lastModifiedTime", modified.time_since_epoch().count()},
              {"userProperties", user_properties(message)}};
    co_return json_response(body);
}

asio::awaitable<Outcome> list_retained_messages(const Services& services, const Call& call) {
    if (services.rooms.retained == nullptr) co_return Error(Errc::unavailable, "no messages are retained here");
    if (const auto allowed = authorize(call, IotAction::list_retained_messages, "*"); !allowed) co_return allowed.error();
    const auto asked = query_integer(call, "maxResults", 1, page_items_max);
    if (!asked) co_return asked.error();
    const auto after = decode_token(call.query_value("nextToken"));
    if (!after) co_return after.error();
    const RetainedPage page =
        services.rooms.retained->list_retained(after->value_or(""), static_cast<std::size_t>(asked->value_or(page_items_max)));
    json topics = json::array();
    for (const RetainedSummary& each : page.topics) {
        topics.push_back({{"topic", each.topic_name},
                          {"payloadSize", each.payload_bytes},
                          {"qos", static_cast<int>(each.qos)},
                          {"lastModifiedTime", each.last_modified.time_since_epoch().count()}});
    }
    json body{{"retainedTopics", std::move(topics)}};
    if (page.more) body["nextToken"] = encode_token(page.topics.back().topic_name);
    co_return json_response(body);
}

constexpr std::array operations{
    Operation{"GetRetainedMessage", "GET", "/retainedMessage/{topic+}", get_retained_message},
    Operation{"ListRetainedMessages", "GET", "/retainedMessage", list_retained_messages},
};

}  // namespace

std::span<const Operation> iot_data_retained_operations() {
    return operations;
}

}  // namespace fogbank::api
