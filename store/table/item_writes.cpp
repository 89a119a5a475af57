// PutItem, UpdateItem, DeleteItem and the rules engine's put.

#include <utility>

#include "store/table/detail/capacity.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/item_codec.h"
#include "store/table/detail/item_write.h"
#include "store/table/detail/legacy.h"
#include "store/table/detail/service.h"
#include "store/table/detail/value_check.h"

namespace fogbank::store::table {
namespace {

constexpr int attempts_max = 4;  // the copy of a definition may be old; each attempt reads it anew

template <class Request>
Result<void> compile_write_condition(const Request& request, PlaceholderScope& scope, ItemWrite& write) {
    auto condition = compile_condition(request.condition, "ConditionExpression", scope);
    if (!condition) return condition.error();
    if (auto checked = scope.check_all_used(); !checked) return checked;
    write.condition = std::move(*condition);
    write.has_condition = is_given(request.condition);
    write.return_old_on_failure = request.return_old_on_failure;
    return {};
}

template <class Request>
Result<void> compile_expected(const Request& request, ItemWrite& write) {
    if (request.expected.conditions.empty()) return {};
    auto condition = compile_legacy(request.expected);
    if (!condition) return condition.error();
    write.condition = std::move(*condition);
    write.has_condition = true;
    return {};
}

template <class Request>
Result<void> check_placeholders(const Request& request) {
    const ExpressionParameter condition{"ConditionExpression", request.condition};
    return PlaceholderScope(request.placeholders).check({condition}, {condition});
}

/// Put, delete and check: one expression, and perhaps Expected.
template <class Request>
Result<void> compile_common(const Request& request, ItemWrite& write) {
    if constexpr (requires { request.expected; }) {
        if (auto compiled = compile_expected(request, write); !compiled) return compiled;
        if (write.has_condition) return {};
    }
    PlaceholderScope scope(request.placeholders);
    return compile_write_condition(request, scope, write);
}

/// A write without reading: put or erase, if the table is still there and as we know it.
kv::Batch blind_batch(const TableDefinition& table, const Item& item, std::optional<std::string> value) {
    kv::Batch batch;
    batch.preconditions.push_back(unchanged(table));
    kv::Batch::Write write;
    write.key = item_key(table.number, table.key_schema, item);
    write.value = std::move(value);
    batch.writes.push_back(std::move(write));
    return batch;
}

/// A fast put on its way: what the engine's handler needs.
struct FastPut {
    std::shared_ptr<Catalog> catalog;
    std::shared_ptr<StreamWatchers> watchers;
    const Clock& clock;
    ArnFactory arns;
    TableName table{};
    Item item{};
    std::size_t size_bytes = 0;
    std::size_t item_bytes_max = 0;
    kv::CommitHandler done{};
    DefinitionPtr definition{};
    std::uint64_t generation = 0;
    int attempts = 0;
    SharedWrite write{};  ///< of tables whose indexes or streams must be kept
};

void look_up_then_commit(std::unique_ptr<FastPut> put);

void finish_fast_put(std::unique_ptr<FastPut> put, const Result<void>& committed) {
    if (committed) {
        if (put->definition->stream.enabled) put->watchers->announce(stream_arn(*put->definition, put->arns));
        return put->done(Result<void>());
    }
    const Error error = from_engine(committed.error());
    if (error.code != Errc::resource_not_found) return put->done(error);
    put->catalog->forget(put->table);
    if (++put->attempts >= attempts_max) return put->done(error);
    look_up_then_commit(std::move(put));
}

void commit_fast_put(std::unique_ptr<FastPut> put) {
    const TableDefinition& table = *put->definition;
    if (auto checked = check_item_key(table.key_schema, put->item); !checked) return put->done(checked.error());
    kv::Engine& engine = put->catalog->engine();
    if (table.allows_blind_writes() && !table.is_restoring) {
        kv::Batch batch = blind_batch(table, put->item, encode_item(put->item, put->size_bytes));
        engine.commit(std::move(batch),
                      [put = std::move(put)](Result<void> committed) mutable { finish_fast_put(std::move(put), committed); });
        return;
    }
    put->write = std::make_shared<ItemWrite>();
    put->write->item = put->item;
    put->write->size_bytes = put->size_bytes;
    if (auto checked = check_against(*put->write, table); !checked) return put->done(checked.error());
    FastPut* const running = put.get();  // the handler below owns it and is called after the body
    engine.transact(
        [running](kv::Transaction& transaction) -> Result<void> {
            if (auto checked = check_marker(transaction, *running->definition); !checked) return checked;
            const WriteContext context{running->clock};
            return run_write(transaction, *running->definition, *running->write, context, running->item_bytes_max);
        },
        [put = std::move(put)](Result<void> committed) mutable { finish_fast_put(std::move(put), committed); });
}

Result<void> look_up(kv::Transaction& transaction, FastPut& put) {
    auto stored = transaction.get(definition_key(put.table));
    if (!stored) return stored.error();
    if (!*stored) return table_not_found();
    auto definition = decode_definition(**stored);
    if (!definition) return definition.error();
    put.definition = std::make_shared<const TableDefinition>(std::move(*definition));
    return {};
}

/// The definition is not in memory: a table of another node, or none. Fetches it on the engine's thread, because there is no coroutine to
/// suspend.
void look_up_then_commit(std::unique_ptr<FastPut> put) {
    kv::Engine& engine = put->catalog->engine();
    put->generation = put->catalog->generation();
    FastPut* const looked_up = put.get();  // the handler below owns it and is called after the body
    engine.transact([looked_up](kv::Transaction& transaction) { return look_up(transaction, *looked_up); },
                    [put = std::move(put)](Result<void> found) mutable {
                        if (!found) return put->done(from_engine(found.error()));
                        put->catalog->remember(put->definition, put->generation);
                        commit_fast_put(std::move(put));
                    });
}

}  // namespace

Result<SharedWrite> compile_put(PutItemRequest request, std::size_t item_bytes_max) {
    if (auto checked = check_table_name(request.table); !checked) return checked.error();
    if (auto checked = check_placeholders(request); !checked) return checked.error();
    auto size = check_item(request.item, item_bytes_max);
    if (!size) return size.error();
    auto write = std::make_shared<ItemWrite>();
    if (auto compiled = compile_common(request, *write); !compiled) return compiled.error();
    write->table = std::move(request.table);
    write->item = std::move(request.item);
    write->size_bytes = *size;
    write->return_values = request.return_values;
    return write;
}

Result<SharedWrite> compile_delete(DeleteItemRequest request) {
    if (auto checked = check_table_name(request.table); !checked) return checked.error();
    if (auto checked = check_placeholders(request); !checked) return checked.error();
    if (auto checked = check_attributes(request.key); !checked) return checked.error();
    auto write = std::make_shared<ItemWrite>();
    if (auto compiled = compile_common(request, *write); !compiled) return compiled.error();
    write->kind = ItemWrite::Kind::remove;
    write->table = std::move(request.table);
    write->item = std::move(request.key);
    write->return_values = request.return_values;
    return write;
}

Result<SharedWrite> compile_check(ConditionCheckRequest request) {
    if (auto checked = check_table_name(request.table); !checked) return checked.error();
    if (auto checked = check_placeholders(request); !checked) return checked.error();
    if (auto checked = check_attributes(request.key); !checked) return checked.error();
    auto write = std::make_shared<ItemWrite>();
    if (auto compiled = compile_common(request, *write); !compiled) return compiled.error();
    write->kind = ItemWrite::Kind::check;
    write->table = std::move(request.table);
    write->item = std::move(request.key);
    return write;
}

Result<SharedWrite> compile_update(UpdateItemRequest request) {
    if (auto checked = check_table_name(request.table); !checked) return checked.error();
    PlaceholderScope scope(request.placeholders);
    const ExpressionParameter update{"UpdateExpression", request.update};
    const ExpressionParameter condition{"ConditionExpression", request.condition};
    if (auto checked = scope.check({update, condition}, {update, condition}); !checked) return checked.error();
    if (auto checked = check_attributes(request.key); !checked) return checked.error();
    auto write = std::make_shared<ItemWrite>();
    write->kind = ItemWrite::Kind::update;
    if (!request.attribute_updates.empty()) {
        auto compiled = compile_legacy_update(request.attribute_updates);
        if (!compiled) return compiled.error();
        write->update = std::move(*compiled);
    }
    if (auto compiled = compile_expected(request, *write); !compiled) return compiled.error();
    if (is_given(request.update)) {
        auto compiled = compile_update(request.update, scope);
        if (!compiled) return compiled.error();
        write->update = std::move(*compiled);
    }
    if (!write->has_condition) {
        if (auto compiled = compile_write_condition(request, scope, *write); !compiled) return compiled.error();
    }
    write->return_old_on_failure = request.return_old_on_failure;
    write->table = std::move(request.table);
    write->item = std::move(request.key);
    write->return_values = request.return_values;
    return write;
}

Awaitable<WriteOutcome> Service::put_item(PutItemRequest request) {
    auto write = compile_put(std::move(request), item_bytes_max());
    if (!write) co_return write.error();
    co_return co_await write_item(std::move(*write));
}

Awaitable<WriteOutcome> Service::delete_item(DeleteItemRequest request) {
    auto write = compile_delete(std::move(request));
    if (!write) co_return write.error();
    co_return co_await write_item(std::move(*write));
}

Awaitable<WriteOutcome> Service::update_item(UpdateItemRequest request) {
    auto write = compile_update(std::move(request));
    if (!write) co_return write.error();
    co_return co_await write_item(std::move(*write));
}

Awaitable<WriteOutcome> Service::write_item(std::shared_ptr<ItemWrite> write) {
    Error refusal = table_not_found();
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
        auto definition = co_await catalog_->find(write->table);
        if (!definition) co_return definition.error();
        if (auto checked = check_against(*write, **definition); !checked) {
            if (!(*definition)->is_restoring) co_return checked.error();
            catalog_->forget(write->table);  // the copy may be from before the restore's end
            definition = co_await catalog_->find(write->table);
            if (!definition) co_return definition.error();
            if (auto again = check_against(*write, **definition); !again) co_return again.error();
        }
        auto outcome = co_await write_to(*definition, write);
        if (outcome || outcome.error().code != Errc::resource_not_found) co_return outcome;
        refusal = outcome.error();
        catalog_->forget(write->table);
    }
    co_return refusal;
}

