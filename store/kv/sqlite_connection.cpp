#include "store/kv/detail/sqlite_connection.h"

namespace fogbank::store::kv::detail {
namespace {

/// How long a lock of another process (a backup tool, a shell) is waited for.
constexpr int busy_timeout_ms = 5000;

Error to_error(int code, std::string_view doing, const char* reason) {
    const int primary = code & 0xFF;
    const auto ours = primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB ? Errc::corrupt : Errc::unavailable;
    return Error{ours, std::string(doing) + ": " + reason};
}

}  // namespace

Result<Connection> Connection::open(const std::filesystem::path& file, std::unique_ptr<LogVfs> vfs) {
    Connection connection;
    connection.vfs_ = std::move(vfs);
    sqlite3* handle = nullptr;
    // Every connection has one owner at a time, so SQLite's own mutex on it would only cost.
    const int code = sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                                     connection.vfs_ ? connection.vfs_->name() : nullptr);
    connection.handle_.reset(handle);
    if (code != SQLITE_OK)
        return to_error(code, "opening `" + file.string() + "`", handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code));
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, busy_timeout_ms);
    return connection;
}

Result<void> Connection::execute(const char* sql) const {
    if (sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return error(sql);
    return {};
}

Error Connection::error(std::string_view doing) const {
    return to_error(sqlite3_extended_errcode(handle()), doing, sqlite3_errmsg(handle()));
}

Result<Statement> Statement::prepare(const Connection& connection, const char* sql) {
    Statement statement;
    sqlite3_stmt* handle = nullptr;
    if (sqlite3_prepare_v3(connection.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr) != SQLITE_OK)
        return connection.error(sql);
    statement.handle_.reset(handle);
    return statement;
}

void Statement::bind(int index, std::string_view bytes) const {
    // A null pointer would bind NULL instead of no bytes.
    sqlite3_bind_blob64(handle(), index, bytes.data() == nullptr ? "" : bytes.data(), bytes.size(), SQLITE_STATIC);
}

Result<bool> Statement::step() const {
    const int code = sqlite3_step(handle());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return to_error(code, sqlite3_sql(handle()), sqlite3_errmsg(sqlite3_db_handle(handle())));
}

void Statement::reset() const {
    sqlite3_reset(handle());
    sqlite3_clear_bindings(handle());
}

std::string_view Statement::column(int index) const {
    const void* bytes = sqlite3_column_blob(handle(), index);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle(), index));
    return size == 0 ? std::string_view() : std::string_view(static_cast<const char*>(bytes), size);
}

}  // namespace fogbank::store::kv::detail
