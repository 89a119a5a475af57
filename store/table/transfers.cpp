// The requests about exports and imports: checks, records, lists. The work is in table_export.cpp and table_import.cpp.
#include "store/table/detail/transfers.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <charconv>

#include "store/table/detail/errors.h"
#include "store/table/detail/service.h"

namespace fogbank::store::table {
namespace {

constexpr std::chrono::hours token_lifetime{8};
constexpr std::chrono::days record_lifetime{90};
constexpr std::size_t running_max = 50;   // DynamoDB's quota of imports at a time
constexpr std::size_t token_chars = 112;  // the model's least length of a NextToken

std::string token_of(std::uint64_t number) {
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, number, 16).ptr;
    const auto count = static_cast<std::size_t>(end - digits);
    return std::string(token_chars - count, '0') + std::string(digits, count);
}
Result<std::uint64_t> number_of(const std::string& token) {
    std::uint64_t out = 0;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), out, 16);
    if (error != std::errc() || end != token.data() + token.size()) return validation("Invalid NextToken");
    return out;
}

Result<ExportRecord> decode_as(std::string_view bytes, const ArnFactory&, const ExportRecord*) {
    return decode_export(bytes);
}
Result<ImportRecord> decode_as(std::string_view bytes, const ArnFactory& arns, const ImportRecord*) {
    return decode_import(bytes, arns);
}

/// All records of a kind; there are few.
template <class Record>
Awaitable<std::vector<Record>> all_records(kv::Engine* engine, kv::Range range, ArnFactory arns) {
    std::vector<Record> out;
    kv::ScanOptions options;
    options.range = std::move(range);
    for (bool more = true; more;) {
        auto page = co_await engine->scan(options);
        if (!page) co_return from_engine(page.error());
        for (const auto& [key, value] : page->items) {
            auto record = decode_as(value, arns, static_cast<const Record*>(nullptr));
            if (!record) co_return record.error();
            out.push_back(std::move(*record));
        }
        more = page->more;
        if (more) options.range.begin = page->items.back().key + '\0';
    }
    co_return out;
}

/// What a new request meets among the records: one made with its token, which it then is. Forgets old records on the way.
/// Errors: `conflict`, limit_exceeded.
template <class Record>
Result<std::optional<Record>> meet_records(kv::Transaction& transaction, const kv::Range& range, const Record& wanted,
                                           const ArnFactory& arns, Errc conflict) {
    kv::ScanOptions options;
    options.range = range;
    std::size_t running = 0;
    for (bool more = true; more;) {
        auto page = transaction.scan(options);
        if (!page) return page.error();
        for (const auto& [key, value] : page->items) {
            auto record = decode_as(value, arns, static_cast<const Record*>(nullptr));
            if (!record) return record.error();
            const auto age = wanted.shown.started_at - record->shown.started_at;
            const bool same_token = !wanted.shown.client_token.empty() && record->shown.client_token == wanted.shown.client_token;
            if (same_token && age < token_lifetime) {
                if (record->digest == wanted.digest) return std::optional<Record>(std::move(*record));
                return Error(conflict, "There was a conflict: the client token was used with other parameters before");
            }
            const bool is_running = record->shown.status == TransferStatus::in_progress;
            if (is_running) ++running;
            if (!is_running && age > record_lifetime) transaction.erase(key);
        }
        more = page->more;
        if (more) options.range.begin = page->items.back().key + '\0';
    }
    if (running >= running_max) return Error(Errc::limit_exceeded, "Too many exports or imports are in progress");
    return std::optional<Record>();
}

Error no_buckets() {
    return validation("Exports and imports are not available: this server has no folder for buckets");
}

Result<TableName> table_of(const std::string& text, const ArnFactory& arns) {
    const auto arn = Arn::parse(text);
    if (!arn || arn->service != "dynamodb" || !arn->resource.starts_with("table/") || arn->resource.find('/', 6) != std::string::npos)
        return validation("Invalid TableArn: " + text);
    if (arn->account != arns.account().str() || arn->region != arns.region().str())
        return Error(Errc::access_denied, "User is not authorized to perform this action on resource: " + text);
    return TableName(arn->resource.substr(6));
}

