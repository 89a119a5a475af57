#include "store/kv/detail/sqlite_schema.h"

#include <array>
#include <cstdint>

namespace fogbank::store::kv::detail {
namespace {

/// Entry n takes a file of schema version n to n + 1, in the transaction that also stores the new version. Never change one that was
/// released: append. Version 0 is an empty file.
constexpr std::array<const char*, 2> migrations{
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE kv(key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;",
    "CREATE TABLE large(id INTEGER PRIMARY KEY, value BLOB NOT NULL);",
};
constexpr std::int64_t schema_version = migrations.size();

/// "FOGB", shown by file(1) and checked by nobody else: tells this file from other SQLite databases.
constexpr const char* mark_file = "PRAGMA application_id=0x464F4742;";

Result<std::int64_t> read_number(const Connection& connection, const char* sql) {
    auto statement = Statement::prepare(connection, sql);
    if (!statement) return statement.error();
    auto row = statement->step();
    if (!row) return row.error();
    return *row ? statement->number(0) : 0;
}

/// 0 for a new file. Errors: corrupt if the file has something else in it.
Result<std::int64_t> stored_version(const Connection& connection) {
    auto tables = read_number(connection, "SELECT count(*) FROM sqlite_schema");
    if (!tables || *tables == 0) return tables;
    auto ours = read_number(connection, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('meta', 'kv')");
    if (!ours) return ours;
    if (*ours != 2) return Error{Errc::corrupt, "the file is a database of another program"};
    auto version = read_number(connection, "SELECT value FROM meta WHERE name = 'schema_version'");
    if (version && *version <= 0) return Error{Errc::corrupt, "the schema version is missing"};
    return version;
}

Result<void> run_migrations(const Connection& connection, std::int64_t from) {
    for (auto version = from; version < schema_version; ++version) {
        if (auto done = connection.execute(migrations[static_cast<std::size_t>(version)]); !done) return done;
    }
    if (auto marked = connection.execute(mark_file); !marked) return marked;
    auto store = Statement::prepare(connection, "REPLACE INTO meta(name, value) VALUES('schema_version', ?1)");
    if (!store) return store.error();
    store->bind(1, schema_version);
    if (auto stored = store->step(); !stored) return stored.error();
    return {};
}

/// Checks the version under the write lock, so that two processes cannot both create the tables.
Result<void> migrate(const Connection& connection) {
    if (auto begun = connection.execute("BEGIN IMMEDIATE"); !begun) return begun;
    auto version = stored_version(connection);
    if (!version) return version.error();
    if (*version > schema_version) {
        return Error{Errc::corrupt, "schema version " + std::to_string(*version) + " is newer than " + std::to_string(schema_version) +
                                        ", the newest that this program knows: use the version of the program that wrote it"};
    }
    if (*version < schema_version) {
        if (auto done = run_migrations(connection, *version); !done) return done;
    }
    return connection.execute("COMMIT");
}

Result<void> use_write_ahead_log(const Connection& connection) {
    auto statement = Statement::prepare(connection, "PRAGMA journal_mode=WAL");
    if (!statement) return statement.error();
    auto row = statement->step();
    if (!row) return row.error();
    if (!*row || statement->column(0) != "wal")
        return Error{Errc::unavailable, "the file system does not support SQLite's write-ahead log"};
    return {};
}

/// page_size acts on a new file only. secure_delete, on in Debian's build, would write zeros over every replaced value.
/// The writer's cache keeps its pages from commit to commit, for nobody else writes; 32 MiB hold the inner pages of a table of some 10 GB.
constexpr const char* tune_writer =
    "PRAGMA page_size=4096;"
    "PRAGMA secure_delete=OFF;"
    "PRAGMA cache_size=-32768;"
    "PRAGMA journal_size_limit=67108864;";

/// A reader's cache is dropped whenever another connection has committed; where little is written a large one saves most reads of the file.
/// No mmap: an I/O error on a mapped page is a SIGBUS and not an error code, and each connection's mapping would count as memory of the
/// process.
std::string tune_reader(std::size_t cache_kib) {
    return "PRAGMA query_only=ON; PRAGMA cache_size=-" + std::to_string(cache_kib);
}

/// With a write-ahead log FULL syncs the log at each commit, NORMAL only before a checkpoint: committed bytes are then in the kernel's
/// hands, which outlives the process but not the power.
const char* synchronous(Durability durability) {
    return durability == Durability::power_loss_safe ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL";
}

Result<void> prepare_file(const Connection& connection, Durability durability) {
    if (auto tuned = connection.execute(tune_writer); !tuned) return tuned;
    if (auto logged = use_write_ahead_log(connection); !logged) return logged;
    if (auto set = connection.execute(synchronous(durability)); !set) return set;
    return migrate(connection);
}

}  // namespace

Result<Connection> open_for_writing(const std::filesystem::path& file, Durability durability) {
    std::unique_ptr<LogVfs> vfs;
    if (durability == Durability::power_loss_safe) {
        auto made = LogVfs::create();
        if (!made) return made.error();
        vfs = std::move(*made);
    }
    auto connection = Connection::open(file, std::move(vfs));
    if (!connection) return connection;
    if (auto prepared = prepare_file(*connection, durability); !prepared) return in_context("`" + file.string() + "`", prepared.error());
    return connection;
}

Result<void> check_pages(const Connection& connection, std::chrono::milliseconds time_max) {
    constexpr int steps_between_looks = 10'000;
    auto deadline = std::chrono::steady_clock::now() + time_max;
    sqlite3_progress_handler(
        connection.handle(), steps_between_looks,
        [](void* end) { return std::chrono::steady_clock::now() > *static_cast<std::chrono::steady_clock::time_point*>(end) ? 1 : 0; },
        &deadline);
    auto look = [&]() -> Result<void> {
        auto check = Statement::prepare(connection, "PRAGMA quick_check(1)");
        if (!check) return check.error();
        auto row = check->step();
        const bool out_of_time = !row && sqlite3_errcode(connection.handle()) == SQLITE_INTERRUPT;
        if (out_of_time) return {};
        if (!row) return row.error();
        if (*row && check->column(0) == "ok") return {};
        return Error{Errc::corrupt, "the database is damaged (" + std::string(*row ? check->column(0) : "no answer") +
                                        "): restore a backup, or copy what can be read with sqlite3's `.recover`"};
    };
    auto looked = look();
    sqlite3_progress_handler(connection.handle(), 0, nullptr, nullptr);
    return looked;
}

Result<Connection> open_for_reading(const std::filesystem::path& file, std::size_t cache_kib) {
    auto connection = Connection::open(file);
    if (!connection) return connection;
    if (auto tuned = connection->execute(tune_reader(cache_kib).c_str()); !tuned)
        return in_context("`" + file.string() + "`", tuned.error());
    return connection;
}

Result<Connection> open_for_copying(const std::filesystem::path& file, Durability durability) {
    constexpr std::size_t no_cache_kib = 1;
    auto connection = open_for_reading(file, no_cache_kib);
    if (!connection) return connection;
    if (auto set = connection->execute(synchronous(durability)); !set) return in_context("`" + file.string() + "`", set.error());
    return connection;
}

}  // namespace fogbank::store::kv::detail
