// BatchWriteItem, BatchGetItem, TransactWriteItems, TransactGetItems.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "common/encoding.h"
#include "store/table/detail/capacity.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/item_codec.h"
#include "store/table/detail/item_write.h"
#include "store/table/detail/legacy.h"
#include "store/table/detail/limits.h"
#include "store/table/detail/service.h"
#include "store/table/detail/value_check.h"
#include "store/table/detail/write_transaction.h"

namespace fogbank::store::table {

namespace {

constexpr int attempts_max = 4;
constexpr std::chrono::minutes token_lifetime{10};
/// Transactions read and write twice.
constexpr double transaction_factor = 2;

/// Sums what one request used, table by table in the order of first use.
class Usage {
  public:
    void add(const TableName& table, const ConsumedUnits& units, std::optional<ItemCollection> collection = {}) {
        auto found = std::find_if(all_.begin(), all_.end(), [&](const TableUsage& one) { return one.table == table; });
        if (found == all_.end()) {
            all_.push_back(TableUsage{table, {}, {}});
            found = std::prev(all_.end());
        }
        found->units.add(units);
        if (!collection) return;
        auto same = std::find_if(found->collections.begin(), found->collections.end(),
                                 [&](const ItemCollection& one) { return one.partition_key == collection->partition_key; });
        if (same == found->collections.end()) {
            found->collections.push_back(std::move(*collection));
        } else {
            same->size_bytes = collection->size_bytes;
        }
    }
    std::vector<TableUsage> take() { return std::move(all_); }

