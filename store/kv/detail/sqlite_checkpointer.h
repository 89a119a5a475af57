/// Copies the log's pages into the database file on a thread of its own, so that the writer goes on meanwhile.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>

#include "common/settings.h"
#include "store/kv/detail/sqlite_connection.h"

namespace fogbank::store::kv::detail {

/// Used by the writer's thread only.
class Checkpointer {
  public:
    /// Errors: unavailable, corrupt.
    static Result<std::unique_ptr<Checkpointer>> start(const std::filesystem::path& file, Durability durability);
    Checkpointer(const Checkpointer&) = delete;
    Checkpointer& operator=(const Checkpointer&) = delete;
    /// Waits for a copy under way.
    ~Checkpointer();

    /// Begins to copy what is committed by now and no reader needs in the log. Not while `busy`.
    void begin();
    bool busy() const;
    void wait();
    /// How many of the log's pages are in the database, as the last copy found it; 0 after one that failed.
    int copied_pages() const;

  private:
    explicit Checkpointer(Connection connection);
    void run();

    Connection connection_;  ///< the thread's only
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool wanted_ = false;  ///< guarded by mutex_, as the next three
    bool busy_ = false;    ///< from `begin` until the copy has ended
    bool stopping_ = false;
    int copied_pages_ = 0;
    std::thread thread_;
};

}  // namespace fogbank::store::kv::detail
