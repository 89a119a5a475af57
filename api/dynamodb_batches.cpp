/// DynamoDB's batches and transactions.
#include <array>
#include <nlohmann/json.hpp>

#include "api/dynamodb_answers.h"
#include "api/dynamodb_operations.h"
#include "store/table/json.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
namespace table = store::table;
using dynamodb::ObjectWriter;
using dynamodb::ReturnCapacity;
using dynamodb::UnitKind;
using nlohmann::json;

json metrics_by_table(const std::vector<table::TableUsage>& usage) {
    json out = json::object();
    for (const auto& one : usage) {
        for (const auto& collection : one.collections) out[one.table.str()].push_back(dynamodb::collection_metrics(collection));
    }
    return out;
}

void add_usage(ObjectWriter& out, const std::vector<table::TableUsage>& usage, const dynamodb::AnswerOptions& options, UnitKind kind) {
    if (options.capacity != ReturnCapacity::none) out.json("ConsumedCapacity", dynamodb::consumed_capacity(usage, options.capacity, kind));
    if (!options.collection_metrics) return;
    if (json metrics = metrics_by_table(usage); !metrics.empty()) out.json("ItemCollectionMetrics", metrics);
}

asio::awaitable<Outcome> batch_write_item(const Services& services, const Call& call) {
    auto read = dynamodb::read_body(call, dynamodb::read_batch_write);
    if (!read) co_return read.error();
    const auto outcome = co_await services.rooms.tables.batch_write(std::move(read->request));
    if (!outcome) co_return outcome.error();
    ObjectWriter out;
    out.raw("UnprocessedItems", "{}");  // all or none is written
    add_usage(out, outcome->usage, read->options, UnitKind::plain);
    co_return dynamodb::answer_text(std::move(out).finish());
}

/// The rest of a request for one table, for those keys that were not processed.
struct UnprocessedOptions {
    table::Expression projection;
    std::map<std::string, std::string, std::less<>> names;
    std::vector<std::string> attributes_to_get;
    bool consistent_read = false;
};

json unprocessed(const table::BatchGetOutcome::Table& found, const UnprocessedOptions& wanted) {
    json out = json::object();
    out["Keys"] = json::array();
    for (const auto& key : found.unprocessed_keys) out["Keys"].push_back(table::typed_json(key));
    if (wanted.projection.given) out["ProjectionExpression"] = wanted.projection.text;
    if (!wanted.names.empty()) out["ExpressionAttributeNames"] = wanted.names;
    if (!wanted.attributes_to_get.empty()) out["AttributesToGet"] = wanted.attributes_to_get;
    if (wanted.consistent_read) out["ConsistentRead"] = true;
    return out;
}

asio::awaitable<Outcome> batch_get_item(const Services& services, const Call& call) {
    auto read = dynamodb::read_body(call, dynamodb::read_batch_get);
    if (!read) co_return read.error();
    std::vector<UnprocessedOptions> wanted;
    for (const auto& one : read->request.tables)
        wanted.push_back(UnprocessedOptions{one.projection, one.placeholders.names, one.attributes_to_get, one.consistent_read});
    const auto outcome = co_await services.rooms.tables.batch_get(std::move(read->request));
    if (!outcome) co_return outcome.error();
    ObjectWriter responses;
    json left = json::object();
    for (std::size_t i = 0; i < outcome->tables.size(); ++i) {
        const auto& found = outcome->tables[i];
        responses.items(found.name.str(), found.items);
        if (!found.unprocessed_keys.empty()) left[found.name.str()] = unprocessed(found, wanted[i]);
    }
    ObjectWriter out;
    out.raw("Responses", std::move(responses).finish()).json("UnprocessedKeys", left);
    add_usage(out, outcome->usage, read->options, UnitKind::plain);
    co_return dynamodb::answer_text(std::move(out).finish());
}

asio::awaitable<Outcome> transact_write_items(const Services& services, const Call& call) {
    auto read = dynamodb::read_body(call, dynamodb::read_transact_write);
    if (!read) co_return read.error();
    const auto outcome = co_await services.rooms.tables.transact_write(std::move(read->request));
    if (!outcome) co_return outcome.error();
    if (!outcome->reasons.empty()) co_return dynamodb::transaction_cancelled(outcome->reasons);
    ObjectWriter out;
    add_usage(out, outcome->usage, read->options, UnitKind::write);
    co_return dynamodb::answer_text(std::move(out).finish());
}

asio::awaitable<Outcome> transact_get_items(const Services& services, const Call& call) {
    auto read = dynamodb::read_body(call, dynamodb::read_transact_get);
    if (!read) co_return read.error();
    const auto outcome = co_await services.rooms.tables.transact_get(std::move(read->request));
    if (!outcome) co_return outcome.error();
    if (!outcome->reasons.empty()) co_return dynamodb::transaction_cancelled(outcome->reasons);
    std::string responses = "[";
    for (const auto& item : outcome->items) {
        ObjectWriter one;
        if (item) one.item("Item", *item);
        if (responses.size() > 1) responses += ',';
        responses += std::move(one).finish();
    }
    ObjectWriter out;
    out.raw("Responses", responses + "]");
    add_usage(out, outcome->usage, read->options, UnitKind::read);
    co_return dynamodb::answer_text(std::move(out).finish());
}

constexpr std::array operations{
    Operation{"BatchWriteItem", "", "", batch_write_item},
    Operation{"BatchGetItem", "", "", batch_get_item},
    Operation{"TransactWriteItems", "", "", transact_write_items},
    Operation{"TransactGetItems", "", "", transact_get_items},
};

}  // namespace

std::span<const Operation> dynamodb_batch_operations() {
    return operations;
}

}  // namespace fogbank::api
