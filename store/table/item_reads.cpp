// GetItem, Query and Scan.

#include "store/table/detail/capacity.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/item_codec.h"
#include "store/table/detail/legacy.h"
#include "store/table/detail/limits.h"
#include "store/table/detail/page_plan.h"
#include "store/table/detail/service.h"
#include "store/table/detail/value_check.h"

namespace fogbank::store::table {
namespace {

/// What one call of the engine reads at most.
constexpr std::size_t chunk_items_max = 5000;
/// A page of a segment also reads the foreign items in the segment's outer buckets; it ends here even if few of its own were among them.
constexpr std::size_t foreign_bytes_max = 4 * page_bytes_max;

/// Takes stored items (entries) one by one until the page is full.
class PageCollector {
  public:
    PageCollector(const PagePlan& plan, const TableDefinition& table) : plan_(plan), table_(table) {}

    std::size_t room() const { return plan_.items_max - processed_; }
    /// @param fetched  the whole item, for a plan that fetches.
    /// @return whether the page is full; its last_evaluated_key is set then.
    Result<bool> add(std::string_view stored, const std::optional<std::string>& fetched) {
        auto item = decode_item(stored);
        if (!item) return item.error();
        read_bytes_ += stored.size();
        const auto partition = values_of(plan_.layout.partition, *item);
        if (partition.size() != plan_.layout.partition.size())
            return Error(Errc::unavailable, "a stored item is corrupt: it has no partition key");
        const bool own = !plan_.segment || is_in_segment(partition, *plan_.segment);
        if (own) bytes_ += item_size_bytes(*item);
        const bool full = (own && ++processed_ >= plan_.items_max) || bytes_ >= page_bytes_max || read_bytes_ >= foreign_bytes_max;
        if (full) page_.last_evaluated_key = page_key(plan_, table_, *item);
        if (!own) return full;
        if (plan_.fetches) {
            if (!fetched) return full;  // deleted since the entry was read
            auto whole = decode_item(*fetched);
            if (!whole) return whole.error();
            const std::size_t size = item_size_bytes(*whole);
            fetched_units_ += read_units(size, plan_.consistent_read);
            bytes_ += size;
            item = std::move(whole);
        }
        take(std::move(*item));
        return full;
    }

    ItemPage finish() && {
        page_.scanned_count = static_cast<std::int64_t>(processed_);
        const double units = read_units(bytes_, plan_.consistent_read);
        if (!plan_.index) {
            page_.units.table = units;
        } else {
            const IndexRequest& index = plan_.index->request;
            (index.is_global ? page_.units.global_indexes : page_.units.local_indexes)[index.name] = units;
            page_.units.table = fetched_units_;
        }
        page_.capacity_units = page_.units.total();
        return std::move(page_);
    }

  private:
    void take(Item item) {
        if (!plan_.filter.matches(item)) return;
        ++page_.count;
        if (!plan_.count_only) page_.items.push_back(plan_.projection.apply(std::move(item)));
    }

    const PagePlan& plan_;
    const TableDefinition& table_;
    ItemPage page_;
    std::size_t processed_ = 0, bytes_ = 0, read_bytes_ = 0;
    double fetched_units_ = 0;
};

Result<Projection> prepare_get(const GetItemRequest& request) {
    if (auto checked = check_table_name(request.table); !checked) return checked.error();
    PlaceholderScope scope(request.placeholders);
    const ExpressionParameter parameter{"ProjectionExpression", request.projection};
    if (auto checked = scope.check({parameter}, {}); !checked) return checked.error();
    if (auto checked = check_attributes(request.key); !checked) return checked.error();
    if (!request.attributes_to_get.empty()) return compile_attributes_to_get(request.attributes_to_get);
    auto projection = compile_projection(request.projection, scope);
    if (!projection) return projection;
    if (auto checked = scope.check_all_used(); !checked) return checked.error();
    return projection;
}

/// The keys of the items that entries of an index stand for.
Result<std::vector<std::string>> item_keys(const kv::Page& page, const TableDefinition& table) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : page.items) {
        auto entry = decode_item(value);
        if (!entry) return entry.error();
        keys.push_back(item_key(table.number, table.key_schema, *entry));
    }
    return keys;
}

}  // namespace

