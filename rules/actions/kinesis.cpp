// kinesis: the payload as a record. Source: reference "rules-actions", section 7.

#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "rules/actions/service_action.h"

namespace fogbank::rules {
namespace {

class KinesisAction final : public OutboundAction {
  public:
    KinesisAction(sql::Template stream, std::optional<sql::Template> partition_key)
        : OutboundAction("KinesisAction", "Failed to put record into Kinesis stream."),
          stream_(std::move(stream)),
          partition_key_(std::move(partition_key)) {}

  protected:
    Result<void> prepare(const ActionInput& input, OutboundWork& work) const override {
        auto stream = expand(stream_, input);
        if (!stream) return stream.error();
        work.resource = *stream;
        auto payload = payload_of(input);
        if (!payload) return payload.error();
        // Kinesis wants a key: without one, records spread evenly.
        std::string key = input.environment.random.uuid();
        if (partition_key_) {
            auto given = expand(*partition_key_, input);
            if (!given) return given.error();
            key = std::move(*given);
        }
        const nlohmann::json body{{"StreamName", *stream}, {"PartitionKey", key}, {"Data", base64_encode(*payload)}};
        work.steps.push_back(
            json_step("kinesis", "1.1", "Kinesis_20131202.PutRecord", body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
        return {};
    }

  private:
    sql::Template stream_;
    std::optional<sql::Template> partition_key_;
};

}  // namespace

MadeAction make_kinesis_action(const ActionDefinition& definition) {
    ParameterReader read(definition, "kinesis");
    auto stream = read.text("streamName");
    auto partition_key = read.optional_text("partitionKey");
    read.role();
    read.sink("kinesis");
    if (read.error()) return *read.error();
    return std::make_unique<KinesisAction>(std::move(stream), std::move(partition_key));
}

}  // namespace fogbank::rules
