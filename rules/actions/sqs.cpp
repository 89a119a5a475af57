// sqs: the payload as a message. Source: reference "rules-actions", section 7.

#include "common/encoding.h"
#include "rules/actions/service_action.h"
#include "rules/errc.h"

namespace fogbank::rules {
namespace {

class SqsAction final : public OutboundAction {
  public:
    SqsAction(sql::Template queue_url, bool base64)
        : OutboundAction("SqsAction", "Failed to send message to SQS queue."), queue_url_(std::move(queue_url)), base64_(base64) {}

  protected:
    Result<void> prepare(const ActionInput& input, OutboundWork& work) const override {
        auto queue_url = expand(queue_url_, input);
        if (!queue_url) return queue_url.error();
        work.resource = *queue_url;
        const auto url = parse_url(*queue_url);
        if (!url) return Error(Errc::evaluation, "`" + *queue_url + "` is not the URL of a queue");
        auto payload = payload_of(input);
        if (!payload) return payload.error();
        work.steps.push_back(query_step("sqs", "sqs", url->path,
                                        {{"Action", "SendMessage"},
                                         {"Version", "2012-11-05"},
                                         {"QueueUrl", *queue_url},
                                         {"MessageBody", base64_ ? base64_encode(*payload) : *payload}}));
        return {};
    }

  private:
    sql::Template queue_url_;
    bool base64_;
};

}  // namespace

MadeAction make_sqs_action(const ActionDefinition& definition) {
    ParameterReader read(definition, "sqs");
    auto queue_url = read.text("queueUrl");
    const bool base64 = read.flag("useBase64");
    if (const std::string* constant = queue_url.constant(); constant != nullptr && constant->ends_with(".fifo"))
        read.wrong("FIFO queues are not supported, as in AWS");
    read.role();
    read.sink("sqs");
    if (read.error()) return *read.error();
    return std::make_unique<SqsAction>(std::move(queue_url), base64);
}

}  // namespace fogbank::rules
