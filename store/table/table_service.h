/// DynamoDB's tables: keys, items, conditions, queries. Knows nothing of HTTP; api/dynamodb.cpp translates.
///
/// Source: DynamoDB API reference 2012-08-10. Validation happens in DynamoDB's order with DynamoDB's messages. All calls: any thread;
/// awaitables resume on the caller's executor; a write is committed (power-loss safe by default) when it returns; after any error nothing
/// has changed.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
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

/// Secondary indexes, streams, TTL and tags come with the whole DynamoDB API; CreateTable refuses what is not there yet with a
/// ValidationException.
struct CreateTableRequest {
    TableName name;
    KeySchema key_schema;
    std::optional<ProvisionedThroughput> provisioned_throughput;  ///< nothing: on demand
    bool deletion_protection = false;
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

enum class ReturnValues : std::uint8_t { none, all_old };

struct PutItemRequest {
    TableName table;
    Item item;
    Expression condition;
    Placeholders placeholders;
    ReturnValues return_values = ReturnValues::none;
};
struct DeleteItemRequest {
    TableName table;
    Item key;
    Expression condition;
    Placeholders placeholders;
    ReturnValues return_values = ReturnValues::none;
};
struct WriteOutcome {
    std::optional<Item> old_item;  ///< for ReturnValues::all_old, if there was one
    double capacity_units = 0;     ///< what DynamoDB would have charged
};

struct GetItemRequest {
    TableName table;
    Item key;
    Expression projection;
    Placeholders placeholders;
    bool consistent_read = false;
};
struct GetItemOutcome {
    std::optional<Item> item;
    double capacity_units = 0;
};

enum class Select : std::uint8_t { all_attributes, specific_attributes, count };

struct QueryRequest {
    TableName table;
    Expression key_condition, filter, projection;
    Placeholders placeholders;
    bool scan_index_forward = true;
    std::optional<std::int64_t> limit;
    std::optional<Item> exclusive_start_key;
    Select select = Select::all_attributes;
    bool consistent_read = false;
};
struct ScanRequest {
    TableName table;
    Expression filter, projection;
    Placeholders placeholders;
    std::optional<std::int64_t> limit;
    std::optional<Item> exclusive_start_key;
    std::optional<std::int64_t> segment, total_segments;
    Select select = Select::all_attributes;
    bool consistent_read = false;
};
struct ItemPage {
    std::vector<Item> items;  ///< empty for Select::count
    std::int64_t count = 0, scanned_count = 0;
    std::optional<Item> last_evaluated_key;
    double capacity_units = 0;
};

struct TableNames {
    std::vector<TableName> names;
    std::optional<TableName> last_evaluated;
};

class TableService {
  public:
    struct Dependencies {
        kv::Engine& engine;
        const Clock& clock;
        RandomSource& random;
        ArnFactory arns;
        Quotas quotas;
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

/// Loads the table definitions. The dependencies must outlive the service.
Awaitable<std::unique_ptr<TableService>> open_table_service(TableService::Dependencies dependencies);

}  // namespace fogbank::store::table
