#include "store/table/detail/housekeeping.h"

#include <nlohmann/json.hpp>

#include "store/table/detail/errors.h"
#include "store/table/detail/item_codec.h"
#include "store/table/detail/item_write.h"

namespace fogbank::store::table {
namespace {

constexpr std::size_t walked_items_max = 2000, walked_bytes_max = 1 << 20;
constexpr std::size_t trimmed_records_max = 5000;
constexpr std::size_t tokens_max = 1000;
constexpr std::chrono::minutes token_lifetime{10};
/// Older ones are taken for numbers that are no times (Developer Guide, "Using time to live in DynamoDB").
constexpr std::int64_t expired_seconds_max = std::int64_t{5} * 365 * 24 * 3600;

/// Deletes what is still there and still expired.
Result<void> delete_expired(kv::Transaction& transaction, const TableDefinition& table, const std::vector<std::string>& keys,
                            const Clock& clock) {
    if (auto checked = check_marker(transaction, table); !checked) return checked;
    const WriteContext context{clock, true};
    for (const auto& key : keys) {
        auto stored = transaction.get(key);
        if (!stored) return stored.error();
        if (!*stored) continue;
        auto item = decode_item(**stored);
        if (!item) return item.error();
        if (!is_expired(*item, table.time_to_live.attribute, clock.now())) continue;
        ItemChange change;
        change.key = key;
        change.before = ItemState{&*item, **stored, item_size_bytes(*item)};
        ConsumedUnits units;
        if (auto written = write_change(transaction, table, change, context, units, nullptr); !written) return written;
    }
    return {};
}

}  // namespace

bool is_expired(const Item& item, const std::string& attribute, WallTime now) {
    const auto found = item.find(attribute);
    const Decimal* time = found == item.end() ? nullptr : found->second.number();
    if (time == nullptr) return false;
    const auto seconds = time->truncate(0).to_int64();
    const std::int64_t now_seconds = now.time_since_epoch().count() / 1000;
    return seconds && *seconds<now_seconds&& * seconds> now_seconds - expired_seconds_max;
}

Awaitable<void> Housekeeping::step() {
    Result<void> worst;
    for (const auto& table : catalog_->all()) {
        if (!table->time_to_live.enabled || table->is_restoring) continue;
        if (auto done = co_await expire_items(table); !done) worst = done;
    }
    if (auto done = co_await trim_streams(); !done) worst = done;
    if (auto done = co_await forget_tokens(); !done) worst = done;
    co_return worst;
}

Awaitable<void> Housekeeping::expire_items(DefinitionPtr table) {
    std::string& cursor = cursors_[table->number];
    kv::ScanOptions options;
    options.range = table_range(table->number);
    if (!cursor.empty()) options.range.begin = cursor;
    options.items_max = walked_items_max;
    options.bytes_max = walked_bytes_max;
    auto page = co_await engine_.scan(options);
    if (!page) co_return from_engine(page.error());
    const auto expired = std::make_shared<std::vector<std::string>>();
    for (const auto& [key, value] : page->items) {
        auto item = decode_item(value);
        if (!item) co_return item.error();
        if (is_expired(*item, table->time_to_live.attribute, clock_.now())) expired->push_back(key);
    }
    cursor = page->more ? page->items.back().key + '\0' : std::string();
    if (expired->empty()) co_return Result<void>();
    kv::TransactionBody body = [table, expired, &clock = clock_](kv::Transaction& transaction) {
        return delete_expired(transaction, *table, *expired, clock);
    };
    if (auto done = co_await engine_.transact(std::move(body)); !done) {
        const Error error = from_engine(done.error());
        if (error.code != Errc::resource_not_found) co_return error;
        catalog_->forget(table->name);
        auto found = co_await catalog_->find(table->name);  // so that the next step knows it
        co_return found || found.error().code == Errc::resource_not_found ? Result<void>() : Result<void>(found.error());
    }
    if (table->stream.enabled) watchers_->announce(stream_arn(*table, arns_));
    co_return Result<void>();
}

Awaitable<void> Housekeeping::trim_streams() {
    kv::ScanOptions options;
    options.range = descriptors_range();
    auto page = co_await engine_.scan(options);
    if (!page) co_return from_engine(page.error());
    for (const auto& [key, value] : page->items) {
        auto stream = decode_descriptor(value);
        if (!stream) co_return stream.error();
        if (auto trimmed = co_await trim_stream(std::move(*stream)); !trimmed) co_return trimmed;
    }
    co_return Result<void>();
}

Awaitable<void> Housekeeping::trim_stream(StreamDescriptor stream) {
    const WallTime oldest = clock_.now() - std::chrono::duration_cast<std::chrono::milliseconds>(stream_retention);
    const bool is_over = stream.ended_at && *stream.ended_at < oldest;
    kv::ScanOptions options;
    options.range = records_range(stream.number);
    options.items_max = 1;
    auto first = co_await engine_.scan(options);
    if (!first) co_return from_engine(first.error());
    const auto first_time = first->items.empty() ? std::nullopt : record_time(first->items.front().value);
    if (!is_over && (!first_time || *first_time >= oldest)) co_return Result<void>();
    options.items_max = trimmed_records_max;
    auto page = co_await engine_.scan(options);
    if (!page) co_return from_engine(page.error());
    kv::Batch batch;
    for (const auto& [key, value] : page->items) {
        const auto time = record_time(value);
        if (time && *time >= oldest) break;
        batch.erase(key);
    }
    if (is_over && !page->more) {
        batch.erase(next_sequence_key(stream.number));
        batch.erase(descriptor_key(stream.number));
    }
    if (batch.writes.empty()) co_return Result<void>();
    if (auto done = co_await engine_.commit(std::move(batch)); !done) co_return from_engine(done.error());
    co_return Result<void>();
}

Awaitable<void> Housekeeping::forget_tokens() {
    kv::ScanOptions options;
    options.range = tokens_range();
    options.items_max = tokens_max;
    auto page = co_await engine_.scan(options);
    if (!page) co_return from_engine(page.error());
    kv::Batch batch;
    for (const auto& [key, value] : page->items) {
        const auto kept = nlohmann::json::parse(value, nullptr, false);
        const std::int64_t at = kept.is_object() ? kept.value("at_ms", std::int64_t{0}) : 0;
        if (clock_.now() - WallTime(std::chrono::milliseconds(at)) < token_lifetime) continue;
        kv::Precondition same;
        same.key = key;
        same.kind = kv::Precondition::Kind::equals;
        same.value = value;
        batch.preconditions.push_back(std::move(same));
        batch.erase(key);
    }
    if (batch.writes.empty()) co_return Result<void>();
    auto done = co_await engine_.commit(std::move(batch));
    if (!done && done.error().code != kv::Errc::precondition_failed) co_return from_engine(done.error());
    co_return Result<void>();
}

}  // namespace fogbank::store::table
