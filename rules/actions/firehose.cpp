// firehose: the payload, or each element of it, as a record. Source: reference "rules-actions", section 8.

#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "rules/actions/service_action.h"
#include "rules/errc.h"

namespace fogbank::rules {
namespace {

/// Reference "rules", section 7, batch sizes.
constexpr std::size_t batch_records_max = 500;

class FirehoseAction final : public OutboundAction {
  public:
    FirehoseAction(sql::Template stream, std::string separator, bool batch)
        : OutboundAction("FirehoseAction", "Failed to put record into Firehose delivery stream."),
          stream_(std::move(stream)),
          separator_(std::move(separator)),
          batch_(batch) {}

  protected:
    Result<void> prepare(const ActionInput& input, OutboundWork& work) const override {
        auto stream = expand(stream_, input);
        if (!stream) return stream.error();
        work.resource = *stream;
        const bool elements = batch_ && !input.output.is_raw() && input.output.value().kind() == sql::Value::Kind::array;
        return elements ? put_batch(*stream, input.output.value().items(), work) : put_one(*stream, input, work);
    }

  private:
    nlohmann::json record(const std::string& data) const { return {{"Data", base64_encode(data + separator_)}}; }

    Result<void> put_one(const std::string& stream, const ActionInput& input, OutboundWork& work) const {
        auto payload = payload_of(input);
        if (!payload) return payload.error();
        const nlohmann::json body{{"DeliveryStreamName", stream}, {"Record", record(*payload)}};
        work.steps.push_back(json_step("firehose", "1.1", "Firehose_20150804.PutRecord", body.dump()));
        return {};
    }

    Result<void> put_batch(const std::string& stream, const sql::Array& items, OutboundWork& work) const {
        if (items.empty()) return Error(Errc::evaluation, "the batch has no elements");
        if (items.size() > batch_records_max)
            return Error(Errc::evaluation, "a batch has at most " + std::to_string(batch_records_max) + " elements");
        nlohmann::json records = nlohmann::json::array();
        for (const sql::Value& item : items) {
            std::string text;
            if (!sql::append_json(text, item.is_undefined() ? sql::Value::null() : item, sql::value_bytes_max))
                return Error(Errc::evaluation, "an element is too long");
            records.push_back(record(text));
        }
        const nlohmann::json body{{"DeliveryStreamName", stream}, {"Records", std::move(records)}};
        OutboundStep step = json_step("firehose", "1.1", "Firehose_20150804.PutRecordBatch", body.dump());
        step.failing = "\"ErrorCode\"";  // of a record that was not taken, in an answer with status 200
        work.steps.push_back(std::move(step));
        return {};
    }

    sql::Template stream_;
    std::string separator_;
    bool batch_;
};

}  // namespace

MadeAction make_firehose_action(const ActionDefinition& definition) {
    ParameterReader read(definition, "firehose");
    auto stream = read.text("deliveryStreamName");
    const std::string separator = read.literal("separator", "");
    if (!separator.empty() && separator != "\n" && separator != "\t" && separator != "\r\n" && separator != ",")
        read.wrong("`separator` must be one of \\n, \\t, \\r\\n and ,");
    const bool batch = read.flag("batchMode");
    read.role();
    read.sink("firehose");
    if (read.error()) return *read.error();
    return std::make_unique<FirehoseAction>(std::move(stream), separator, batch);
}

}  // namespace fogbank::rules
