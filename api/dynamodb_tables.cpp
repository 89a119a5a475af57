/// DynamoDB's operations on tables: making, changing, describing, tags, time to live, limits, endpoints.
#include <array>
#include <nlohmann/json.hpp>

#include "api/dynamodb_answers.h"
#include "api/dynamodb_describe.h"
#include "api/dynamodb_operations.h"
#include "api/dynamodb_table_requests.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
namespace table = store::table;
using dynamodb::Reader;
using nlohmann::json;

/// The account's limits as DynamoDB reports them by default; nothing here enforces them.
constexpr std::int64_t account_capacity_units_max = 80000, table_capacity_units_max = 40000;

TableName read_name(const Reader& root) {
    return dynamodb::read_table_name(root);
}

asio::awaitable<Outcome> create_table(const Services& services, const Call& call) {
    auto request = dynamodb::read_body(call.request.body, dynamodb::read_create_table);
    if (!request) co_return request.error();
    const auto made = co_await services.rooms.tables.create_table(std::move(*request));
    if (!made) co_return made.error();
    co_return dynamodb::answer({{"TableDescription", dynamodb::describe(*made, services.rooms.arns)}});
}

asio::awaitable<Outcome> update_table(const Services& services, const Call& call) {
    auto request = dynamodb::read_body(call.request.body, dynamodb::read_update_table);
    if (!request) co_return request.error();
    const auto changed = co_await services.rooms.tables.update_table(std::move(*request));
    if (!changed) co_return changed.error();
    co_return dynamodb::answer({{"TableDescription", dynamodb::describe(*changed, services.rooms.arns)}});
}

asio::awaitable<Outcome> describe_table(const Services& services, const Call& call) {
    auto name = dynamodb::read_body(call.request.body, read_name);
    if (!name) co_return name.error();
    const auto found = co_await services.rooms.tables.describe_table(std::move(*name));
    if (!found) co_return found.error();
    co_return dynamodb::answer({{"Table", dynamodb::describe(*found, services.rooms.arns)}});
}

asio::awaitable<Outcome> delete_table(const Services& services, const Call& call) {
    auto name = dynamodb::read_body(call.request.body, read_name);
    if (!name) co_return name.error();
    const auto gone = co_await services.rooms.tables.delete_table(std::move(*name));
    if (!gone) co_return gone.error();
    co_return dynamodb::answer({{"TableDescription", dynamodb::describe(*gone, services.rooms.arns)}});
}

struct ListTablesRequest {
    std::optional<TableName> exclusive_start;
    std::int64_t limit = 100;
};
ListTablesRequest read_list_tables(const Reader& root) {
    ListTablesRequest out;
    if (auto start = root.text("ExclusiveStartTableName")) out.exclusive_start = TableName(std::move(*start));
    const auto limit = root.integer("Limit");
    root.at_least("Limit", limit, 1);
    root.at_most("Limit", limit, 100);
    out.limit = limit.value_or(100);
    return out;
}

asio::awaitable<Outcome> list_tables(const Services& services, const Call& call) {
    auto request = dynamodb::read_body(call.request.body, read_list_tables);
    if (!request) co_return request.error();
    const auto found = co_await services.rooms.tables.list_tables(std::move(request->exclusive_start), request->limit);
    if (!found) co_return found.error();
    json names = json::array();
    for (const TableName& name : found->names) names.push_back(name.str());
    json out{{"TableNames", std::move(names)}};
    if (found->last_evaluated) out["LastEvaluatedTableName"] = found->last_evaluated->str();
    co_return dynamodb::answer(out);
}

struct TimeToLiveRequest {
    TableName name;
    table::TimeToLive wanted;
};
TimeToLiveRequest read_time_to_live(const Reader& root) {
    TimeToLiveRequest out;
    out.name = dynamodb::read_table_name(root);
    const auto given = root.required_structure("TimeToLiveSpecification");
    if (!given) return out;
    if (!given->has("Enabled")) given->missing("Enabled");
    out.wanted.enabled = given->boolean("Enabled").value_or(false);
    out.wanted.attribute = given->required_text("AttributeName");
    if (given->has("AttributeName") && out.wanted.attribute.empty())
        given->violated("", "AttributeName", "Member must have length greater than or equal to 1");
    if (out.wanted.attribute.size() > 255)
        given->violated(out.wanted.attribute, "AttributeName", "Member must have length less than or equal to 255");
    return out;
}

asio::awaitable<Outcome> update_time_to_live(const Services& services, const Call& call) {
    auto request = dynamodb::read_body(call.request.body, read_time_to_live);
    if (!request) co_return request.error();
    const auto done = co_await services.rooms.tables.update_time_to_live(std::move(request->name), std::move(request->wanted));
    if (!done) co_return done.error();
    co_return dynamodb::answer({{"TimeToLiveSpecification", {{"Enabled", done->enabled}, {"AttributeName", done->attribute}}}});
}

