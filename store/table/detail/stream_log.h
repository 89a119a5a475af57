/// Stream records and descriptors in the engine, room `str`.
///
/// `str`·desc·number holds a stream's descriptor, `str`·next·number the sequence number of its next record, `str`·rec·number·sequence
/// number the records.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "store/table/detail/table_definition.h"
#include "store/table/streams.h"

namespace fogbank::store::table {

/// One stream as it is stored; it outlives its table by the retention time.
struct StreamDescriptor {
    std::uint64_t number = 0;
    TableName table;
    std::string label;
    StreamViewType view = StreamViewType::keys_only;
    WallTime created_at{};
    std::optional<WallTime> ended_at;
    std::vector<StreamKey> keys;
};

std::string encode_descriptor(const StreamDescriptor& descriptor);
Result<StreamDescriptor> decode_descriptor(std::string_view bytes);

std::string descriptor_key(std::uint64_t stream);
kv::Range descriptors_range();
std::string next_sequence_key(std::uint64_t stream);
std::string record_key(std::uint64_t stream, std::uint64_t sequence);
kv::Range records_range(std::uint64_t stream);
/// The sequence number that the record's key ends with.
std::uint64_t sequence_of(std::string_view record_key);
/// What `next_sequence_key` holds; the first is 1. Error: unavailable.
Result<std::uint64_t> parse_sequence(const std::optional<std::string>& stored);

/// Begins a stream of the table as it is to be from now on: takes a number, sets the definition's members, writes the descriptor.
Result<void> begin_stream(kv::Transaction& transaction, TableDefinition& table, WallTime now);
/// Ends the table's stream, if it has one that is enabled.
Result<void> end_stream(kv::Transaction& transaction, const TableDefinition& table, WallTime now);

/// One change as it goes into the stream.
struct StreamChange {
    const Item* old_item = nullptr;
    const Item* new_item = nullptr;
    std::size_t old_bytes = 0, new_bytes = 0;
    WallTime now{};
    bool by_time_to_live = false;
};
/// Appends a record to the table's stream.
Result<void> append_record(kv::Transaction& transaction, const TableDefinition& table, const StreamChange& change);
/// Error: unavailable, corrupt.
Result<StreamRecord> decode_record(std::string_view bytes, StreamViewType view, std::uint64_t stream, std::uint64_t sequence);
/// When the record was made, without decoding the rest.
std::optional<WallTime> record_time(std::string_view bytes);

std::string sequence_text(std::uint64_t sequence);

/// Who wants to know of new records. Thread-safe.
class StreamWatchers : public std::enable_shared_from_this<StreamWatchers> {
  public:
    StreamWatch watch(std::string stream_arn, std::function<void()> on_records);
    bool empty() const;
    void announce(const std::string& stream_arn);

  private:
    mutable std::mutex mutex_;
    std::map<std::string, std::map<std::uint64_t, std::function<void()>>> watchers_;
    std::uint64_t next_ = 0;
};

}  // namespace fogbank::store::table
