/// Work on whole tables that runs in pieces, each a short transaction of the engine, so that other writes get in between: making and
/// deleting indexes, backups and restores. A task is a key that names it (`task_key`) and goes with its last piece; after a failure or a
/// stop the next start goes on. The cursor is in the key's value.
#pragma once

#include <functional>
#include <memory>

#include "store/table/detail/catalog.h"
#include "store/table/detail/stream_log.h"

namespace fogbank::store::table {

struct TaskEnvironment {
    kv::Engine& engine;
    std::shared_ptr<Catalog> catalog;
    const Clock& clock;
};

inline constexpr std::string_view index_task = "index", backup_task = "backup", restore_task = "restore";

// The keys and values of tasks, to be written in the transaction that begins the work.

/// Fills or erases an index, as its status says.
void put_index_task(kv::Transaction& transaction, const TableDefinition& table, IndexNumber index);
/// Copies the items of `source` into the backup's keyspace.
void put_backup_task(kv::Transaction& transaction, std::uint64_t backup, TableNumber source);
/// Copies items from a table's or a backup's keyspace into the table.
void put_restore_task(kv::Transaction& transaction, const TableDefinition& table, std::uint64_t source);

/// Starts one; returns at once. `what` is one of the kinds above.
void start_task(const TaskEnvironment& environment, std::string_view kind, std::uint64_t number, std::uint64_t part);
/// Goes on with what an earlier run has not finished.
boost::asio::awaitable<Result<void>> resume_tasks(TaskEnvironment environment);

/// Writes the definition; with `writers_must_know` every copy of it is out of date for writes from now on.
void store_definition(kv::Transaction& transaction, TableDefinition& table, bool writers_must_know);
/// The definition as it is now. Errors: resource_not_found.
Result<TableDefinition> read_definition(kv::Transaction& transaction, const TableName& name);

}  // namespace fogbank::store::table