const std::string& table_arn_of(const ExportRecord& record) {
    return record.shown.table_arn;
}
const std::string& table_arn_of(const ImportRecord& record) {
    return record.shown.table.arn;
}

/// The filter's part of all records.
template <class Record, class Description>
Result<std::optional<std::string>> select(std::vector<Record>& records, const TransferFilter& filter, std::vector<Description>& out) {
    std::uint64_t after = 0;
    if (filter.next_token) {
        auto number = number_of(*filter.next_token);
        if (!number) return number.error();
        after = *number;
    }
    std::uint64_t last = 0;
    for (auto& record : records) {
        if (record.number <= after || (!filter.table_arn.empty() && table_arn_of(record) != filter.table_arn)) continue;
        if (static_cast<std::int64_t>(out.size()) == filter.limit) return std::optional<std::string>(token_of(last));
        last = record.number;
        out.push_back(std::move(record.shown));
    }
    return std::optional<std::string>();
}

}  // namespace

Awaitable<void> Transfers::start() {
    if (!environment_.buckets.are_there()) co_return Result<void>();
    work_.emplace(io_.get_executor());
    thread_ = std::thread([this] { io_.run(); });
    auto exports = co_await all_records<ExportRecord>(&environment_.engine, exports_range(), environment_.arns);
    if (!exports) co_return exports.error();
    auto imports = co_await all_records<ImportRecord>(&environment_.engine, imports_range(), environment_.arns);
    if (!imports) co_return imports.error();
    for (auto& record : *exports) {
        if (record.shown.status == TransferStatus::in_progress) begin(std::move(record));
    }
    for (auto& record : *imports) {
        if (record.shown.status == TransferStatus::in_progress) begin(std::move(record));
    }
    co_return Result<void>();
}

void Transfers::stop() {
    stopping_ = true;
    work_.reset();
    if (thread_.joinable()) thread_.join();
}

void Transfers::begin(ExportRecord record) {
    boost::asio::co_spawn(io_, run_export(environment_, stopping_, std::move(record)), boost::asio::detached);
}
void Transfers::begin(ImportRecord record) {
    boost::asio::co_spawn(io_, run_import(environment_, stopping_, std::move(record)), boost::asio::detached);
}

Awaitable<ExportDescription> Transfers::export_table(ExportRequest request) {
    if (!environment_.buckets.are_there()) co_return no_buckets();
    auto name = table_of(request.table_arn, environment_.arns);
    if (!name) co_return name.error();
    if (auto checked = Buckets::check(request.target.bucket, request.target.prefix); !checked) co_return checked.error();
    const WallTime now = environment_.clock.now();
    const auto record = std::make_shared<ExportRecord>();
    record->id = transfer_id(now, environment_.random);
    record->digest = std::move(request.digest);
    record->table = *name;
    ExportDescription& shown = record->shown;
    shown.table_arn = environment_.arns.table(*name);
    shown.arn = shown.table_arn + "/export/" + record->id;
    shown.client_token = std::move(request.client_token);
    shown.started_at = shown.export_time = now;
    shown.target = std::move(request.target);
    shown.sse_algorithm = request.sse_algorithm.empty() ? "AES256" : std::move(request.sse_algorithm);
    shown.sse_kms_key_id = std::move(request.sse_kms_key_id);
    const auto wanted_time = request.export_time;
    const auto repeated = std::make_shared<std::optional<ExportRecord>>();
    kv::TransactionBody body = [record, repeated, wanted_time, arns = environment_.arns](kv::Transaction& transaction) -> Result<void> {
        auto met = meet_records(transaction, exports_range(), *record, arns, Errc::export_conflict);
        if (!met) return met.error();
        *repeated = std::move(*met);
        if (*repeated) return {};
        auto table = read_definition(transaction, record->table);
        if (!table && table.error().code == Errc::resource_not_found)
            return Error(Errc::table_not_found, "Table not found: " + record->shown.table_arn);
        if (!table) return table.error();
        if (!table->point_in_time_since)
            return Error(Errc::pitr_unavailable, "Point in time recovery is not enabled for table '" + record->table.str() + "'");
        if (wanted_time && (*wanted_time < record->shown.started_at - export_time_age_max ||
                            *wanted_time > record->shown.started_at + export_time_age_max))
            return Error(Errc::invalid_export_time, "this server exports the newest state only: leave ExportTime out");
        auto number = next_number(transaction);
        if (!number) return number.error();
        record->number = *number;
        record->table_number = table->number;
        record->shown.table_id = table->id;
        transaction.put(export_key(*number), encode(*record));
        return {};
    };
    if (auto done = co_await environment_.engine.transact(std::move(body)); !done) co_return from_engine(done.error());
    if (*repeated) co_return (*repeated)->shown;
    begin(*record);
    co_return record->shown;
}

