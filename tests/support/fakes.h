/// Injected sources for tests: a clock that stands still until told, randomness from a seed, and a way to run an awaitable to its end.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <utility>

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

/// Takes a loop whose work is done. A thread that posted its last completion may still be inside the loop (asio signals after it unlocks), so a loop
/// must outlive that call: it is destroyed when many later ones have come.
inline void retire(std::unique_ptr<boost::asio::io_context> loop) {
    constexpr std::size_t kept = 64;
    static std::mutex mutex;
    static std::deque<std::unique_ptr<boost::asio::io_context>> retired;
    const std::scoped_lock lock(mutex);
    retired.push_back(std::move(loop));
    if (retired.size() > kept) retired.pop_front();
}

/// Runs `task` on a loop of its own until it is done and returns its result; for tests only, one thread.
template <class T>
T run(boost::asio::awaitable<T> task) {
    auto loop = std::make_unique<boost::asio::io_context>(1);
    boost::asio::io_context& io = *loop;
    std::optional<T> result;
    std::exception_ptr failure;
    auto holder = [](boost::asio::awaitable<T> inner, std::optional<T>& out) -> boost::asio::awaitable<void> { out.emplace(co_await std::move(inner)); };
    boost::asio::co_spawn(io, holder(std::move(task), result), [&](std::exception_ptr e) { failure = e; });
    // The task may wait for other threads: keep the loop until the completion handler has run.
    auto guard = boost::asio::make_work_guard(io);
    while (!result && !failure) io.run_one();
    guard.reset();
    retire(std::move(loop));
    if (failure) std::rethrow_exception(failure);
    return std::move(*result);
}

}  // namespace fogbank::testing
