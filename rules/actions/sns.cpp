// sns: the payload as a notification. Source: reference "rules-actions", section 7.

#include "rules/actions/service_action.h"

namespace fogbank::rules {
namespace {

class SnsAction final : public OutboundAction {
  public:
    SnsAction(sql::Template target_arn, bool json)
        : OutboundAction("SnsAction", "Failed to publish message to SNS target."), target_arn_(std::move(target_arn)), json_(json) {}

  protected:
    Result<void> prepare(const ActionInput& input, OutboundWork& work) const override {
        auto target = expand(target_arn_, input);
        if (!target) return target.error();
        work.resource = *target;
        auto payload = payload_of(input);
        if (!payload) return payload.error();
        FormParameters parameters{{"Action", "Publish"}, {"Version", "2010-03-31"}, {"TargetArn", *target}, {"Message", *payload}};
        if (json_) parameters.emplace_back("MessageStructure", "json");
        work.steps.push_back(query_step("sns", "sns", "/", parameters));
        return {};
    }

  private:
    sql::Template target_arn_;
    bool json_;
};

}  // namespace

MadeAction make_sns_action(const ActionDefinition& definition) {
    ParameterReader read(definition, "sns");
    auto target = read.text("targetArn");
    const bool json = read.choice("messageFormat", {"RAW", "JSON"}) == "JSON";
    if (const std::string* constant = target.constant(); constant != nullptr && constant->ends_with(".fifo"))
        read.wrong("FIFO topics are not supported, as in AWS");
    read.role();
    read.sink("sns");
    if (read.error()) return *read.error();
    return std::make_unique<SnsAction>(std::move(target), json);
}

}  // namespace fogbank::rules
