#include "common/shard.h"

#include "common/stay_awake.h"

#include <pthread.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <string>
#include <utility>

namespace fogbank {
namespace {
constexpr std::chrono::steady_clock::time_point may_sleep{};

thread_local Shard* current_shard = nullptr;
thread_local std::chrono::steady_clock::time_point awake_until = may_sleep;
thread_local AwakeBackoff awake_backoff;

/// Waits for a handler and runs it. False if the loop was stopped.
bool run_first(boost::asio::io_context& io) {
    // What runs now may want to stay awake for something else.
    const auto until = std::exchange(awake_until, may_sleep);
    while (until != may_sleep) {
        if (io.poll_one() != 0) {
            awake_backoff.paid();
            return true;
        }
        if (io.stopped()) return false;
        if (std::chrono::steady_clock::now() < until) continue;
        awake_backoff.in_vain();
        break;
    }
    return io.run_one() != 0;
}

}  // namespace

void stay_awake(std::chrono::steady_clock::time_point time) {
    if (current_shard != nullptr && awake_backoff.worth_a_try()) awake_until = time;
}

Shard::Shard(std::size_t index) : index_(index) {}
Shard::~Shard() = default;

Shard* Shard::current() {
    return current_shard;
}

void Shard::post(UniqueFunction<void()> task) {
    bool wake = false;
    {
        const std::lock_guard lock(mailbox_mutex_);
        wake = mailbox_.empty();
        mailbox_.push_back(std::move(task));
    }
    if (wake) boost::asio::post(io_, [this] { drain_mailbox(); });
}

void Shard::at_end_of_turn(UniqueFunction<void()> task) {
    end_of_turn_.push_back(std::move(task));
}

void Shard::drain_mailbox() {
    std::vector<UniqueFunction<void()>> tasks;
    {
        const std::lock_guard lock(mailbox_mutex_);
        tasks.swap(mailbox_);
    }
    for (auto& task : tasks) task();
}

void Shard::run_end_of_turn() {
    // A task may ask for another one; it runs in the same end of turn.
    for (std::size_t i = 0; i < end_of_turn_.size(); ++i) {
        auto task = std::move(end_of_turn_[i]);
        task();
    }
    end_of_turn_.clear();
}

void Shard::run() {
    current_shard = this;
    const auto guard = boost::asio::make_work_guard(io_);
    while (!io_.stopped()) {
        // One handler that is waited for, then whatever else is ready, bounded so that a busy loop still gathers and writes.
        if (!run_first(io_)) break;
        for (int ready = 0; ready < 128 && io_.poll_one() != 0; ++ready) {
        }
        run_end_of_turn();
    }
    current_shard = nullptr;
}

ShardPool::ShardPool(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) shards_.push_back(std::make_unique<Shard>(i));
}

ShardPool::~ShardPool() {
    stop();
}

void ShardPool::start() {
    for (auto& shard : shards_) {
        threads_.emplace_back([&shard] { shard->run(); });
        pthread_setname_np(threads_.back().native_handle(), ("shard-" + std::to_string(shard->index())).c_str());
    }
}

void ShardPool::stop() {
    for (auto& shard : shards_) shard->io_.stop();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

Shard& ShardPool::next() {
    return *shards_[next_.fetch_add(1, std::memory_order_relaxed) % shards_.size()];
}

}  // namespace fogbank
