/// Fewer, larger writes of the write-ahead log.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>

#include "common/result.h"

namespace fogbank::store::kv::detail {

/// SQLite appends each page to its log in two writes, 24 bytes and 4096, which costs more than anything else that a commit of small values
/// does. Through this file system (in SQLite's sense: the default one with the log's methods wrapped) they are gathered and reach the
/// kernel together, at the latest before the sync that every commit of a `synchronous=FULL` connection ends with. Not for another setting:
/// a commit without a sync would be acknowledged, and seen by readers, before its pages are in the file. An error of the late write is the
/// sync's. Belongs to one connection, which is closed before it goes. Source: https://www.sqlite.org/vfs.html,
/// https://www.sqlite.org/wal.html
class LogVfs {
  public:
    /// Errors: unavailable.
    static Result<std::unique_ptr<LogVfs>> create();
    ~LogVfs();
    LogVfs(const LogVfs&) = delete;
    LogVfs& operator=(const LogVfs&) = delete;

    /// To open the connection with.
    const char* name() const { return name_.c_str(); }

    /// What SQLite is given: the default file system's table, and where that is.
    struct Table : sqlite3_vfs {
        sqlite3_vfs* base = nullptr;
    };

  private:
    explicit LogVfs(sqlite3_vfs& base);

    std::string name_;
    Table table_{};
};

}  // namespace fogbank::store::kv::detail
