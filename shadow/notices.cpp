#include <spdlog/spdlog.h>

#include "common/logging.h"
#include "shadow/detail/notices.h"
#include "shadow/errc.h"
#include "shadow/rejection.h"

namespace fogbank::shadow::detail {

Notices::Notices(Publisher& publisher, const Clock& clock, Metrics& metrics, ActivityRecorder* activity, Audience* audience)
    : publisher_(publisher), clock_(clock), activity_(activity), audience_(audience), origin_(std::make_shared<const MessageOrigin>()) {
    for (const Operation operation : {Operation::get, Operation::update, Operation::remove}) {
        const auto counter = [&](std::string_view outcome) {
            const std::string labels =
                "operation=\"" + std::string(operation_name(operation)) + "\",outcome=\"" + std::string(outcome) + "\"";
            return &metrics.counter("fogbank_shadow_requests_total", "Device shadow requests answered.", labels);
        };
        accepted_[static_cast<std::size_t>(operation)] = counter("accepted");
        rejected_[static_cast<std::size_t>(operation)] = counter("rejected");
    }
}

std::int64_t Notices::now_s() const {
    return std::chrono::floor<std::chrono::seconds>(clock_.now()).time_since_epoch().count();
}

void Notices::publish(const std::string& topic, const std::string& payload, const Hold& hold) const {
    Message::Options options;
    options.topic_name = topic;
    options.payload = payload;
    options.qos = Qos::at_least_once;  // deltas and documents reach offline persistent sessions
    options.origin = origin_;
    options.received_at = clock_.now();
    publisher_.publish(Message::create(std::move(options)), [topic, hold](Result<void> result) {
        // The update itself is committed; a subscriber that could not store the notice is its own affair.
        if (!result) logger("shadow").warn("notice lost topic={} reason={}", log_value(topic), log_value(result.error().message));
    });
}

Wanted Notices::wanted(const ShadowName& name) const {
    if (audience_ == nullptr) return {};
    const std::string update = topic_prefix(name) + "/update";
    return {audience_->has_audience(update + "/accepted"), audience_->has_audience(update + "/delta"),
            audience_->has_audience(update + "/documents")};
}

void Notices::tell(Request request, Outcome outcome) const {
    if (!outcome.answer) return reject(std::move(request), outcome.answer.error());
    accepted_[static_cast<std::size_t>(request.operation)]->add();
    if (request.over_mqtt() || request.operation != Operation::get) {
        const std::string topic = topic_prefix(request.name) + "/" + std::string(operation_name(request.operation));
        if (request.wanted.accepted) publish(topic + "/accepted", *outcome.answer, request.hold);
        if (outcome.delta) publish(topic + "/delta", *outcome.delta, request.hold);
        if (outcome.documents) publish(topic + "/documents", *outcome.documents, request.hold);
    }
    if (request.done) request.done(Answer(std::move(outcome.answer), std::move(request.token)));
}

void Notices::reject(Request request, Error error) const {
    rejected_[static_cast<std::size_t>(request.operation)]->add();
    record_rejection(request, error);
    if (request.over_mqtt()) {
        const std::string topic = topic_prefix(request.name) + "/" + std::string(operation_name(request.operation)) + "/rejected";
        publish(topic, rejection_json(error, now_s(), request.token), request.hold);
    } else {
        request.done(Answer(std::move(error), std::move(request.token)));
    }
}

void Notices::record_rejection(const Request& request, const Error& error) const {
    const unsigned code = rejection_code(error.code);
    auto& log = logger("shadow");
    const auto level = code >= 500 ? spdlog::level::warn : spdlog::level::debug;
    if (log.should_log(level)) {
        log.log(level, "request rejected operation={} thing={} shadow={} client_id={} code={} reason={}", operation_name(request.operation),
                log_value(request.name.thing.view()), log_value(request.name.shadow), log_value(request.origin->client_id), code,
                log_value(error.message));
    }
    if (activity_ == nullptr) return;
    Activity activity;
    activity.at = clock_.now();
    activity.kind = "shadow_rejected";
    activity.client_id = request.origin->client_id;
    activity.thing_name = request.name.thing.str();
    activity.principal_id = request.origin->principal_id;
    activity.topic = topic_prefix(request.name) + "/" + std::string(operation_name(request.operation));
    activity.detail = std::to_string(code) + " " + error.message;
    activity_->record(std::move(activity));
}

}  // namespace fogbank::shadow::detail
