// PutItem, DeleteItem and the rules engine's put.

#include <utility>

#include "store/table/detail/capacity.h"
#include "store/table/detail/condition.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/item_codec.h"
#include "store/table/detail/service.h"
#include "store/table/detail/value_check.h"

namespace fogbank::store::table {

/// One write, checked as far as possible without its table. Shared with the engine's thread while a transaction runs.
struct ItemWrite {
    Item item;  ///< the whole item to put, the key to delete
    bool is_delete = false;
    std::size_t size_bytes = 0;  ///< of the item to put
    Condition condition;
    bool has_condition = false;
    bool return_old = false;

    // Set by the transaction's body, anew in each run.
    std::optional<Item> old_item;
    std::size_t old_size_bytes = 0;
};

namespace {

using SharedWrite = std::shared_ptr<ItemWrite>;

/// Request: PutItemRequest or DeleteItemRequest.
template <class Request>
Result<void> compile_write_condition(const Request& request, ItemWrite& write) {
    PlaceholderScope scope(request.placeholders);
    auto condition = compile_condition(request.condition, "ConditionExpression", scope);
    if (!condition) return condition.error();
    if (auto checked = scope.check_all_used(); !checked) return checked;
    write.condition = std::move(*condition);
    write.has_condition = is_given(request.condition);
    write.return_old = request.return_values == ReturnValues::all_old;
    return {};
}

template <class Request>
Result<void> check_placeholders(const Request& request) {
    const ExpressionParameter condition{"ConditionExpression", request.condition};
    return PlaceholderScope(request.placeholders).check({condition}, {condition});
}

Result<SharedWrite> prepare_put(PutItemRequest request, std::size_t item_bytes_max) {
    if (auto checked = check_table_name(request.table); !checked) return checked.error();
    if (auto checked = check_placeholders(request); !checked) return checked.error();
    auto size = check_item(request.item, item_bytes_max);
    if (!size) return size.error();
    auto write = std::make_shared<ItemWrite>();
    if (auto compiled = compile_write_condition(request, *write); !compiled) return compiled.error();
    write->item = std::move(request.item);
    write->size_bytes = *size;
    return write;
}

Result<SharedWrite> prepare_delete(DeleteItemRequest request) {
    if (auto checked = check_table_name(request.table); !checked) return checked.error();
    if (auto checked = check_placeholders(request); !checked) return checked.error();
    if (auto checked = check_attributes(request.key); !checked) return checked.error();
    auto write = std::make_shared<ItemWrite>();
    if (auto compiled = compile_write_condition(request, *write); !compiled) return compiled.error();
    write->item = std::move(request.key);
    write->is_delete = true;
    return write;
}

/// A write without reading: put or erase, if the table is still there.
kv::Batch blind_batch(const TableDefinition& table, const Item& item, std::optional<std::string> value) {
    kv::Batch batch;
    kv::Precondition table_exists;
    table_exists.key = marker_key(table.number);
    batch.preconditions.push_back(std::move(table_exists));
    kv::Batch::Write write;
    write.key = item_key(table.number, table.key_schema, item);
    write.value = std::move(value);
    batch.writes.push_back(std::move(write));
    return batch;
}

/// Reads the old item, asks the condition, writes.
Result<void> decide_and_write(kv::Transaction& transaction, const TableDefinition& table, ItemWrite& write) {
    auto marker = transaction.get(marker_key(table.number));
    if (!marker) return marker.error();
    if (!*marker) return table_not_found();
    const std::string key = item_key(table.number, table.key_schema, write.item);
    auto stored = transaction.get(key);
    if (!stored) return stored.error();
    write.old_item.reset();
    write.old_size_bytes = 0;
    if (*stored) {
        auto old = decode_item(**stored);
        if (!old) return old.error();
        write.old_item = std::move(*old);
        write.old_size_bytes = item_size_bytes(*write.old_item);
    }
    static const Item nothing;
    if (!write.condition.matches(write.old_item ? *write.old_item : nothing)) return conditional_check_failed();
    if (write.is_delete) {
        transaction.erase(key);
    } else {
        transaction.put(key, encode_item(write.item, write.size_bytes));
    }
    return {};
}

/// A fast put on its way: what the engine's handler needs.
struct FastPut {
    std::shared_ptr<Catalog> catalog;
    TableName table;
    Item item;
    std::size_t size_bytes = 0;
    kv::CommitHandler done;
    DefinitionPtr definition;
    std::uint64_t generation = 0;
};

void commit_fast_put(std::unique_ptr<FastPut> put) {
    const TableDefinition& table = *put->definition;
    if (auto checked = check_item_key(table.key_schema, put->item); !checked) return put->done(checked.error());
    kv::Engine& engine = put->catalog->engine();
    kv::Batch batch = blind_batch(table, put->item, encode_item(put->item, put->size_bytes));
    engine.commit(std::move(batch), [put = std::move(put)](Result<void> committed) {
        if (committed) return put->done(Result<void>());
        const Error error = from_engine(committed.error());
        if (error.code == Errc::resource_not_found) put->catalog->forget(put->table);
        put->done(error);
    });
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

Awaitable<WriteOutcome> Service::put_item(PutItemRequest request) {
    TableName table = request.table;
    auto write = prepare_put(std::move(request), item_bytes_max());
    if (!write) co_return write.error();
    co_return co_await write_item(std::move(table), std::move(*write));
}

Awaitable<WriteOutcome> Service::delete_item(DeleteItemRequest request) {
    TableName table = request.table;
    auto write = prepare_delete(std::move(request));
    if (!write) co_return write.error();
    co_return co_await write_item(std::move(table), std::move(*write));
}

Awaitable<WriteOutcome> Service::write_item(TableName table, std::shared_ptr<ItemWrite> write) {
    constexpr int attempts = 2;  // the copy of the definition may be of a table that another writer has deleted and made again
    Error refusal = table_not_found();
    for (int attempt = 0; attempt < attempts; ++attempt) {
        auto definition = co_await catalog_->find(table);
        if (!definition) co_return definition.error();
        const KeySchema& schema = (*definition)->key_schema;
        if (auto checked = write->is_delete ? check_key(schema, write->item) : check_item_key(schema, write->item); !checked)
            co_return checked.error();
        auto outcome = co_await write_to(*definition, write);
        if (outcome || outcome.error().code != Errc::resource_not_found) co_return outcome;
        refusal = outcome.error();
        catalog_->forget(table);
    }
    co_return refusal;
}

Awaitable<WriteOutcome> Service::write_to(DefinitionPtr table, std::shared_ptr<ItemWrite> write) {
    WriteOutcome outcome;
    if (!write->has_condition && !write->return_old) {
        std::optional<std::string> value;
        if (!write->is_delete) value = encode_item(write->item, write->size_bytes);
        kv::Batch batch = blind_batch(*table, write->item, std::move(value));
        if (auto done = co_await engine_.commit(std::move(batch)); !done) co_return from_engine(done.error());
    } else {
        kv::TransactionBody body = [table, write](kv::Transaction& transaction) { return decide_and_write(transaction, *table, *write); };
        if (auto done = co_await engine_.transact(std::move(body)); !done) co_return from_engine(done.error());
        if (write->return_old) outcome.old_item = std::move(write->old_item);
    }
    // A blind write has not seen the old item, so it is charged for the new one only.
    outcome.capacity_units = write_units(std::max(write->size_bytes, write->old_size_bytes));
    co_return outcome;
}

void Service::put_item(TableName table, Item item, kv::CommitHandler done) {
    auto size = check_item(item, item_bytes_max());
    if (!size) return done(size.error());
    auto put = std::make_unique<FastPut>();
    put->catalog = catalog_;
    put->definition = catalog_->cached(table);
    put->table = std::move(table);
    put->item = std::move(item);
    put->size_bytes = *size;
    put->done = std::move(done);
    if (!put->definition) return look_up_then_commit(std::move(put));
    commit_fast_put(std::move(put));
}

}  // namespace fogbank::store::table
