/// DynamoDB's operations. Source: DynamoDB API reference 2012-08-10; protocol json 1.0 (reference "auth", section 5).
#include <array>
#include <nlohmann/json.hpp>

#include "api/dynamodb_json.h"
#include "api/members.h"
#include "common/json.h"
#include "store/table/errc.h"
#include "store/table/json.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
namespace table = store::table;
using dynamodb::ReturnCapacity;
using nlohmann::json;

/// DynamoDB's largest request (BatchWriteItem): 16 MB.
constexpr std::size_t body_bytes_max = 16 * 1024 * 1024;
/// 32 levels of attribute values at two levels of JSON each, plus the request around them and one level more, so that the table room can
/// say which attribute is nested too deeply.
constexpr std::size_t body_depth_max = 80;

Result<json> read_body(const Call& call) {
    // An SDK sends at least `{}`.
    if (call.request.body.empty()) return Error(table::Errc::serialization, "the request body is empty");
    auto body = parse_json(call.request.body, JsonLimits{body_bytes_max, body_depth_max});
    if (!body) return Error(table::Errc::serialization, body.error().message);
    if (!body->is_object()) return Error(table::Errc::serialization, "Start of structure expected");
    return body;
}

Response answer(const json& body) {
    Response response = json_response(body);
    response.content_type = "application/x-amz-json-1.0";
    return response;
}

/// Body to request, with `Read` one of the readers of dynamodb_json.h.
template <auto Read>
auto read_request(const Call& call) -> decltype(Read(std::declval<const json&>())) {
    const auto body = read_body(call);
    if (!body) return body.error();
    return Read(*body);
}

template <class T>
struct WithCapacity {
    T request;
    ReturnCapacity capacity = ReturnCapacity::none;
};

/// The same for requests that may ask for their consumed capacity.
template <auto Read>
auto read_item_request(const Call& call) -> Result<WithCapacity<std::decay_t<decltype(*Read(std::declval<const json&>()))>>> {
    const auto body = read_body(call);
    if (!body) return body.error();
    const auto capacity = dynamodb::read_return_capacity(*body);
    if (!capacity) return capacity.error();
    auto request = Read(*body);
    if (!request) return request.error();
    return WithCapacity<std::decay_t<decltype(*request)>>{std::move(*request), *capacity};
}

asio::awaitable<Outcome> create_table(const Services& services, const Call& call) {
    auto request = read_request<dynamodb::read_create_table>(call);
    if (!request) co_return request.error();
    const auto made = co_await services.rooms.tables.create_table(std::move(*request));
    if (!made) co_return made.error();
    co_return answer({{"TableDescription", dynamodb::describe(*made)}});
}

asio::awaitable<Outcome> describe_table(const Services& services, const Call& call) {
    auto name = read_request<dynamodb::read_table_name>(call);
    if (!name) co_return name.error();
    const auto found = co_await services.rooms.tables.describe_table(std::move(*name));
    if (!found) co_return found.error();
    co_return answer({{"Table", dynamodb::describe(*found)}});
}

asio::awaitable<Outcome> delete_table(const Services& services, const Call& call) {
    auto name = read_request<dynamodb::read_table_name>(call);
    if (!name) co_return name.error();
    const auto gone = co_await services.rooms.tables.delete_table(std::move(*name));
    if (!gone) co_return gone.error();
    co_return answer({{"TableDescription", dynamodb::describe(*gone)}});
}

asio::awaitable<Outcome> list_tables(const Services& services, const Call& call) {
    auto request = read_request<dynamodb::read_list_tables>(call);
    if (!request) co_return request.error();
    const auto found = co_await services.rooms.tables.list_tables(std::move(request->exclusive_start), request->limit);
    if (!found) co_return found.error();
    json names = json::array();
    for (const TableName& name : found->names) names.push_back(name.str());
    json out{{"TableNames", std::move(names)}};
    if (found->last_evaluated) out["LastEvaluatedTableName"] = found->last_evaluated->str();
    co_return answer(out);
}

