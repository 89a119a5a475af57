#include "store/table/detail/stream_reader.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "store/table/detail/errors.h"
#include "store/table/json.h"

namespace fogbank::store::table {
namespace {

using nlohmann::json;

constexpr std::chrono::minutes iterator_lifetime{15};
constexpr std::size_t records_bytes_max = 1024 * 1024;
constexpr std::size_t iterator_chars_max = 2048;

Error stream_not_found(std::string_view arn) {
    return {Errc::resource_not_found, "Requested resource not found: Stream: " + std::string(arn) + " not found"};
}
Error trimmed() {
    return {Errc::trimmed_data_access,
            "Attempted access beyond trim horizon. The requested sequence number is older than the oldest record in the stream"};
}

/// The shard of a stream; it has one.
std::string shard_id(const StreamDescriptor& stream) {
    const std::string ms = std::to_string(stream.created_at.time_since_epoch().count());
    const std::string padded = std::string(20 - std::min<std::size_t>(20, ms.size()), '0') + ms;
    std::string tail = std::to_string(stream.number);
    tail = std::string(8 - std::min<std::size_t>(8, tail.size()), '0') + tail;
    return "shardId-" + padded + "-" + tail;
}

std::optional<std::uint64_t> parse_sequence_text(std::string_view text) {
    // The leading 1 keeps the width; see sequence_text.
    if (text.size() != sequence_text(1).size() || text.front() != '1') return std::nullopt;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// Where an iterator stands.
struct Position {
    std::string arn;
    std::uint64_t next = 1;
    std::int64_t made_at_ms = 0;
};

std::string encode_iterator(const Position& position) {
    const json content{{"next", position.next}, {"at", position.made_at_ms}};
    return position.arn + "|1|" + base64_encode(content.dump());
}

std::optional<Position> decode_iterator(std::string_view text) {
    const std::size_t bar = text.find("|1|");
    if (text.size() > iterator_chars_max || bar == std::string_view::npos) return std::nullopt;
    const auto content = base64_decode(text.substr(bar + 3));
    if (!content) return std::nullopt;
    const json parsed = json::parse(*content, nullptr, false);
    if (!parsed.is_object() || !parsed.contains("next") || !parsed["next"].is_number_unsigned() || !parsed.contains("at") ||
        !parsed["at"].is_number_integer())
        return std::nullopt;
    return Position{std::string(text.substr(0, bar)), parsed["next"].get<std::uint64_t>(), parsed["at"].get<std::int64_t>()};
}

}  // namespace

json stream_record_json(const StreamRecord& record, std::string_view region) {
    json change{{"ApproximateCreationDateTime", record.created_at.time_since_epoch().count() / 1000},
                {"Keys", typed_json(record.keys)},
                {"SequenceNumber", record.sequence_number},
                {"SizeBytes", record.size_bytes},
                {"StreamViewType", name_of(record.view)}};
    if (record.new_image) change["NewImage"] = typed_json(*record.new_image);
    if (record.old_image) change["OldImage"] = typed_json(*record.old_image);
    json out{{"eventID", record.event_id}, {"eventName", name_of(record.event)}, {"eventVersion", "1.1"}, {"eventSource", "aws:dynamodb"},
             {"awsRegion", region},        {"dynamodb", std::move(change)}};
    if (record.by_time_to_live) out["userIdentity"] = {{"type", "Service"}, {"principalId", "dynamodb.amazonaws.com"}};
    return out;
}

boost::asio::awaitable<Result<std::vector<StreamDescriptor>>> StreamReader::all() {
    std::vector<StreamDescriptor> out;
    kv::ScanOptions options;
    options.range = descriptors_range();
    for (bool more = true; more;) {
        auto page = co_await engine_.scan(options);
        if (!page) co_return from_engine(page.error());
        for (const auto& [key, value] : page->items) {
            auto descriptor = decode_descriptor(value);
            if (!descriptor) co_return descriptor.error();
            out.push_back(std::move(*descriptor));
        }
        more = page->more;
        if (more) options.range.begin = page->items.back().key + '\0';
    }
    co_return out;
}

boost::asio::awaitable<Result<StreamDescriptor>> StreamReader::find(std::string stream_arn) {
    const auto arn = Arn::parse(stream_arn);
    if (!arn || arn->service != "dynamodb" || arn->resource.find("/stream/") == std::string::npos)
        co_return validation("Invalid StreamArn");
    auto descriptors = co_await all();
    if (!descriptors) co_return descriptors.error();
    for (auto& one : *descriptors) {
        if (arn_of(one) == stream_arn) co_return std::move(one);
    }
    co_return stream_not_found(stream_arn);
}

boost::asio::awaitable<Result<StreamReader::Bounds>> StreamReader::bounds(std::uint64_t stream) {
    Bounds out;
    auto stored = co_await engine_.get(next_sequence_key(stream));
    if (!stored) co_return from_engine(stored.error());
    auto next = parse_sequence(*stored);
    if (!next) co_return next.error();
    kv::ScanOptions options;
    options.range = records_range(stream);
    options.items_max = 1;
    auto page = co_await engine_.scan(options);
    if (!page) co_return from_engine(page.error());
    out.next = *next;
    out.first = page->items.empty() ? *next : sequence_of(page->items.front().key);
    co_return out;
}

boost::asio::awaitable<Result<StreamSummaries>> StreamReader::list_streams(std::optional<TableName> table,
                                                                           std::optional<std::string> exclusive_start_arn,
                                                                           std::int64_t limit) {
    auto descriptors = co_await all();
    if (!descriptors) co_return descriptors.error();
    StreamSummaries out;
    bool started = !exclusive_start_arn;
    for (const auto& one : *descriptors) {
        const std::string arn = arn_of(one);
        if (!started) {
            started = arn == *exclusive_start_arn;
            continue;
        }
        if (table && one.table != *table) continue;
        if (static_cast<std::int64_t>(out.streams.size()) == limit) {
            out.last_evaluated_arn = out.streams.back().arn;
            break;
        }
        out.streams.push_back(StreamSummary{arn, one.label, one.table});
    }
    co_return out;
}

boost::asio::awaitable<Result<StreamDescription>> StreamReader::describe_stream(std::string stream_arn) {
    auto stream = co_await find(stream_arn);
    if (!stream) co_return stream.error();
    auto kept = co_await bounds(stream->number);
    if (!kept) co_return kept.error();
    StreamDescription out;
    out.summary = StreamSummary{stream_arn, stream->label, stream->table};
    out.status = stream->ended_at ? StreamStatus::disabled : StreamStatus::enabled;
    out.view = stream->view;
    out.created_at = stream->created_at;
    out.keys = stream->keys;
    StreamShard shard;
    shard.id = shard_id(*stream);
    shard.starting_sequence_number = sequence_text(1);
    if (stream->ended_at) shard.ending_sequence_number = sequence_text(std::max<std::uint64_t>(kept->next, 2) - 1);
    out.shards.push_back(std::move(shard));
    co_return out;
}

boost::asio::awaitable<Result<std::string>> StreamReader::get_shard_iterator(ShardIteratorRequest request) {
    auto stream = co_await find(request.stream_arn);
    if (!stream) co_return stream.error();
    if (request.shard_id != shard_id(*stream)) {
        co_return Error(Errc::resource_not_found, "Requested resource not found: Shard does not exist");
    }
    auto kept = co_await bounds(stream->number);
    if (!kept) co_return kept.error();
    Position position{request.stream_arn, kept->first, clock_.now().time_since_epoch().count()};
    if (request.type == ShardIteratorType::latest) position.next = kept->next;
    if (request.type == ShardIteratorType::at_sequence_number || request.type == ShardIteratorType::after_sequence_number) {
        const auto sequence = parse_sequence_text(request.sequence_number);
        if (!sequence) co_return validation("Invalid SequenceNumber");
        const bool after = request.type == ShardIteratorType::after_sequence_number;
        if (*sequence + (after ? 1 : 0) < kept->first) co_return trimmed();
        position.next = *sequence + (after ? 1 : 0);
    }
    co_return encode_iterator(position);
}

boost::asio::awaitable<Result<StreamRecords>> StreamReader::get_records(std::string iterator, std::int64_t limit) {
    if (limit < 1) co_return constraint_violated(std::to_string(limit), "limit", "have value greater than or equal to 1");
    if (limit > stream_records_max) co_return constraint_violated(std::to_string(limit), "limit", "have value less than or equal to 1000");
    auto position = decode_iterator(iterator);
    if (!position) co_return validation("Invalid ShardIterator");
    const std::int64_t now = clock_.now().time_since_epoch().count();
    if (now - position->made_at_ms > std::chrono::milliseconds(iterator_lifetime).count()) {
        co_return Error(Errc::expired_iterator, "Iterator expired. The iterator was created at time " +
                                                    std::to_string(position->made_at_ms / 1000) + " while right now it is " +
                                                    std::to_string(now / 1000));
    }
    auto stream = co_await find(position->arn);
    if (!stream) co_return stream.error();
    auto kept = co_await bounds(stream->number);
    if (!kept) co_return kept.error();
    if (position->next < kept->first) co_return trimmed();
    kv::ScanOptions options;
    options.range = records_range(stream->number);
    options.range.begin = record_key(stream->number, position->next);
    options.items_max = static_cast<std::size_t>(limit);
    options.bytes_max = records_bytes_max;
    auto page = co_await engine_.scan(options);
    if (!page) co_return from_engine(page.error());
    StreamRecords out;
    for (const auto& [key, value] : page->items) {
        const std::uint64_t sequence = sequence_of(key);
        auto record = decode_record(value, stream->view, stream->number, sequence);
        if (!record) co_return record.error();
        out.records.push_back(std::move(*record));
        position->next = sequence + 1;
    }
    position->made_at_ms = now;
    if (!stream->ended_at || page->more) out.next_iterator = encode_iterator(*position);
    co_return out;
}

}  // namespace fogbank::store::table
