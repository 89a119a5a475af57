/// DynamoDB's tables: keys, items, conditions, queries. Knows nothing of HTTP; api/dynamodb.cpp translates.
///
/// Source: DynamoDB API reference 2012-08-10. Validation happens in DynamoDB's order with DynamoDB's messages. All calls: any thread;
/// awaitables resume on the caller's executor; a write is committed (power-loss safe by default) when it returns; after any error nothing
/// has changed.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/arn.h"
#include "common/clock.h"
#include "common/ids.h"
#include "common/quotas.h"
#include "common/random.h"
#include "common/result.h"
#include "store/kv/engine.h"
#include "store/table/attribute_value.h"
#include "store/table/streams.h"

namespace fogbank::store::table {

template <class T>
using Awaitable = boost::asio::awaitable<Result<T>>;

enum class KeyType : std::uint8_t { string, number, binary };  ///< S, N, B

struct KeyAttribute {
    std::string name;
    KeyType type = KeyType::string;
};

struct KeySchema {
    KeyAttribute partition_key;
    std::optional<KeyAttribute> sort_key;
};

struct ProvisionedThroughput {
    std::int64_t read_capacity_units = 0, write_capacity_units = 0;
};
/// Most request units a second; -1 or nothing: no bound. Kept and returned, never enforced.
struct OnDemandThroughput {
    std::optional<std::int64_t> max_read_request_units, max_write_request_units;
};

/// What a secondary index is sorted by: one to `index_key_attributes_max` attributes each. A local index has the table's partition key and
/// one sort attribute.
struct IndexKeys {
    std::vector<KeyAttribute> partition, sort;
};
inline constexpr std::size_t index_key_attributes_max = 4;

enum class ProjectionType : std::uint8_t { all, keys_only, include };
struct IndexProjection {
    ProjectionType type = ProjectionType::all;
    std::vector<std::string> non_key_attributes;  ///< of `include`
};

struct IndexRequest {
    std::string name;
    bool is_global = true;
    IndexKeys keys;
    IndexProjection projection;
    std::optional<ProvisionedThroughput> provisioned_throughput;  ///< global indexes of provisioned tables
    std::optional<OnDemandThroughput> on_demand_throughput;
};

enum class IndexStatus : std::uint8_t { creating, updating, deleting, active };

struct IndexDescription {
    IndexRequest index;
    std::string arn;
    IndexStatus status = IndexStatus::active;
    bool is_backfilling = false;
    std::int64_t item_count = 0, size_bytes = 0;  ///< approximate
};

struct StreamSpecification {
    bool enabled = false;
    StreamViewType view = StreamViewType::new_and_old_images;
};

struct Tag {
    std::string key, value;
};

enum class TableClass : std::uint8_t { standard, standard_infrequent_access };

/// Server-side encryption as described; the disk's encryption is the operator's.
struct SseSettings {
    bool is_kms = false;  ///< a customer's key was asked for
    std::string kms_key_arn;
};

/// All members are structurally sound (types, names, references between them): api/ has checked the request's form.
struct CreateTableRequest {
    TableName name;
    KeySchema key_schema;
    std::optional<ProvisionedThroughput> provisioned_throughput;  ///< nothing: on demand
    bool deletion_protection = false;
    std::vector<IndexRequest> indexes;
    StreamSpecification stream;
    std::vector<Tag> tags;
    TableClass table_class = TableClass::standard;
    std::optional<SseSettings> sse;
    std::optional<OnDemandThroughput> on_demand_throughput;
};

enum class TableStatus : std::uint8_t { creating, updating, deleting, active };

struct TableDescription {
    TableName name;
    std::string arn, id;
    KeySchema key_schema;
    TableStatus status = TableStatus::active;
    WallTime created_at{};
    std::int64_t item_count = 0, size_bytes = 0;  ///< approximate, as DynamoDB's are
    std::optional<ProvisionedThroughput> provisioned_throughput;
    bool deletion_protection = false;
    std::vector<IndexDescription> indexes;
    StreamSpecification stream;
    std::string stream_arn, stream_label;  ///< of the newest stream, also when it is disabled; empty: there was none
    TableClass table_class = TableClass::standard;
    std::optional<WallTime> table_class_changed_at, pay_per_request_since, throughput_raised_at, throughput_lowered_at;
    std::optional<SseSettings> sse;
    std::optional<OnDemandThroughput> on_demand_throughput;
    std::string restored_from_backup_arn, restored_from_table_arn;  ///< empty: not restored
    std::optional<WallTime> restored_to;
    bool is_restoring = false;
};

/// An expression with its placeholders, as the client sent it. Empty text: none.
struct Expression {
    std::string text;
    bool given = false;  ///< the request has the member: an empty text is then an error instead of no expression
};
/// ExpressionAttributeNames and ExpressionAttributeValues; every one given must be used by some expression of the request.
struct Placeholders {
    std::map<std::string, std::string, std::less<>> names;  ///< with the leading `#`
    Item values;                                            ///< with the leading `:`
    bool names_given = false, values_given = false;         ///< the request has the member: an empty one is then an error
};

/// Expected, QueryFilter, ScanFilter and KeyConditions: the forms from before expressions.
enum class LegacyOperator : std::uint8_t { eq, ne, in, le, lt, ge, gt, between, not_null, null, contains, not_contains, begins_with };
struct LegacyCondition {
    std::string attribute;
    LegacyOperator operation = LegacyOperator::eq;
    std::vector<AttributeValue> values;  ///< as many as the operator takes, of types that it takes
};
struct LegacyConditions {
    std::vector<LegacyCondition> conditions;
    bool any = false;  ///< ConditionalOperator OR
};

enum class ReturnValues : std::uint8_t { none, all_old, updated_old, all_new, updated_new };

struct PutItemRequest {
    TableName table;
    Item item;
    Expression condition;
    Placeholders placeholders;
    ReturnValues return_values = ReturnValues::none;  ///< none or all_old
    LegacyConditions expected{};                      ///< instead of `condition`
    bool return_old_on_failure = false;               ///< ReturnValuesOnConditionCheckFailure
};
struct DeleteItemRequest {
    TableName table;
    Item key;
    Expression condition;
    Placeholders placeholders;
    ReturnValues return_values = ReturnValues::none;  ///< none or all_old
    LegacyConditions expected{};
    bool return_old_on_failure = false;
};

/// Capacity units as DynamoDB would have charged them.
struct ConsumedUnits {
    double table = 0;
    std::map<std::string, double> local_indexes{}, global_indexes{};  ///< by name, those that were touched
    double total() const;
    void add(const ConsumedUnits& other);
};

/// The size of all items with one partition key and of their entries in local indexes; tables with local indexes only.
struct ItemCollection {
    std::string attribute;  ///< the partition key's name
    AttributeValue partition_key;
    std::int64_t size_bytes = 0;
};

struct WriteOutcome {
    std::optional<Item> old_item{};  ///< for ReturnValues::all_old and updated_old, if there was one
    std::optional<Item> new_item{};  ///< for all_new and updated_new
    double capacity_units = 0;       ///< units.total()
    bool condition_failed = false;   ///< only if the request has return_old_on_failure: `old_item` is then the item as it is
    ConsumedUnits units{};
    std::optional<ItemCollection> collection{};
};

struct GetItemRequest {
    TableName table;
    Item key;
    Expression projection;
    Placeholders placeholders;
    bool consistent_read = false;
    std::vector<std::string> attributes_to_get{};  ///< instead of `projection`
};
struct GetItemOutcome {
    std::optional<Item> item;
    double capacity_units = 0;
};

enum class Select : std::uint8_t { all_attributes, specific_attributes, count, all_projected_attributes };

struct QueryRequest {
    TableName table;
    Expression key_condition, filter, projection;
    Placeholders placeholders;
    bool scan_index_forward = true;
    std::optional<std::int64_t> limit;
    std::optional<Item> exclusive_start_key;
    std::optional<Select> select;  ///< nothing: what the request asks for otherwise
    bool consistent_read = false;
    std::optional<std::string> index{};
    std::vector<LegacyCondition> key_conditions{};  ///< instead of `key_condition`
    LegacyConditions query_filter{};                ///< instead of `filter`
    std::vector<std::string> attributes_to_get{};   ///< instead of `projection`
};
struct ScanRequest {
    TableName table;
    Expression filter, projection;
    Placeholders placeholders;
    std::optional<std::int64_t> limit;
    std::optional<Item> exclusive_start_key;
    std::optional<std::int64_t> segment, total_segments;
    std::optional<Select> select;
    bool consistent_read = false;
    std::optional<std::string> index{};
    LegacyConditions scan_filter{};
    std::vector<std::string> attributes_to_get{};
};
struct ItemPage {
    std::vector<Item> items;  ///< empty for Select::count
    std::int64_t count = 0, scanned_count = 0;
    std::optional<Item> last_evaluated_key;
    double capacity_units = 0;
    ConsumedUnits units{};
};

struct TableNames {
    std::vector<TableName> names;
    std::optional<TableName> last_evaluated;
};

/// What rules, functions and other rooms need of the tables. The rest of DynamoDB's API is TableApi (store/table/table_api.h).
class TableService {
  public:
    struct Dependencies {
        kv::Engine& engine;
        const Clock& clock;
        RandomSource& random;
        ArnFactory arns;
        Quotas quotas;
        std::filesystem::path buckets{};  ///< the folder that exports and imports take for S3; empty: there are none
    };
    virtual ~TableService() = default;

