// Planning a page of Query or Scan.

#include "store/table/detail/page_plan.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "store/table/detail/errors.h"
#include "store/table/detail/index_entries.h"
#include "store/table/detail/legacy.h"
#include "store/table/detail/limits.h"
#include "store/table/detail/service.h"
#include "store/table/detail/value_check.h"

namespace fogbank::store::table {
namespace {

Result<void> check_limit(const std::optional<std::int64_t>& limit) {
    if (limit && *limit < 1) return constraint_violated(std::to_string(*limit), "limit", "have value greater than or equal to 1");
    return {};
}

template <class Request>
Result<void> check_select(const Request& request) {
    const bool projected = is_given(request.projection) || !request.attributes_to_get.empty();
    const std::string which = request.attributes_to_get.empty() ? "ProjectionExpression" : "AttributesToGet";
    if (request.select == Select::count && projected)
        return validation("Cannot specify the " + which + " when choosing to get only the Count");
    if (request.select == Select::all_attributes && projected)
        return validation("Cannot specify the " + which + " when choosing to get ALL_ATTRIBUTES");
    if (request.select == Select::all_projected_attributes && projected)
        return validation("Cannot specify the " + which + " when choosing to get ALL_PROJECTED_ATTRIBUTES");
    if (request.select == Select::specific_attributes && !projected)
        return validation("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES");
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

Result<void> check_filter_keys(const Condition& filter, const IndexKeys& layout, bool is_legacy) {
    const auto is_key = [&](const std::string& name) {
        const auto same = [&](const KeyAttribute& key) { return key.name == name; };
        return std::any_of(layout.partition.begin(), layout.partition.end(), same) ||
               std::any_of(layout.sort.begin(), layout.sort.end(), same);
    };
    const std::string* key = nullptr;
    filter.for_each_path([&](const DocumentPath& path) {
        if (key == nullptr && is_key(path.top())) key = &path.top();
    });
    if (key == nullptr) return {};
    return validation(std::string(is_legacy ? "QueryFilter" : "Filter Expression") +
                      " can only contain non-primary key attributes: Primary key attribute: " + *key);
}

Error invalid_starting_key(std::string_view why) {
    return validation("The provided starting key is invalid: " + std::string(why));
}

/// The filter and the projection of either call, by expressions or by the old parameters.
template <class Request>
Result<void> compile_parts(const Request& request, const LegacyConditions& legacy_filter, PlaceholderScope& scope, QueryParts& out) {
    if (!legacy_filter.conditions.empty()) {
        auto filter = compile_legacy(legacy_filter);
        if (!filter) return filter.error();
        out.plan.filter = std::move(*filter);
        out.is_legacy = true;
    } else {
        auto filter = compile_condition(request.filter, "FilterExpression", scope);
        if (!filter) return filter.error();
        out.plan.filter = std::move(*filter);
    }
    return {};
}

template <class Request>
Result<void> compile_output(const Request& request, PlaceholderScope& scope, QueryParts& out) {
    auto projection = request.attributes_to_get.empty() ? compile_projection(request.projection, scope)
                                                        : compile_attributes_to_get(request.attributes_to_get);
    if (!projection) return projection.error();
    out.plan.projection = std::move(*projection);
    if (auto checked = scope.check_all_used(); !checked) return checked;
    if (request.limit) out.plan.items_max = static_cast<std::size_t>(*request.limit);
    out.plan.count_only = request.select == Select::count;
    out.plan.consistent_read = request.consistent_read;
    out.select = request.select;
    return {};
}

std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
    return "[" + out + "]";
}

/// Points the plan at the index and decides whether its entries hold what is asked for.
Result<void> choose_index(const std::string& name, const TableDefinition& table, QueryParts& parts) {
    const IndexDefinition* index = table.index(name);
    if (index == nullptr || index->status == IndexStatus::deleting)
        return validation("The table does not have the specified index: " + name);
    if (index->status != IndexStatus::active) return validation("Cannot read from backfilling global secondary index: " + name);
    PagePlan& plan = parts.plan;
    const bool is_global = index->request.is_global;
    if (is_global && plan.consistent_read) return validation("Consistent reads are not supported on global secondary indexes");
    plan.index = *index;
    plan.layout = index->request.keys;
    const auto projected = projected_attributes(table, *index);
    if (!projected) return {};
    if (parts.select == Select::all_attributes) {
        if (is_global) {
            return invalid_parameter("Select type ALL_ATTRIBUTES is not supported for global secondary index " + name +
                                     " because its projection type is not ALL");
        }
        plan.fetches = true;
    }
    std::vector<std::string> missing;
    const auto look_for = [&](const std::string& wanted) {
        if (std::find(projected->begin(), projected->end(), wanted) == projected->end()) missing.push_back(wanted);
    };
    for (const auto& top : plan.projection.top_names()) look_for(top);
    if (is_global && !missing.empty()) return invalid_parameter("Global secondary index " + name + " does not project " + joined(missing));
    plan.filter.for_each_path([&](const DocumentPath& path) { look_for(path.top()); });
    if (!is_global && !missing.empty()) plan.fetches = true;
    return {};
}

/// @return the keyspace that is read.
Result<std::string> choose_space(const std::optional<std::string>& index, const TableDefinition& table, QueryParts& parts) {
    if (table.is_restoring) return table_not_found();
    if (!index) {
        if (parts.select == Select::all_projected_attributes)
            return invalid_parameter("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName");
        parts.plan.layout = layout_of(table.key_schema);
        return keyspace(table.number);
    }
    if (auto chosen = choose_index(*index, table, parts); !chosen) return chosen.error();
    return keyspace(table.number, parts.plan.index->number);
}

Error does_not_match() {
    return validation("The provided key element does not match the schema");
}

/// Whether `start` has exactly the key attributes of table and index, of their types.
Result<void> check_start(const Item& start, const PagePlan& plan, const TableDefinition& table) {
    std::set<std::string> names;
    for (const IndexKeys& layout : {plan.layout, layout_of(table.key_schema)}) {
        for (const auto* attributes : {&layout.partition, &layout.sort}) {
            for (const auto& attribute : *attributes) {
                names.insert(attribute.name);
                const auto found = start.find(attribute.name);
                if (found == start.end() || !has_type(found->second, attribute.type)) return does_not_match();
            }
        }
    }
    if (start.size() != names.size()) return does_not_match();
    return check_key(table.key_schema, key_of(table.key_schema, start));
}

void go_on_behind(PagePlan& plan, std::string key) {
    if (plan.reverse) {
        plan.range.end = std::move(key);
    } else {
        key.push_back('\0');
        plan.range.begin = std::move(key);
    }
}

}  // namespace

Result<void> start_after(PagePlan& plan, const Item& start, const KeyCondition* condition, const TableDefinition& table) {
    const KeySchema& schema = table.key_schema;
    if (condition != nullptr && !plan.index && start.size() != (schema.sort_key ? 2U : 1U))
        return validation("Exclusive Start Key must have same size as table's key schema");
    if (auto checked = check_start(start, plan, table); !checked) return invalid_starting_key(checked.error().message);
    if (condition != nullptr) {
        const auto values = values_of(plan.layout.partition, start);
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (!(*values[i] == condition->partition[i]))
                return validation("The provided starting key is outside query boundaries based on provided conditions");
        }
        for (const auto& one : condition->sort) {
            if (!one.matches(start.find(one.attribute)->second))
                return validation("The provided starting key does not match the range key predicate");
        }
    }
    std::string key = plan.index ? index_entry_key(table, *plan.index, start) : item_key(table.number, schema, start);
    if (key < plan.range.begin || (!plan.range.end.empty() && key >= plan.range.end)) {
        if (!plan.segment) return validation("The provided starting key is outside query boundaries based on provided conditions");
        return invalid_starting_key("Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: " +
                                    std::to_string(plan.segment->total) + " Segment: " + std::to_string(plan.segment->index));
    }
    go_on_behind(plan, std::move(key));
    return {};
}

