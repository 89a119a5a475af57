/// DynamoDB Streams: what changed in a table, in order, for 24 hours. For api/ (the DynamoDBStreams API) and for the event source mappings
/// of lambda/, which read with the same calls and are told when there is something to read.
///
/// A stream begins when a StreamSpecification is enabled and ends when it is disabled or its table is deleted; it stays readable until its
/// last record is older than `stream_retention`. Each stream has one shard, which closes when the stream ends. A record is written in the
/// transaction that changes the item, so there is one exactly for each committed change, in the order of the commits, and it survives
/// whatever the item survives.
///
/// Source: DynamoDB Streams API reference 2012-08-10; Developer Guide, "Change data capture for DynamoDB Streams". All calls: any thread;
/// awaitables resume on the caller's executor.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"
#include "common/result.h"
#include "store/table/attribute_value.h"

namespace fogbank::store::table {

inline constexpr std::chrono::hours stream_retention{24};
/// What GetRecords answers at most.
inline constexpr std::int64_t stream_records_max = 1000;

enum class StreamViewType : std::uint8_t { keys_only, new_image, old_image, new_and_old_images };
enum class StreamStatus : std::uint8_t { enabled, disabled };
enum class StreamEvent : std::uint8_t { insert, modify, remove };

std::string_view name_of(StreamViewType view);  ///< `KEYS_ONLY` …
std::string_view name_of(StreamEvent event);    ///< `INSERT` …

struct StreamRecord {
    std::string event_id;  ///< unique in all streams, 32 hex digits
    StreamEvent event = StreamEvent::insert;
    WallTime created_at{};  ///< clients see whole seconds
    Item keys;
    std::optional<Item> new_image, old_image;  ///< as the view type says
    std::string sequence_number;               ///< decimal digits; later ones are greater, as numbers and as texts
    std::int64_t size_bytes = 0;
    StreamViewType view = StreamViewType::keys_only;
    bool by_time_to_live = false;  ///< deleted by TTL: userIdentity is {Service, dynamodb.amazonaws.com}
};

/// One record as GetRecords and a function's event show it: eventID, eventName, eventVersion, eventSource, awsRegion, dynamodb,
/// userIdentity. An event source mapping adds `eventSourceARN`.
nlohmann::json stream_record_json(const StreamRecord& record, std::string_view region);

struct StreamSummary {
    std::string arn, label;  ///< the label is the time of enabling: `2026-01-02T03:04:05.000`
    TableName table;
};
struct StreamSummaries {
    std::vector<StreamSummary> streams;
    std::optional<std::string> last_evaluated_arn;
};

struct StreamShard {
    std::string id;
    std::string starting_sequence_number;
    std::optional<std::string> ending_sequence_number;  ///< of a shard that is closed
};
struct StreamKey {
    std::string attribute;
    bool is_sort_key = false;
};
struct StreamDescription {
    StreamSummary summary;
    StreamStatus status = StreamStatus::enabled;
    StreamViewType view = StreamViewType::keys_only;
    WallTime created_at{};
    std::vector<StreamKey> keys;
    std::vector<StreamShard> shards;  ///< exactly one
};

enum class ShardIteratorType : std::uint8_t { trim_horizon, latest, at_sequence_number, after_sequence_number };

struct ShardIteratorRequest {
    std::string stream_arn, shard_id;
    ShardIteratorType type = ShardIteratorType::trim_horizon;
    std::string sequence_number;  ///< for the last two types
};

struct StreamRecords {
    std::vector<StreamRecord> records;
    std::optional<std::string> next_iterator;  ///< none: the shard is closed and read to its end
};

/// Keeps a `watch` alive; ends it when destroyed. May outlive the service. After its end the callback is not running and never called
/// again, so do not destroy it inside the callback.
using StreamWatch = std::shared_ptr<void>;

class Streams {
  public:
    virtual ~Streams() = default;

    /// @param limit  1 to 100. Errors: validation.
    virtual boost::asio::awaitable<Result<StreamSummaries>> list_streams(std::optional<TableName> table,
                                                                         std::optional<std::string> exclusive_start_arn,
                                                                         std::int64_t limit) = 0;
    /// Errors: resource_not_found, validation (no stream's ARN).
    virtual boost::asio::awaitable<Result<StreamDescription>> describe_stream(std::string stream_arn) = 0;
    /// An iterator is text for `get_records`, good for 15 minutes; one of `latest` stands after what is committed now. For a checkpoint
    /// keep the last record's sequence number and come back with after_sequence_number. Errors: resource_not_found; trimmed_data_access:
    /// the position is older than what is kept; validation.
    virtual boost::asio::awaitable<Result<std::string>> get_shard_iterator(ShardIteratorRequest request) = 0;
    /// The records from the iterator on, at most `limit` (1 to stream_records_max) and about 1 MB; none if there are none yet.
    /// Errors: expired_iterator, trimmed_data_access, resource_not_found, validation.
    virtual boost::asio::awaitable<Result<StreamRecords>> get_records(std::string iterator, std::int64_t limit) = 0;

    /// Calls `on_records` soon after records were committed to that stream by this process (once for many, possibly once too often), on an
    /// engine thread: it must only post home. Records of another process are not announced: look now and then all the same.
    virtual StreamWatch watch(std::string stream_arn, std::function<void()> on_records) = 0;
};

}  // namespace fogbank::store::table
