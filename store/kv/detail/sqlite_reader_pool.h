/// The connections that read. A thread keeps coming back to the same connection, so its statements and pages are warm, and no two threads
/// share one at the same time.
#pragma once

#include <array>
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>

#include "store/kv/detail/sqlite_snapshot.h"
#include "store/kv/detail/sqlite_tables.h"

namespace fogbank::store::kv::detail {

/// A fixed table of slots; a thread starts at the slot of its id and takes the first that is free. The pool owns every connection, so
/// nothing outlives it, threads may come and go, and the number of open files is bounded. Any thread.
class ReaderPool {
  public:
    /// `file` must have been opened for writing before.
    explicit ReaderPool(std::filesystem::path file) : file_(std::move(file)) {}

    /// Calls `work(const TableReads&)`, which returns a Result, and returns what it returned. Errors besides: unavailable, stopped.
    template <class Work>
    std::invoke_result_t<Work, const TableReads&> read(Work work) {
        Slot& slot = acquire();
        const std::scoped_lock lock(std::adopt_lock, slot.mutex);
        if (stopped_.load(std::memory_order_relaxed)) return stopped_error();
        if (!slot.reader) {
            if (auto opened = open(slot); !opened) return opened.error();
        }
        return slot.reader->read(work);
    }

    /// Ends the snapshots that idle readers keep, so that the log can be copied back. Does not wait for reads under way.
    void end_idle_snapshots();
    /// Runs `work` while nobody reads and no snapshot is open; waits for the reads under way, later ones wait.
    void without_readers(const std::function<void()>& work);

    /// Waits for the reads under way and closes all connections. Later reads are refused with `stopped`.
    void stop();

  private:
    /// More than the threads of any server that reads; beyond it readers wait for one another.
    static constexpr std::size_t slots_max = 32;

    struct Reader {
        Connection connection;
        TableReads reads;
        Snapshot snapshot;

        template <class Work>
        std::invoke_result_t<Work, const TableReads&> read(Work& work) {
            if (auto renewed = snapshot.renew(connection); !renewed) return renewed.error();
            auto result = work(reads);
            if (!result) snapshot.end(connection);  // the next read starts from scratch
            return result;
        }
    };
    struct alignas(64) Slot {  // a cache line each: neighbours do not slow each other
        std::mutex mutex;
        std::unique_ptr<Reader> reader;
    };

    static Error stopped_error();
    /// Returns a slot whose mutex is locked.
    Slot& acquire();
    Result<void> open(Slot& slot) const;

    std::filesystem::path file_;
    std::array<Slot, slots_max> slots_;
    std::atomic<bool> stopped_{false};  ///< written before every slot is locked once, read under a slot's lock
};

}  // namespace fogbank::store::kv::detail
