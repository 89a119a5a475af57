/// Shards: one io_context on one thread per core. What lives on a shard is touched by its thread only and takes no lock.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "common/function.h"

namespace fogbank {

/// One event loop. `post` is the mailbox: what other threads hand over is run in batches, in the order posted by each of them.
class Shard {
  public:
    explicit Shard(std::size_t index);
    ~Shard();
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    std::size_t index() const { return index_; }
    boost::asio::io_context& io() { return io_; }

    /// Any thread. The loop is woken once per batch, not once per task. Tasks must not throw. After `stop` tasks are destroyed without
    /// being run.
    void post(UniqueFunction<void()> task);

    /// Runs `task` when the current turn of the loop is over (after the handlers that are ready now), on the shard's own thread only.
    /// For gathered writes: everything that became ready in this turn leaves together.
    void at_end_of_turn(UniqueFunction<void()> task);

    /// The shard whose thread this is, or null on any other thread.
    static Shard* current();

  private:
    friend class ShardPool;
    void run();
    void drain_mailbox();
    void run_end_of_turn();

    std::size_t index_;
    boost::asio::io_context io_{1};
    std::mutex mailbox_mutex_;
    std::vector<UniqueFunction<void()>> mailbox_;
    std::vector<UniqueFunction<void()>> end_of_turn_;
};

/// The shards of one server. Construct, then `start`; `stop` from any thread but a shard's, then destroy.
class ShardPool {
  public:
    explicit ShardPool(std::size_t count);
    ~ShardPool();
    void start();
    /// Stops the loops and joins the threads. Idempotent.
    void stop();

    std::size_t size() const { return shards_.size(); }
    Shard& operator[](std::size_t index) { return *shards_[index]; }
    /// Round robin, for new connections. Any thread.
    Shard& next();

  private:
    std::vector<std::unique_ptr<Shard>> shards_;
    std::vector<std::thread> threads_;
    std::atomic<std::size_t> next_{0};
};

}  // namespace fogbank