  private:
    std::vector<TableUsage> all_;
};

ConsumedUnits times(ConsumedUnits units, double factor) {
    units.table *= factor;
    for (auto* indexes : {&units.local_indexes, &units.global_indexes}) {
        for (auto& [name, one] : *indexes) one *= factor;
    }
    return units;
}

/// What one failed write says in CancellationReasons.
CancellationReason reason_of(const Error& error, ItemWrite& write) {
    CancellationReason out;
    out.message = error.message;
    if (error.code == Errc::conditional_check_failed) {
        out.code = "ConditionalCheckFailed";
        if (write.return_old_on_failure && write.old_item) out.item = std::move(write.old_item);
    } else if (error.code == Errc::duplicate_item) {
        out.code = "DuplicateItem";
    } else if (error.code == Errc::item_collection_too_large) {
        out.code = "ItemCollectionSizeLimitExceeded";
    } else {
        out.code = "ValidationError";
    }
    return out;
}

bool is_engine_failure(const Error& error) {
    return error.code.category() != category() || error.code == Errc::unavailable || error.code == Errc::resource_not_found;
}

/// Whether a request with this token was done already. Errors: idempotent_parameter_mismatch.
Result<bool> check_token(kv::Transaction& transaction, const WriteTransaction& work, WallTime now) {
    if (work.token.empty()) return false;
    auto stored = transaction.get(token_key(work.token));
    if (!stored) return stored.error();
    if (*stored) {
        const auto kept = nlohmann::json::parse(**stored, nullptr, false);
        const WallTime at{std::chrono::milliseconds(kept.value("at_ms", std::int64_t{0}))};
        if (now - at < token_lifetime) {
            if (kept.value("digest", "") == hex_encode(work.digest)) return true;
            return Error(Errc::idempotent_parameter_mismatch,
                         "The request uses the same client token as a previous, but non-identical request");
        }
    }
    const nlohmann::json kept{{"digest", hex_encode(work.digest)}, {"at_ms", now.time_since_epoch().count()}};
    transaction.put(token_key(work.token), kept.dump());
    return false;
}

Result<void> run_transaction(kv::Transaction& transaction, WriteTransaction& work, const Clock& clock, std::size_t item_bytes_max) {
    work.cancelled = work.repeated = false;
    work.reasons.assign(work.writes.size(), CancellationReason());
    auto repeated = check_token(transaction, work, clock.now());
    if (!repeated) return repeated.error();
    work.repeated = *repeated;
    if (work.repeated) return {};
    for (std::size_t i = 0; i < work.writes.size(); ++i) {
        const bool seen = std::find(work.tables.begin(), work.tables.begin() + static_cast<std::ptrdiff_t>(i), work.tables[i]) !=
                          work.tables.begin() + static_cast<std::ptrdiff_t>(i);
        if (seen) continue;
        if (auto checked = check_marker(transaction, *work.tables[i]); !checked) return checked;
    }
    const WriteContext context{clock};
    for (std::size_t i = 0; i < work.writes.size(); ++i) {
        const auto done = run_write(transaction, *work.tables[i], *work.writes[i], context, item_bytes_max);
        if (done) continue;
        if (is_engine_failure(done.error()) || work.is_batch) return done.error();
        work.cancelled = true;
        work.reasons[i] = reason_of(done.error(), *work.writes[i]);
    }
    if (work.cancelled) return conditional_check_failed();  // rolls back; the caller looks at `cancelled`
    return {};
}

/// A batch that need not look at the old items: the writes, if all its tables are still there and as we know them.
std::optional<kv::Batch> blind_batch(WriteTransaction& work) {
    const auto needs_no_reads = [](const DefinitionPtr& table) { return table->allows_blind_writes(); };
    if (!work.is_batch || !std::all_of(work.tables.begin(), work.tables.end(), needs_no_reads)) return std::nullopt;
    kv::Batch batch;
    std::set<TableNumber> seen;
    for (std::size_t i = 0; i < work.writes.size(); ++i) {
        const TableDefinition& table = *work.tables[i];
        if (seen.insert(table.number).second) batch.preconditions.push_back(unchanged(table));
        ItemWrite& write = *work.writes[i];
        // It has not seen the old item, so it is charged for the new one only.
        write.units = ConsumedUnits();
        write.units.table = write_units(write.size_bytes);
        std::string key = item_key(table.number, table.key_schema, write.item);
        if (write.kind == ItemWrite::Kind::put) {
            batch.put(std::move(key), encode_item(write.item, write.size_bytes));
        } else {
            batch.erase(std::move(key));
        }
    }
    return batch;
}

Result<void> check_distinct_items(const WriteTransaction& work, std::string_view text) {
    std::set<std::string> keys;
    for (std::size_t i = 0; i < work.writes.size(); ++i) {
        const TableDefinition& table = *work.tables[i];
        if (!keys.insert(item_key(table.number, table.key_schema, work.writes[i]->item)).second) return validation(std::string(text));
    }
    return {};
}

Result<SharedWrite> compile(TransactWrite write, std::size_t item_bytes_max) {
    if (auto* put = std::get_if<PutItemRequest>(&write)) return compile_put(std::move(*put), item_bytes_max);
    if (auto* update = std::get_if<UpdateItemRequest>(&write)) return compile_update(std::move(*update));
    if (auto* gone = std::get_if<DeleteItemRequest>(&write)) return compile_delete(std::move(*gone));
    return compile_check(std::move(std::get<ConditionCheckRequest>(write)));
}

/// One GetItem of a batch or transaction, ready to be read.
struct PlannedGet {
    DefinitionPtr table;
    Projection projection;
    bool consistent_read = false;
    std::string key;
};

Result<Projection> compile_get(const Expression& projection, const Placeholders& placeholders, const std::vector<std::string>& attributes) {
    if (!attributes.empty()) return compile_attributes_to_get(attributes);
    PlaceholderScope scope(placeholders);
    const ExpressionParameter parameter{"ProjectionExpression", projection};
    if (auto checked = scope.check({parameter}, {}); !checked) return checked.error();
    auto compiled = compile_projection(projection, scope);
    if (!compiled) return compiled;
    if (auto checked = scope.check_all_used(); !checked) return checked.error();
    return compiled;
}

}  // namespace

/// Finds all tables, checks, runs; again if a definition was out of date.
Awaitable<void> Service::run_writes(std::shared_ptr<WriteTransaction> work, std::string_view duplicates) {
    Error refusal = table_not_found();
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
        work->tables.clear();
        work->reasons.assign(work->writes.size(), CancellationReason());
        bool invalid = false;
        for (std::size_t i = 0; i < work->writes.size(); ++i) {
            auto table = co_await catalog_->find(work->writes[i]->table);
            if (!table) co_return table.error();
            work->tables.push_back(*table);
            auto checked = check_against(*work->writes[i], **table);
            if (checked) continue;
            if (work->is_batch || (*table)->is_restoring) co_return checked.error();
            invalid = true;
            work->reasons[i].code = "ValidationError";
            work->reasons[i].message = checked.error().message;
        }
        if (invalid) {
            work->cancelled = true;
            co_return Result<void>();
        }
        if (auto distinct = check_distinct_items(*work, duplicates); !distinct) co_return distinct;
        Result<void> done;
        if (auto blind = blind_batch(*work)) {
            done = co_await engine_.commit(std::move(*blind));
        } else {
            kv::TransactionBody body = [work, &clock = dependencies_.clock, most = item_bytes_max()](kv::Transaction& transaction) {
                return run_transaction(transaction, *work, clock, most);
            };
            done = co_await engine_.transact(std::move(body));
        }
        if (done) {
            for (const auto& table : work->tables) announce(*table);
            co_return done;
        }
        const Error error = from_engine(done.error());
        if (work->cancelled && error.code == Errc::conditional_check_failed) co_return Result<void>();
        if (error.code != Errc::resource_not_found) co_return error;
        refusal = error;
        for (const auto& write : work->writes) catalog_->forget(write->table);
    }
    co_return refusal;
}

