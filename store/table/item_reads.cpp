// GetItem, Query and Scan.

#include <limits>

#include "store/table/detail/capacity.h"
#include "store/table/detail/condition.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/item_codec.h"
#include "store/table/detail/key_condition.h"
#include "store/table/detail/limits.h"
#include "store/table/detail/projection.h"
#include "store/table/detail/service.h"
#include "store/table/detail/value_check.h"

namespace fogbank::store::table {

/// One page of Query or Scan.
struct PagePlan {
    kv::Range range;
    bool reverse = false;
    std::size_t items_max = std::numeric_limits<std::size_t>::max();  ///< processed, before the filter
    Condition filter;
    Projection projection;
    bool count_only = false;
    bool consistent_read = false;
    std::optional<Segment> segment;
};

namespace {

/// What one call of the engine reads at most.
constexpr std::size_t chunk_items_max = 5000;
/// A page of a segment also reads the foreign items in the segment's outer buckets; it ends here even if few of its own were among them.
constexpr std::size_t foreign_bytes_max = 4 * page_bytes_max;

Result<void> check_limit(const std::optional<std::int64_t>& limit) {
    if (limit && *limit < 1) return constraint_violated(std::to_string(*limit), "limit", "have value greater than or equal to 1");
    return {};
}

Result<void> check_select(Select select, const Expression& projection) {
    if (select == Select::count && is_given(projection))
        return validation("Cannot specify the ProjectionExpression when choosing to get only the Count");
    if (select == Select::specific_attributes && !is_given(projection)) {
        return validation("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES");
    }
    return {};
}

Result<void> check_segments(const ScanRequest& request) {
    const auto& [segment, total] = std::tie(request.segment, request.total_segments);
    if (segment && *segment < 0) return constraint_violated(std::to_string(*segment), "segment", "have value greater than or equal to 0");
    if (segment && *segment >= total_segments_max)
        return constraint_violated(std::to_string(*segment), "segment", "have value less than or equal to 999999");
    if (total && *total < 1) return constraint_violated(std::to_string(*total), "totalSegments", "have value greater than or equal to 1");
    if (total && *total > total_segments_max)
        return constraint_violated(std::to_string(*total), "totalSegments", "have value less than or equal to 1000000");
    if (segment && !total)
        return validation("The TotalSegments parameter is required but was not present in the request when Segment parameter is present");
    if (total && !segment)
        return validation("The Segment parameter is required but was not present in the request when parameter TotalSegments is present");
    if (segment && *segment >= *total) {
        return validation("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: " +
                          std::to_string(*segment) + " is not less than TotalSegments: " + std::to_string(*total));
    }
    return {};
}

Result<void> check_filter_keys(const Condition& filter, const KeySchema& schema) {
    const std::string* key = nullptr;
    filter.for_each_path([&](const DocumentPath& path) {
        const bool is_key = path.top() == schema.partition_key.name || (schema.sort_key && path.top() == schema.sort_key->name);
        if (is_key && key == nullptr) key = &path.top();
    });
    if (key == nullptr) return {};
    return validation("Filter Expression can only contain non-primary key attributes: Primary key attribute: " + *key);
}

Error invalid_starting_key(std::string_view why) {
    return validation("The provided starting key is invalid: " + std::string(why));
}

void start_after(PagePlan& plan, std::string key) {
    if (plan.reverse) {
        plan.range.end = std::move(key);
    } else {
        key.push_back('\0');
        plan.range.begin = std::move(key);
    }
}

/// Everything of a Query that needs no table.
struct QueryParts {
    std::vector<AttributeCondition> conditions;
    PagePlan plan;
};

Result<QueryParts> prepare_query(const QueryRequest& request) {
    if (auto checked = check_table_name(request.table); !checked) return checked.error();
    if (auto checked = check_limit(request.limit); !checked) return checked.error();
    PlaceholderScope scope(request.placeholders);
    const ExpressionParameter filter{"FilterExpression", request.filter};
    const ExpressionParameter key_condition{"KeyConditionExpression", request.key_condition};
    const ExpressionParameter projection{"ProjectionExpression", request.projection};
    if (auto checked = scope.check({filter, key_condition, projection}, {filter, key_condition}); !checked) return checked.error();
    if (auto checked = check_select(request.select, request.projection); !checked) return checked.error();
    if (!is_given(request.key_condition)) {
        return validation("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.");
    }
    QueryParts out;
    auto compiled_filter = compile_condition(request.filter, filter.name, scope);
    if (!compiled_filter) return compiled_filter.error();
    auto conditions = compile_key_condition(request.key_condition, scope);
    if (!conditions) return conditions.error();
    auto compiled_projection = compile_projection(request.projection, scope);
    if (!compiled_projection) return compiled_projection.error();
    if (auto checked = scope.check_all_used(); !checked) return checked.error();
    out.conditions = std::move(*conditions);
    out.plan.filter = std::move(*compiled_filter);
    out.plan.projection = std::move(*compiled_projection);
    if (request.limit) out.plan.items_max = static_cast<std::size_t>(*request.limit);
    out.plan.reverse = !request.scan_index_forward;
    out.plan.count_only = request.select == Select::count;
    out.plan.consistent_read = request.consistent_read;
    return out;
}

Result<void> start_query_after(const Item& start, const KeyCondition& condition, const TableDefinition& table, PagePlan& plan) {
    const KeySchema& schema = table.key_schema;
    if (start.size() != (schema.sort_key ? 2U : 1U)) return validation("Exclusive Start Key must have same size as table's key schema");
    if (auto checked = check_key(schema, start); !checked) return invalid_starting_key(checked.error().message);
    if (!(start.find(schema.partition_key.name)->second == condition.partition_key)) {
        return validation("The provided starting key is outside query boundaries based on provided conditions");
    }
    if (condition.sort_key && !condition.sort_key->matches(start.find(schema.sort_key->name)->second)) {
        return validation("The provided starting key does not match the range key predicate");
    }
    start_after(plan, item_key(table.number, schema, start));
    return {};
}

Result<std::shared_ptr<const PagePlan>> plan_query(const QueryRequest& request, QueryParts parts, const TableDefinition& table) {
    auto condition = match_key_schema(std::move(parts.conditions), table.key_schema);
    if (!condition) return condition.error();
    if (auto checked = check_filter_keys(parts.plan.filter, table.key_schema); !checked) return checked.error();
    parts.plan.range = condition->range(table.number, table.key_schema);
    if (request.exclusive_start_key) {
        if (auto started = start_query_after(*request.exclusive_start_key, *condition, table, parts.plan); !started) return started.error();
    }
    return std::make_shared<const PagePlan>(std::move(parts.plan));
}

Result<PagePlan> prepare_scan(const ScanRequest& request) {
    if (auto checked = check_table_name(request.table); !checked) return checked.error();
    if (auto checked = check_limit(request.limit); !checked) return checked.error();
    if (auto checked = check_segments(request); !checked) return checked.error();
    PlaceholderScope scope(request.placeholders);
    const ExpressionParameter filter{"FilterExpression", request.filter};
    const ExpressionParameter projection{"ProjectionExpression", request.projection};
    if (auto checked = scope.check({filter, projection}, {filter}); !checked) return checked.error();
    if (auto checked = check_select(request.select, request.projection); !checked) return checked.error();
    PagePlan plan;
    auto compiled_filter = compile_condition(request.filter, filter.name, scope);
    if (!compiled_filter) return compiled_filter.error();
    auto compiled_projection = compile_projection(request.projection, scope);
    if (!compiled_projection) return compiled_projection.error();
    if (auto checked = scope.check_all_used(); !checked) return checked.error();
    plan.filter = std::move(*compiled_filter);
    plan.projection = std::move(*compiled_projection);
    if (request.limit) plan.items_max = static_cast<std::size_t>(*request.limit);
    plan.count_only = request.select == Select::count;
    plan.consistent_read = request.consistent_read;
    if (request.segment)
        plan.segment = Segment{static_cast<std::uint64_t>(*request.segment), static_cast<std::uint64_t>(*request.total_segments)};
    return plan;
}

Result<std::shared_ptr<const PagePlan>> plan_scan(const ScanRequest& request, PagePlan plan, const TableDefinition& table) {
    plan.range = plan.segment ? segment_range(table.number, *plan.segment) : table_range(table.number);
    if (const auto& start = request.exclusive_start_key) {
        if (auto checked = check_key(table.key_schema, *start); !checked) return invalid_starting_key(checked.error().message);
        std::string key = item_key(table.number, table.key_schema, *start);
        if (key < plan.range.begin || key >= plan.range.end) {
            return invalid_starting_key("Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: " +
                                        std::to_string(plan.segment->total) + " Segment: " + std::to_string(plan.segment->index));
        }
        start_after(plan, std::move(key));
    }
    return std::make_shared<const PagePlan>(std::move(plan));
}

/// Takes stored items one by one until the page is full.
class PageCollector {
  public:
    PageCollector(const PagePlan& plan, const KeySchema& schema) : plan_(plan), schema_(schema) {}