asio::awaitable<Outcome> describe_time_to_live(const Services& services, const Call& call) {
    auto name = dynamodb::read_body(call.request.body, read_name);
    if (!name) co_return name.error();
    const auto found = co_await services.rooms.tables.describe_time_to_live(std::move(*name));
    if (!found) co_return found.error();
    json description{{"TimeToLiveStatus", found->enabled ? "ENABLED" : "DISABLED"}};
    if (found->enabled) description["AttributeName"] = found->attribute;
    co_return dynamodb::answer({{"TimeToLiveDescription", std::move(description)}});
}

struct TagRequest {
    std::string arn;
    std::vector<table::Tag> tags;
    std::vector<std::string> keys;
};
TagRequest read_tag_resource(const Reader& root) {
    TagRequest out;
    out.arn = root.required_text("ResourceArn");
    if (!root.has("Tags")) root.missing("Tags");
    out.tags = dynamodb::read_tags(root);
    if (root.has("Tags") && out.tags.empty() && !root.problems().any())
        root.problems().value(dynamodb::invalid("Atleast one Tag needs to be provided as Input."));
    return out;
}
TagRequest read_untag_resource(const Reader& root) {
    TagRequest out;
    out.arn = root.required_text("ResourceArn");
    if (!root.has("TagKeys")) root.missing("TagKeys");
    root.each_text("TagKeys", [&](std::string key) { out.keys.push_back(std::move(key)); });
    if (root.has("TagKeys") && out.keys.empty() && !root.problems().any())
        root.problems().value(dynamodb::invalid("Atleast one Tag Key needs to be provided as Input."));
    return out;
}
TagRequest read_list_tags(const Reader& root) {
    TagRequest out;
    out.arn = root.required_text("ResourceArn");
    return out;
}

asio::awaitable<Outcome> tag_resource(const Services& services, const Call& call) {
    auto request = dynamodb::read_body(call.request.body, read_tag_resource);
    if (!request) co_return request.error();
    const auto done = co_await services.rooms.tables.tag_resource(std::move(request->arn), std::move(request->tags));
    if (!done) co_return done.error();
    co_return dynamodb::answer_text("");
}

asio::awaitable<Outcome> untag_resource(const Services& services, const Call& call) {
    auto request = dynamodb::read_body(call.request.body, read_untag_resource);
    if (!request) co_return request.error();
    const auto done = co_await services.rooms.tables.untag_resource(std::move(request->arn), std::move(request->keys));
    if (!done) co_return done.error();
    co_return dynamodb::answer_text("");
}

asio::awaitable<Outcome> list_tags_of_resource(const Services& services, const Call& call) {
    auto request = dynamodb::read_body(call.request.body, read_list_tags);
    if (!request) co_return request.error();
    const auto found = co_await services.rooms.tables.list_tags(std::move(request->arn));
    if (!found) co_return found.error();
    json tags = json::array();
    for (const auto& tag : *found) tags.push_back({{"Key", tag.key}, {"Value", tag.value}});
    co_return dynamodb::answer({{"Tags", std::move(tags)}});
}

asio::awaitable<Outcome> describe_limits(const Services&, const Call&) {
    co_return dynamodb::answer({{"AccountMaxReadCapacityUnits", account_capacity_units_max},
                                {"AccountMaxWriteCapacityUnits", account_capacity_units_max},
                                {"TableMaxReadCapacityUnits", table_capacity_units_max},
                                {"TableMaxWriteCapacityUnits", table_capacity_units_max}});
}

/// Whom the client asks already: the address of the request.
asio::awaitable<Outcome> describe_endpoints(const Services& services, const Call& call) {
    constexpr int minutes_valid = 1440;
    std::string address(call.request.header("host").value_or(services.endpoint_name));
    co_return dynamodb::answer({{"Endpoints", {{{"Address", std::move(address)}, {"CachePeriodInMinutes", minutes_valid}}}}});
}

constexpr std::array operations{
    Operation{"CreateTable", "", "", create_table},
    Operation{"UpdateTable", "", "", update_table},
    Operation{"DescribeTable", "", "", describe_table},
    Operation{"DeleteTable", "", "", delete_table},
    Operation{"ListTables", "", "", list_tables},
    Operation{"UpdateTimeToLive", "", "", update_time_to_live},
    Operation{"DescribeTimeToLive", "", "", describe_time_to_live},
    Operation{"TagResource", "", "", tag_resource},
    Operation{"UntagResource", "", "", untag_resource},
    Operation{"ListTagsOfResource", "", "", list_tags_of_resource},
    Operation{"DescribeLimits", "", "", describe_limits},
    Operation{"DescribeEndpoints", "", "", describe_endpoints},
};

}  // namespace

std::span<const Operation> dynamodb_table_operations() {
    return operations;
}

}  // namespace fogbank::api
