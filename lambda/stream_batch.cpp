#include "lambda/stream_batch.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/json.h"
#include "fogbank/lambda.h"
#include "lambda/function_service.h"
#include "lambda/limits.h"

namespace fogbank::lambda {
namespace {

using nlohmann::json;

constexpr std::string_view event_begin = R"({"Records":[)", event_end = "]}";

/// Where the first record stands that the function wants again; records.size(): none. Nothing: the answer makes no sense.
std::optional<std::size_t> first_failure(const json& failures, std::span<const StreamedRecord> records) {
    std::size_t first = records.size();
    for (const auto& failure : failures) {
        const std::string id = json_string(failure, "itemIdentifier");
        const auto found =
            std::find_if(records.begin(), records.end(), [&id](const StreamedRecord& record) { return record.sequence_number == id; });
        if (id.empty() || found == records.end()) return std::nullopt;
        first = std::min(first, static_cast<std::size_t>(found - records.begin()));
    }
    return first;
}

/// Whole seconds, as the documented example has them.
std::string arrival(WallTime at) {
    std::string text = iso8601(at.time_since_epoch().count());
    return text.substr(0, text.find('.')) + "Z";
}

}  // namespace

std::string stream_event(std::span<const StreamedRecord> records) {
    std::string out(event_begin);
    for (const auto& record : records) {
        if (&record != &records.front()) out += ',';
        out += record.json;
    }
    out += event_end;
    return out;
}

std::size_t batch_length(std::span<const StreamedRecord> records, std::size_t count_max) {
    std::size_t bytes = event_begin.size() + event_end.size();
    std::size_t count = 0;
    while (count < records.size() && count < count_max) {
        bytes += records[count].json.size() + 1;
        if (bytes > sync_event_bytes_max && count > 0) break;
        ++count;
    }
    return count;
}

std::size_t records_done(const InvocationResult& result, bool report_item_failures, std::span<const StreamedRecord> records) {
    if (!result.function_error.empty()) return 0;
    if (!report_item_failures || result.payload.empty()) return records.size();
    JsonLimits limits;
    limits.bytes_max = result_bytes_max;
    const auto answer = parse_json(result.payload, limits);
    if (!answer) return 0;
    if (answer->is_null()) return records.size();
    if (!answer->is_object()) return 0;
    const auto failures = answer->find("batchItemFailures");
    if (failures == answer->end() || failures->is_null()) return records.size();
    if (!failures->is_array()) return 0;
    return first_failure(*failures, records).value_or(0);
}

std::string failure_record(const FailedBatch& batch) {
    json context{{"requestId", batch.request_id},
                 {"functionArn", batch.function_arn},
                 {"condition", batch.condition},
                 {"approximateInvokeCount", batch.invoke_count}};
    json info{{"shardId", batch.shard_id},
              {"startSequenceNumber", batch.records.front().sequence_number},
              {"endSequenceNumber", batch.records.back().sequence_number},
              {"approximateArrivalOfFirstRecord", arrival(batch.records.front().created_at)},
              {"approximateArrivalOfLastRecord", arrival(batch.records.back().created_at)},
              {"batchSize", batch.records.size()},
              {"streamArn", batch.stream_arn}};
    json out{{"requestContext", std::move(context)},
             {"version", "1.0"},
             {"timestamp", iso8601(batch.now.time_since_epoch().count())},
             {"DDBStreamBatchInfo", std::move(info)}};
    if (batch.last != nullptr) {
        out["responseContext"] = {{"statusCode", 200}, {"executedVersion", batch.last->executed_version}};
        if (!batch.last->function_error.empty()) out["responseContext"]["functionError"] = batch.last->function_error;
    }
    return out.dump();
}

}  // namespace fogbank::lambda
