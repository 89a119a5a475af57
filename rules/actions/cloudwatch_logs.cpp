// cloudwatchLogs: the payload, or each element of it, as a log event. Source: reference "rules-actions", section 9.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "rules/actions/service_action.h"
#include "rules/errc.h"

namespace fogbank::rules {
namespace {

/// AWS documents no name of the stream.
constexpr std::string_view stream = "fogbank-rules";

class CloudwatchLogsAction final : public OutboundAction {
  public:
    CloudwatchLogsAction(sql::Template group, bool batch)
        : OutboundAction("CloudwatchLogsAction", "Failed to put CloudWatch log events."), group_(std::move(group)), batch_(batch) {}

  protected:
    Result<void> prepare(const ActionInput& input, OutboundWork& work) const override {
        auto group = expand(group_, input);
        if (!group) return group.error();
        work.resource = *group;
        auto payload = payload_of(input);
        if (!payload) return payload.error();
        nlohmann::json events = nlohmann::json::array();
        if (batch_) {
            events = nlohmann::json::parse(*payload, nullptr, false);
            if (!are_events(events))
                return Error(Errc::evaluation,
                             "with batchMode the result of SELECT must be an array of {\"timestamp\": ms, \"message\": text}");
            std::stable_sort(events.begin(), events.end(), [](const auto& a, const auto& b) { return a["timestamp"] < b["timestamp"]; });
        } else {
            events.push_back({{"timestamp", input.environment.clock.now().time_since_epoch().count()}, {"message", *payload}});
        }
        add_steps(*group, events, work);
        return {};
    }

  private:
    static bool are_events(const nlohmann::json& events) {
        return events.is_array() && !events.empty() && std::all_of(events.begin(), events.end(), [](const auto& event) {
                   return event.is_object() && event.contains("timestamp") && event["timestamp"].is_number_integer() &&
                          event.contains("message") && event["message"].is_string();
               });
    }

    static void add_steps(const std::string& group, const nlohmann::json& events, OutboundWork& work) {
        const nlohmann::json name{{"logGroupName", group}, {"logStreamName", stream}};
        OutboundStep create = json_step("logs", "1.1", "Logs_20140328.CreateLogStream", name.dump());
        create.tolerated = "ResourceAlreadyExistsException";
        work.steps.push_back(std::move(create));
        nlohmann::json put = name;
        put["logEvents"] = events;
        work.steps.push_back(
            json_step("logs", "1.1", "Logs_20140328.PutLogEvents", put.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
    }

    sql::Template group_;
    bool batch_;
};

}  // namespace

MadeAction make_cloudwatch_logs_action(const ActionDefinition& definition) {
    ParameterReader read(definition, "cloudwatchLogs");
    auto group = read.text("logGroupName");
    const bool batch = read.flag("batchMode");
    read.role();
    read.sink("logs");
    if (read.error()) return *read.error();
    return std::make_unique<CloudwatchLogsAction>(std::move(group), batch);
}

}  // namespace fogbank::rules
