/// The TableService over a key-value engine. The calls about tables are in table_service.cpp, the others in item_writes.cpp and
/// item_reads.cpp.
#pragma once

#include <memory>

#include "store/table/detail/catalog.h"
#include "store/table/detail/item_counter.h"
#include "store/table/table_service.h"

namespace fogbank::store::table {

struct ItemWrite;
struct PagePlan;

class Service final : public TableService {
  public:
    explicit Service(const Dependencies& dependencies);
    /// Loads the definitions and goes on erasing deleted tables.
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

  private:
    Awaitable<WriteOutcome> write_item(TableName table, std::shared_ptr<ItemWrite> write);
    Awaitable<WriteOutcome> write_to(DefinitionPtr table, std::shared_ptr<ItemWrite> write);
    Awaitable<ItemPage> read_page(DefinitionPtr table, std::shared_ptr<const PagePlan> plan);
    std::size_t item_bytes_max() const { return dependencies_.quotas.bytes(Quota::item_bytes); }

    Dependencies dependencies_;
    kv::Engine& engine_;
    std::shared_ptr<Catalog> catalog_;  ///< shared with writes in flight, which may end after the service
    ItemCounter counter_;
};

/// DynamoDB's check of a table's name, before anything is looked up.
Result<void> check_table_name(const TableName& name);

}  // namespace fogbank::store::table
