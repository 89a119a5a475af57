#include "store/kv/sqlite_backup.h"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "store/kv/detail/sqlite_schema.h"

namespace fogbank::store::kv {
namespace {

namespace fs = std::filesystem;
using detail::Connection;
using detail::Statement;

constexpr std::uintmax_t file_bytes_max = 256U * 1024 * 1024;  ///< of one file beside the database; SQLite holds up to 1 GB
constexpr const char* make_files_table = "CREATE TABLE files(name TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID";

Error failed(const fs::path& path, const std::string& why) {
    return {Errc::unavailable, "`" + path.string() + "`: " + why};
}

/// Copies all pages in one step, so the source is read in one transaction.
Result<void> copy_pages(const Connection& from, const Connection& to) {
    sqlite3_backup* copy = sqlite3_backup_init(to.handle(), "main", from.handle(), "main");
    if (copy == nullptr) return to.error("copying the database");
    const int stepped = sqlite3_backup_step(copy, -1);
    const int finished = sqlite3_backup_finish(copy);
    if (stepped == SQLITE_DONE && finished == SQLITE_OK) return {};
    const bool damaged = stepped == SQLITE_CORRUPT || stepped == SQLITE_NOTADB;
    return Error(damaged ? Errc::corrupt : Errc::unavailable, std::string("copying the database: ") + sqlite3_errstr(stepped));
}

/// Temporary names, sockets and what belongs to a running server are not worth keeping.
bool is_kept(const fs::path& relative, const std::string& database) {
    const std::string name = relative.filename().string();
    if (relative.string().starts_with(database)) return false;
    if (*relative.begin() == "buckets") return false;  // exports are copies themselves, and as large as their tables
    return name != "lock" && !name.starts_with("endpoints.json") && !name.ends_with(".new") && !name.ends_with(".log");
}

Result<std::uint64_t> keep_files(const Connection& backup, const fs::path& folder, const std::string& database) {
    if (auto made = backup.execute(make_files_table); !made) return made.error();
    auto insert = Statement::prepare(backup, "INSERT INTO files(name, content) VALUES(CAST(?1 AS TEXT), ?2)");
    if (!insert) return insert.error();
    if (auto begun = backup.execute("BEGIN"); !begun) return begun.error();
    std::uint64_t count = 0;
    std::error_code error;
    for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        if (!entry->is_regular_file(error) || entry->is_symlink(error)) continue;
        const fs::path relative = fs::relative(entry->path(), folder, error);
        if (error || !is_kept(relative, database)) continue;
        if (entry->file_size(error) > file_bytes_max) return failed(entry->path(), "is too large for a backup");
        std::ifstream file(entry->path(), std::ios::binary);
        const std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
        if (!file) return failed(entry->path(), "cannot be read");
        const std::string name = relative.generic_string();
        const detail::StatementUse use(*insert);
        insert->bind(1, name);
        insert->bind(2, content);
        if (auto stored = insert->step(); !stored) return stored.error();
        ++count;
    }
    if (error) return failed(folder, error.message());
    if (auto done = backup.execute("COMMIT"); !done) return done.error();
    return count;
}

/// Whether the name stays inside the folder that it is written to.
bool is_inside(const fs::path& name) {
    if (name.empty() || name.is_absolute()) return false;
    for (const auto& part : name) {
        if (part == "..") return false;
    }
    return true;
}

Result<void> write_file(const fs::path& path, std::string_view content) {
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    const fs::path draft = path.string() + ".new";
    const int descriptor = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor < 0) return failed(draft, "cannot be written");
    bool good = true;
    for (std::size_t at = 0; good && at < content.size();) {
        const auto written = ::write(descriptor, content.data() + at, content.size() - at);
        good = written > 0;
        if (good) at += static_cast<std::size_t>(written);
    }
    good = ::fsync(descriptor) == 0 && good;
    ::close(descriptor);
    if (!good || ::rename(draft.c_str(), path.c_str()) != 0) return failed(path, "cannot be written");
    return {};
}

Result<std::uint64_t> put_files_back(const Connection& backup, const fs::path& folder, const std::string& database) {
    auto read = Statement::prepare(backup, "SELECT name, content FROM files");
    if (!read) return read.error();
    std::uint64_t count = 0;
    for (;;) {
        auto row = read->step();
        if (!row) return row.error();
        if (!*row) return count;
        const fs::path name(std::string(read->column(0)));
        if (!is_inside(name) || !is_kept(name, database)) return Error(Errc::corrupt, "the backup holds a file of an unsafe name");
        if (auto written = write_file(folder / name, read->column(1)); !written) return written.error();
        ++count;
    }
}