Item page_key(const PagePlan& plan, const TableDefinition& table, const Item& item) {
    Item key = key_of(table.key_schema, item);
    if (plan.index) key.merge(key_of(plan.layout, item));
    return key;
}

Result<QueryParts> prepare_query(const QueryRequest& request) {
    if (auto checked = check_table_name(request.table); !checked) return checked.error();
    if (auto checked = check_limit(request.limit); !checked) return checked.error();
    PlaceholderScope scope(request.placeholders);
    const ExpressionParameter filter{"FilterExpression", request.filter};
    const ExpressionParameter key_condition{"KeyConditionExpression", request.key_condition};
    const ExpressionParameter projection{"ProjectionExpression", request.projection};
    if (auto checked = scope.check({filter, key_condition, projection}, {filter, key_condition}); !checked) return checked.error();
    if (auto checked = check_select(request); !checked) return checked.error();
    if (!is_given(request.key_condition) && request.key_conditions.empty())
        return validation("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.");
    QueryParts out;
    if (auto compiled = compile_parts(request, request.query_filter, scope, out); !compiled) return compiled.error();
    auto conditions =
        request.key_conditions.empty() ? compile_key_condition(request.key_condition, scope) : compile_legacy_keys(request.key_conditions);
    if (!conditions) return conditions.error();
    out.conditions = std::move(*conditions);
    if (auto compiled = compile_output(request, scope, out); !compiled) return compiled.error();
    out.plan.reverse = !request.scan_index_forward;
    return out;
}