Awaitable<GetItemOutcome> Service::get_item(GetItemRequest request) {
    auto projection = prepare_get(request);
    if (!projection) co_return projection.error();
    auto table = co_await find_readable(request.table, std::string());
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

std::optional<std::string> Service::partition_key_of(const TableName& name) const {
    const auto table = catalog_->last_known(name);
    return table ? std::optional(table->key_schema.partition_key.name) : std::nullopt;
}

std::vector<AttributeValue> Service::leading_keys_of(const QueryRequest& request) const {
    const auto table = catalog_->last_known(request.table);
    auto parts = prepare_query(request);
    if (!table || !parts) return {};
    IndexKeys layout = layout_of(table->key_schema);
    if (request.index) {
        const IndexDefinition* index = table->index(*request.index);
        if (index == nullptr) return {};
        layout = index->request.keys;
    }
    auto condition = match_key_schema(std::move(parts->conditions), layout);
    return condition ? std::move(condition->partition) : std::vector<AttributeValue>();
}

Awaitable<DefinitionPtr> Service::find_readable(TableName name, std::string index) {
    auto table = co_await catalog_->find(name);
    if (!table) co_return table;
    // What was not there when the copy was made may be by now.
    const IndexDefinition* found = (*table)->index(index);
    if ((*table)->is_restoring || (!index.empty() && (found == nullptr || found->status != IndexStatus::active))) {
        catalog_->forget(name);
        table = co_await catalog_->find(name);
        if (!table) co_return table;
    }
    if ((*table)->is_restoring) co_return table_not_found();
    co_return table;
}

Awaitable<ItemPage> Service::query(QueryRequest request) {
    auto parts = prepare_query(request);
    if (!parts) co_return parts.error();
    auto table = co_await find_readable(request.table, request.index.value_or(""));
    if (!table) co_return table.error();
    auto plan = plan_query(request, std::move(*parts), **table);
    if (!plan) co_return plan.error();
    co_return co_await read_page(*table, *plan);
}

Awaitable<ItemPage> Service::scan(ScanRequest request) {
    auto parts = prepare_scan(request);
    if (!parts) co_return parts.error();
    auto table = co_await find_readable(request.table, request.index.value_or(""));
    if (!table) co_return table.error();
    auto plan = plan_scan(request, std::move(*parts), **table);
    if (!plan) co_return plan.error();
    co_return co_await read_page(*table, *plan);
}

Awaitable<ItemPage> Service::read_page(DefinitionPtr table, std::shared_ptr<const PagePlan> plan) {
    PageCollector collector(*plan, *table);
    kv::ScanOptions options;
    options.range = plan->range;
    options.reverse = plan->reverse;
    options.bytes_max = page_bytes_max;
    if (!options.range.end.empty() && options.range.begin >= options.range.end) co_return std::move(collector).finish();
    for (bool more = true; more;) {
        options.items_max = std::min(collector.room(), chunk_items_max);
        auto page = co_await engine_.scan(options);
        if (!page) co_return from_engine(page.error());
        std::vector<std::optional<std::string>> fetched(page->items.size());
        if (plan->fetches && !page->items.empty()) {
            auto keys = item_keys(*page, *table);
            if (!keys) co_return keys.error();
            auto whole = co_await engine_.multi_get(std::move(*keys));
            if (!whole) co_return from_engine(whole.error());
            fetched = std::move(*whole);
        }
        for (std::size_t i = 0; i < page->items.size(); ++i) {
            auto full = collector.add(page->items[i].value, fetched[i]);
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
