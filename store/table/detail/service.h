/// The TableApi over a key-value engine. The calls about tables are in table_service.cpp, table_changes.cpp and backups.cpp, those about
/// items in item_writes.cpp, item_reads.cpp, batches.cpp and partiql_service.cpp, streams in stream_reader.cpp.
#pragma once

#include <memory>

#include "store/table/detail/catalog.h"
#include "store/table/detail/housekeeping.h"
#include "store/table/detail/item_counter.h"
#include "store/table/detail/stream_log.h"
#include "store/table/detail/stream_reader.h"
#include "store/table/detail/table_tasks.h"
#include "store/table/detail/transfers.h"
#include "store/table/table_api.h"

namespace fogbank::store::table {

struct ItemWrite;
struct PagePlan;
struct WriteTransaction;
struct PartiQlStatement;

class Service final : public TableApi {
  public:
    explicit Service(const Dependencies& dependencies);
    /// Loads the definitions and goes on with what an earlier run began: erasures, indexes, backups.
    Awaitable<void> start();

    Awaitable<TableDescription> create_table(CreateTableRequest request) override;
    Awaitable<TableDescription> describe_table(TableName name) override;
    Awaitable<TableDescription> delete_table(TableName name) override;
    Awaitable<TableNames> list_tables(std::optional<TableName> exclusive_start, std::int64_t limit) override;

    Awaitable<WriteOutcome> put_item(PutItemRequest request) override;
    Awaitable<WriteOutcome> delete_item(DeleteItemRequest request) override;
    Awaitable<GetItemOutcome> get_item(GetItemRequest request) override;
    Awaitable<ItemPage> query(QueryRequest request) override;
    Awaitable<ItemPage> scan(ScanRequest request) override;
    void put_item(TableName table, Item item, kv::CommitHandler done) override;

    Awaitable<WriteOutcome> update_item(UpdateItemRequest request) override;
    Awaitable<BatchWriteOutcome> batch_write(BatchWriteRequest request) override;
    Awaitable<BatchGetOutcome> batch_get(BatchGetRequest request) override;
    Awaitable<TransactWriteOutcome> transact_write(TransactWriteRequest request) override;
    Awaitable<TransactGetOutcome> transact_get(std::vector<GetItemRequest> gets) override;

    Awaitable<TableDescription> update_table(UpdateTableRequest request) override;
    Awaitable<TimeToLive> update_time_to_live(TableName name, TimeToLive wanted) override;
    Awaitable<TimeToLive> describe_time_to_live(TableName name) override;
    Awaitable<void> tag_resource(std::string arn, std::vector<Tag> tags) override;
    Awaitable<void> untag_resource(std::string arn, std::vector<std::string> keys) override;
    Awaitable<std::vector<Tag>> list_tags(std::string arn) override;

    Awaitable<ContinuousBackups> describe_continuous_backups(TableName name) override;
    Awaitable<ContinuousBackups> update_continuous_backups(TableName name, bool enabled) override;
    Awaitable<BackupDescription> create_backup(TableName name, std::string backup_name) override;
    Awaitable<BackupDescription> describe_backup(std::string arn) override;
    Awaitable<BackupDescription> delete_backup(std::string arn) override;
    Awaitable<BackupList> list_backups(BackupFilter filter) override;
    Awaitable<TableDescription> restore_table(RestoreRequest request) override;

    Awaitable<StatementOutcome> execute_statement(StatementRequest request) override;
    Awaitable<std::vector<BatchStatementAnswer>> batch_execute_statement(std::vector<Statement> statements) override;
    Awaitable<StatementTransactionOutcome> execute_transaction(std::vector<Statement> statements, std::string token,
                                                               std::string digest) override;
    Result<StatementTarget> statement_target(const Statement& statement) const override;

    std::optional<std::string> partition_key_of(const TableName& name) const override;
    std::vector<AttributeValue> leading_keys_of(const QueryRequest& request) const override;

    Streams& streams() override { return stream_reader_; }
    TableFiles& files() override { return transfers_; }
    Awaitable<void> maintain() override { return housekeeping_.step(); }

  private:
    Awaitable<WriteOutcome> write_item(std::shared_ptr<ItemWrite> write);
    Awaitable<WriteOutcome> write_to(DefinitionPtr table, std::shared_ptr<ItemWrite> write);
    Awaitable<void> run_writes(std::shared_ptr<WriteTransaction> work, std::string_view duplicates);
    Awaitable<TransactWriteOutcome> run_transact_write(std::shared_ptr<WriteTransaction> work);
    /// A table that can be read: not one that is still being restored; with an `index` the newest definition if the copy has not that
    /// index.
    Awaitable<DefinitionPtr> find_readable(TableName name, std::string index);
    Awaitable<ItemPage> read_page(DefinitionPtr table, std::shared_ptr<const PagePlan> plan);
    Awaitable<StatementOutcome> run_select(std::shared_ptr<const PartiQlStatement> statement, StatementRequest request);
    Awaitable<void> fill_counts(const TableDefinition& table, TableDescription& out);
    /// Runs `change` on the definition in a transaction and answers the new one. Errors: resource_not_found, those of `change`.
    Awaitable<DefinitionPtr> change_table(TableName name, std::function<Result<void>(kv::Transaction&, TableDefinition&)> change,
                                          bool writers_must_know);
    Result<TableName> table_of_arn(const std::string& arn) const;
    /// After a commit: whoever watches the table's stream is told.
    void announce(const TableDefinition& table) {
        if (table.stream.enabled && !watchers_->empty()) watchers_->announce(stream_arn(table, dependencies_.arns));
    }
    std::size_t item_bytes_max() const { return dependencies_.quotas.bytes(Quota::item_bytes); }
    TaskEnvironment task_environment() { return {engine_, catalog_, dependencies_.clock}; }

    Dependencies dependencies_;
    kv::Engine& engine_;
    std::shared_ptr<Catalog> catalog_;  ///< shared with writes in flight, which may end after the service
    std::shared_ptr<StreamWatchers> watchers_;
    ItemCounter counter_;
    StreamReader stream_reader_;
    Housekeeping housekeeping_;
    Transfers transfers_;  ///< last: its thread ends first
};

/// DynamoDB's check of a table's name, before anything is looked up.
Result<void> check_table_name(const TableName& name);

/// The checks of CreateTable, and the definition it makes; its number is `insert_definition`'s to give.
Result<TableDefinition> make_definition(CreateTableRequest request, std::string id, WallTime now);

/// Writes a new table: takes its number, refuses a name that is taken. Errors: resource_in_use.
Result<void> insert_definition(kv::Transaction& transaction, TableDefinition& definition);

}  // namespace fogbank::store::table