Awaitable<BatchWriteOutcome> Service::batch_write(BatchWriteRequest request) {
    const auto work = std::make_shared<WriteTransaction>();
    work->is_batch = true;
    for (auto& table : request.tables) {
        for (auto& entry : table.entries) {
            Result<SharedWrite> write = SharedWrite();
            if (entry.is_delete) {
                DeleteItemRequest gone{table.name, std::move(entry.item), {}, {}};
                write = compile_delete(std::move(gone));
            } else {
                PutItemRequest put{table.name, std::move(entry.item), {}, {}};
                write = compile_put(std::move(put), item_bytes_max());
            }
            if (!write) co_return write.error();
            work->writes.push_back(std::move(*write));
        }
    }
    if (auto done = co_await run_writes(work, "Provided list of item keys contains duplicates"); !done) co_return done.error();
    Usage usage;
    for (auto& write : work->writes) usage.add(write->table, write->units, std::move(write->collection));
    BatchWriteOutcome outcome;
    outcome.usage = usage.take();
    co_return outcome;
}

Awaitable<TransactWriteOutcome> Service::transact_write(TransactWriteRequest request) {
    const auto work = std::make_shared<WriteTransaction>();
    std::size_t bytes = 0;
    for (auto& one : request.writes) {
        auto write = compile(std::move(one), item_bytes_max());
        if (!write) co_return write.error();
        bytes += item_size_bytes((*write)->item);
        work->writes.push_back(std::move(*write));
    }
    if (bytes > transaction_bytes_max) co_return validation("Transaction request size limit exceeded, it cannot be larger than 4 MB");
    work->token = std::move(request.token);
    work->digest = std::move(request.digest);
    co_return co_await run_transact_write(work);
}

Awaitable<TransactWriteOutcome> Service::run_transact_write(std::shared_ptr<WriteTransaction> work) {
    auto done = co_await run_writes(work, "Transaction request cannot include multiple operations on one item");
    if (!done) co_return done.error();
    TransactWriteOutcome outcome;
    if (work->cancelled) {
        outcome.reasons = std::move(work->reasons);
        co_return outcome;
    }
    Usage usage;
    for (auto& write : work->writes) {
        // A repeated request writes nothing and is charged for reading what it would have written.
        ConsumedUnits units = work->repeated ? ConsumedUnits{read_units(write->size_bytes, true)} : write->units;
        usage.add(write->table, times(std::move(units), transaction_factor), std::move(write->collection));
    }
    outcome.usage = usage.take();
    co_return outcome;
}

