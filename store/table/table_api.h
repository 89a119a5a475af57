/// The whole of DynamoDB's API on tables, for api/: what TableService has, and updates, batches, transactions, PartiQL, changes of tables,
/// tags, time to live, backups and streams. Same rules as there: DynamoDB's order of validation and messages, any thread, committed on
/// return, nothing changed after an error.
#pragma once

#include <variant>

#include "store/table/streams.h"
#include "store/table/table_files.h"
#include "store/table/table_service.h"

namespace fogbank::store::table {

/// AttributeUpdates, the form from before UpdateExpression.
struct LegacyUpdate {
    enum class Action : std::uint8_t { put, remove, add };
    std::string attribute;
    Action action = Action::put;
    std::optional<AttributeValue> value;
};

struct UpdateItemRequest {
    TableName table;
    Item key;
    Expression update, condition;
    Placeholders placeholders;
    ReturnValues return_values = ReturnValues::none;
    LegacyConditions expected{};
    std::vector<LegacyUpdate> attribute_updates{};  ///< instead of `update`
    bool return_old_on_failure = false;
};

struct ConditionCheckRequest {
    TableName table;
    Item key;
    Expression condition;
    Placeholders placeholders;
    bool return_old_on_failure = false;
};

inline constexpr std::size_t batch_write_items_max = 25, batch_get_items_max = 100, transaction_items_max = 100;

struct BatchWriteRequest {
    struct Entry {
        bool is_delete = false;
        Item item;  ///< or the key
    };
    struct Table {
        TableName name;
        std::vector<Entry> entries;
    };
    std::vector<Table> tables;
};
/// What batches and transactions answer of a table besides its items.
struct TableUsage {
    TableName table;
    ConsumedUnits units;
    std::vector<ItemCollection> collections;
};
struct BatchWriteOutcome {
    std::vector<TableUsage> usage;  ///< everything is always processed
};

struct BatchGetRequest {
    struct Table {
        TableName name;
        std::vector<Item> keys;
        Expression projection;
        Placeholders placeholders;
        std::vector<std::string> attributes_to_get;
        bool consistent_read = false;
    };
    std::vector<Table> tables;
};
struct BatchGetOutcome {
    struct Table {
        TableName name;
        std::vector<Item> items;
        std::vector<Item> unprocessed_keys;  ///< beyond 16 MB of answer
    };
    std::vector<Table> tables;
    std::vector<TableUsage> usage;
};

using TransactWrite = std::variant<PutItemRequest, UpdateItemRequest, DeleteItemRequest, ConditionCheckRequest>;
struct TransactWriteRequest {
    std::vector<TransactWrite> writes;
    std::string token;   ///< ClientRequestToken; empty: none
    std::string digest;  ///< tells requests with one token apart; any bytes
};
/// Why one item of a transaction stood in its way; code `None` for those that did not.
struct CancellationReason {
    std::string code = "None", message{};
    std::optional<Item> item{};
};
struct TransactWriteOutcome {
    std::vector<CancellationReason> reasons;  ///< one an item if the transaction was cancelled, else empty
    std::vector<TableUsage> usage;
};
struct TransactGetOutcome {
    std::vector<CancellationReason> reasons;
    std::vector<std::optional<Item>> items;
    std::vector<TableUsage> usage;
};

struct IndexChange {
    enum class Kind : std::uint8_t { create, update, remove };
    Kind kind = Kind::create;
    IndexRequest index;  ///< of update: name and throughput, of remove: the name
};
struct UpdateTableRequest {
    TableName name;
    std::optional<bool> on_demand;  ///< BillingMode
    std::optional<ProvisionedThroughput> provisioned_throughput;
    std::optional<OnDemandThroughput> on_demand_throughput;
    std::vector<IndexChange> index_changes;
    std::vector<KeyAttribute> attribute_definitions;
    std::optional<StreamSpecification> stream;
    std::optional<bool> deletion_protection;
    std::optional<TableClass> table_class;
    std::optional<std::optional<SseSettings>> sse;  ///< an inner nothing: off
};

struct TimeToLive {
    bool enabled = false;
    std::string attribute;
};

struct ContinuousBackups {
    bool point_in_time_recovery = false;
    std::optional<WallTime> earliest, latest;
};

enum class BackupStatus : std::uint8_t { creating, available, deleted };
struct BackupDescription {
    std::string arn, name;
    BackupStatus status = BackupStatus::available;
    WallTime created_at{};
    std::int64_t size_bytes = 0;
    TableDescription source;  ///< as it was; item_count is the backup's
    std::optional<TimeToLive> time_to_live;
};
struct BackupFilter {
    std::optional<TableName> table;
    std::optional<WallTime> from, before;
    std::optional<std::string> exclusive_start_arn;
    std::int64_t limit = 100;
};
struct BackupList {
    std::vector<BackupDescription> backups;
    std::optional<std::string> last_evaluated_arn;
};
/// What a restored table does not take from its source.
struct RestoreRequest {
    TableName target;
    std::string backup_arn;           ///< or:
    std::optional<TableName> source;  ///< the newest state of a table with point-in-time recovery
    std::optional<bool> on_demand;
    std::optional<ProvisionedThroughput> provisioned_throughput;
    std::optional<std::vector<std::string>> kept_indexes;  ///< names; nothing: all
};

struct Statement {
    std::string text;
    std::vector<AttributeValue> parameters;
    bool consistent_read = false;
    bool return_old_on_failure = false;
};
struct StatementRequest {
    Statement statement;
    std::optional<std::int64_t> limit;
    std::optional<std::string> next_token;
};
struct StatementOutcome {
    std::vector<Item> items;
    std::optional<Item> last_evaluated_key;
    std::optional<std::string> next_token;
    TableName table;
    ConsumedUnits units;
    std::optional<Item> failed_item;  ///< a condition failed, as with return_old_on_failure
};
struct BatchStatementAnswer {
    std::optional<Error> error;
    TableName table;
    std::optional<Item> item;
    ConsumedUnits units;
};
struct StatementTransactionOutcome {
    std::vector<CancellationReason> reasons;
    std::vector<std::optional<Item>> items;
    std::vector<TableUsage> usage;
};
/// What a statement does to what, for who must judge that before it runs.
struct StatementTarget {
    enum class Kind : std::uint8_t { select, insert, update, remove };
    Kind kind = Kind::select;
    TableName table;
    std::string index;          ///< empty: the table
    bool is_full_scan = false;  ///< a SELECT whose condition does not fix the partition key (of table or index)
    bool selects_all = false;   ///< `SELECT *`
    ReturnValues returning = ReturnValues::none;
    std::vector<AttributeValue> leading_keys{};  ///< what the condition, or the new item, has as partition key
    std::vector<std::string> attributes{};       ///< top-level attributes that the statement names
};

class TableApi : public TableService {
  public:
    virtual Awaitable<WriteOutcome> update_item(UpdateItemRequest request) = 0;
    virtual Awaitable<BatchWriteOutcome> batch_write(BatchWriteRequest request) = 0;
    virtual Awaitable<BatchGetOutcome> batch_get(BatchGetRequest request) = 0;
    /// Errors besides validation and absent tables: idempotent_parameter_mismatch. A cancelled transaction is an outcome with reasons.
    virtual Awaitable<TransactWriteOutcome> transact_write(TransactWriteRequest request) = 0;
    /// All items as of one moment.
    virtual Awaitable<TransactGetOutcome> transact_get(std::vector<GetItemRequest> gets) = 0;

