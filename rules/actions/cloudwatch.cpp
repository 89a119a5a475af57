// cloudwatchMetric and cloudwatchAlarm: values from the parameters, not from the payload. Source: reference "rules-actions", section 9.

#include <nlohmann/json.hpp>

#include "rules/actions/service_action.h"
#include "rules/errc.h"
#include "rules/value.h"

namespace fogbank::rules {
namespace {

class MetricAction final : public OutboundAction {
  public:
    struct Parameters {
        sql::Template space, name, value, unit;
        std::optional<sql::Template> timestamp;
    };
    explicit MetricAction(Parameters parameters)
        : OutboundAction("CloudwatchMetricAction", "Failed to put CloudWatch metric data."), parameters_(std::move(parameters)) {}

  protected:
    Result<void> prepare(const ActionInput& input, OutboundWork& work) const override {
        FormParameters form{{"Action", "PutMetricData"}, {"Version", "2010-08-01"}};
        const auto add = [&](const char* name, const sql::Template& text) -> Result<std::string> {
            auto value = expand(text, input);
            if (value) form.emplace_back(name, *value);
            return value;
        };
        auto space = add("Namespace", parameters_.space);
        if (!space) return space.error();
        auto name = add("MetricData.member.1.MetricName", parameters_.name);
        if (!name) return name.error();
        work.resource = *space + "/" + *name;
        auto value = add("MetricData.member.1.Value", parameters_.value);
        if (!value) return value.error();
        if (!sql::decimal_from_text(*value)) return Error(Errc::evaluation, "metricValue `" + *value + "` is not a number");
        auto unit = add("MetricData.member.1.Unit", parameters_.unit);
        if (!unit) return unit.error();
        std::string seconds =
            std::to_string(std::chrono::floor<std::chrono::seconds>(input.environment.clock.now()).time_since_epoch().count());
        if (parameters_.timestamp) {
            auto given = expand(*parameters_.timestamp, input);
            if (!given) return given.error();
            seconds = std::move(*given);
        }
        if (!sql::decimal_from_text(seconds))
            return Error(Errc::evaluation, "metricTimestamp `" + seconds + "` is not a number of seconds");
        form.emplace_back("MetricData.member.1.Timestamp", seconds);
        work.steps.push_back(query_step("cloudwatch", "monitoring", "/", form));
        return {};
    }

  private:
    Parameters parameters_;
};

class AlarmAction final : public OutboundAction {
  public:
    AlarmAction(sql::Template name, sql::Template reason, sql::Template value)
        : OutboundAction("CloudwatchAlarmAction", "Failed to set CloudWatch alarm state."),
          name_(std::move(name)),
          reason_(std::move(reason)),
          value_(std::move(value)) {}

  protected:
    Result<void> prepare(const ActionInput& input, OutboundWork& work) const override {
        auto name = expand(name_, input);
        if (!name) return name.error();
        work.resource = *name;
        auto reason = expand(reason_, input);
        if (!reason) return reason.error();
        auto value = expand(value_, input);
        if (!value) return value.error();
        work.steps.push_back(query_step("cloudwatch", "monitoring", "/",
                                        {{"Action", "SetAlarmState"},
                                         {"Version", "2010-08-01"},
                                         {"AlarmName", *name},
                                         {"StateReason", *reason},
                                         {"StateValue", *value}}));
        return {};
    }

  private:
    sql::Template name_, reason_, value_;
};

}  // namespace

MadeAction make_cloudwatch_metric_action(const ActionDefinition& definition) {
    ParameterReader read(definition, "cloudwatchMetric");
    MetricAction::Parameters parameters{read.text("metricNamespace"), read.text("metricName"), read.text("metricValue"),
                                        read.text("metricUnit"), read.optional_text("metricTimestamp")};
    read.role();
    read.sink("cloudwatch");
    if (read.error()) return *read.error();
    return std::make_unique<MetricAction>(std::move(parameters));
}

MadeAction make_cloudwatch_alarm_action(const ActionDefinition& definition) {
    ParameterReader read(definition, "cloudwatchAlarm");
    auto name = read.text("alarmName");
    auto reason = read.text("stateReason");
    auto value = read.text("stateValue");
    if (const std::string* constant = value.constant();
        constant != nullptr && !constant->empty() && *constant != "OK" && *constant != "ALARM" && *constant != "INSUFFICIENT_DATA")
        read.wrong("`stateValue` must be OK, ALARM or INSUFFICIENT_DATA");
    read.role();
    read.sink("cloudwatch");
    if (read.error()) return *read.error();
    return std::make_unique<AlarmAction>(std::move(name), std::move(reason), std::move(value));
}

}  // namespace fogbank::rules
