#include "store/kv/detail/sqlite_tables.h"

namespace fogbank::store::kv::detail {
namespace {

/// Values with more bytes are put into the table `large`. In a tree ordered by keys SQLite must read a row that is too large for its page
/// whole to compare its key, and such rows are among the inner nodes too.
constexpr std::size_t value_beside_key_max = 512;

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
    if (auto ok = prepare_into(reads.get_large_, connection, "SELECT value FROM large WHERE id = ?1"); !ok) return ok.error();
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
    auto found = value(get_, 0);
    if (!found) return found.error();
    return std::optional<std::string>(std::move(*found));
}

Result<std::string> TableReads::value(const Statement& row, int index) const {
    if (!row.is_number(index)) return std::string(row.column(index));
    const StatementUse use(get_large_);
    get_large_.bind(1, row.number(index));
    const auto large = get_large_.step();
    if (!large) return large.error();
    if (!*large) return Error{Errc::corrupt, "a value is missing: restore a backup"};
    return std::string(get_large_.column(0));
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
        auto found = value(statement, 1);
        if (!found) return found.error();
        KeyValue item{std::string(statement.column(0)), std::move(*found)};
        if (add_to_page(page, std::move(item), options, bytes)) return page;
    }
}

Result<TableBacking> TableBacking::prepare(const Connection& connection) {
    TableBacking backing;
    auto reads = TableReads::prepare(connection);
    if (!reads) return reads.error();
    backing.reads_ = std::move(*reads);
    const std::pair<Statement&, const char*> statements[] = {
        {backing.put_, "INSERT INTO kv(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = ?2 WHERE typeof(value) = 'blob'"},
        {backing.place_, "REPLACE INTO kv(key, value) VALUES(?1, ?2)"},
        {backing.erase_, "DELETE FROM kv WHERE key = ?1"},
        {backing.erase_range_, "DELETE FROM kv WHERE key >= ?1 AND key < ?2"},
        {backing.erase_from_, "DELETE FROM kv WHERE key >= ?1"},
        {backing.add_large_, "INSERT INTO large(value) VALUES(?1)"},
        {backing.replace_large_,
         "UPDATE large SET value = ?2 WHERE id = (SELECT value FROM kv WHERE key = ?1 AND typeof(value) = 'integer')"},
        {backing.erase_large_, "DELETE FROM large WHERE id = (SELECT value FROM kv WHERE key = ?1 AND typeof(value) = 'integer')"},
        {backing.erase_large_range_,
         "DELETE FROM large WHERE id IN (SELECT value FROM kv WHERE key >= ?1 AND key < ?2 AND typeof(value) = 'integer')"},
        {backing.erase_large_from_, "DELETE FROM large WHERE id IN (SELECT value FROM kv WHERE key >= ?1 AND typeof(value) = 'integer')"},
    };
    for (const auto& [statement, sql] : statements) {
        if (auto ok = prepare_into(statement, connection, sql); !ok) return ok.error();
    }
    return backing;
}

Result<void> TableBacking::put(std::string_view key, std::string_view value) {
    if (value.size() > value_beside_key_max) return put_large(key, value);
    put_.bind(2, value);
    if (auto written = write(put_, key); !written || put_.changes() != 0) return written;
    // A large value stands there, which `put_` leaves alone.
    if (auto erased = write(erase_large_, key); !erased) return erased;
    place_.bind(2, value);
    return write(place_, key);
}

Result<void> TableBacking::put_large(std::string_view key, std::string_view value) {
    replace_large_.bind(2, value);
    if (auto written = write(replace_large_, key); !written || replace_large_.changes() != 0) return written;
    add_large_.bind(1, value);
    if (auto added = write(add_large_); !added) return added;
    place_.bind(2, add_large_.inserted_row());
    return write(place_, key);
}

Result<void> TableBacking::erase(std::string_view key) {
    if (auto erased = write(erase_large_, key); !erased) return erased;
    return write(erase_, key);
}

Result<void> TableBacking::erase_range(const Range& range) {
    const bool bounded = !range.end.empty();
    const auto run = [&](const Statement& statement) {
        statement.bind(1, range.begin);
        if (bounded) statement.bind(2, range.end);
        return write(statement);
    };
    if (auto erased = run(bounded ? erase_large_range_ : erase_large_from_); !erased) return erased;
    return run(bounded ? erase_range_ : erase_from_);
}

Result<void> TableBacking::write(const Statement& statement) {
    const StatementUse use(statement);
    if (const auto done = statement.step(); !done) {
        if (!failure_) failure_ = done.error();
        return done.error();
    }
    return {};
}

Result<void> TableBacking::write(const Statement& statement, std::string_view key) {
    statement.bind(1, key);
    return write(statement);
}

}  // namespace fogbank::store::kv::detail