Awaitable<ExportDescription> Transfers::describe_export(std::string arn) {
    auto records = co_await all_records<ExportRecord>(&environment_.engine, exports_range(), environment_.arns);
    if (!records) co_return records.error();
    for (auto& record : *records) {
        if (record.shown.arn == arn) co_return std::move(record.shown);
    }
    co_return Error(Errc::export_not_found, "Export not found: " + arn);
}

Awaitable<ExportList> Transfers::list_exports(TransferFilter filter) {
    auto records = co_await all_records<ExportRecord>(&environment_.engine, exports_range(), environment_.arns);
    if (!records) co_return records.error();
    ExportList out;
    auto next = select(*records, filter, out.exports);
    if (!next) co_return next.error();
    out.next_token = std::move(*next);
    co_return out;
}

Awaitable<ImportDescription> Transfers::import_table(ImportRequest request) {
    if (!environment_.buckets.are_there()) co_return no_buckets();
    if (auto checked = Buckets::check(request.source.bucket, request.source.prefix); !checked) co_return checked.error();
    const WallTime now = environment_.clock.now();
    auto made = make_definition(std::move(request.table), environment_.random.uuid(), now);
    if (!made) co_return made.error();
    const auto record = std::make_shared<ImportRecord>();
    record->id = transfer_id(now, environment_.random);
    record->digest = std::move(request.digest);
    record->table = std::move(*made);
    record->table.is_restoring = true;
    ImportDescription& shown = record->shown;
    shown.arn = environment_.arns.table(record->table.name) + "/import/" + record->id;
    shown.client_token = std::move(request.client_token);
    shown.source = std::move(request.source);
    shown.format = request.format;
    shown.csv = std::move(request.csv);
    shown.is_gzip = request.is_gzip;
    shown.started_at = now;
    shown.table = describe(record->table, TableStatus::creating, environment_.arns);
    const auto repeated = std::make_shared<std::optional<ImportRecord>>();
    kv::TransactionBody body = [record, repeated, arns = environment_.arns](kv::Transaction& transaction) -> Result<void> {
        auto met = meet_records(transaction, imports_range(), *record, arns, Errc::import_conflict);
        if (!met) return met.error();
        *repeated = std::move(*met);
        if (*repeated) return {};
        if (auto inserted = insert_definition(transaction, record->table); !inserted) return inserted;
        auto number = next_number(transaction);
        if (!number) return number.error();
        record->number = *number;
        transaction.put(import_key(*number), encode(*record));
        return {};
    };
    if (auto done = co_await environment_.engine.transact(std::move(body)); !done) co_return from_engine(done.error());
    if (*repeated) co_return (*repeated)->shown;
    begin(*record);
    co_return record->shown;
}

Awaitable<ImportDescription> Transfers::describe_import(std::string arn) {
    auto records = co_await all_records<ImportRecord>(&environment_.engine, imports_range(), environment_.arns);
    if (!records) co_return records.error();
    for (auto& record : *records) {
        if (record.shown.arn == arn) co_return std::move(record.shown);
    }
    co_return Error(Errc::import_not_found, "Import not found: " + arn);
}

Awaitable<ImportList> Transfers::list_imports(TransferFilter filter) {
    auto records = co_await all_records<ImportRecord>(&environment_.engine, imports_range(), environment_.arns);
    if (!records) co_return records.error();
    ImportList out;
    auto next = select(*records, filter, out.imports);
    if (!next) co_return next.error();
    out.next_token = std::move(*next);
    co_return out;
}

}  // namespace fogbank::store::table
