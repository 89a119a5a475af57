/// The one thread that writes: takes what is queued, runs it as one SQLite transaction, then tells everybody.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "common/metrics.h"
#include "store/kv/detail/sqlite_checkpointer.h"
#include "store/kv/detail/sqlite_reader_pool.h"
#include "store/kv/detail/sqlite_tables.h"
#include "store/kv/sqlite_engine.h"

namespace fogbank::store::kv::detail {

/// A batch or a transaction on its way to the disk.
struct Submission {
    Batch batch;
    TransactionBody body;  ///< empty: it is the batch
    CommitHandler done;
    std::size_t bytes = 0;  ///< what it counts in the queue
};

/// `submit` from any thread; everything else of SQLite happens on the writer's own thread.
class Writer {
  public:
    /// Starts the thread. Errors: unavailable, corrupt.
    /// @param readers  have to let go of the log when it is copied back; must outlive the writer.
    static Result<std::unique_ptr<Writer>> start(Connection connection, ReaderPool& readers, const SqliteOptions& options);
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    ~Writer() { close(); }

    /// Queues it. When the queue is full or the writer stops, calls `done` at once on the calling thread with unavailable or stopped.
    void submit(Submission submission);

    /// Finishes the queue and ends the thread; later submissions are refused. Not from a handler. Idempotent.
    void stop();
    /// Stops, then closes the connection. If it is the last one, the database file then holds everything and there is no log.
    void close();

  private:
    Writer(Connection connection, TableBacking backing, Statement begin, Statement commit, ReaderPool& readers,
           std::unique_ptr<Checkpointer> checkpointer, const SqliteOptions& options);
    void run();
    /// Waits for work and moves up to `group_max` submissions to `group_`. False: stopped and nothing left.
    bool take_group();
    /// Gives those who wait for the last group's answers the time to submit again, so that they form one group and not two.
    void linger(std::unique_lock<std::mutex>& lock, std::size_t expected);
    void commit_group();
    Result<void> run_group();
    static Result<void> run_statement(const Statement& statement);
    void finish_group(const Result<void>& committed);
    void count_group(const Result<void>& committed);
    static int on_log_grown(void* writer, sqlite3* handle, const char* database, int pages);
    /// After a commit: has the log copied into the database when it is long.
    void checkpoint();
    void copy_log();

    struct Counters {
        explicit Counters(Metrics& metrics);
        Counter& commits;
        Counter& groups;
        Counter& failed_groups;
        Counter& queue_rejections;
        Gauge& group_size;
        Gauge& queue_bytes;
    };

    ReaderPool& readers_;
    const std::size_t queue_bytes_max_, group_max_;
    std::unique_ptr<Metrics> own_metrics_;  ///< when the caller wants none
    Counters counters_;

    // The writer's thread only.
    std::optional<Connection> connection_;
    std::optional<TableBacking> backing_;
    Statement begin_, commit_;
    std::vector<Submission> group_;
    std::vector<Result<void>> results_;
    std::chrono::steady_clock::duration commit_time_{};  ///< of the last group
    int log_pages_ = 0;                                  ///< of the write-ahead log after the last commit
    int checkpoint_at_ = 0;                              ///< the next checkpoint is due at this length
    std::unique_ptr<Checkpointer> checkpointer_;
    int rounds_ = 0;            ///< copies that `checkpointer_` has begun for this checkpoint
    bool log_is_same_ = false;  ///< since `checkpointer_` last began

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Submission> queue_;     ///< guarded by mutex_, as the next two
    std::size_t submitted_bytes_ = 0;  ///< of the queue and the group that is being committed
    std::size_t wake_at_ = 1;          ///< the writer sleeps until this many wait
    bool stopping_ = false;

    std::mutex stop_mutex_;
    std::thread thread_;
};

}  // namespace fogbank::store::kv::detail
