/// DynamoDB Streams' operations. Source: DynamoDB Streams API reference 2012-08-10.
#include <array>
#include <nlohmann/json.hpp>

#include "api/dynamodb_answers.h"
#include "api/dynamodb_operations.h"
#include "store/table/streams.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
namespace table = store::table;
using dynamodb::Reader;
using nlohmann::json;

struct ListRequest {
    std::optional<TableName> table;
    std::optional<std::string> start;
    std::int64_t limit = 100;
};
ListRequest read_list(const Reader& root) {
    ListRequest out;
    if (auto name = root.text("TableName")) out.table = dynamodb::table_name_of(std::move(*name));
    out.start = root.text("ExclusiveStartStreamArn");
    const auto limit = root.integer("Limit");
    root.at_least("Limit", limit, 1);
    root.at_most("Limit", limit, 100);
    out.limit = limit.value_or(100);
    return out;
}

asio::awaitable<Outcome> list_streams(const Services& services, const Call& call) {
    auto request = dynamodb::read_body(call.request.body, read_list);
    if (!request) co_return request.error();
    const auto found =
        co_await services.rooms.tables.streams().list_streams(std::move(request->table), std::move(request->start), request->limit);
    if (!found) co_return found.error();
    json list = json::array();
    for (const auto& one : found->streams)
        list.push_back({{"StreamArn", one.arn}, {"StreamLabel", one.label}, {"TableName", one.table.str()}});
    json out{{"Streams", std::move(list)}};
    if (found->last_evaluated_arn) out["LastEvaluatedStreamArn"] = *found->last_evaluated_arn;
    co_return dynamodb::answer(out);
}

struct DescribeRequest {
    std::string arn;
    std::optional<std::string> start_shard;
};
DescribeRequest read_describe(const Reader& root) {
    DescribeRequest out;
    out.arn = root.required_text("StreamArn");
    out.start_shard = root.text("ExclusiveStartShardId");
    const auto limit = root.integer("Limit");
    root.at_least("Limit", limit, 1);
    root.at_most("Limit", limit, 100);
    return out;
}

asio::awaitable<Outcome> describe_stream(const Services& services, const Call& call) {
    auto request = dynamodb::read_body(call.request.body, read_describe);
    if (!request) co_return request.error();
    const auto found = co_await services.rooms.tables.streams().describe_stream(std::move(request->arn));
    if (!found) co_return found.error();
    json shards = json::array();
    for (const auto& shard : found->shards) {
        if (request->start_shard && shard.id <= *request->start_shard) continue;
        json range{{"StartingSequenceNumber", shard.starting_sequence_number}};
        if (shard.ending_sequence_number) range["EndingSequenceNumber"] = *shard.ending_sequence_number;
        shards.push_back({{"ShardId", shard.id}, {"SequenceNumberRange", std::move(range)}});
    }
    json keys = json::array();
    for (const auto& key : found->keys) keys.push_back({{"AttributeName", key.attribute}, {"KeyType", key.is_sort_key ? "RANGE" : "HASH"}});
    co_return dynamodb::answer({{"StreamDescription",
                                 {{"StreamArn", found->summary.arn},
                                  {"StreamLabel", found->summary.label},
                                  {"StreamStatus", found->status == table::StreamStatus::enabled ? "ENABLED" : "DISABLED"},
                                  {"StreamViewType", table::name_of(found->view)},
                                  {"CreationRequestDateTime", dynamodb::seconds(found->created_at)},
                                  {"TableName", found->summary.table.str()},
                                  {"KeySchema", std::move(keys)},
                                  {"Shards", std::move(shards)}}}});
}

table::ShardIteratorRequest read_iterator(const Reader& root) {
    table::ShardIteratorRequest out;
    out.stream_arn = root.required_text("StreamArn");
    out.shard_id = root.required_text("ShardId");
    const auto type = root.required_one_of("ShardIteratorType", {"AFTER_SEQUENCE_NUMBER", "LATEST", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON"});
    if (type == "LATEST") out.type = table::ShardIteratorType::latest;
    if (type == "AT_SEQUENCE_NUMBER") out.type = table::ShardIteratorType::at_sequence_number;
    if (type == "AFTER_SEQUENCE_NUMBER") out.type = table::ShardIteratorType::after_sequence_number;
    out.sequence_number = root.text("SequenceNumber").value_or("");
    return out;
}

asio::awaitable<Outcome> get_shard_iterator(const Services& services, const Call& call) {
    auto request = dynamodb::read_body(call.request.body, read_iterator);
    if (!request) co_return request.error();
    const auto iterator = co_await services.rooms.tables.streams().get_shard_iterator(std::move(*request));
    if (!iterator) co_return iterator.error();
    co_return dynamodb::answer({{"ShardIterator", *iterator}});
}

struct GetRecordsRequest {
    std::string iterator;
    std::int64_t limit = table::stream_records_max;
};
GetRecordsRequest read_get_records(const Reader& root) {
    GetRecordsRequest out;
    out.iterator = root.required_text("ShardIterator");
    const auto limit = root.integer("Limit");
    root.at_least("Limit", limit, 1);
    root.at_most("Limit", limit, table::stream_records_max);
    out.limit = limit.value_or(table::stream_records_max);
    return out;
}

asio::awaitable<Outcome> get_records(const Services& services, const Call& call) {
    auto request = dynamodb::read_body(call.request.body, read_get_records);
    if (!request) co_return request.error();
    const auto found = co_await services.rooms.tables.streams().get_records(std::move(request->iterator), request->limit);
    if (!found) co_return found.error();
    json records = json::array();
    for (const auto& record : found->records) {
        json one = table::stream_record_json(record, services.rooms.arns.region().str());
        // The Streams API spells the identity's members with capitals, a function's event does not.
        if (record.by_time_to_live) one["userIdentity"] = {{"Type", "Service"}, {"PrincipalId", "dynamodb.amazonaws.com"}};
        records.push_back(std::move(one));
    }
    json out{{"Records", std::move(records)}};
    if (found->next_iterator) out["NextShardIterator"] = *found->next_iterator;
    co_return dynamodb::answer(out);
}

constexpr std::array operations{
    Operation{"ListStreams", "", "", list_streams},
    Operation{"DescribeStream", "", "", describe_stream},
    Operation{"GetShardIterator", "", "", get_shard_iterator},
    Operation{"GetRecords", "", "", get_records},
};

}  // namespace

std::span<const Operation> dynamodb_streams_operations() {
    return operations;
}

}  // namespace fogbank::api