    std::size_t room() const { return plan_.items_max - processed_; }
    /// @return whether the page is full; its last_evaluated_key is set then.
    Result<bool> add(std::string_view stored) {
        auto item = decode_item(stored);
        if (!item) return item.error();
        read_bytes_ += stored.size();
        const auto partition_key = item->find(schema_.partition_key.name);
        if (partition_key == item->end()) return Error(Errc::unavailable, "a stored item is corrupt: it has no partition key");
        const bool own = !plan_.segment || is_in_segment(partition_key->second, *plan_.segment);
        if (own) bytes_ += item_size_bytes(*item);
        const bool full = (own && ++processed_ >= plan_.items_max) || bytes_ >= page_bytes_max || read_bytes_ >= foreign_bytes_max;
        if (full) page_.last_evaluated_key = key_of(schema_, *item);
        if (own) take(std::move(*item));
        return full;
    }

    ItemPage finish() && {
        page_.scanned_count = static_cast<std::int64_t>(processed_);
        page_.capacity_units = read_units(bytes_, plan_.consistent_read);
        return std::move(page_);
    }

  private:
    void take(Item item) {
        if (!plan_.filter.matches(item)) return;
        ++page_.count;
        if (!plan_.count_only) page_.items.push_back(plan_.projection.apply(std::move(item)));
    }

