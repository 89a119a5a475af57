#include "store/kv/detail/sqlite_tables.h"

namespace fogbank::store::kv::detail {
namespace {

constexpr unsigned has_end = 1;
constexpr unsigned is_reverse = 2;

constexpr std::array<const char*, 4> scan_sql{
    "SELECT key, value FROM kv WHERE key >= ?1 ORDER BY key",
    "SELECT key, value FROM kv WHERE key >= ?1 AND key < ?2 ORDER BY key",
    "SELECT key, value FROM kv WHERE key >= ?1 ORDER BY key DESC",
    "SELECT key, value FROM kv WHERE key >= ?1 AND key < ?2 ORDER BY key DESC",
};

Result<void> prepare_into(Statement& statement, const Connection& connection, const char* sql) {
    auto prepared = Statement::prepare(connection, sql);
    if (!prepared) return prepared.error();
    statement = std::move(*prepared);
    return {};
}

}  // namespace

Result<TableReads> TableReads::prepare(const Connection& connection) {
    TableReads reads;
    if (auto ok = prepare_into(reads.get_, connection, "SELECT value FROM kv WHERE key = ?1"); !ok) return ok.error();
    for (std::size_t i = 0; i < scan_sql.size(); ++i) {
        if (auto ok = prepare_into(reads.scan_[i], connection, scan_sql[i]); !ok) return ok.error();
    }
    return reads;
}

Result<std::optional<std::string>> TableReads::get(std::string_view key) const {
    const StatementUse use(get_);
    get_.bind(1, key);
    const auto row = get_.step();
    if (!row) return row.error();
    if (!*row) return std::optional<std::string>();
    return std::optional<std::string>(get_.column(0));
}

Result<std::vector<std::optional<std::string>>> TableReads::multi_get(const std::vector<std::string>& keys) const {
    std::vector<std::optional<std::string>> values;
    values.reserve(keys.size());
    for (const auto& key : keys) {
        auto value = get(key);
        if (!value) return value.error();
        values.push_back(std::move(*value));
    }
    return values;
}

Result<Page> TableReads::scan(const ScanOptions& options) const {
    const bool bounded = !options.range.end.empty();
    const auto& statement = scan_[(bounded ? has_end : 0U) | (options.reverse ? is_reverse : 0U)];
    const StatementUse use(statement);
    statement.bind(1, options.range.begin);
    if (bounded) statement.bind(2, options.range.end);
    Page page;
    std::size_t bytes = 0;
    for (;;) {
        const auto row = statement.step();
        if (!row) return row.error();
        if (!*row) return page;
        KeyValue item{std::string(statement.column(0)), std::string(statement.column(1))};
        if (add_to_page(page, std::move(item), options, bytes)) return page;
    }
}

Result<TableBacking> TableBacking::prepare(const Connection& connection) {
    TableBacking backing;
    auto reads = TableReads::prepare(connection);
    if (!reads) return reads.error();
    backing.reads_ = std::move(*reads);
    if (auto ok = prepare_into(backing.put_, connection, "REPLACE INTO kv(key, value) VALUES(?1, ?2)"); !ok) return ok.error();
    if (auto ok = prepare_into(backing.erase_, connection, "DELETE FROM kv WHERE key = ?1"); !ok) return ok.error();
    if (auto ok = prepare_into(backing.erase_range_, connection, "DELETE FROM kv WHERE key >= ?1 AND key < ?2"); !ok) return ok.error();
    if (auto ok = prepare_into(backing.erase_from_, connection, "DELETE FROM kv WHERE key >= ?1"); !ok) return ok.error();
    return backing;
}

Result<void> TableBacking::put(std::string_view key, std::string_view value) {
    put_.bind(1, key);
    put_.bind(2, value);
    return write(put_);
}

Result<void> TableBacking::erase(std::string_view key) {
    erase_.bind(1, key);
    return write(erase_);
}

Result<void> TableBacking::erase_range(const Range& range) {
    const auto& statement = range.end.empty() ? erase_from_ : erase_range_;
    statement.bind(1, range.begin);
    if (!range.end.empty()) statement.bind(2, range.end);
    return write(statement);
}

Result<void> TableBacking::write(const Statement& statement) {
    const StatementUse use(statement);
    if (const auto done = statement.step(); !done) {
        if (!failure_) failure_ = done.error();
        return done.error();
    }
    return {};
}

}  // namespace fogbank::store::kv::detail