Awaitable<BatchGetOutcome> Service::batch_get(BatchGetRequest request) {
    std::vector<std::string> keys;
    std::vector<PlannedGet> plans;
    for (auto& wanted : request.tables) {
        if (auto checked = check_table_name(wanted.name); !checked) co_return checked.error();
        for (const auto& key : wanted.keys) {
            if (auto checked = check_attributes(key); !checked) co_return checked.error();
        }
        auto projection = compile_get(wanted.projection, wanted.placeholders, wanted.attributes_to_get);
        if (!projection) co_return projection.error();
        plans.push_back(PlannedGet{nullptr, std::move(*projection), wanted.consistent_read, {}});
    }
    for (std::size_t i = 0; i < request.tables.size(); ++i) {
        auto table = co_await catalog_->find(request.tables[i].name);
        if (!table) co_return table.error();
        if ((*table)->is_restoring) co_return table_not_found();
        plans[i].table = *table;
        std::set<std::string> distinct;
        for (const auto& key : request.tables[i].keys) {
            if (auto checked = check_key((*table)->key_schema, key); !checked) co_return checked.error();
            keys.push_back(item_key((*table)->number, (*table)->key_schema, key));
            if (!distinct.insert(keys.back()).second) co_return validation("Provided list of item keys contains duplicates");
        }
    }
    auto stored = co_await engine_.multi_get(std::move(keys));
    if (!stored) co_return from_engine(stored.error());
    BatchGetOutcome outcome;
    Usage usage;
    std::size_t next = 0, bytes = 0;
    for (std::size_t i = 0; i < request.tables.size(); ++i) {
        BatchGetOutcome::Table out;
        out.name = request.tables[i].name;
        ConsumedUnits units;
        for (auto& key : request.tables[i].keys) {
            const auto& found = (*stored)[next++];
            if (bytes >= batch_get_bytes_max) {
                out.unprocessed_keys.push_back(std::move(key));
                continue;
            }
            std::size_t size = 0;
            if (found) {
                auto item = decode_item(*found);
                if (!item) co_return item.error();
                size = item_size_bytes(*item);
                bytes += size;
                out.items.push_back(plans[i].projection.apply(std::move(*item)));
            }
            units.table += read_units(size, plans[i].consistent_read);
        }
        usage.add(out.name, units);
        outcome.tables.push_back(std::move(out));
    }
    outcome.usage = usage.take();
    co_return outcome;
}

Awaitable<TransactGetOutcome> Service::transact_get(std::vector<GetItemRequest> gets) {
    std::vector<PlannedGet> plans;
    for (const auto& get : gets) {
        if (auto checked = check_table_name(get.table); !checked) co_return checked.error();
        if (auto checked = check_attributes(get.key); !checked) co_return checked.error();
        auto projection = compile_get(get.projection, get.placeholders, get.attributes_to_get);
        if (!projection) co_return projection.error();
        plans.push_back(PlannedGet{nullptr, std::move(*projection), true, {}});
    }
    TransactGetOutcome outcome;
    std::vector<CancellationReason> reasons(gets.size());
    bool invalid = false;
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < gets.size(); ++i) {
        auto table = co_await catalog_->find(gets[i].table);
        if (!table) co_return table.error();
        if ((*table)->is_restoring) co_return table_not_found();
        plans[i].table = *table;
        if (auto checked = check_key((*table)->key_schema, gets[i].key); !checked) {
            invalid = true;
            reasons[i].code = "ValidationError";
            reasons[i].message = checked.error().message;
            continue;
        }
        keys.push_back(item_key((*table)->number, (*table)->key_schema, gets[i].key));
    }
    if (invalid) {
        outcome.reasons = std::move(reasons);
        co_return outcome;
    }
    if (std::set<std::string>(keys.begin(), keys.end()).size() != keys.size())
        co_return validation("Transaction request cannot include multiple operations on one item");
    auto stored = co_await engine_.multi_get(std::move(keys));
    if (!stored) co_return from_engine(stored.error());
    Usage usage;
    for (std::size_t i = 0; i < gets.size(); ++i) {
        std::size_t size = 0;
        std::optional<Item> item;
        if ((*stored)[i]) {
            auto decoded = decode_item(*(*stored)[i]);
            if (!decoded) co_return decoded.error();
            size = item_size_bytes(*decoded);
            item = plans[i].projection.apply(std::move(*decoded));
        }
        outcome.items.push_back(std::move(item));
        ConsumedUnits units;
        units.table = read_units(size, true) * transaction_factor;
        usage.add(gets[i].table, units);
    }
    outcome.usage = usage.take();
    co_return outcome;
}

}  // namespace fogbank::store::table