Response write_answer(const TableName& name, const table::WriteOutcome& outcome, ReturnCapacity wanted) {
    json out = json::object();
    if (outcome.old_item) out["Attributes"] = table::typed_json(*outcome.old_item);
    if (wanted != ReturnCapacity::none) out["ConsumedCapacity"] = dynamodb::consumed_capacity(name, outcome.capacity_units, wanted);
    return answer(out);
}

asio::awaitable<Outcome> put_item(const Services& services, const Call& call) {
    auto read = read_item_request<dynamodb::read_put_item>(call);
    if (!read) co_return read.error();
    const TableName name = read->request.table;
    const auto outcome = co_await services.rooms.tables.put_item(std::move(read->request));
    if (!outcome) co_return outcome.error();
    co_return write_answer(name, *outcome, read->capacity);
}

asio::awaitable<Outcome> delete_item(const Services& services, const Call& call) {
    auto read = read_item_request<dynamodb::read_delete_item>(call);
    if (!read) co_return read.error();
    const TableName name = read->request.table;
    const auto outcome = co_await services.rooms.tables.delete_item(std::move(read->request));
    if (!outcome) co_return outcome.error();
    co_return write_answer(name, *outcome, read->capacity);
}

asio::awaitable<Outcome> get_item(const Services& services, const Call& call) {
    auto read = read_item_request<dynamodb::read_get_item>(call);
    if (!read) co_return read.error();
    const TableName name = read->request.table;
    const auto outcome = co_await services.rooms.tables.get_item(std::move(read->request));
    if (!outcome) co_return outcome.error();
    json out = json::object();
    if (outcome->item) out["Item"] = table::typed_json(*outcome->item);
    if (read->capacity != ReturnCapacity::none)
        out["ConsumedCapacity"] = dynamodb::consumed_capacity(name, outcome->capacity_units, read->capacity);
    co_return answer(out);
}

Response page_answer(const TableName& name, const table::ItemPage& page, table::Select select, ReturnCapacity wanted) {
    json out{{"Count", page.count}, {"ScannedCount", page.scanned_count}};
    if (select != table::Select::count) {
        json items = json::array();
        for (const table::Item& item : page.items) items.push_back(table::typed_json(item));
        out["Items"] = std::move(items);
    }
    if (page.last_evaluated_key) out["LastEvaluatedKey"] = table::typed_json(*page.last_evaluated_key);
    if (wanted != ReturnCapacity::none) out["ConsumedCapacity"] = dynamodb::consumed_capacity(name, page.capacity_units, wanted);
    return answer(out);
}

asio::awaitable<Outcome> query(const Services& services, const Call& call) {
    auto read = read_item_request<dynamodb::read_query>(call);
    if (!read) co_return read.error();
    const TableName name = read->request.table;
    const table::Select select = read->request.select;
    const auto page = co_await services.rooms.tables.query(std::move(read->request));
    if (!page) co_return page.error();
    co_return page_answer(name, *page, select, read->capacity);
}

asio::awaitable<Outcome> scan(const Services& services, const Call& call) {
    auto read = read_item_request<dynamodb::read_scan>(call);
    if (!read) co_return read.error();
    const TableName name = read->request.table;
    const table::Select select = read->request.select;
    const auto page = co_await services.rooms.tables.scan(std::move(read->request));
    if (!page) co_return page.error();
    co_return page_answer(name, *page, select, read->capacity);
}

constexpr std::array operations{
    Operation{"CreateTable", "", "", create_table},
    Operation{"DescribeTable", "", "", describe_table},
    Operation{"DeleteTable", "", "", delete_table},
    Operation{"ListTables", "", "", list_tables},
    Operation{"PutItem", "", "", put_item},
    Operation{"GetItem", "", "", get_item},
    Operation{"DeleteItem", "", "", delete_item},
    Operation{"Query", "", "", query},
    Operation{"Scan", "", "", scan},
};

}  // namespace

std::span<const Operation> dynamodb_operations() {
    return operations;
}

}  // namespace fogbank::api
