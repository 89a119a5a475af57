// UpdateTable, time to live, tags and continuous backups.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "store/table/detail/errors.h"
#include "store/table/detail/limits.h"
#include "store/table/detail/service.h"

namespace fogbank::store::table {
namespace {

using nlohmann::json;

constexpr std::size_t tags_max = 50;
constexpr std::chrono::hours recovery_window{35 * 24};

Error still_in_use(const TableDefinition& table) {
    return {Errc::resource_in_use, "Attempt to change a resource which is still in use: Table is being " +
                                       std::string(table.is_restoring ? "created: " : "updated: ") + table.name.str()};
}

Error same_throughput(const ProvisionedThroughput& current) {
    const std::string read = std::to_string(current.read_capacity_units), write = std::to_string(current.write_capacity_units);
    return validation(
        "The provisioned throughput for the table will not change. The requested value equals the current value. Current ReadCapacityUnits "
        "provisioned for the table: " +
        read + ". Requested ReadCapacityUnits: " + read + ". Current WriteCapacityUnits provisioned for the table: " + write +
        ". Requested WriteCapacityUnits: " + write +
        ". Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.");
}

Result<void> change_throughput(TableDefinition& table, const UpdateTableRequest& request, WallTime now) {
    if (request.on_demand && *request.on_demand) {
        if (table.provisioned_throughput) table.pay_per_request_since = now;
        table.provisioned_throughput.reset();
        for (auto& index : table.indexes) index.request.provisioned_throughput.reset();
    } else if (request.on_demand && !request.provisioned_throughput && !table.provisioned_throughput) {
        return invalid_parameter("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED");
    }
    if (request.on_demand_throughput) table.on_demand_throughput = request.on_demand_throughput;
    if (!request.provisioned_throughput) return {};
    const ProvisionedThroughput& wanted = *request.provisioned_throughput;
    if (!table.provisioned_throughput && !request.on_demand)
        return invalid_parameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST");
    const ProvisionedThroughput current = table.provisioned_throughput.value_or(ProvisionedThroughput());
    if (wanted.read_capacity_units == current.read_capacity_units && wanted.write_capacity_units == current.write_capacity_units &&
        request.index_changes.empty())
        return same_throughput(current);
    if (wanted.read_capacity_units > current.read_capacity_units || wanted.write_capacity_units > current.write_capacity_units)
        table.throughput_raised_at = now;
    if (wanted.read_capacity_units < current.read_capacity_units || wanted.write_capacity_units < current.write_capacity_units)
        table.throughput_lowered_at = now;
    table.provisioned_throughput = wanted;
    return {};
}

/// An attribute has one type in all keys of a table.
Result<void> check_types(const TableDefinition& table, const IndexRequest& index) {
    const auto check = [&](const KeyAttribute& wanted) -> Result<void> {
        const auto differs = [&](const KeyAttribute& known) { return known.name == wanted.name && known.type != wanted.type; };
        std::vector<IndexKeys> all{layout_of(table.key_schema)};
        for (const auto& one : table.indexes) all.push_back(one.request.keys);
        for (const auto& keys : all) {
            if (std::any_of(keys.partition.begin(), keys.partition.end(), differs) ||
                std::any_of(keys.sort.begin(), keys.sort.end(), differs))
                return invalid_parameter("Attribute type of " + wanted.name + " differs from its type in the table's other keys");
        }
        return {};
    };
    for (const auto* attributes : {&index.keys.partition, &index.keys.sort}) {
        for (const auto& attribute : *attributes) {
            if (auto checked = check(attribute); !checked) return checked;
        }
    }
    return {};
}

Result<void> change_index(kv::Transaction& transaction, TableDefinition& table, const IndexChange& change,
                          std::vector<IndexNumber>& started) {
    const auto found = std::find_if(table.indexes.begin(), table.indexes.end(), [&](const IndexDefinition& one) {
        return one.request.name == change.index.name && (one.request.is_global || change.kind == IndexChange::Kind::create);
    });
    if (change.kind == IndexChange::Kind::create) {
        if (found != table.indexes.end()) return validation("Attempting to create an index which already exists");
        if (auto checked = check_types(table, change.index); !checked) return checked;
        IndexDefinition made;
        made.number = ++table.last_index;
        made.request = change.index;
        made.status = IndexStatus::creating;
        made.is_backfilling = true;
        table.indexes.push_back(made);
        put_index_task(transaction, table, made.number);
        started.push_back(made.number);
        return {};
    }
    if (found == table.indexes.end()) return Error(Errc::resource_not_found, "Requested resource not found");
    if (change.kind == IndexChange::Kind::remove) {
        found->status = IndexStatus::deleting;
        found->is_backfilling = false;
        put_index_task(transaction, table, found->number);
        started.push_back(found->number);
        return {};
    }
    found->request.provisioned_throughput = change.index.provisioned_throughput;
    found->request.on_demand_throughput = change.index.on_demand_throughput;
    return {};
}

Result<void> change_stream(kv::Transaction& transaction, TableDefinition& table, const StreamSpecification& wanted, WallTime now) {
    if (wanted.enabled && table.stream.enabled) return validation("Table already has an enabled stream: TableName: " + table.name.str());
    if (!wanted.enabled && !table.stream.enabled) return validation("Table already has a disabled stream: TableName: " + table.name.str());
    if (!wanted.enabled) {
        if (auto ended = end_stream(transaction, table, now); !ended) return ended;
        table.stream.enabled = false;
        return {};
    }
    table.stream = wanted;
    return begin_stream(transaction, table, now);
}

Result<void> apply_update(kv::Transaction& transaction, TableDefinition& table, const UpdateTableRequest& request, WallTime now,
                          std::vector<IndexNumber>& started) {
    started.clear();
    if (table.is_restoring || table.is_updating()) return still_in_use(table);
    if (auto changed = change_throughput(table, request, now); !changed) return changed;
    for (const auto& change : request.index_changes) {
        if (auto changed = change_index(transaction, table, change, started); !changed) return changed;
    }
    const auto globals =
        std::count_if(table.indexes.begin(), table.indexes.end(), [](const IndexDefinition& one) { return one.request.is_global; });
    if (globals > global_indexes_max)
        return invalid_parameter("GlobalSecondaryIndex count exceeds the per-table limit of " + std::to_string(global_indexes_max));
    if (request.stream) {
        if (auto changed = change_stream(transaction, table, *request.stream, now); !changed) return changed;
    }
    if (request.deletion_protection) table.deletion_protection = *request.deletion_protection;
    if (request.table_class && *request.table_class != table.table_class) {
        table.table_class = *request.table_class;
        table.table_class_changed_at = now;
    }
    if (request.sse) table.sse = *request.sse;
    return {};
}

json parse_tags(const std::optional<std::string>& stored) {
    json tags = stored ? json::parse(*stored, nullptr, false) : json::object();
    return tags.is_object() ? tags : json::object();
}

}  // namespace

Awaitable<DefinitionPtr> Service::change_table(TableName name, std::function<Result<void>(kv::Transaction&, TableDefinition&)> change,
                                               bool writers_must_know) {
    const auto changed = std::make_shared<TableDefinition>();
    kv::TransactionBody body = [name, changed, change = std::move(change),
                                writers_must_know](kv::Transaction& transaction) -> Result<void> {
        auto table = read_definition(transaction, name);
        if (!table) return table.error();
        if (auto done = change(transaction, *table); !done) return done;
        store_definition(transaction, *table, writers_must_know);
        *changed = std::move(*table);
        return {};
    };
    auto done = co_await engine_.transact(std::move(body));
    if (!done) co_return from_engine(done.error());
    catalog_->forget(name);
    auto found = co_await catalog_->find(name);  // the copy is what housekeeping goes by
    co_return std::shared_ptr<const TableDefinition>(changed);
}

Awaitable<TableDescription> Service::update_table(UpdateTableRequest request) {
    if (auto checked = check_table_name(request.name); !checked) co_return checked.error();
    const auto made_or_gone = std::count_if(request.index_changes.begin(), request.index_changes.end(),
                                            [](const IndexChange& one) { return one.kind != IndexChange::Kind::update; });
    if (made_or_gone > 1) {
        co_return Error(Errc::limit_exceeded,
                        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table");
    }
    const TableName name = request.name;
    const auto started = std::make_shared<std::vector<IndexNumber>>();
    std::function<Result<void>(kv::Transaction&, TableDefinition&)> change =
        [request = std::move(request), now = dependencies_.clock.now(), started](kv::Transaction& transaction, TableDefinition& table) {
            return apply_update(transaction, table, request, now, *started);
        };
    auto table = co_await change_table(name, std::move(change), true);
    if (!table) co_return table.error();
    for (const IndexNumber index : *started) start_task(task_environment(), index_task, (*table)->number, index);
    TableDescription out = describe(**table, TableStatus::updating, dependencies_.arns);
    if (auto counted = co_await fill_counts(**table, out); !counted) co_return counted.error();
    co_return out;
}

Awaitable<TimeToLive> Service::update_time_to_live(TableName name, TimeToLive wanted) {
    if (auto checked = check_table_name(name); !checked) co_return checked.error();
    std::function<Result<void>(kv::Transaction&, TableDefinition&)> change = [wanted](kv::Transaction&,
                                                                                      TableDefinition& table) -> Result<void> {
        const TimeToLive& current = table.time_to_live;
        if (wanted.enabled && current.enabled && current.attribute != wanted.attribute) {
            return validation("TimeToLive is active on a different AttributeName: current AttributeName is " + current.attribute);
        }
        if (wanted.enabled == current.enabled)
            return validation(wanted.enabled ? "TimeToLive is already enabled" : "TimeToLive is already disabled");
        if (!wanted.enabled && current.attribute != wanted.attribute)
            return validation("TimeToLive is active on a different AttributeName: current AttributeName is " + current.attribute);
        table.time_to_live = wanted;
        return {};
    };
    auto table = co_await change_table(std::move(name), std::move(change), false);
    if (!table) co_return table.error();
    co_return wanted;
}

Awaitable<TimeToLive> Service::describe_time_to_live(TableName name) {
    if (auto checked = check_table_name(name); !checked) co_return checked.error();
    auto table = co_await catalog_->read(std::move(name));
    if (!table) co_return table.error();
    co_return (*table)->time_to_live;
}

Result<TableName> Service::table_of_arn(const std::string& text) const {
    const auto arn = Arn::parse(text);
    if (!arn || arn->service != "dynamodb" || !arn->resource.starts_with("table/"))
        return validation("Invalid TableArn: Invalid ResourceArn provided as input " + text);
    if (arn->account != dependencies_.arns.account().str() || arn->region != dependencies_.arns.region().str()) {
        return Error(Errc::access_denied, "User is not authorized to perform this action on resource: " + text);
    }
    const std::string name = arn->resource.substr(6);
    if (name.find('/') != std::string::npos) return validation("Invalid TableArn: Invalid ResourceArn provided as input " + text);
    return TableName(name);
}

Awaitable<void> Service::tag_resource(std::string arn, std::vector<Tag> tags) {
    auto name = table_of_arn(arn);
    if (!name) co_return name.error();
    kv::TransactionBody body = [arn, name = *name, tags = std::move(tags)](kv::Transaction& transaction) -> Result<void> {
        auto table = read_definition(transaction, name);
        if (!table && table.error().code == Errc::resource_not_found)
            return Error(Errc::resource_not_found, "Requested resource not found: ResourcArn: " + arn + " not found");
        if (!table) return table.error();
        auto stored = transaction.get(tags_key(table->number));
        if (!stored) return stored.error();
        json kept = parse_tags(*stored);
        for (const auto& tag : tags) kept[tag.key] = tag.value;
        if (kept.size() > tags_max) return validation("One or more parameter values were invalid: Too many tags: more than 50");
        transaction.put(tags_key(table->number), kept.dump());
        return {};
    };
    auto done = co_await engine_.transact(std::move(body));
    co_return done ? done : Result<void>(from_engine(done.error()));
}

Awaitable<void> Service::untag_resource(std::string arn, std::vector<std::string> keys) {
    auto name = table_of_arn(arn);
    if (!name) co_return name.error();
    kv::TransactionBody body = [arn, name = *name, keys = std::move(keys)](kv::Transaction& transaction) -> Result<void> {
        auto table = read_definition(transaction, name);
        if (!table && table.error().code == Errc::resource_not_found)
            return Error(Errc::resource_not_found, "Requested resource not found: ResourcArn: " + arn + " not found");
        if (!table) return table.error();
        auto stored = transaction.get(tags_key(table->number));
        if (!stored) return stored.error();
        json kept = parse_tags(*stored);
        for (const auto& key : keys) kept.erase(key);
        transaction.put(tags_key(table->number), kept.dump());
        return {};
    };
    auto done = co_await engine_.transact(std::move(body));
    co_return done ? done : Result<void>(from_engine(done.error()));
}

Awaitable<std::vector<Tag>> Service::list_tags(std::string arn) {
    auto name = table_of_arn(arn);
    if (!name) co_return name.error();
    auto table = co_await catalog_->read(*name);
    if (!table && table.error().code == Errc::resource_not_found)
        co_return Error(Errc::access_denied, "User: " + dependencies_.arns.root_user() +
                                                 " is not authorized to perform: dynamodb:ListTagsOfResource on resource: " + arn);
    if (!table) co_return table.error();
    auto stored = co_await engine_.get(tags_key((*table)->number));
    if (!stored) co_return from_engine(stored.error());
    std::vector<Tag> out;
    const json tags = parse_tags(*stored);
    for (const auto& [key, value] : tags.items()) out.push_back(Tag{key, value.get<std::string>()});
    co_return out;
}

namespace {

ContinuousBackups backups_of(const TableDefinition& table, WallTime now) {
    ContinuousBackups out;
    out.point_in_time_recovery = table.point_in_time_since.has_value();
    if (!out.point_in_time_recovery) return out;
    out.earliest = std::max(*table.point_in_time_since, now - std::chrono::duration_cast<std::chrono::milliseconds>(recovery_window));
    out.latest = now;
    return out;
}

}  // namespace

Awaitable<ContinuousBackups> Service::describe_continuous_backups(TableName name) {
    if (auto checked = check_table_name(name); !checked) co_return checked.error();
    auto table = co_await catalog_->read(name);
    if (!table && table.error().code == Errc::resource_not_found) co_return Error(Errc::table_not_found, "Table not found: " + name.str());
    if (!table) co_return table.error();
    co_return backups_of(**table, dependencies_.clock.now());
}

Awaitable<ContinuousBackups> Service::update_continuous_backups(TableName name, bool enabled) {
    if (auto checked = check_table_name(name); !checked) co_return checked.error();
    const WallTime now = dependencies_.clock.now();
    std::function<Result<void>(kv::Transaction&, TableDefinition&)> change = [enabled, now](kv::Transaction&,
                                                                                            TableDefinition& table) -> Result<void> {
        if (enabled && !table.point_in_time_since) table.point_in_time_since = now;
        if (!enabled) table.point_in_time_since.reset();
        return {};
    };
    auto table = co_await change_table(name, std::move(change), false);
    if (!table && table.error().code == Errc::resource_not_found) co_return Error(Errc::table_not_found, "Table not found: " + name.str());
    if (!table) co_return table.error();
    co_return backups_of(**table, now);
}

}  // namespace fogbank::store::table
