/// What one page of Query or Scan reads: planned from the request and its table, then read by Service::read_page.
#pragma once

#include <limits>
#include <memory>

#include "store/table/detail/condition.h"
#include "store/table/detail/key_condition.h"
#include "store/table/detail/projection.h"
#include "store/table/detail/table_definition.h"

namespace fogbank::store::table {

struct PagePlan {
    kv::Range range;
    bool reverse = false;
    std::size_t items_max = std::numeric_limits<std::size_t>::max();  ///< processed, before the filter
    Condition filter;
    Projection projection;
    bool count_only = false;
    bool consistent_read = false;
    std::optional<Segment> segment;

    IndexKeys layout;                        ///< of the table or index that is read
    std::optional<IndexDefinition> index{};  ///< nothing: the table
    bool fetches = false;                    ///< entries of a local index lack what is asked for: read the items themselves
};

/// Everything of a Query that needs no table.
struct QueryParts {
    std::vector<AttributeCondition> conditions;
    PagePlan plan;
    std::optional<Select> select;
    bool is_legacy = false;
};

// Errors: validation.
Result<QueryParts> prepare_query(const QueryRequest& request);
Result<QueryParts> prepare_scan(const ScanRequest& request);
Result<std::shared_ptr<const PagePlan>> plan_query(const QueryRequest& request, QueryParts parts, const TableDefinition& table);
Result<std::shared_ptr<const PagePlan>> plan_scan(const ScanRequest& request, QueryParts parts, const TableDefinition& table);

/// Makes the plan go on behind an item. Errors: validation, the key is none of this table or index.
Result<void> start_after(PagePlan& plan, const Item& start, const KeyCondition* condition, const TableDefinition& table);
/// The key attributes of table and index that LastEvaluatedKey has.
Item page_key(const PagePlan& plan, const TableDefinition& table, const Item& item);

}  // namespace fogbank::store::table
