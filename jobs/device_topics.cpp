// The reserved topics `$aws/things/<thing>/jobs/…`. Source: AWS IoT Core Developer Guide, "Jobs device MQTT API".
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "common/json.h"
#include "jobs/detail/service.h"

namespace fogbank::jobs::detail {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr std::array request_filters{"$aws/things/+/jobs/get", "$aws/things/+/jobs/start-next", "$aws/things/+/jobs/+/get",
                                     "$aws/things/+/jobs/+/update"};
constexpr std::size_t client_token_bytes_max = 64, body_bytes_max = 128 * 1024;

std::optional<DeviceRequest> parse_topic(std::string_view topic) {
    constexpr std::string_view prefix = "$aws/things/";
    if (!topic.starts_with(prefix)) return std::nullopt;
    topic.remove_prefix(prefix.size());
    const std::size_t slash = topic.find('/');
    if (slash == std::string_view::npos || !topic.substr(slash).starts_with("/jobs/")) return std::nullopt;
    DeviceRequest out;
    out.thing = ThingName(topic.substr(0, slash));
    topic.remove_prefix(slash + 6);
    if (topic == "get" || topic == "start-next") {
        out.operation = topic == "get" ? DeviceOperation::get_pending : DeviceOperation::start_next;
        return out;
    }
    const std::size_t end = topic.find('/');
    if (end == std::string_view::npos) return std::nullopt;
    out.job_id = topic.substr(0, end);
    const std::string_view operation = topic.substr(end + 1);
    if (operation != "get" && operation != "update") return std::nullopt;
    out.operation = operation == "get" ? DeviceOperation::describe : DeviceOperation::update;
    return out;
}

std::string_view code_name(const boost::system::error_code& code) {
    if (code == Errc::invalid_request) return "InvalidRequest";
    if (code == Errc::not_found) return "ResourceNotFound";
    if (code == Errc::invalid_state_transition) return "InvalidStateTransition";
    if (code == Errc::version_conflict) return "VersionMismatch";
    if (code == Errc::terminal_state) return "TerminalStateReached";
    return "InternalError";
}

/// Nothing if the payload is not JSON; the token if it is readable.
struct Payload {
    bool is_json = true;
    std::optional<std::string> client_token;
};
Payload read_payload(std::string_view payload) {
    Payload out;
    if (payload.empty()) return out;
    const auto parsed = parse_json(payload, JsonLimits{body_bytes_max, 32});
    out.is_json = parsed.has_value() && parsed->is_object();
    if (!out.is_json) return out;
    const std::string token = json_string(*parsed, "clientToken");
    if (!token.empty() && token.size() <= client_token_bytes_max) out.client_token = token;
    return out;
}

}  // namespace

void Ear::deliver(const MessagePtr& message, const SubscriptionOptions&, PublishContext& context) {
    if (Service* service = service_.load()) service->hear(message, context);
}

Service::Service(Dependencies dependencies)
    : dependencies_(std::move(dependencies)),
      origin_(std::make_shared<const MessageOrigin>()),
      ear_(std::make_shared<Ear>(*this)),
      timer_(dependencies_.shards[0].io()) {
    SubscriptionOptions options;
    options.qos = Qos::at_least_once;
    for (const char* filter : request_filters) dependencies_.topics.subscribe(filter, ear_, options);
    asio::co_spawn(dependencies_.shards[0].io(), tick(), asio::detached);
}

void Service::stop() {
    if (stopped_.exchange(true)) return;
    for (const char* filter : request_filters) dependencies_.topics.unsubscribe(filter, *ear_);
    ear_->close();
    dependencies_.shards[0].post([this] { timer_.cancel(); });
}

void Service::hear(const MessagePtr& message, PublishContext& context) {
    if (message->origin().last_will) return;
    auto request = parse_topic(message->topic_name());
    if (!request) return;
    Shard* shard = Shard::current();
    Payload payload = read_payload(message->payload());
    std::string topic(message->topic_name());
    if (!payload.is_json || shard == nullptr) {
        const json rejected{{"code", "InvalidJson"}, {"message", "The payload is not a JSON object"}, {"timestamp", now_ms() / 1000}};
        return publish(topic + "/rejected", rejected.dump());
    }
    request->body = message->payload();
    asio::co_spawn(shard->io(), answer(std::move(*request), std::move(topic), std::move(payload.client_token), context.hold()),
                   asio::detached);
}

/// The hold goes when the answer is published: a QoS 1 request is acknowledged after its change is committed.
asio::awaitable<void> Service::answer(DeviceRequest request, std::string topic, std::optional<std::string> client_token, Hold hold) {
    const DeviceAnswer made = co_await device_request(std::move(request));
    json out;
    if (made.body) {
        out = json::parse(*made.body);
    } else {
        out = {{"code", code_name(made.body.error().code)}, {"message", made.body.error().message}};
        if (!made.state_json.empty()) out["executionState"] = json::parse(made.state_json);
    }
    out["timestamp"] = now_ms() / 1000;
    if (client_token) out["clientToken"] = *client_token;
    publish(topic + (made.body ? "/accepted" : "/rejected"), out.dump());
    hold = Hold();
}

}  // namespace fogbank::jobs::detail
