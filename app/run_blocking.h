/// Runs an awaitable to its end on the calling thread: for start-up, before the shards run, and for the command line.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <utility>

namespace fogbank::app {

/// @param io  a loop that nobody else runs. It must outlive the engine threads: the one that completed the task may still be inside its
/// post to the loop
///            when this returns.
template <class T>
T run_blocking(boost::asio::io_context& io, boost::asio::awaitable<T> task) {
    io.restart();
    std::optional<T> result;
    std::exception_ptr failure;
    auto store = [](boost::asio::awaitable<T> inner, std::optional<T>& out) -> boost::asio::awaitable<void> {
        out.emplace(co_await std::move(inner));
    };
    boost::asio::co_spawn(io, store(std::move(task), result), [&failure](std::exception_ptr e) { failure = std::move(e); });
    // The task may wait for an engine thread: without a guard the loop would end meanwhile.
    const auto guard = boost::asio::make_work_guard(io);
    while (!result && !failure) io.run_one();
    io.poll();  // the completion itself, if it was posted: it refers to this frame
    if (failure) std::rethrow_exception(failure);
    return std::move(*result);
}

}  // namespace fogbank::app
