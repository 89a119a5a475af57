/// DynamoDB's operations on single items and pages of them. Source: DynamoDB API reference 2012-08-10; protocol json 1.0 (reference "auth",
/// section 5).
#include <array>
#include <nlohmann/json.hpp>

#include "api/dynamodb_answers.h"
#include "api/dynamodb_operations.h"
#include "store/table/json.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
namespace table = store::table;
using dynamodb::AnswerOptions;
using dynamodb::ObjectWriter;
using dynamodb::ReturnCapacity;

Response write_answer(const TableName& name, const table::WriteOutcome& outcome, const AnswerOptions& options) {
    ObjectWriter out;
    if (outcome.old_item) out.item("Attributes", *outcome.old_item);
    if (outcome.new_item) out.item("Attributes", *outcome.new_item);
    if (options.capacity != ReturnCapacity::none)
        out.json("ConsumedCapacity", dynamodb::consumed_capacity(name, outcome.units, options.capacity));
    if (options.collection_metrics && outcome.collection)
        out.json("ItemCollectionMetrics", dynamodb::collection_metrics(*outcome.collection));
    return dynamodb::answer_text(std::move(out).finish());
}

/// The three writes, which differ in their requests only.
template <auto Read, auto Run>
asio::awaitable<Outcome> write(const Services& services, const Call& call) {
    auto read = dynamodb::read_body(call, Read);
    if (!read) co_return read.error();
    const TableName name = read->request.table;
    table::TableApi& tables = services.rooms.tables;
    auto outcome = co_await Run(tables, std::move(read->request));
    if (!outcome) co_return outcome.error();
    if (outcome->condition_failed && outcome->old_item) co_return dynamodb::condition_failed(*outcome->old_item);
    if (outcome->condition_failed) co_return Error(table::Errc::conditional_check_failed, "The conditional request failed");
    co_return write_answer(name, *outcome, read->options);
}

asio::awaitable<Outcome> get_item(const Services& services, const Call& call) {
    auto read = dynamodb::read_body(call, dynamodb::read_get_item);
    if (!read) co_return read.error();
    const TableName name = read->request.table;
    const auto outcome = co_await services.rooms.tables.get_item(std::move(read->request));
    if (!outcome) co_return outcome.error();
    ObjectWriter out;
    if (outcome->item) out.item("Item", *outcome->item);
    if (read->options.capacity != ReturnCapacity::none) {
        table::ConsumedUnits units;
        units.table = outcome->capacity_units;
        out.json("ConsumedCapacity", dynamodb::consumed_capacity(name, units, read->options.capacity));
    }
    co_return dynamodb::answer_text(std::move(out).finish());
}

Response page_answer(const TableName& name, const table::ItemPage& page, const std::optional<table::Select>& select,
                     const AnswerOptions& options) {
    ObjectWriter out;
    out.number("Count", page.count).number("ScannedCount", page.scanned_count);
    if (select != table::Select::count) out.items("Items", page.items);
    if (page.last_evaluated_key) out.item("LastEvaluatedKey", *page.last_evaluated_key);
    if (options.capacity != ReturnCapacity::none)
        out.json("ConsumedCapacity", dynamodb::consumed_capacity(name, page.units, options.capacity));
    return dynamodb::answer_text(std::move(out).finish());
}

asio::awaitable<Outcome> query(const Services& services, const Call& call) {
    auto read = dynamodb::read_body(call, dynamodb::read_query);
    if (!read) co_return read.error();
    const TableName name = read->request.table;
    const auto select = read->request.select;
    const auto page = co_await services.rooms.tables.query(std::move(read->request));
    if (!page) co_return page.error();
    co_return page_answer(name, *page, select, read->options);
}

asio::awaitable<Outcome> scan(const Services& services, const Call& call) {
    auto read = dynamodb::read_body(call, dynamodb::read_scan);
    if (!read) co_return read.error();
    const TableName name = read->request.table;
    const auto select = read->request.select;
    const auto page = co_await services.rooms.tables.scan(std::move(read->request));
    if (!page) co_return page.error();
    co_return page_answer(name, *page, select, read->options);
}

auto run_put(table::TableApi& tables, table::PutItemRequest request) {
    return tables.put_item(std::move(request));
}
auto run_update(table::TableApi& tables, table::UpdateItemRequest request) {
    return tables.update_item(std::move(request));
}
auto run_delete(table::TableApi& tables, table::DeleteItemRequest request) {
    return tables.delete_item(std::move(request));
}

constexpr std::array operations{
    Operation{"PutItem", "", "", write<dynamodb::read_put_item, run_put>},
    Operation{"GetItem", "", "", get_item},
    Operation{"UpdateItem", "", "", write<dynamodb::read_update_item, run_update>},
    Operation{"DeleteItem", "", "", write<dynamodb::read_delete_item, run_delete>},
    Operation{"Query", "", "", query},
    Operation{"Scan", "", "", scan},
};

}  // namespace

std::span<const Operation> dynamodb_item_operations() {
    return operations;
}

}  // namespace fogbank::api
