// On-demand backups and restoring.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "store/table/detail/backup_record.h"
#include "store/table/detail/definition_json.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/item_eraser.h"
#include "store/table/detail/service.h"

namespace fogbank::store::table {
namespace {

using nlohmann::json;

Error backup_not_found(std::string_view arn) {
    return {Errc::backup_not_found, "Backup not found: " + std::string(arn)};
}

/// Reads all backups; there are few.
Awaitable<std::vector<BackupRecord>> all_backups(kv::Engine* engine) {
    std::vector<BackupRecord> out;
    kv::ScanOptions options;
    options.range = backups_range();
    for (bool more = true; more;) {
        auto page = co_await engine->scan(options);
        if (!page) co_return from_engine(page.error());
        for (const auto& [key, value] : page->items) {
            auto backup = decode_backup(value);
            if (!backup) co_return backup.error();
            out.push_back(std::move(*backup));
        }
        more = page->more;
        if (more) options.range.begin = page->items.back().key + '\0';
    }
    co_return out;
}

Awaitable<BackupRecord> find_backup(kv::Engine* engine, std::string arn, ArnFactory arns) {
    auto backups = co_await all_backups(engine);
    if (!backups) co_return backups.error();
    for (auto& one : *backups) {
        if (backup_arn(one, arns) == arn) co_return std::move(one);
    }
    co_return backup_not_found(arn);
}

/// A table like `source`, without what a restored table does not take over: streams, tags, time to live, deletion protection.
TableDefinition restored_definition(const TableDefinition& source, const RestoreRequest& request) {
    TableDefinition out;
    out.name = request.target;
    out.key_schema = source.key_schema;
    out.provisioned_throughput = source.provisioned_throughput;
    if (request.on_demand && *request.on_demand) out.provisioned_throughput.reset();
    if (request.provisioned_throughput) out.provisioned_throughput = request.provisioned_throughput;
    for (const auto& index : source.indexes) {
        const auto& kept = request.kept_indexes;
        if (kept && std::find(kept->begin(), kept->end(), index.request.name) == kept->end()) continue;
        if (!index.is_maintained()) continue;
        IndexDefinition made;
        made.number = ++out.last_index;
        made.request = index.request;
        if (!out.provisioned_throughput) made.request.provisioned_throughput.reset();
        out.indexes.push_back(std::move(made));
    }
    out.sse = source.sse;
    out.table_class = source.table_class;
    out.is_restoring = true;
    return out;
}

}  // namespace

std::string encode_backup(const BackupRecord& backup) {
    const json out{{"number", backup.number},
                   {"id", backup.id},
                   {"name", backup.name},
                   {"status", static_cast<int>(backup.status)},
                   {"created_at_ms", backup.created_at.time_since_epoch().count()},
                   {"items", backup.item_count},
                   {"bytes", backup.size_bytes},
                   {"source", definition_to_json(backup.source)}};
    return out.dump();
}

Result<BackupRecord> decode_backup(std::string_view bytes) {
    const json stored = json::parse(bytes, nullptr, false);
    try {
        BackupRecord out;
        out.number = stored.at("number").get<std::uint64_t>();
        out.id = stored.at("id").get<std::string>();
        out.name = stored.at("name").get<std::string>();
        out.status = static_cast<BackupStatus>(stored.at("status").get<int>());
        out.created_at = WallTime(std::chrono::milliseconds(stored.at("created_at_ms").get<std::int64_t>()));
        out.item_count = stored.at("items").get<std::int64_t>();
        out.size_bytes = stored.at("bytes").get<std::int64_t>();
        out.source = definition_from_json(stored.at("source"));
        return out;
    } catch (const json::exception&) {
        return Error(Errc::unavailable, "a stored backup is corrupt");
    }
}

std::string backup_arn(const BackupRecord& backup, const ArnFactory& arns) {
    return arns.table(backup.source.name) + "/backup/" + backup.id;
}

BackupDescription describe(const BackupRecord& backup, const ArnFactory& arns) {
    BackupDescription out;
    out.arn = backup_arn(backup, arns);
    out.name = backup.name;
    out.status = backup.status;
    out.created_at = backup.created_at;
    out.size_bytes = backup.size_bytes;
    out.source = describe(backup.source, TableStatus::active, arns);
    out.source.item_count = backup.item_count;
    out.source.size_bytes = backup.size_bytes;
    if (!backup.source.time_to_live.attribute.empty()) out.time_to_live = backup.source.time_to_live;
    return out;
}

Awaitable<BackupDescription> Service::create_backup(TableName name, std::string backup_name) {
    if (auto checked = check_table_name(name); !checked) co_return checked.error();
    const auto backup = std::make_shared<BackupRecord>();
    backup->name = std::move(backup_name);
    backup->created_at = dependencies_.clock.now();
    const std::string ms = std::to_string(backup->created_at.time_since_epoch().count());
    backup->id = std::string(14 - std::min<std::size_t>(14, ms.size()), '0') + ms + "-" + dependencies_.random.text(8, "0123456789abcdef");
    kv::TransactionBody body = [name, backup](kv::Transaction& transaction) -> Result<void> {
        auto table = read_definition(transaction, name);
        if (!table && table.error().code == Errc::resource_not_found) return Error(Errc::table_not_found, "Table not found: " + name.str());
        if (!table) return table.error();
        if (table->is_restoring) return Error(Errc::table_in_use, "Table is being created: " + name.str());
        auto number = next_number(transaction);
        if (!number) return number.error();
        backup->number = *number;
        backup->source = std::move(*table);
        transaction.put(backup_key(*number), encode_backup(*backup));
        put_backup_task(transaction, *number, backup->source.number);
        return {};
    };
    if (auto done = co_await engine_.transact(std::move(body)); !done) co_return from_engine(done.error());
    const BackupDescription out = describe(*backup, dependencies_.arns);
    start_task(task_environment(), backup_task, backup->number, backup->source.number);
    co_return out;
}

Awaitable<BackupDescription> Service::describe_backup(std::string arn) {
    auto backup = co_await find_backup(&engine_, std::move(arn), dependencies_.arns);
    if (!backup) co_return backup.error();
    co_return describe(*backup, dependencies_.arns);
}

Awaitable<BackupDescription> Service::delete_backup(std::string arn) {
    auto backup = co_await find_backup(&engine_, std::move(arn), dependencies_.arns);
    if (!backup) co_return backup.error();
    if (backup->status == BackupStatus::creating) co_return Error(Errc::backup_in_use, "Backup is being created: " + backup->name);
    kv::Batch batch;
    kv::Precondition there;
    there.key = backup_key(backup->number);
    batch.preconditions.push_back(std::move(there));
    batch.erase(backup_key(backup->number));
    batch.put(erasure_key(backup->number), backup->name);
    auto done = co_await engine_.commit(std::move(batch));
    if (!done && done.error().code == kv::Errc::precondition_failed) co_return backup_not_found(backup_arn(*backup, dependencies_.arns));
    if (!done) co_return from_engine(done.error());
    erase_items(engine_, backup->number);
    backup->status = BackupStatus::deleted;
    co_return describe(*backup, dependencies_.arns);
}

Awaitable<BackupList> Service::list_backups(BackupFilter filter) {
    auto backups = co_await all_backups(&engine_);
    if (!backups) co_return backups.error();
    BackupList out;
    bool started = !filter.exclusive_start_arn;
    for (const auto& one : *backups) {
        if (!started) {
            started = backup_arn(one, dependencies_.arns) == *filter.exclusive_start_arn;
            continue;
        }
        if (filter.table && one.source.name != *filter.table) continue;
        if (filter.from && one.created_at < *filter.from) continue;
        if (filter.before && one.created_at >= *filter.before) continue;
        if (static_cast<std::int64_t>(out.backups.size()) == filter.limit) {
            out.last_evaluated_arn = out.backups.back().arn;
            break;
        }
        out.backups.push_back(describe(one, dependencies_.arns));
    }
    co_return out;
}

Awaitable<TableDescription> Service::restore_table(RestoreRequest request) {
    if (auto checked = check_table_name(request.target); !checked) co_return checked.error();
    const WallTime now = dependencies_.clock.now();
    const auto definition = std::make_shared<TableDefinition>();
    std::uint64_t source = 0;
    if (request.source) {
        auto table = co_await catalog_->read(*request.source);
        if (!table && table.error().code == Errc::resource_not_found)
            co_return Error(Errc::table_not_found, "Table not found: " + request.source->str());
        if (!table) co_return table.error();
        if (!(*table)->point_in_time_since)
            co_return Error(Errc::pitr_unavailable, "Point in time recovery is not enabled for table '" + request.source->str() + "'");
        *definition = restored_definition(**table, request);
        definition->restored_from_table_arn = dependencies_.arns.table(*request.source);
        definition->restored_to = now;
        source = (*table)->number;
    } else {
        auto backup = co_await find_backup(&engine_, request.backup_arn, dependencies_.arns);
        if (!backup) co_return backup.error();
        if (backup->status != BackupStatus::available) co_return Error(Errc::backup_in_use, "Backup is being created: " + backup->name);
        *definition = restored_definition(backup->source, request);
        definition->restored_from_backup_arn = request.backup_arn;
        definition->restored_from_table_arn = dependencies_.arns.table(backup->source.name);
        definition->restored_to = backup->created_at;
        source = backup->number;
    }
    definition->id = dependencies_.random.uuid();
    definition->created_at = now;
    if (!definition->provisioned_throughput) definition->pay_per_request_since = now;
    kv::TransactionBody body = [definition, source](kv::Transaction& transaction) -> Result<void> {
        if (auto inserted = insert_definition(transaction, *definition); !inserted) {
            if (inserted.error().code == Errc::resource_in_use)
                return Error(Errc::table_already_exists, "Table already exists: " + definition->name.str());
            return inserted;
        }
        put_restore_task(transaction, *definition, source);
        return {};
    };
    if (auto done = co_await engine_.transact(std::move(body)); !done) co_return from_engine(done.error());
    start_task(task_environment(), restore_task, definition->number, source);
    co_return describe(*definition, TableStatus::creating, dependencies_.arns);
}

}  // namespace fogbank::store::table
