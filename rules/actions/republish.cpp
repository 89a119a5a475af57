// republish: the SELECT result on another topic. Source: reference "rules-actions", section 5.

#include <limits>
#include <nlohmann/json.hpp>

#include "common/topic.h"
#include "rules/actions/action.h"
#include "rules/actions/republish_headers.h"
#include "rules/errc.h"

namespace fogbank::rules {
namespace {

constexpr std::string_view failed_action = "RepublishAction";

/// Reserved topics are written with a doubled `$`.
std::string unescaped(std::string topic) {
    if (topic.starts_with("$$")) topic.erase(0, 1);
    return topic;
}

TopicLimits topic_limits(const Quotas& quotas) {
    TopicLimits limits;
    limits.bytes_max = quotas.bytes(Quota::topic_bytes);
    limits.slashes_max = quotas.bytes(Quota::topic_slashes);
    return limits;
}

class RepublishAction final : public Action {
  public:
    RepublishAction(sql::Template topic, Qos qos, std::optional<RepublishHeaders> headers, const ActionServices& services)
        : topic_(std::move(topic)),
          qos_(qos),
          headers_(std::move(headers)),
          services_(services),
          origin_(std::make_shared<const MessageOrigin>()) {}

    void run(const ActionInput& input, ActionDone done) const override {
        auto expanded = expand(topic_, input);
        if (!expanded) return fail(done, "", expanded.error(), false);
        const std::string topic = unescaped(std::move(*expanded));
        if (auto valid = validate_topic_name(topic, topic_limits(services_.quotas)); !valid) return fail(done, topic, valid.error(), false);
        auto payload = input.output.payload(input.message.message());
        if (!payload) return fail(done, topic, payload.error(), false);
        if (payload->size() > services_.quotas.bytes(Quota::mqtt_payload_bytes)) {
            return fail(done, topic, Error(Errc::evaluation, "the result of SELECT is longer than an MQTT payload may be"), false);
        }
        std::unique_ptr<const MessageProperties> properties;
        if (headers_) {
            auto made = headers_->properties(input);
            if (!made) return fail(done, topic, made.error(), false);
            properties = std::move(*made);
        }
        publish(topic, *payload, std::move(properties), std::move(done));
    }

  private:
    /// The done of the other publish is this action's: whoever stores the message has stored it.
    void publish(const std::string& topic, const std::string& payload, std::unique_ptr<const MessageProperties> properties,
                 ActionDone done) const {
        Message::Options options;
        options.topic_name = topic;
        options.payload = payload;
        options.qos = qos_;
        options.origin = origin_;
        options.received_at = services_.clock.now();
        options.properties = std::move(properties);
        services_.publisher.publish(Message::create(std::move(options)), [topic, done = std::move(done)](Result<void> result) mutable {
            if (result) return done(std::nullopt);
            fail(done, topic, result.error(), true);
        });
    }

    static void fail(ActionDone& done, std::string topic, Error error, bool store) {
        error.message = "Failed to republish. " + error.message;
        done(ActionFailure{std::string(failed_action), std::move(topic), std::move(error), store});
    }

    sql::Template topic_;
    Qos qos_;
    std::optional<RepublishHeaders> headers_;
    ActionServices services_;
    std::shared_ptr<const MessageOrigin> origin_;  ///< the publisher's address is not carried on
};

}  // namespace

MadeAction make_republish_action(const ActionDefinition& definition) {
    auto topic = template_parameter(definition, "republish", "topic");
    if (!topic) return topic.error();
    if (const std::string* constant = topic->constant()) {
        auto valid = validate_topic_name(unescaped(*constant), topic_limits(definition.services.quotas));
        if (!valid) return Error(Errc::invalid_request, "republish action: " + valid.error().message);
    }
    std::optional<RepublishHeaders> headers;
    if (const auto given = definition.parameters.find("headers"); given != definition.parameters.end() && !given->is_null()) {
        auto read = RepublishHeaders::read(*given, definition);
        if (!read) return read.error();
        headers = std::move(*read);
    }
    Qos qos = Qos::at_most_once;
    if (const auto given = definition.parameters.find("qos"); given != definition.parameters.end()) {
        if (!given->is_number_integer() || (*given != 0 && *given != 1))
            return Error(Errc::invalid_request, "republish action: `qos` must be 0 or 1");
        if (*given == 1) qos = Qos::at_least_once;
    }
    return std::make_unique<RepublishAction>(std::move(*topic), qos, std::move(headers), definition.services);
}

}  // namespace fogbank::rules
