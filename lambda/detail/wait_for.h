/// Coroutines that wait for something which is answered through a callback.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "common/function.h"

namespace fogbank::lambda {

/// A completion that takes its value home: posted to the waiting coroutine's executor, which it keeps busy until then. The work travels
/// with the posted task, so that this thread touches the coroutine's loop no more once the task is there: the loop may end with it.
template <class T, class Completion>
UniqueFunction<void(T)> post_home(Completion completion) {
    auto work = boost::asio::prefer(boost::asio::get_associated_executor(completion), boost::asio::execution::outstanding_work.tracked);
    return [work = std::move(work), completion = std::move(completion)](T value) mutable {
        const auto executor = boost::asio::prefer(work, boost::asio::execution::outstanding_work.untracked);
        boost::asio::post(executor, [work = std::move(work), completion = std::move(completion), value = std::move(value)]() mutable {
            completion(std::move(value));
        });
    };
}

/// Waits for what `start` begins; `start` gets a function to call once, on any thread, with the value.
template <class T>
boost::asio::awaitable<T> wait_for(UniqueFunction<void(UniqueFunction<void(T)>)> start) {
    const auto initiate = [](auto&& completion, UniqueFunction<void(UniqueFunction<void(T)>)> begin) {
        begin(post_home<T>(std::forward<decltype(completion)>(completion)));
    };
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(T)>(initiate, boost::asio::use_awaitable,
                                                                                      std::move(start));
}

}  // namespace fogbank::lambda