    virtual Awaitable<TableDescription> update_table(UpdateTableRequest request) = 0;
    virtual Awaitable<TimeToLive> update_time_to_live(TableName name, TimeToLive wanted) = 0;
    virtual Awaitable<TimeToLive> describe_time_to_live(TableName name) = 0;
    /// Tags of tables only. Errors: resource_not_found, access_denied (another account's), validation.
    virtual Awaitable<void> tag_resource(std::string arn, std::vector<Tag> tags) = 0;
    virtual Awaitable<void> untag_resource(std::string arn, std::vector<std::string> keys) = 0;
    virtual Awaitable<std::vector<Tag>> list_tags(std::string arn) = 0;

    virtual Awaitable<ContinuousBackups> describe_continuous_backups(TableName name) = 0;
    virtual Awaitable<ContinuousBackups> update_continuous_backups(TableName name, bool enabled) = 0;
    /// Copies the table piece by piece while it is written to: each item is as it was at some moment of the copying.
    virtual Awaitable<BackupDescription> create_backup(TableName name, std::string backup_name) = 0;
    virtual Awaitable<BackupDescription> describe_backup(std::string arn) = 0;
    virtual Awaitable<BackupDescription> delete_backup(std::string arn) = 0;
    virtual Awaitable<BackupList> list_backups(BackupFilter filter) = 0;
    /// The new table is CREATING until its items are there.
    virtual Awaitable<TableDescription> restore_table(RestoreRequest request) = 0;

    virtual Awaitable<StatementOutcome> execute_statement(StatementRequest request) = 0;
    virtual Awaitable<std::vector<BatchStatementAnswer>> batch_execute_statement(std::vector<Statement> statements) = 0;
    virtual Awaitable<StatementTransactionOutcome> execute_transaction(std::vector<Statement> statements, std::string token,
                                                                       std::string digest) = 0;
    /// Runs nothing; the keys of tables are those last known. Errors: validation.
    virtual Result<StatementTarget> statement_target(const Statement& statement) const = 0;

    // For who judges access: answers from memory, without the checks of the calls themselves.

    /// Nothing: no such table is known here.
    virtual std::optional<std::string> partition_key_of(const TableName& name) const = 0;
    /// The values that the query fixes the partition key (of its table or index) to; none if it does not, or is refused anyway.
    virtual std::vector<AttributeValue> leading_keys_of(const QueryRequest& request) const = 0;

    virtual Streams& streams() = 0;
    virtual TableFiles& files() = 0;

    /// A step of what has to be done now and then: deleting expired items, forgetting old stream records and tokens. Call it about once a
    /// second, one call at a time; it takes a few milliseconds and is bounded.
    virtual Awaitable<void> maintain() = 0;
};

}  // namespace fogbank::store::table