    virtual Awaitable<TableDescription> create_table(CreateTableRequest request) = 0;
    virtual Awaitable<TableDescription> describe_table(TableName name) = 0;
    virtual Awaitable<TableDescription> delete_table(TableName name) = 0;
    /// @param limit  1 to 100.
    virtual Awaitable<TableNames> list_tables(std::optional<TableName> exclusive_start, std::int64_t limit) = 0;

    virtual Awaitable<WriteOutcome> put_item(PutItemRequest request) = 0;
    virtual Awaitable<WriteOutcome> delete_item(DeleteItemRequest request) = 0;
    virtual Awaitable<GetItemOutcome> get_item(GetItemRequest request) = 0;
    virtual Awaitable<ItemPage> query(QueryRequest request) = 0;
    virtual Awaitable<ItemPage> scan(ScanRequest request) = 0;

    /// The rules engine's way in: an unconditional put without a coroutine. `done` is called once on an engine thread after the commit;
    /// validation errors too arrive there (possibly before the return).
    virtual void put_item(TableName table, Item item, kv::CommitHandler done) = 0;
};

class TableApi;
/// Loads the table definitions. The dependencies must outlive the service.
Awaitable<std::unique_ptr<TableApi>> open_table_service(TableService::Dependencies dependencies);

}  // namespace fogbank::store::table
