// cloudwatchLogs: the payload, or each element of it, as a log event; in this server's own log store or, where one is configured, in the
// service at the endpoint. Source: reference "rules-actions", section 9.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "rules/actions/service_action.h"
#include "rules/errc.h"

namespace fogbank::rules {
namespace {

constexpr std::string_view action_name = "CloudwatchLogsAction", failure = "Failed to put CloudWatch log events.";
/// AWS documents no name of the stream.
constexpr std::string_view stream = "fogbank-rules";
/// CloudWatch Logs API reference, PutLogEvents: what is older or newer is rejected.
constexpr std::chrono::hours too_old{14 * 24}, too_new{2};

bool are_events(const nlohmann::json& events) {
    return events.is_array() && !events.empty() && std::all_of(events.begin(), events.end(), [](const auto& event) {
               return event.is_object() && event.contains("timestamp") && event["timestamp"].is_number_integer() &&
                      event.contains("message") && event["message"].is_string() &&
                      !event["message"].template get_ref<const std::string&>().empty();
           });
}

/// Log events are text: what is not gets U+FFFD.
std::string as_text(std::string bytes) {
    if (is_valid_utf8(bytes)) return bytes;
    const std::string replaced = nlohmann::json(bytes).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return nlohmann::json::parse(replaced, nullptr, false).get<std::string>();
}

/// What the message turns into, in the order of time. Errors: evaluation.
Result<std::vector<LogEvent>> events_of(const ActionInput& input, bool batch) {
    auto payload = payload_of(input);
    if (!payload) return payload.error();
    std::vector<LogEvent> events;
    if (!batch) {
        events.push_back({input.environment.clock.now(), as_text(std::move(*payload))});
        return events;
    }
    const auto array = nlohmann::json::parse(*payload, nullptr, false);
    if (!are_events(array))
        return Error(Errc::evaluation, "with batchMode the result of SELECT must be an array of {\"timestamp\": ms, \"message\": text}");
    for (const auto& event : array) {
        LogEvent one{WallTime(std::chrono::milliseconds(event["timestamp"].get<std::int64_t>())), event["message"].get<std::string>()};
        events.push_back(std::move(one));
    }
    std::stable_sort(events.begin(), events.end(), [](const LogEvent& a, const LogEvent& b) { return a.at < b.at; });
    return events;
}

class SentLogsAction final : public OutboundAction {
  public:
    SentLogsAction(sql::Template group, bool batch)
        : OutboundAction(std::string(action_name), std::string(failure)), group_(std::move(group)), batch_(batch) {}

  protected:
    Result<void> prepare(const ActionInput& input, OutboundWork& work) const override {
        auto group = expand(group_, input);
        if (!group) return group.error();
        work.resource = *group;
        const auto events = events_of(input, batch_);
        if (!events) return events.error();
        add_steps(*group, *events, work);
        return {};
    }

  private:
    static void add_steps(const std::string& group, const std::vector<LogEvent>& events, OutboundWork& work) {
        const nlohmann::json name{{"logGroupName", group}, {"logStreamName", stream}};
        OutboundStep create = json_step("logs", "1.1", "Logs_20140328.CreateLogStream", name.dump());
        create.tolerated = "ResourceAlreadyExistsException";
        work.steps.push_back(std::move(create));
        nlohmann::json put = name;
        for (const LogEvent& event : events)
            put["logEvents"].push_back({{"timestamp", event.at.time_since_epoch().count()}, {"message", event.message}});
        work.steps.push_back(json_step("logs", "1.1", "Logs_20140328.PutLogEvents", put.dump()));
    }

    sql::Template group_;
    bool batch_;
};

/// Into this server's log store. The group must be there, as in AWS; the stream is made.
class OwnLogsAction final : public Action {
  public:
    OwnLogsAction(sql::Template group, bool batch, LogSink& logs) : group_(std::move(group)), batch_(batch), logs_(logs) {}

    void run(const ActionInput& input, ActionDone done) const override {
        auto group = expand(group_, input);
        if (!group) return fail(done, "", group.error(), false);
        auto events = events_of(input, batch_);
        if (!events) return fail(done, *group, events.error(), false);
        if (!logs_.has_group(*group)) return fail(done, *group, no_group(), false);
        const std::size_t rejected = drop_rejected(*events, input.environment.clock.now());
        if (events->empty()) return answer(done, *group, rejected);
        logs_.write(*group, std::string(stream), std::move(*events),
                    [group = *group, rejected, &logs = logs_, done = std::move(done)](Result<void> written) mutable {
                        if (written) return answer(done, group, rejected);
                        if (!logs.has_group(group)) return fail(done, group, no_group(), false);
                        fail(done, group, written.error(), true);
                    });
    }

  private:
    static Error no_group() { return {Errc::evaluation, "ResourceNotFoundException: The specified log group does not exist."}; }

    static std::size_t drop_rejected(std::vector<LogEvent>& events, WallTime now) {
        return std::erase_if(events, [&](const LogEvent& event) { return event.at < now - too_old || event.at > now + too_new; });
    }

    static void answer(ActionDone& done, const std::string& group, std::size_t rejected) {
        if (rejected == 0) return done(std::nullopt);
        Error error(Errc::evaluation, std::to_string(rejected) + " events are more than 14 days old or 2 hours ahead and were rejected");
        fail(done, group, std::move(error), false);
    }

    static void fail(ActionDone& done, std::string group, Error error, bool store) {
        error.message = std::string(failure) + " " + error.message;
        done(ActionFailure{std::string(action_name), std::move(group), std::move(error), store});
    }

    sql::Template group_;
    bool batch_;
    LogSink& logs_;
};

}  // namespace

MadeAction make_cloudwatch_logs_action(const ActionDefinition& definition) {
    ParameterReader read(definition, "cloudwatchLogs");
    auto group = read.text("logGroupName");
    const bool batch = read.flag("batchMode");
    read.role();
    const ActionServices& services = definition.services;
    const bool own = services.logs != nullptr && (services.sinks == nullptr || !services.sinks->has("logs"));
    if (!own) read.sink("logs");
    if (read.error()) return *read.error();
    if (own) return std::make_unique<OwnLogsAction>(std::move(group), batch, *services.logs);
    return std::make_unique<SentLogsAction>(std::move(group), batch);
}

}  // namespace fogbank::rules
