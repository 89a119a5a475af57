#include "store/table/table_service.h"

#include <algorithm>
#include <charconv>

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

/// Takes the next table number; the sequence only grows, so no number is ever used twice.
Result<TableNumber> next_number(kv::Transaction& transaction) {
    auto stored = transaction.get(sequence_key());
    if (!stored) return stored.error();
    TableNumber number = 0;
    if (*stored) {
        const std::string& text = **stored;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc() || end != text.data() + text.size())
            return Error(Errc::unavailable, "the stored table sequence is corrupt");
    }
    ++number;
    transaction.put(sequence_key(), std::to_string(number));
    return number;
}

Result<void> insert_definition(kv::Transaction& transaction, TableDefinition& definition) {
    const std::string key = definition_key(definition.name);
    auto existing = transaction.get(key);
    if (!existing) return existing.error();
    if (*existing) return Error(Errc::resource_in_use, "Table already exists: " + definition.name.str());
    auto number = next_number(transaction);
    if (!number) return number.error();
    definition.number = *number;
    transaction.put(key, encode_definition(definition));
    transaction.put(marker_key(*number), std::string_view());
    return {};
}

Result<void> remove_definition(kv::Transaction& transaction, const TableName& name, TableDefinition& removed) {
    const std::string key = definition_key(name);
    auto stored = transaction.get(key);
    if (!stored) return stored.error();
    if (!*stored) return table_not_found(name.view());
    auto definition = decode_definition(**stored);
    if (!definition) return definition.error();
    if (definition->deletion_protection) {
        return validation("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.");
    }
    removed = std::move(*definition);
    transaction.erase(key);
    transaction.erase(marker_key(removed.number));
    transaction.put(erasure_key(removed.number), name.view());
    return {};
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

Service::Service(const Dependencies& dependencies)
    : dependencies_(dependencies),
      engine_(dependencies.engine),
      catalog_(std::make_shared<Catalog>(dependencies.engine)),
      counter_(dependencies.engine) {}

Awaitable<void> Service::start() {
    if (auto loaded = co_await catalog_->load(); !loaded) co_return loaded;
    co_return co_await resume_erasures(engine_);
}

Awaitable<TableDescription> Service::create_table(CreateTableRequest request) {
    if (auto checked = check_table_name(request.name); !checked) co_return checked.error();
    if (auto checked = check_throughput(request.provisioned_throughput); !checked) co_return checked.error();
    if (auto checked = check_key_schema(request.key_schema); !checked) co_return checked.error();

    const auto definition = std::make_shared<TableDefinition>();  // the engine's thread fills in the number
    definition->id = dependencies_.random.uuid();
    definition->name = std::move(request.name);
    definition->key_schema = std::move(request.key_schema);
    definition->created_at = dependencies_.clock.now();
    definition->provisioned_throughput = request.provisioned_throughput;
    definition->deletion_protection = request.deletion_protection;

    const std::uint64_t before = catalog_->generation();
    kv::TransactionBody body = [definition](kv::Transaction& transaction) { return insert_definition(transaction, *definition); };
    if (auto done = co_await engine_.transact(std::move(body)); !done) co_return from_engine(done.error());
    catalog_->remember(definition, before);
    co_return describe(*definition, TableStatus::creating, dependencies_.arns);
}

Awaitable<TableDescription> Service::describe_table(TableName name) {
    if (auto checked = check_table_name(name); !checked) co_return checked.error();
    auto definition = co_await catalog_->read(name);
    if (!definition) co_return definition.error();
    auto count = co_await counter_.count((*definition)->number);
    if (!count) co_return count.error();
    TableDescription out = describe(**definition, TableStatus::active, dependencies_.arns);
    out.item_count = count->items;
    out.size_bytes = count->bytes;
    co_return out;
}

Awaitable<TableDescription> Service::delete_table(TableName name) {
    if (auto checked = check_table_name(name); !checked) co_return checked.error();
    const auto removed = std::make_shared<TableDefinition>();
    kv::TransactionBody body = [name, removed](kv::Transaction& transaction) { return remove_definition(transaction, name, *removed); };
    auto done = co_await engine_.transact(std::move(body));
    catalog_->forget(name);
    if (!done) co_return from_engine(done.error());
    counter_.forget(removed->number);
    erase_items(engine_, removed->number);
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

Awaitable<std::unique_ptr<TableService>> open_table_service(TableService::Dependencies dependencies) {
    auto service = std::make_unique<Service>(dependencies);
    if (auto started = co_await service->start(); !started) co_return started.error();
    co_return std::unique_ptr<TableService>(std::move(service));
}

}  // namespace fogbank::store::table
