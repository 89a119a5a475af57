/// What an event source mapping sends and how it reads the answer; pure functions. Source: Developer Guide, "Using AWS Lambda with Amazon
/// DynamoDB" (event, "Reporting batch item failures", "Configuring destinations for failed-event records").
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "lambda/event_sources.h"

namespace fogbank::lambda {

struct InvocationResult;

/// One record of a stream that waits for its invocation.
struct StreamedRecord {
    std::string sequence_number;
    std::string json;  ///< as the event has it
    WallTime created_at{};
};

/// `{"Records":[…]}`
std::string stream_event(std::span<const StreamedRecord> records);

/// How many of `records`, one at least, make the next event: at most `count_max`, and no event larger than sync_event_bytes_max.
std::size_t batch_length(std::span<const StreamedRecord> records, std::size_t count_max);

/// How many of `records` are done with according to the function: all, some of the first (`batchItemFailures` names the first that is
/// not), or none.
///
/// With `report_item_failures` an answer without failures is success; one that names a record not in the batch, or is no such object, is a
/// failure of all. Without it only a function error is a failure.
std::size_t records_done(const InvocationResult& result, bool report_item_failures, std::span<const StreamedRecord> records);

/// What the failure destination gets.
struct FailedBatch {
    std::string_view function_arn, stream_arn, shard_id;
    std::string_view condition;  ///< `RetryAttemptsExhausted` or `RecordAgeExceeded`
    std::size_t invoke_count = 0;
    const InvocationResult* last = nullptr;  ///< null: it was never invoked
    std::span<const StreamedRecord> records;
    std::string_view request_id;
    WallTime now{};
};
std::string failure_record(const FailedBatch& batch);

}  // namespace fogbank::lambda
