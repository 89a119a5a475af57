#include "store/table/table_service.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "store/kv/key.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/item_eraser.h"
#include "store/table/detail/limits.h"
#include "store/table/detail/service.h"

namespace fogbank::store::table {
namespace {

bool is_table_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

Result<void> check_key_name(const KeyAttribute& attribute, int position) {
    const std::string member = "keySchema." + std::to_string(position) + ".member.attributeName";
    if (attribute.name.empty()) return constraint_violated("", member, "have length greater than or equal to 1");
    if (attribute.name.size() > key_name_bytes_max)
        return constraint_violated(attribute.name, member, "have length less than or equal to 255");
    return {};
}

Result<void> check_key_schema(const KeySchema& schema) {
    if (auto checked = check_key_name(schema.partition_key, 1); !checked) return checked;
    if (!schema.sort_key) return {};
    if (auto checked = check_key_name(*schema.sort_key, 2); !checked) return checked;
    if (schema.sort_key->name == schema.partition_key.name) {
        return validation("Both the Hash Key and the Range Key element in the KeySchema have the same name");
    }
    return {};
}

Result<void> check_throughput(const std::optional<ProvisionedThroughput>& throughput) {
    if (!throughput) return {};
    const auto check = [](std::int64_t units, std::string_view member) -> Result<void> {
        if (units >= 1) return {};
        return constraint_violated(std::to_string(units), "provisionedThroughput." + std::string(member),
                                   "have value greater than or equal to 1");
    };
    if (auto checked = check(throughput->write_capacity_units, "writeCapacityUnits"); !checked) return checked;
    return check(throughput->read_capacity_units, "readCapacityUnits");
}

Result<void> remove_definition(kv::Transaction& transaction, const TableName& name, WallTime now, TableDefinition& removed) {
    const std::string key = definition_key(name);
    auto stored = transaction.get(key);
    if (!stored) return stored.error();
    if (!*stored) return table_not_found(name.view());
    auto definition = decode_definition(**stored);
    if (!definition) return definition.error();
    if (definition->deletion_protection) {
        return validation("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.");
    }
    if (definition->is_restoring || definition->is_updating()) {
        return Error(Errc::resource_in_use, "Attempt to change a resource which is still in use: Table is being " +
                                                std::string(definition->is_restoring ? "created: " : "updated: ") + name.str());
    }
    if (auto ended = end_stream(transaction, *definition, now); !ended) return ended;
    removed = std::move(*definition);
    transaction.erase(key);
    transaction.erase(marker_key(removed.number));
    transaction.put(erasure_key(removed.number), name.view());
    return {};
}

/// Tags as they are stored.
std::string encode_tags(const std::vector<Tag>& tags) {
    nlohmann::json out = nlohmann::json::object();
    for (const auto& tag : tags) out[tag.key] = tag.value;
    return out.dump();
}

}  // namespace

Result<void> check_table_name(const TableName& name) {
    const std::string& text = name.str();
    if (text.empty()) return constraint_violated(text, "tableName", "have length greater than or equal to 1");
    if (!std::all_of(text.begin(), text.end(), is_table_name_char)) {
        return constraint_violated(text.substr(0, table_name_chars_max), "tableName",
                                   "satisfy regular expression pattern: [a-zA-Z0-9_.-]+");
    }
    if (text.size() < table_name_chars_min || text.size() > table_name_chars_max) {
        return validation("TableName must be at least 3 characters long and at most 255 characters long");
    }
    return {};
}

Result<void> insert_definition(kv::Transaction& transaction, TableDefinition& definition) {
    const std::string key = definition_key(definition.name);
    auto existing = transaction.get(key);
    if (!existing) return existing.error();
    if (*existing) return Error(Errc::resource_in_use, "Table already exists: " + definition.name.str());
    auto number = next_number(transaction);
    if (!number) return number.error();
    definition.number = *number;
    if (definition.stream.enabled) {
        if (auto begun = begin_stream(transaction, definition, definition.created_at); !begun) return begun;
    }
    transaction.put(key, encode_definition(definition));
    transaction.put(marker_key(*number), definition.marker());
    return {};
}

Service::Service(const Dependencies& dependencies)
    : dependencies_(dependencies),
      engine_(dependencies.engine),
      catalog_(std::make_shared<Catalog>(dependencies.engine)),
      watchers_(std::make_shared<StreamWatchers>()),
      counter_(dependencies.engine),
      stream_reader_(dependencies.engine, dependencies.clock, dependencies.arns, watchers_),
      housekeeping_(dependencies.engine, dependencies.clock, dependencies.arns, catalog_, watchers_),
      transfers_(Transfers::Environment{dependencies.engine, dependencies.clock, dependencies.random, dependencies.arns, catalog_,
                                        dependencies.quotas.bytes(Quota::item_bytes), Buckets(dependencies.buckets)}) {}

Awaitable<void> Service::start() {
    if (auto loaded = co_await catalog_->load(); !loaded) co_return loaded;
    if (auto resumed = co_await resume_erasures(engine_); !resumed) co_return resumed;
    if (auto resumed = co_await resume_tasks(task_environment()); !resumed) co_return resumed;
    co_return co_await transfers_.start();
}

Result<TableDefinition> make_definition(CreateTableRequest request, std::string id, WallTime now) {
    if (auto checked = check_table_name(request.name); !checked) return checked.error();
    if (auto checked = check_throughput(request.provisioned_throughput); !checked) return checked.error();
    if (auto checked = check_key_schema(request.key_schema); !checked) return checked.error();
    TableDefinition out;
    out.id = std::move(id);
    out.name = std::move(request.name);
    out.key_schema = std::move(request.key_schema);
    out.created_at = now;
    out.provisioned_throughput = request.provisioned_throughput;
    if (!request.provisioned_throughput) out.pay_per_request_since = now;
    out.deletion_protection = request.deletion_protection;
    for (auto& index : request.indexes) {
        IndexDefinition made;
        made.number = ++out.last_index;
        made.request = std::move(index);
        out.indexes.push_back(std::move(made));
    }
    out.stream = request.stream;
    out.table_class = request.table_class;
    out.sse = std::move(request.sse);
    out.on_demand_throughput = request.on_demand_throughput;
    return out;
}

Awaitable<TableDescription> Service::create_table(CreateTableRequest request) {
    const std::vector<Tag> tags = std::move(request.tags);
    auto made = make_definition(std::move(request), dependencies_.random.uuid(), dependencies_.clock.now());
    if (!made) co_return made.error();
    const auto definition = std::make_shared<TableDefinition>(std::move(*made));  // the engine's thread fills in the number
    const std::uint64_t before = catalog_->generation();
    kv::TransactionBody body = [definition, tags](kv::Transaction& transaction) -> Result<void> {
        if (auto inserted = insert_definition(transaction, *definition); !inserted) return inserted;
        if (!tags.empty()) transaction.put(tags_key(definition->number), encode_tags(tags));
        return {};
    };
    if (auto done = co_await engine_.transact(std::move(body)); !done) co_return from_engine(done.error());
    catalog_->remember(definition, before);
    co_return describe(*definition, TableStatus::creating, dependencies_.arns);
}

Awaitable<void> Service::fill_counts(const TableDefinition& table, TableDescription& out) {
    auto count = co_await counter_.count(keyspace(table.number));
    if (!count) co_return count.error();
    out.item_count = count->items;
    out.size_bytes = count->bytes;
    for (std::size_t i = 0; i < table.indexes.size(); ++i) {
        auto entries = co_await counter_.count(keyspace(table.number, table.indexes[i].number));
        if (!entries) co_return entries.error();
        out.indexes[i].item_count = entries->items;
        out.indexes[i].size_bytes = entries->bytes;
    }
    co_return Result<void>();
}

Awaitable<TableDescription> Service::describe_table(TableName name) {
    if (auto checked = check_table_name(name); !checked) co_return checked.error();
    auto definition = co_await catalog_->read(name);
    if (!definition) co_return definition.error();
    TableDescription out = describe(**definition, status_of(**definition), dependencies_.arns);
    if (auto counted = co_await fill_counts(**definition, out); !counted) co_return counted.error();
    co_return out;
}

Awaitable<TableDescription> Service::delete_table(TableName name) {
    if (auto checked = check_table_name(name); !checked) co_return checked.error();
    const auto removed = std::make_shared<TableDefinition>();
    kv::TransactionBody body = [name, removed, now = dependencies_.clock.now()](kv::Transaction& transaction) {
        return remove_definition(transaction, name, now, *removed);
    };
    auto done = co_await engine_.transact(std::move(body));
    if (!done) catalog_->forget(name);
    if (!done) co_return from_engine(done.error());
    catalog_->remove(name);
    counter_.forget(removed->number);
    erase_items(engine_, removed->number);
    announce(*removed);  // its stream has ended
    co_return describe(*removed, TableStatus::deleting, dependencies_.arns);
}

Awaitable<TableNames> Service::list_tables(std::optional<TableName> exclusive_start, std::int64_t limit) {
    if (limit < 1) co_return constraint_violated(std::to_string(limit), "limit", "have value greater than or equal to 1");
    if (limit > list_tables_limit_max)
        co_return constraint_violated(std::to_string(limit), "limit", "have value less than or equal to 100");
    kv::ScanOptions options;
    options.range = definitions_range();
    if (exclusive_start) options.range.begin = definition_key(*exclusive_start) + '\0';
    options.items_max = static_cast<std::size_t>(limit) + 1;  // one more tells whether there is more
    auto page = co_await engine_.scan(options);
    if (!page) co_return from_engine(page.error());
    TableNames out;
    for (const auto& [key, value] : page->items) {
        auto definition = decode_definition(value);
        if (!definition) co_return definition.error();
        if (out.names.size() == static_cast<std::size_t>(limit)) {
            out.last_evaluated = out.names.back();
            break;
        }
        out.names.push_back(std::move(definition->name));
    }
    co_return out;
}

Awaitable<std::unique_ptr<TableApi>> open_table_service(TableService::Dependencies dependencies) {
    auto service = std::make_unique<Service>(dependencies);
    if (auto started = co_await service->start(); !started) co_return started.error();
    co_return std::unique_ptr<TableApi>(std::move(service));
}

}  // namespace fogbank::store::table
