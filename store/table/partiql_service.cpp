// ExecuteStatement, BatchExecuteStatement, ExecuteTransaction.

#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/item_write.h"
#include "store/table/detail/limits.h"
#include "store/table/detail/partiql.h"
#include "store/table/detail/service.h"
#include "store/table/detail/value_check.h"
#include "store/table/detail/write_transaction.h"
#include "store/table/json.h"

namespace fogbank::store::table {
namespace {

using SharedStatement = std::shared_ptr<const PartiQlStatement>;
using StatementKind = StatementTarget::Kind;

Result<Item> decode_token(const std::string& token) {
    const auto text = base64_decode(token);
    if (!text) return validation("Given NextToken is invalid");
    const auto parsed = nlohmann::json::parse(*text, nullptr, false);
    if (!parsed.is_object()) return validation("Given NextToken is invalid");
    auto item = item_from_typed_json(parsed);
    if (!item) return validation("Given NextToken is invalid");
    return item;
}

/// A SELECT's page: a query if WHERE fixes the partition key, else a scan.
Result<PagePlan> plan_select(const PartiQlStatement& statement, const StatementRequest& request, const TableDefinition& table) {
    PagePlan plan;
    std::string space = keyspace(table.number);
    plan.layout = layout_of(table.key_schema);
    if (!statement.index.empty()) {
        const IndexDefinition* index = table.index(statement.index);
        if (index == nullptr || index->status != IndexStatus::active)
            return validation("The table does not have the specified index: " + statement.index);
        if (index->request.is_global && request.statement.consistent_read)
            return validation("Consistent reads are not supported on global secondary indexes");
        plan.index = *index;
        plan.layout = index->request.keys;
        space = keyspace(table.number, index->number);
        plan.fetches = !index->request.is_global && index->request.projection.type != ProjectionType::all;
    }
    auto projection = Projection::from_paths(statement.paths);
    if (!projection) return projection.error();
    plan.projection = std::move(*projection);
    plan.consistent_read = request.statement.consistent_read;
    if (request.limit) plan.items_max = static_cast<std::size_t>(*request.limit);
    WhereParts parts = split_where(statement.where, plan.layout);
    std::optional<KeyCondition> condition;
    if (auto matched = match_key_schema(parts.keys, plan.layout)) {
        condition = std::move(*matched);
        plan.filter = std::move(parts.rest);
        plan.range = condition->range(space);
        plan.reverse = statement.descending.value_or(false);
    } else {
        if (statement.descending) return validation("Must have WHERE clause in the statement when using ORDER BY clause.");
        if (statement.where) plan.filter = *statement.where;
        plan.range = space_range(space);
    }
    if (request.next_token) {
        auto start = decode_token(*request.next_token);
        if (!start) return start.error();
        if (auto started = start_after(plan, *start, condition ? &*condition : nullptr, table); !started)
            return validation("Given NextToken is invalid");
    }
    return plan;
}

/// One write of a statement, ready to be run against its table.
Result<SharedWrite> compile_write(const PartiQlStatement& statement, const Statement& request, const TableDefinition& table,
                                  std::size_t item_bytes_max) {
    if (!statement.index.empty()) return validation("Statements other than SELECT are not supported on an index");
    auto write = std::make_shared<ItemWrite>();
    write->table = statement.table;
    write->return_old_on_failure = request.return_old_on_failure;
    write->return_values = statement.returning;
    if (statement.kind == StatementKind::insert) {
        auto size = check_item(statement.item, item_bytes_max);
        if (!size) return size.error();
        write->item = statement.item;
        write->size_bytes = *size;
        write->must_not_exist = true;
        return write;
    }
    WhereParts parts = split_where(statement.where, layout_of(table.key_schema));
    auto key = key_of_where(parts, table.key_schema);
    if (!key) return key.error();
    write->item = std::move(*key);
    write->condition = std::move(parts.rest);
    write->has_condition = parts.has_rest;
    if (statement.is_exists) {
        write->kind = ItemWrite::Kind::check;
        write->must_exist = true;
    } else if (statement.kind == StatementKind::remove) {
        write->kind = ItemWrite::Kind::remove;
        if (statement.returning != ReturnValues::none && statement.returning != ReturnValues::all_old)
            return validation("DELETE statement only supports RETURNING ALL OLD *");
    } else {
        write->kind = ItemWrite::Kind::update;
        write->must_exist = true;
        auto update = Update::from_actions(statement.actions, false);
        if (!update) return update.error();
        write->update = std::move(*update);
    }
    return write;
}

Result<SharedStatement> parse(const Statement& statement) {
    for (const auto& parameter : statement.parameters) {
        if (auto checked = check_value(parameter); !checked) return checked.error();
    }
    auto parsed = parse_partiql(statement.text, &statement.parameters);
    if (!parsed) return parsed.error();
    if (auto checked = check_table_name(parsed->table); !checked) return checked.error();
    return std::make_shared<const PartiQlStatement>(std::move(*parsed));
}

StatementOutcome written(const TableName& table, WriteOutcome outcome) {
    StatementOutcome out;
    out.table = table;
    out.units = std::move(outcome.units);
    if (outcome.condition_failed) {
        out.failed_item = std::move(outcome.old_item);
        return out;
    }
    for (auto* returned : {&outcome.old_item, &outcome.new_item}) {
        if (*returned) out.items.push_back(std::move(**returned));
    }
    return out;
}

}  // namespace

Result<StatementTarget> Service::statement_target(const Statement& statement) const {
    auto parsed = parse_partiql(statement.text, &statement.parameters);
    if (!parsed) return parsed.error();
    StatementTarget out;
    out.kind = parsed->kind;
    out.table = parsed->table;
    out.index = parsed->index;
    out.selects_all = parsed->kind == StatementKind::select && parsed->paths.empty();
    out.returning = parsed->returning;
    out.attributes = attributes_of(*parsed);
    out.is_full_scan = parsed->kind == StatementKind::select;
    const auto table = catalog_->last_known(parsed->table);
    if (!table) return out;
    IndexKeys layout = layout_of(table->key_schema);
    if (!parsed->index.empty()) {
        const IndexDefinition* index = table->index(parsed->index);
        if (index == nullptr) return out;
        layout = index->request.keys;
    }
    std::vector<AttributeValue> keys;
    for (const auto& attribute : layout.partition) {
        auto values = values_left_by(parsed->where, attribute.name);
        if (const auto found = parsed->item.find(attribute.name); found != parsed->item.end()) values = {found->second};
        if (!values) return out;
        for (auto& value : *values) keys.push_back(std::move(value));
    }
    out.leading_keys = std::move(keys);
    out.is_full_scan = false;
    return out;
}

Awaitable<StatementOutcome> Service::execute_statement(StatementRequest request) {
    auto statement = parse(request.statement);
    if (!statement) co_return statement.error();
    if ((*statement)->is_exists) co_return validation("EXISTS is only supported in ExecuteTransaction");
    if ((*statement)->kind == StatementKind::select) co_return co_await run_select(*statement, std::move(request));
    const TableName name = (*statement)->table;
    auto table = co_await find_readable(name, std::string());
    if (!table) co_return table.error();
    auto write = compile_write(**statement, request.statement, **table, item_bytes_max());
    if (!write) co_return write.error();
    auto outcome = co_await write_item(std::move(*write));
    if (!outcome) co_return outcome.error();
    if (outcome->condition_failed && !outcome->old_item) co_return conditional_check_failed();
    co_return written(name, std::move(*outcome));
}

Awaitable<StatementOutcome> Service::run_select(std::shared_ptr<const PartiQlStatement> statement, StatementRequest request) {
    if (request.limit && *request.limit < 1)
        co_return constraint_violated(std::to_string(*request.limit), "limit", "have value greater than or equal to 1");
    const TableName name = statement->table;
    auto table = co_await find_readable(name, statement->index);
    if (!table) co_return table.error();
    auto planned = plan_select(*statement, request, **table);
    if (!planned) co_return planned.error();
    const auto plan = std::make_shared<const PagePlan>(std::move(*planned));
    auto page = co_await read_page(*table, plan);
    if (!page) co_return page.error();
    StatementOutcome out;
    out.table = name;
    out.items = std::move(page->items);
    out.units = std::move(page->units);
    out.last_evaluated_key = std::move(page->last_evaluated_key);
    if (out.last_evaluated_key) out.next_token = base64_encode(typed_json(*out.last_evaluated_key).dump());
    co_return out;
}

Awaitable<std::vector<BatchStatementAnswer>> Service::batch_execute_statement(std::vector<Statement> statements) {
    std::vector<BatchStatementAnswer> out;
    for (auto& one : statements) {
        BatchStatementAnswer answer;
        auto parsed = parse(one);
        if (!parsed) {
            answer.error = parsed.error();
            out.push_back(std::move(answer));
            continue;
        }
        answer.table = (*parsed)->table;
        Error refusal;
        if ((*parsed)->kind == StatementKind::select) {
            auto table = co_await catalog_->find(answer.table);
            if (!table) {
                refusal = table.error();
            } else if (const auto parts = split_where((*parsed)->where, layout_of((*table)->key_schema));
                       !key_of_where(parts, (*table)->key_schema)) {
                refusal = validation("Select statements within BatchExecuteStatement must specify the primary key in the where clause.");
            }
        }
        if (refusal.code) {
            answer.error = std::move(refusal);
            out.push_back(std::move(answer));
            continue;
        }
        StatementRequest request;
        request.statement = std::move(one);
        auto outcome = co_await execute_statement(std::move(request));
        if (!outcome) {
            answer.error = outcome.error();
        } else if (outcome->failed_item) {
            answer.error = conditional_check_failed();
            answer.item = std::move(outcome->failed_item);
        } else {
            if (!outcome->items.empty()) answer.item = std::move(outcome->items.front());
            answer.units = std::move(outcome->units);
        }
        out.push_back(std::move(answer));
    }
    co_return out;
}

Awaitable<StatementTransactionOutcome> Service::execute_transaction(std::vector<Statement> statements, std::string token,
                                                                    std::string digest) {
    std::vector<SharedStatement> parsed;
    std::size_t selects = 0;
    for (const auto& one : statements) {
        auto statement = parse(one);
        if (!statement) co_return statement.error();
        if ((*statement)->kind == StatementKind::select && !(*statement)->is_exists) ++selects;
        parsed.push_back(std::move(*statement));
    }
    if (selects != 0 && selects != parsed.size())
        co_return validation("ExecuteTransaction API does not support both read and write operations in the same request.");
    StatementTransactionOutcome outcome;
    const auto work = std::make_shared<WriteTransaction>();
    std::vector<GetItemRequest> gets;
    for (std::size_t i = 0; i < parsed.size(); ++i) {
        const PartiQlStatement& statement = *parsed[i];
        const TableName name = statement.table;
        auto table = co_await find_readable(name, std::string());
        if (!table) co_return table.error();
        if (selects == 0) {
            auto write = compile_write(statement, statements[i], **table, item_bytes_max());
            if (!write) co_return write.error();
            work->writes.push_back(std::move(*write));
            continue;
        }
        const WhereParts parts = split_where(statement.where, layout_of((*table)->key_schema));
        auto key = key_of_where(parts, (*table)->key_schema);
        if (!key || parts.has_rest)
            co_return validation("Select statements within ExecuteTransaction must specify the primary key in the where clause.");
        GetItemRequest get;
        get.table = name;
        get.key = std::move(*key);
        for (const auto& path : statement.paths) get.attributes_to_get.push_back(path.top());
        gets.push_back(std::move(get));
    }
    if (selects != 0) {
        auto read = co_await transact_get(std::move(gets));
        if (!read) co_return read.error();
        outcome.reasons = std::move(read->reasons);
        outcome.items = std::move(read->items);
        outcome.usage = std::move(read->usage);
        co_return outcome;
    }
    work->token = std::move(token);
    work->digest = std::move(digest);
    auto done = co_await run_transact_write(work);
    if (!done) co_return done.error();
    outcome.reasons = std::move(done->reasons);
    outcome.usage = std::move(done->usage);
    outcome.items.resize(parsed.size());
    co_return outcome;
}

}  // namespace fogbank::store::table
