/// The HTTPS data plane: Publish. Source: AWS IoT Data Plane API reference (reference "broker", section 5).
#include <algorithm>
#include <array>
#include <boost/asio/this_coro.hpp>
#include <nlohmann/json.hpp>

#include "api/callback.h"
#include "api/members.h"
#include "common/encoding.h"
#include "common/json.h"
#include "common/message.h"
#include "common/topic.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

/// How long an HTTP publish at QoS 1 waits for its subscribers to be durable; well under the clients' 60 s read timeout.
constexpr std::chrono::seconds publish_deadline{30};
constexpr std::size_t user_properties_bytes_max = 8 * 1024;  // the header section is bounded as well

struct PublishRequest {
    std::string topic;
    Qos qos = Qos::at_most_once;
    bool retain = false;
    std::unique_ptr<MessageProperties> properties;
};

TopicLimits topic_limits(const Quotas& quotas) {
    return TopicLimits{quotas.bytes(Quota::topic_bytes), quotas.bytes(Quota::topic_slashes)};
}

Error bad_user_properties() {
    return validation_error("userProperties must be a base64-encoded JSON array of objects with one string member each");
}

/// The header holds base64 of a JSON array of one-member objects, or of a JSON string that holds such an array (boto3 given a str does
/// that).
Result<void> read_user_properties(std::string_view header, MessageProperties& out) {
    const auto text = base64_decode(header);
    if (!text) return bad_user_properties();
    auto list = parse_json(*text, JsonLimits{user_properties_bytes_max, 4});
    if (list && list->is_string()) list = parse_json(list->get<std::string>(), JsonLimits{user_properties_bytes_max, 4});
    if (!list || !list->is_array()) return bad_user_properties();
    for (const json& entry : *list) {
        if (!entry.is_object() || entry.size() != 1 || !entry.begin()->is_string()) return bad_user_properties();
        out.user_properties.emplace_back(entry.begin().key(), entry.begin()->get<std::string>());
    }
    return {};
}

Result<void> read_format_indicator(std::string_view header, MessageProperties& out) {
    if (header == "UTF8_DATA") {
        out.payload_format_indicator = 1;
    } else if (header == "UNSPECIFIED_BYTES") {
        out.payload_format_indicator = 0;
    } else {
        return constraint_error(std::string(header), "payloadFormatIndicator",
                                "Member must satisfy enum value set: [UNSPECIFIED_BYTES, UTF8_DATA]");
    }
    return {};
}

/// Nothing if the request carries no MQTT 5 property.
Result<std::unique_ptr<MessageProperties>> read_properties(const Call& call, const TopicLimits& limits, const Quotas& quotas) {
    const std::int64_t expiry_min = quotas[Quota::message_expiry_s_min];
    const std::int64_t expiry_max = quotas[Quota::message_expiry_s_max];
    auto out = std::make_unique<MessageProperties>();
    bool any = false;
    if (const auto* text = call.query_value("contentType")) any = true, out->content_type = *text;
    if (const auto* text = call.query_value("responseTopic")) {
        any = true;
        if (const auto valid = validate_topic_name(*text, limits); !valid)
            return validation_error("responseTopic: " + valid.error().message);
        out->response_topic = *text;
    }
    const auto expiry = query_integer(call, "messageExpiry", 0, UINT32_MAX);
    if (!expiry) return expiry.error();
    if (*expiry) any = true, out->message_expiry_interval_s = static_cast<std::uint32_t>(std::clamp(**expiry, expiry_min, expiry_max));
    if (const auto header = call.request.header("x-amz-mqtt5-correlation-data")) {
        auto bytes = base64_decode(*header);
        if (!bytes) return validation_error("correlationData must be base64");
        any = true, out->correlation_data = std::move(*bytes);
    }
    if (const auto header = call.request.header("x-amz-mqtt5-payload-format-indicator")) {
        any = true;
        if (const auto read = read_format_indicator(*header, *out); !read) return read.error();
    }
    if (const auto header = call.request.header("x-amz-mqtt5-user-properties")) {
        any = true;
        if (const auto read = read_user_properties(*header, *out); !read) return read.error();
    }
    if (!any) return std::unique_ptr<MessageProperties>();
    return out;
}

Result<PublishRequest> read_publish(const Services& services, const Call& call) {
    const Quotas& quotas = services.rooms.quotas;
    PublishRequest out;
    out.topic = call.label("topic");
    if (const auto valid = validate_topic_name(out.topic, topic_limits(quotas)); !valid) return validation_error(valid.error().message);
    const auto qos = query_integer(call, "qos", 0, 1);
    if (!qos) return qos.error();
    out.qos = static_cast<Qos>(qos->value_or(0));
    const auto retain = query_bool(call, "retain", false);
    if (!retain) return retain.error();
    out.retain = *retain;
    if (out.retain && out.topic.starts_with('$')) return validation_error("messages on reserved topics cannot be retained");
    if (call.request.body.size() > quotas.bytes(Quota::mqtt_payload_bytes)) {
        return Error(Errc::body_too_large, "the payload has " + std::to_string(call.request.body.size()) + " bytes, at most " +
                                               std::to_string(quotas.bytes(Quota::mqtt_payload_bytes)) + " are allowed");
    }
    auto properties = read_properties(call, topic_limits(quotas), quotas);
    if (!properties) return properties.error();
    out.properties = std::move(*properties);
    return out;
}

Result<void> authorize(const Call& call, const PublishRequest& request) {
    if (call.permissions == nullptr) return {};
    if (!call.permissions->allows(IotAction::publish, request.topic)) {
        return Error(Errc::forbidden, call.permissions->explain(IotAction::publish, request.topic).reason);
    }
    if (request.retain && !call.permissions->allows(IotAction::retain_publish, request.topic)) {
        return Error(Errc::forbidden, call.permissions->explain(IotAction::retain_publish, request.topic).reason);
    }
    return {};
}

MessagePtr make_message(const Services& services, const Call& call, PublishRequest& request) {
    auto origin = std::make_shared<MessageOrigin>();
    origin->protocol = MessageOrigin::Protocol::http;
    origin->principal_id = call.principal.id;
    origin->source_ip = call.request.remote_ip;
    Message::Options options;
    options.topic_name = request.topic;
    options.payload = call.request.body;
    options.qos = request.qos;
    options.retain = request.retain;
    options.origin = std::move(origin);
    options.received_at = services.rooms.clock.now();
    options.properties = std::move(request.properties);
    return Message::create(std::move(options));
}

asio::awaitable<Outcome> publish(const Services& services, const Call& call) {
    auto request = read_publish(services, call);
    if (!request) co_return request.error();
    if (const auto allowed = authorize(call, *request); !allowed) co_return allowed.error();
    MessagePtr message = make_message(services, call, *request);
    if (request->qos == Qos::at_most_once) {
        services.rooms.publisher.publish(std::move(message), {});
    } else {
        UniqueFunction<void(Callback)> start = [&services, message = std::move(message)](Callback done) mutable {
            services.rooms.publisher.publish(std::move(message), std::move(done));
        };
        const auto durable = co_await wait_for_callback(std::move(start), publish_deadline);
        if (!durable) co_return Error(Errc::unavailable, durable.error().message);
    }
    co_return json_response({{"message", "OK"}, {"traceId", call.request_id}});
}

constexpr std::array operations{Operation{"Publish", "POST", "/topics/{topic+}", publish}};

}  // namespace

std::span<const Operation> iot_data_operations() {
    return operations;
}

}  // namespace fogbank::api
