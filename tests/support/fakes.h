/// Injected sources for tests: a clock that stands still until told, randomness from a seed, and a way to run an awaitable to its end.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/random.h"

namespace fogbank::testing {

/// Starts at 2026-01-02T03:04:05Z.
class ManualClock final : public Clock {
  public:
    WallTime now() const override { return wall_; }
    SteadyTime steady() const override { return steady_; }
    void advance(std::chrono::milliseconds by) {
        wall_ += by;
        steady_ += by;
    }

  private:
    WallTime wall_{std::chrono::milliseconds(1'767'323'045'000)};
    SteadyTime steady_{std::chrono::seconds(1000)};
};

/// The same sequence for the same seed. Not for keys.
class SeededRandom final : public RandomSource {
  public:
    explicit SeededRandom(std::uint64_t seed = 1) : engine_(seed) {}
    void fill(std::span<std::uint8_t> out) override {
        for (auto& byte : out) byte = static_cast<std::uint8_t>(engine_());
    }

  private:
    std::mt19937_64 engine_;
};

/// A loop for one `run`. Loops are kept for the next one and never destroyed before the end of the process: the thread that completed the
/// task may still be inside the post that did it.
class BorrowedLoop {
  public:
    BorrowedLoop() {
        const std::lock_guard lock(mutex());
        if (idle().empty()) {
            io_ = std::make_unique<boost::asio::io_context>(1);
        } else {
            io_ = std::move(idle().back());
            idle().pop_back();
        }
        io_->restart();
    }
    ~BorrowedLoop() {
        const std::lock_guard lock(mutex());
        idle().push_back(std::move(io_));
    }
    BorrowedLoop(const BorrowedLoop&) = delete;
    BorrowedLoop& operator=(const BorrowedLoop&) = delete;
    boost::asio::io_context& io() { return *io_; }

  private:
    static std::mutex& mutex() {
        static std::mutex instance;
        return instance;
    }
    static std::vector<std::unique_ptr<boost::asio::io_context>>& idle() {
        static std::vector<std::unique_ptr<boost::asio::io_context>> instance;
        return instance;
    }
    std::unique_ptr<boost::asio::io_context> io_;
};

/// Runs `task` on a loop of its own until it is done and returns its result; for tests only, one thread.
template <class T>
T run(boost::asio::awaitable<T> task) {
    BorrowedLoop loop;
    boost::asio::io_context& io = loop.io();
    std::optional<T> result;
    std::exception_ptr failure;
    auto holder = [](boost::asio::awaitable<T> inner, std::optional<T>& out) -> boost::asio::awaitable<void> {
        out.emplace(co_await std::move(inner));
    };
    boost::asio::co_spawn(io, holder(std::move(task), result), [&](std::exception_ptr e) { failure = e; });
    // The task may wait for other threads: keep the loop until the completion handler has run.
    auto guard = boost::asio::make_work_guard(io);
    while (!result && !failure) io.run_one();
    io.poll();  // the completion itself, if it was posted: it refers to this frame
    if (failure) std::rethrow_exception(failure);
    return std::move(*result);
}

}  // namespace fogbank::testing