Result<void> check_all_pages(const Connection& connection) {
    auto check = Statement::prepare(connection, "PRAGMA integrity_check(1)");
    if (!check) return check.error();
    auto row = check->step();
    if (!row) return row.error();
    if (*row && check->column(0) == "ok") return {};
    return Error(Errc::corrupt, "the backup is damaged: " + (*row ? std::string(check->column(0)) : std::string("no answer")));
}

Result<void> check_is_backup(const Connection& connection) {
    auto tables =
        Statement::prepare(connection, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('meta', 'kv', 'files')");
    if (!tables) return tables.error();
    auto row = tables->step();
    if (!row) return row.error();
    if (*row && tables->number(0) == 3) return {};
    return Error(Errc::corrupt, "the file is no backup of this program");
}

void remove_database(const fs::path& file) {
    std::error_code ignored;
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) fs::remove(file.string() + suffix, ignored);
}

Result<void> sync_file(const fs::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return failed(file, "cannot be opened");
    const bool good = ::fsync(descriptor) == 0;
    ::close(descriptor);
    return good ? Result<void>() : failed(file, "cannot be synced");
}

Result<std::uint64_t> fill_backup(const fs::path& folder, const std::string& database, const fs::path& draft) {
    auto from = detail::open_for_reading(folder / database);
    if (!from) return from.error();
    auto to = Connection::open(draft);
    if (!to) return to.error();
    std::error_code error;
    fs::permissions(draft, fs::perms::owner_read | fs::perms::owner_write, error);
    if (auto copied = copy_pages(*from, *to); !copied) return copied.error();
    // One file without a log beside it, whatever mode the source was in.
    if (auto plain = to->execute("PRAGMA journal_mode=DELETE"); !plain) return plain.error();
    return keep_files(*to, folder, database);
}

}  // namespace

Result<BackupReport> backup_sqlite(const fs::path& folder, const std::string& database, const fs::path& target) {
    std::error_code error;
    if (!fs::exists(folder / database, error)) return failed(folder / database, "there is no database");
    const fs::path draft = target.string() + ".new";
    remove_database(draft);
    auto files = fill_backup(folder, database, draft);
    auto synced = files ? sync_file(draft) : Result<void>(files.error());
    if (!synced) {
        remove_database(draft);
        return synced.error();
    }
    BackupReport report;
    report.files = *files;
    report.database_bytes = fs::file_size(draft, error);
    if (::rename(draft.c_str(), target.c_str()) != 0) return failed(target, "cannot be renamed into place");
    return report;
}

Result<BackupReport> restore_sqlite(const fs::path& backup, const fs::path& folder, const std::string& database) {
    std::error_code error;
    if (!fs::exists(backup, error)) return failed(backup, "there is no such file");
    auto from = detail::open_for_reading(backup);
    if (!from) return from.error();
    if (auto checked = check_is_backup(*from); !checked) return checked.error();
    if (auto checked = check_all_pages(*from); !checked) return checked.error();
    const fs::path draft = folder / (database + ".restoring");
    remove_database(draft);
    const auto fill = [&]() -> Result<void> {
        auto to = Connection::open(draft);
        if (!to) return to.error();
        if (auto copied = copy_pages(*from, *to); !copied) return copied;
        return to->execute("DROP TABLE files");
    };
    auto filled = fill();
    // Opening it as the engine does checks its version and migrates it.
    if (filled) {
        auto opened = detail::open_for_writing(draft, Durability::power_loss_safe);
        if (!opened) filled = opened.error();
    }
    if (filled) filled = sync_file(draft);
    if (!filled) {
        remove_database(draft);
        return filled.error();
    }
    auto files = put_files_back(*from, folder, database);
    if (!files) return files.error();
    remove_database(folder / database);
    if (::rename(draft.c_str(), (folder / database).c_str()) != 0) return failed(folder / database, "cannot be renamed into place");
    BackupReport report;
    report.files = *files;
    report.database_bytes = fs::file_size(folder / database, error);
    return report;
}

}  // namespace fogbank::store::kv