    const PagePlan& plan_;
    const KeySchema& schema_;
    ItemPage page_;
    std::size_t processed_ = 0, bytes_ = 0, read_bytes_ = 0;
};

Result<Projection> prepare_get(const GetItemRequest& request) {
    if (auto checked = check_table_name(request.table); !checked) return checked.error();
    PlaceholderScope scope(request.placeholders);
    const ExpressionParameter parameter{"ProjectionExpression", request.projection};
    if (auto checked = scope.check({parameter}, {}); !checked) return checked.error();
    if (auto checked = check_attributes(request.key); !checked) return checked.error();
    auto projection = compile_projection(request.projection, scope);
    if (!projection) return projection;
    if (auto checked = scope.check_all_used(); !checked) return checked.error();
    return projection;
}

}  // namespace

Awaitable<GetItemOutcome> Service::get_item(GetItemRequest request) {
    auto projection = prepare_get(request);
    if (!projection) co_return projection.error();
    auto table = co_await catalog_->find(request.table);
    if (!table) co_return table.error();
    const KeySchema& schema = (*table)->key_schema;
    if (auto checked = check_key(schema, request.key); !checked) co_return checked.error();
    auto stored = co_await engine_.get(item_key((*table)->number, schema, request.key));
    if (!stored) co_return from_engine(stored.error());
    GetItemOutcome outcome;
    std::size_t bytes = 0;
    if (*stored) {
        auto item = decode_item(**stored);
        if (!item) co_return item.error();
        bytes = item_size_bytes(*item);
        outcome.item = projection->apply(std::move(*item));
    }
    outcome.capacity_units = read_units(bytes, request.consistent_read);
    co_return outcome;
}

Awaitable<ItemPage> Service::query(QueryRequest request) {
    auto parts = prepare_query(request);
    if (!parts) co_return parts.error();
    auto table = co_await catalog_->find(request.table);
    if (!table) co_return table.error();
    auto plan = plan_query(request, std::move(*parts), **table);
    if (!plan) co_return plan.error();
    co_return co_await read_page(*table, *plan);
}

Awaitable<ItemPage> Service::scan(ScanRequest request) {
    auto prepared = prepare_scan(request);
    if (!prepared) co_return prepared.error();
    auto table = co_await catalog_->find(request.table);
    if (!table) co_return table.error();
    auto plan = plan_scan(request, std::move(*prepared), **table);
    if (!plan) co_return plan.error();
    co_return co_await read_page(*table, *plan);
}

Awaitable<ItemPage> Service::read_page(DefinitionPtr table, std::shared_ptr<const PagePlan> plan) {
    PageCollector collector(*plan, table->key_schema);
    kv::ScanOptions options;
    options.range = plan->range;
    options.reverse = plan->reverse;
    options.bytes_max = page_bytes_max;
    for (bool more = true; more;) {
        options.items_max = std::min(collector.room(), chunk_items_max);
        auto page = co_await engine_.scan(options);
        if (!page) co_return from_engine(page.error());
        for (const auto& [key, value] : page->items) {
            auto full = collector.add(value);
            if (!full) co_return full.error();
            if (*full) co_return std::move(collector).finish();
        }
        more = page->more;
        if (!more) break;
        const std::string& last = page->items.back().key;
        options.reverse ? options.range.end = last : options.range.begin = last + '\0';
    }
    co_return std::move(collector).finish();
}

}  // namespace fogbank::store::table
