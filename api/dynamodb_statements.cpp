/// DynamoDB's PartiQL operations.
#include <array>
#include <nlohmann/json.hpp>

#include "api/dynamodb_answers.h"
#include "api/dynamodb_item_requests.h"
#include "api/dynamodb_operations.h"
#include "common/encoding.h"
#include "store/table/errc.h"
#include "store/table/json.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
namespace table = store::table;
using dynamodb::AnswerOptions;
using dynamodb::ObjectWriter;
using dynamodb::Reader;
using dynamodb::ReturnCapacity;
using nlohmann::json;

constexpr std::size_t batch_statements_max = 25, transaction_statements_max = 100;

struct ExecuteRequest {
    table::StatementRequest request;
    AnswerOptions options;
};
ExecuteRequest read_execute(const Reader& root) {
    ExecuteRequest out;
    out.request.statement = dynamodb::read_statement(root);
    out.request.next_token = root.text("NextToken");
    out.request.limit = root.integer("Limit");
    root.at_least("Limit", out.request.limit, 1);
    out.options = dynamodb::read_answer_options(root);
    return out;
}

struct ManyRequest {
    std::vector<table::Statement> statements;
    std::string token, digest;
    AnswerOptions options;
};
ManyRequest read_many(const Reader& root, std::string_view member, std::size_t most) {
    ManyRequest out;
    const auto count = root.size(member);
    if (!count) root.missing(member);
    if (count == 0U) root.violated("[]", member, "Member must have length greater than or equal to 1");
    if (count && *count > most) root.violated("[...]", member, "Member must have length less than or equal to " + std::to_string(most));
    root.each_structure(member, [&](const Reader& one, std::size_t) { out.statements.push_back(dynamodb::read_statement(one)); });
    if (const auto list = root.find(member)) out.digest = sha256(simdjson::minify(list->element()));
    out.token = root.text("ClientRequestToken").value_or("");
    if (out.token.size() > 36) root.violated(out.token, "ClientRequestToken", "Member must have length less than or equal to 36");
    out.options = dynamodb::read_answer_options(root);
    return out;
}
ManyRequest read_batch(const Reader& root) {
    return read_many(root, "Statements", batch_statements_max);
}
ManyRequest read_transaction(const Reader& root) {
    return read_many(root, "TransactStatements", transaction_statements_max);
}

asio::awaitable<Outcome> execute_statement(const Services& services, const Call& call) {
    auto read = dynamodb::read_body(call.request.body, read_execute);
    if (!read) co_return read.error();
    const bool wants_item = read->request.statement.return_old_on_failure;
    const auto outcome = co_await services.rooms.tables.execute_statement(std::move(read->request));
    if (!outcome) co_return outcome.error();
    if (outcome->failed_item && wants_item) co_return dynamodb::condition_failed(*outcome->failed_item);
    ObjectWriter out;
    out.items("Items", outcome->items);
    if (outcome->next_token) out.raw("NextToken", json(*outcome->next_token).dump());
    if (outcome->last_evaluated_key) out.item("LastEvaluatedKey", *outcome->last_evaluated_key);
    if (read->options.capacity != ReturnCapacity::none)
        out.json("ConsumedCapacity", dynamodb::consumed_capacity(outcome->table, outcome->units, read->options.capacity));
    co_return dynamodb::answer_text(std::move(out).finish());
}

/// The codes of BatchStatementError.
std::string_view batch_code(const Error& error) {
    if (error.code == table::Errc::conditional_check_failed) return "ConditionalCheckFailed";
    if (error.code == table::Errc::duplicate_item) return "DuplicateItem";
    if (error.code == table::Errc::resource_not_found) return "ResourceNotFound";
    if (error.code == table::Errc::item_collection_too_large) return "ItemCollectionSizeLimitExceeded";
    if (error.code == table::Errc::access_denied || error.code == Errc::forbidden) return "AccessDenied";
    if (error.code == table::Errc::validation) return "ValidationError";
    return "InternalServerError";
}

asio::awaitable<Outcome> batch_execute_statement(const Services& services, const Call& call) {
    auto read = dynamodb::read_body(call.request.body, read_batch);
    if (!read) co_return read.error();
    const auto answers = co_await services.rooms.tables.batch_execute_statement(std::move(read->statements));
    if (!answers) co_return answers.error();
    json responses = json::array();
    json capacity = json::array();
    for (const auto& one : *answers) {
        json shown = json::object();
        if (one.error) {
            shown["Error"] = {{"Code", batch_code(*one.error)}, {"Message", one.error->message}};
            if (one.item) shown["Error"]["Item"] = table::typed_json(*one.item);
        } else if (one.item) {
            shown["Item"] = table::typed_json(*one.item);
        }
        if (!one.table.empty()) shown["TableName"] = one.table.str();
        responses.push_back(std::move(shown));
        if (!one.table.empty() && !one.error) capacity.push_back(dynamodb::consumed_capacity(one.table, one.units, read->options.capacity));
    }
    json out{{"Responses", std::move(responses)}};
    if (read->options.capacity != ReturnCapacity::none) out["ConsumedCapacity"] = std::move(capacity);
    co_return dynamodb::answer(out);
}

asio::awaitable<Outcome> execute_transaction(const Services& services, const Call& call) {
    auto read = dynamodb::read_body(call.request.body, read_transaction);
    if (!read) co_return read.error();
    const auto outcome =
        co_await services.rooms.tables.execute_transaction(std::move(read->statements), std::move(read->token), std::move(read->digest));
    if (!outcome) co_return outcome.error();
    if (!outcome->reasons.empty()) co_return dynamodb::transaction_cancelled(outcome->reasons);
    json responses = json::array();
    for (const auto& item : outcome->items) {
        json one = json::object();
        if (item) one["Item"] = table::typed_json(*item);
        responses.push_back(std::move(one));
    }
    json out{{"Responses", std::move(responses)}};
    if (read->options.capacity != ReturnCapacity::none)
        out["ConsumedCapacity"] = dynamodb::consumed_capacity(outcome->usage, read->options.capacity);
    co_return dynamodb::answer(out);
}

constexpr std::array operations{
    Operation{"ExecuteStatement", "", "", execute_statement},
    Operation{"BatchExecuteStatement", "", "", batch_execute_statement},
    Operation{"ExecuteTransaction", "", "", execute_transaction},
};

}  // namespace

std::span<const Operation> dynamodb_statement_operations() {
    return operations;
}

}  // namespace fogbank::api
