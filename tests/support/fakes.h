/// Injected sources for tests: a clock that stands still until told, randomness from a seed, and a way to run an awaitable to its end.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <random>
#include <stdexcept>
#include <thread>
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

/// Runs `task` on a loop of its own until it is done and returns its result; for tests only, one thread.
///
/// The task may wait for other threads, and one of them posts the completion. The loop is asked again and again instead of waited for: asio wakes a
/// waiting loop after it has unlocked it, so a thread could still be doing that when the task is done and the loop is destroyed.
template <class T>
T run(boost::asio::awaitable<T> task) {
    boost::asio::io_context io(1);
    std::optional<T> result;
    std::exception_ptr failure;
    auto holder = [](boost::asio::awaitable<T> inner, std::optional<T>& out) -> boost::asio::awaitable<void> { out.emplace(co_await std::move(inner)); };
    boost::asio::co_spawn(io, holder(std::move(task), result), [&](std::exception_ptr e) { failure = e; });
    const auto guard = boost::asio::make_work_guard(io);
    for (int idle = 0; !result && !failure;) {
        if (io.poll_one() != 0)
            idle = 0;
        else if (++idle < 100)
            std::this_thread::yield();
        else
            std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    if (failure) std::rethrow_exception(failure);
    return std::move(*result);
}

}  // namespace fogbank::testing