Awaitable<WriteOutcome> Service::write_to(DefinitionPtr table, std::shared_ptr<ItemWrite> write) {
    if (write->is_blind() && table->allows_blind_writes()) {
        WriteOutcome outcome;
        std::optional<std::string> value;
        if (write->kind == ItemWrite::Kind::put) value = encode_item(write->item, write->size_bytes);
        kv::Batch batch = blind_batch(*table, write->item, std::move(value));
        if (auto done = co_await engine_.commit(std::move(batch)); !done) co_return from_engine(done.error());
        // It has not seen the old item, so it is charged for the new one only.
        outcome.units.table = outcome.capacity_units = write_units(write->size_bytes);
        co_return outcome;
    }
    kv::TransactionBody body = [table, write, &clock = dependencies_.clock,
                                most = item_bytes_max()](kv::Transaction& transaction) -> Result<void> {
        if (auto checked = check_marker(transaction, *table); !checked) return checked;
        const WriteContext context{clock};
        return run_write(transaction, *table, *write, context, most);
    };
    if (auto done = co_await engine_.transact(std::move(body)); !done) {
        Error error = from_engine(done.error());
        if (error.code != Errc::conditional_check_failed || !write->return_old_on_failure) co_return error;
        WriteOutcome failed;
        failed.condition_failed = true;
        failed.old_item = std::move(write->old_item);
        co_return failed;
    }
    announce(*table);
    co_return outcome_of(*write);
}

void Service::put_item(TableName table, Item item, kv::CommitHandler done) {
    auto size = check_item(item, item_bytes_max());
    if (!size) return done(size.error());
    auto put = std::unique_ptr<FastPut>(new FastPut{catalog_, watchers_, dependencies_.clock, dependencies_.arns});
    put->definition = catalog_->cached(table);
    put->table = std::move(table);
    put->item = std::move(item);
    put->size_bytes = *size;
    put->item_bytes_max = item_bytes_max();
    put->done = std::move(done);
    if (!put->definition) return look_up_then_commit(std::move(put));
    commit_fast_put(std::move(put));
}

}  // namespace fogbank::store::table
