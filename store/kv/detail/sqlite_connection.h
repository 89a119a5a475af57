/// SQLite's C interface with owners and values: a connection and a prepared statement that close themselves, errors as `Error`.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "common/result.h"
#include "store/kv/detail/sqlite_log_vfs.h"
#include "store/kv/errc.h"

namespace fogbank::store::kv::detail {

/// One open database. One thread at a time.
class Connection {
  public:
    /// Opens or creates `file`. Errors: unavailable.
    /// @param vfs  what its files go through; null: SQLite's default. Kept as long as the connection is.
    static Result<Connection> open(const std::filesystem::path& file, std::unique_ptr<LogVfs> vfs = nullptr);

    sqlite3* handle() const { return handle_.get(); }
    /// Runs statements that return nothing. Errors: unavailable, corrupt.
    Result<void> execute(const char* sql) const;
    /// The last error of this connection, as ours: damaged bytes are `corrupt`, everything else `unavailable`.
    Error error(std::string_view doing) const;
    /// False if SQLite has rolled the open transaction back on its own, as it does on some I/O errors.
    bool in_transaction() const { return sqlite3_get_autocommit(handle()) == 0; }

  private:
    struct Close {
        void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
    };
    std::unique_ptr<LogVfs> vfs_;
    std::unique_ptr<sqlite3, Close> handle_;
};

/// One prepared statement. Bound bytes must stay valid until `reset`; columns are valid until the next `step` or `reset`.
class Statement {
  public:
    /// Errors: unavailable, corrupt.
    static Result<Statement> prepare(const Connection& connection, const char* sql);

    /// @param index  from 1.
    void bind(int index, std::string_view bytes) const;
    void bind(int index, std::int64_t number) const { sqlite3_bind_int64(handle(), index, number); }
    /// True: there is a row. False: done. Errors: unavailable, corrupt.
    Result<bool> step() const;
    /// Ends the statement and, outside a transaction, its snapshot; forgets what is bound.
    void reset() const;

    /// @param index  from 0.
    std::string_view column(int index) const;
    bool is_number(int index) const { return sqlite3_column_type(handle(), index) == SQLITE_INTEGER; }
    std::int64_t number(int index) const { return sqlite3_column_int64(handle(), index); }

    /// Rows that the connection's last INSERT, UPDATE or DELETE has touched.
    std::int64_t changes() const { return sqlite3_changes64(sqlite3_db_handle(handle())); }
    /// The number of the row that the connection has inserted last.
    std::int64_t inserted_row() const { return sqlite3_last_insert_rowid(sqlite3_db_handle(handle())); }

  private:
    struct Finalize {
        void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
    };
    sqlite3_stmt* handle() const { return handle_.get(); }
    std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

/// Resets a cached statement at the end of its use, whichever way the function is left.
class StatementUse {
  public:
    explicit StatementUse(const Statement& statement) : statement_(statement) {}
    StatementUse(const StatementUse&) = delete;
    StatementUse& operator=(const StatementUse&) = delete;
    ~StatementUse() { statement_.reset(); }

  private:
    const Statement& statement_;
};

}  // namespace fogbank::store::kv::detail
