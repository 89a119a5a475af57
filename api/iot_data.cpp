/// The HTTPS data plane: Publish. Source: AWS IoT Data Plane API reference (reference "broker", section 5).
#include <array>
#include <boost/asio/this_coro.hpp>
#include <nlohmann/json.hpp>

#include "api/callback.h"
#include "api/members.h"
#include "api/message_properties.h"
#include "common/message.h"
#include "common/topic.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

/// How long an HTTP publish at QoS 1 waits for its subscribers to be durable; well under the clients' 60 s read timeout.
constexpr std::chrono::seconds publish_deadline{30};

struct PublishRequest {
    std::string topic;
    Qos qos = Qos::at_most_once;
    bool retain = false;
    std::unique_ptr<MessageProperties> properties;
};

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
    auto properties = read_message_properties(call, quotas);
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
