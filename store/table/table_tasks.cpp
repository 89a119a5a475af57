#include "store/table/detail/table_tasks.h"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "common/logging.h"
#include "store/kv/key.h"
#include "store/table/detail/backup_record.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/index_entries.h"
#include "store/table/detail/item_codec.h"
#include "store/table/detail/item_write.h"

namespace fogbank::store::table {
namespace {

using nlohmann::json;

constexpr std::size_t piece_items_max = 500;
constexpr std::size_t piece_bytes_max = 256 * 1024;
constexpr std::size_t erased_items_max = 2000;

/// One task; kept alive by the transaction in flight.
struct Task {
    TaskEnvironment environment;
    std::string kind, key;
    std::uint64_t number = 0, part = 0;

    // Set anew by each piece.
    bool finished = false;
    std::string table_name{};
    json state{};
};
using SharedTask = std::shared_ptr<Task>;

kv::ScanOptions piece_of(const kv::Range& range, const json& state) {
    kv::ScanOptions options;
    options.range = range;
    if (const auto cursor = hex_decode(state.value("cursor", "")); cursor && !cursor->empty()) options.range.begin = *cursor;
    options.items_max = piece_items_max;
    options.bytes_max = piece_bytes_max;
    return options;
}

void keep_cursor(kv::Transaction& transaction, Task& task, const kv::Page& page) {
    task.state["cursor"] = hex_encode(page.items.back().key + '\0');
    transaction.put(task.key, task.state.dump());
}

void finish(kv::Transaction& transaction, Task& task) {
    transaction.erase(task.key);
    task.finished = true;
}

/// The task's table if it is still the same one; else the task is over.
Result<std::optional<TableDefinition>> table_of(kv::Transaction& transaction, Task& task) {
    task.table_name = task.state.value("table", "");
    auto table = read_definition(transaction, TableName(task.table_name));
    if (table && table->number == task.number) return std::optional<TableDefinition>(std::move(*table));
    if (!table && table.error().code != Errc::resource_not_found) return table.error();
    finish(transaction, task);
    return std::optional<TableDefinition>();
}

Result<void> fill_index(kv::Transaction& transaction, Task& task, TableDefinition table, IndexDefinition& index) {
    auto page = transaction.scan(piece_of(table_range(table.number), task.state));
    if (!page) return page.error();
    for (const auto& [key, value] : page->items) {
        auto item = decode_item(value);
        if (!item) return item.error();
        const ItemState state{&*item, value, item_size_bytes(*item)};
        if (const auto entry = index_entry(table, index, state)) transaction.put(entry->key, entry->value);
    }
    if (page->more) {
        keep_cursor(transaction, task, *page);
        return {};
    }
    index.status = IndexStatus::active;
    index.is_backfilling = false;
    for (auto& one : table.indexes) {
        if (one.number == index.number) one = index;
    }
    store_definition(transaction, table, true);
    finish(transaction, task);
    return {};
}

Result<void> erase_index(kv::Transaction& transaction, Task& task, TableDefinition table) {
    kv::ScanOptions options;
    options.range = space_range(keyspace(table.number, task.part));
    options.items_max = erased_items_max;
    auto page = transaction.scan(options);
    if (!page) return page.error();
    if (page->more) options.range.end = page->items.back().key + '\0';
    transaction.erase_range(options.range);
    if (page->more) return {};
    std::erase_if(table.indexes, [&](const IndexDefinition& one) { return one.number == task.part; });
    store_definition(transaction, table, true);
    finish(transaction, task);
    return {};
}

Result<void> run_index_piece(kv::Transaction& transaction, Task& task) {
    auto table = table_of(transaction, task);
    if (!table) return table.error();
    if (!*table) return {};
    for (IndexDefinition index : (*table)->indexes) {
        if (index.number != task.part) continue;
        if (index.status == IndexStatus::deleting) return erase_index(transaction, task, std::move(**table));
        if (index.status == IndexStatus::creating) return fill_index(transaction, task, std::move(**table), index);
    }
    finish(transaction, task);
    return {};
}

Result<void> run_backup_piece(kv::Transaction& transaction, Task& task) {
    auto stored = transaction.get(backup_key(task.number));
    if (!stored) return stored.error();
    if (!*stored) {
        finish(transaction, task);
        return {};
    }
    auto backup = decode_backup(**stored);
    if (!backup) return backup.error();
    const std::string source = keyspace(task.part), target = keyspace(task.number);
    auto page = transaction.scan(piece_of(space_range(source), task.state));
    if (!page) return page.error();
    for (const auto& [key, value] : page->items) {
        transaction.put(target + key.substr(source.size()), value);
        if (auto size = stored_item_size(value)) backup->size_bytes += static_cast<std::int64_t>(*size);
        ++backup->item_count;
    }
    if (page->more) {
        keep_cursor(transaction, task, *page);
    } else {
        backup->status = BackupStatus::available;
        finish(transaction, task);
    }
    transaction.put(backup_key(task.number), encode_backup(*backup));
    return {};
}

Result<void> run_restore_piece(kv::Transaction& transaction, Task& task) {
    auto table = table_of(transaction, task);
    if (!table) return table.error();
    if (!*table) return {};
    const std::string source = keyspace(task.part), target = keyspace(task.number);
    auto page = transaction.scan(piece_of(space_range(source), task.state));
    if (!page) return page.error();
    const WriteContext context{task.environment.clock};
    ConsumedUnits units;
    for (const auto& [key, value] : page->items) {
        auto item = decode_item(value);
        if (!item) return item.error();
        ItemChange change;
        change.key = target + key.substr(source.size());
        change.after = ItemState{&*item, value, item_size_bytes(*item)};
        if (auto written = write_change(transaction, **table, change, context, units, nullptr); !written) return written;
    }
    if (page->more) {
        keep_cursor(transaction, task, *page);
        return {};
    }
    (*table)->is_restoring = false;
    store_definition(transaction, **table, true);
    finish(transaction, task);
    return {};
}

Result<void> run_piece(kv::Transaction& transaction, Task& task) {
    task.finished = false;
    auto stored = transaction.get(task.key);
    if (!stored) return stored.error();
    if (!*stored) {
        task.finished = true;
        return {};
    }
    task.state = json::parse(**stored, nullptr, false);
    if (!task.state.is_object()) return Error(Errc::unavailable, "a stored task is corrupt");
    if (task.kind == index_task) return run_index_piece(transaction, task);
    if (task.kind == backup_task) return run_backup_piece(transaction, task);
    return run_restore_piece(transaction, task);
}

void run_next_piece(SharedTask task) {
    kv::Engine& engine = task->environment.engine;
    engine.transact([task](kv::Transaction& transaction) { return run_piece(transaction, *task); },
                    [task](Result<void> done) {
                        if (!done) {
                            logger("store").warn("work on a table stopped until the next start kind={} table={} why={}", task->kind,
                                                 log_value(task->table_name), log_value(done.error().message));
                            return;
                        }
                        if (!task->finished) return run_next_piece(task);
                        task->environment.catalog->forget(TableName(task->table_name));
                    });
}

}  // namespace

void put_index_task(kv::Transaction& transaction, const TableDefinition& table, IndexNumber index) {
    transaction.put(task_key(index_task, table.number, index), json{{"table", table.name.str()}}.dump());
}
void put_backup_task(kv::Transaction& transaction, std::uint64_t backup, TableNumber source) {
    transaction.put(task_key(backup_task, backup, source), json::object().dump());
}
void put_restore_task(kv::Transaction& transaction, const TableDefinition& table, std::uint64_t source) {
    transaction.put(task_key(restore_task, table.number, source), json{{"table", table.name.str()}}.dump());
}

void start_task(const TaskEnvironment& environment, std::string_view kind, std::uint64_t number, std::uint64_t part) {
    auto task = std::make_shared<Task>(Task{environment, std::string(kind), task_key(kind, number, part), number, part});
    run_next_piece(std::move(task));
}

boost::asio::awaitable<Result<void>> resume_tasks(TaskEnvironment environment) {
    kv::ScanOptions options;
    options.range = tasks_range();
    const std::size_t prefix_bytes = options.range.begin.size();
    for (bool more = true; more;) {
        auto page = co_await environment.engine.scan(options);
        if (!page) co_return from_engine(page.error());
        for (const auto& [key, value] : page->items) {
            kv::KeyReader reader(std::string_view(key).substr(prefix_bytes));
            const auto kind = reader.text();
            const auto number = reader.number(), part = reader.number();
            if (kind && number && part) start_task(environment, *kind, *number, *part);
        }
        more = page->more;
        if (more) options.range.begin = page->items.back().key + '\0';
    }
    co_return Result<void>();
}

void store_definition(kv::Transaction& transaction, TableDefinition& table, bool writers_must_know) {
    if (writers_must_know) {
        ++table.version;
        transaction.put(marker_key(table.number), table.marker());
    }
    transaction.put(definition_key(table.name), encode_definition(table));
}

Result<TableDefinition> read_definition(kv::Transaction& transaction, const TableName& name) {
    auto stored = transaction.get(definition_key(name));
    if (!stored) return stored.error();
    if (!*stored) return table_not_found(name.view());
    return decode_definition(**stored);
}

}  // namespace fogbank::store::table
