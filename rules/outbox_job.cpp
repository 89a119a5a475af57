// Jobs as records, steps as requests (declared in rules/outbox.h).

#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "common/json.h"
#include "rules/errc.h"
#include "rules/outbox.h"

namespace fogbank::rules {
namespace {

using nlohmann::json;

json step_json(const OutboundStep& step) {
    return {{"sink", step.sink},
            {"url", step.url},
            {"method", step.method},
            {"headers", step.headers},
            {"body", base64_encode(step.body)},
            {"signService", step.sign_service},
            {"signRegion", step.sign_region},
            {"tolerated", step.tolerated},
            {"failing", step.failing}};
}

OutboundStep step_from(const json& stored) {
    OutboundStep step;
    step.sink = json_string(stored, "sink");
    step.url = json_string(stored, "url");
    step.method = json_string(stored, "method");
    step.headers = stored.value("headers", step.headers);
    step.body = base64_decode(json_string(stored, "body")).value_or("");
    step.sign_service = json_string(stored, "signService");
    step.sign_region = json_string(stored, "signRegion");
    step.tolerated = json_string(stored, "tolerated");
    step.failing = json_string(stored, "failing");
    return step;
}

json work_json(const OutboundWork& work) {
    json steps = json::array();
    for (const OutboundStep& step : work.steps) steps.push_back(step_json(step));
    json batch;
    if (work.batch)
        batch = {{"open", work.batch->open.count()},
                 {"messages", work.batch->messages_max},
                 {"bytes", work.batch->bytes_max},
                 {"acrossTopics", work.batch->across_topics}};
    return {{"batch", batch},          {"kind", static_cast<int>(work.kind)},
            {"action", work.action},   {"resource", work.resource},
            {"failure", work.failure}, {"steps", steps},
            {"kafka", work.kafka_json}};
}

OutboundWork work_from(const json& stored) {
    OutboundWork work;
    work.kind = static_cast<OutboundWork::Kind>(stored.value("kind", 0));
    work.action = json_string(stored, "action");
    work.resource = json_string(stored, "resource");
    work.failure = json_string(stored, "failure");
    work.kafka_json = json_string(stored, "kafka");
    for (const json& step : stored.value("steps", json::array())) work.steps.push_back(step_from(step));
    if (const auto batch = stored.find("batch"); batch != stored.end() && batch->is_object() && work.steps.size() == 1) {
        work.batch.emplace();
        work.batch->open = std::chrono::milliseconds(batch->value("open", work.batch->open.count()));
        work.batch->messages_max = batch->value("messages", work.batch->messages_max);
        work.batch->bytes_max = batch->value("bytes", work.batch->bytes_max);
        work.batch->across_topics = batch->value("acrossTopics", false);
    }
    return work;
}

json message_json(const Message& message) {
    const MessageOrigin& origin = message.origin();
    return {{"topic", std::string(message.topic_name())},
            {"payload", base64_encode(message.payload())},
            {"qos", static_cast<int>(message.qos())},
            {"receivedAt", message.received_at().time_since_epoch().count()},
            {"protocol", static_cast<int>(origin.protocol)},
            {"clientId", origin.client_id},
            {"principalId", origin.principal_id},
            {"sourceIp", origin.source_ip}};
}

/// MQTT 5 properties are not kept: what the actions need of them is in the requests already.
MessagePtr message_from(const json& stored) {
    auto origin = std::make_shared<MessageOrigin>();
    origin->protocol = static_cast<MessageOrigin::Protocol>(stored.value("protocol", 0));
    origin->client_id = json_string(stored, "clientId");
    origin->principal_id = json_string(stored, "principalId");
    origin->source_ip = json_string(stored, "sourceIp");
    const std::string topic = json_string(stored, "topic");
    const std::string payload = base64_decode(json_string(stored, "payload")).value_or("");
    Message::Options options;
    options.topic_name = topic;
    options.payload = payload;
    options.qos = static_cast<Qos>(stored.value("qos", 0));
    options.origin = std::move(origin);
    options.received_at = WallTime(std::chrono::milliseconds(stored.value("receivedAt", std::int64_t{0})));
    return Message::create(std::move(options));
}

}  // namespace

std::string stored_job(const OutboxJob& job) {
    json work = json::array();
    json failures = json::array();
    for (const OutboundWork& one : job.work) work.push_back(work_json(one));
    for (const JobFailure& one : job.failures)
        failures.push_back({{"action", one.action}, {"resource", one.resource}, {"message", one.message}});
    const json record{{"rule", job.rule},
                      {"forErrorAction", job.for_error_action},
                      {"message", message_json(*job.message)},
                      {"work", work},
                      {"failures", failures},
                      {"traceId", job.trace_id}};
    return record.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<OutboxJob> job_from_store(std::string_view record) {
    const json stored = json::parse(record, nullptr, false);
    if (!stored.is_object() || !stored.contains("message")) return std::nullopt;
    try {
        OutboxJob job;
        job.rule = json_string(stored, "rule");
        job.for_error_action = stored.value("forErrorAction", false);
        job.trace_id = json_string(stored, "traceId");
        job.message = message_from(stored["message"]);
        for (const json& work : stored.value("work", json::array())) job.work.push_back(work_from(work));
        for (const json& one : stored.value("failures", json::array()))
            job.failures.push_back({json_string(one, "action"), json_string(one, "resource"), json_string(one, "message")});
        return job;
    } catch (const json::exception&) {  // a member of another type: not a record of ours
        return std::nullopt;
    }
}

Result<SinkDirectory> make_sink_directory(const std::vector<std::string>& sinks, SigningKey key, std::string region) {
    SinkDirectory directory;
    directory.key = std::move(key);
    directory.region = std::move(region);
    for (const std::string& sink : sinks) {
        const std::size_t equals = sink.find('=');
        const auto url = equals == std::string::npos ? std::nullopt : parse_url(std::string_view(sink).substr(equals + 1));
        if (!url) return Error(Errc::invalid_request, "sink `" + sink + "` is not <service>=<http or https URL>");
        directory.urls.insert_or_assign(sink.substr(0, equals), *url);
    }
    return directory;
}

Result<HttpRequest> request_of(const OutboundStep& step, const SinkDirectory& sinks, WallTime now) {
    HttpRequest request;
    if (step.sink.empty()) {
        const auto url = parse_url(step.url);
        if (!url) return Error(Errc::invalid_request, "`" + step.url + "` is not a URL");
        request.url = *url;
    } else {
        const auto sink = sinks.urls.find(step.sink);
        if (sink == sinks.urls.end())
            return Error(Errc::invalid_request, "no endpoint is configured for " + step.sink + " (--sink " + step.sink + "=URL)");
        request.url = sink->second;
        std::string base = request.url.path;
        if (base.ends_with('/')) base.pop_back();
        const std::size_t question = step.url.find('?');
        request.url.path = base + step.url.substr(0, question);
        request.url.query = question == std::string::npos ? "" : step.url.substr(question + 1);
    }
    request.method = step.method;
    request.headers = step.headers;
    request.body = step.body;
    if (step.sign_service.empty() || sinks.key.access_key_id.empty()) return request;
    SigningRequest to_sign;
    to_sign.method = step.method;
    to_sign.path = request.url.path;
    to_sign.query = request.url.query;
    to_sign.headers = step.headers;
    to_sign.headers["host"] = request.url.authority();
    to_sign.body = request.body;
    sign_sigv4(to_sign, sinks.key, {step.sign_region.empty() ? sinks.region : step.sign_region, step.sign_service}, now);
    to_sign.headers.erase("host");
    request.headers = std::move(to_sign.headers);
    return request;
}

}  // namespace fogbank::rules
