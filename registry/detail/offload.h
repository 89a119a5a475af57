/// Work that would block a shard (making an RSA key takes a tenth of a second) runs on a pool and its result comes home.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "common/function.h"
#include "common/result.h"

namespace fogbank::registry {

/// Runs `work` on `pool`; resumes on the caller's executor. `work` must not throw and must own what it uses.
template <class T>
boost::asio::awaitable<Result<T>> offload(boost::asio::thread_pool& pool, UniqueFunction<Result<T>()> work) {
    namespace asio = boost::asio;
    const auto start = [&pool](auto&& completion, UniqueFunction<Result<T>()> moved) {
        auto home = asio::make_work_guard(asio::get_associated_executor(completion));
        asio::post(pool, [home = std::move(home), completion = std::forward<decltype(completion)>(completion),
                          moved = std::move(moved)]() mutable {
            Result<T> result = moved();
            // The guard goes home with the result: once that has run, the caller's loop may be gone, and this thread must not touch it any
            // more.
            const auto executor = home.get_executor();
            asio::post(executor, [home = std::move(home), completion = std::move(completion), result = std::move(result)]() mutable {
                home.reset();
                completion(std::move(result));
            });
        });
    };
    return asio::async_initiate<const asio::use_awaitable_t<>, void(Result<T>)>(start, asio::use_awaitable, std::move(work));
}

}  // namespace fogbank::registry