Result<QueryParts> prepare_scan(const ScanRequest& request) {
    if (auto checked = check_table_name(request.table); !checked) return checked.error();
    if (auto checked = check_limit(request.limit); !checked) return checked.error();
    if (auto checked = check_segments(request); !checked) return checked.error();
    PlaceholderScope scope(request.placeholders);
    const ExpressionParameter filter{"FilterExpression", request.filter};
    const ExpressionParameter projection{"ProjectionExpression", request.projection};
    if (auto checked = scope.check({filter, projection}, {filter}); !checked) return checked.error();
    if (auto checked = check_select(request); !checked) return checked.error();
    QueryParts out;
    if (auto compiled = compile_parts(request, request.scan_filter, scope, out); !compiled) return compiled.error();
    if (auto compiled = compile_output(request, scope, out); !compiled) return compiled.error();
    if (request.segment)
        out.plan.segment = Segment{static_cast<std::uint64_t>(*request.segment), static_cast<std::uint64_t>(*request.total_segments)};
    return out;
}

Result<std::shared_ptr<const PagePlan>> plan_query(const QueryRequest& request, QueryParts parts, const TableDefinition& table) {
    auto space = choose_space(request.index, table, parts);
    if (!space) return space.error();
    auto condition = match_key_schema(std::move(parts.conditions), parts.plan.layout);
    if (!condition) return condition.error();
    if (auto checked = check_filter_keys(parts.plan.filter, parts.plan.layout, parts.is_legacy); !checked) return checked.error();
    parts.plan.range = condition->range(*space);
    if (request.exclusive_start_key) {
        if (auto started = start_after(parts.plan, *request.exclusive_start_key, &*condition, table); !started) return started.error();
    }
    return std::make_shared<const PagePlan>(std::move(parts.plan));
}

Result<std::shared_ptr<const PagePlan>> plan_scan(const ScanRequest& request, QueryParts parts, const TableDefinition& table) {
    auto space = choose_space(request.index, table, parts);
    if (!space) return space.error();
    parts.plan.range = parts.plan.segment ? segment_range(*space, *parts.plan.segment) : space_range(*space);
    if (request.exclusive_start_key) {
        if (auto started = start_after(parts.plan, *request.exclusive_start_key, nullptr, table); !started) return started.error();
    }
    return std::make_shared<const PagePlan>(std::move(parts.plan));
}

}  // namespace fogbank::store::table
