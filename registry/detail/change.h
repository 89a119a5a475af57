/// Core::change, included by core.h.
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <type_traits>

#include "registry/detail/core.h"

namespace fogbank::registry {

/// Stands for void in an optional.
struct Nothing {};

template <class T>
Awaitable<T> Core::change(ChangeBody<T> body) {
    // Its own thread of execution, deaf to the caller's cancel: a change that is committed must reach live connections.
    const auto executor = co_await boost::asio::this_coro::executor;
    auto deaf = boost::asio::bind_cancellation_slot(boost::asio::cancellation_slot(), boost::asio::use_awaitable);
    auto work = change_now<T>(std::move(body));
    co_return co_await boost::asio::co_spawn(executor, std::move(work), std::move(deaf));
}

template <class T>
Awaitable<T> Core::change_now(ChangeBody<T> body) {
    using Value = std::conditional_t<std::is_void_v<T>, Nothing, T>;
    struct Outcome {
        std::optional<Value> value;
        Affected affected;
    };
    const auto outcome = std::make_shared<Outcome>();
    store::kv::TransactionBody transaction = [outcome, body = std::move(body)](Transaction& tx) mutable -> Result<void> {
        *outcome = Outcome();
        Result<T> result = body(tx, outcome->affected);
        if (!result) return result.error();
        if constexpr (!std::is_void_v<T>) outcome->value.emplace(std::move(*result));
        return {};
    };
    const Result<void> committed = co_await deps_.engine.transact(std::move(transaction));
    if (!committed) co_return store_error(committed.error());
    static_cast<void>(co_await refresh(std::move(outcome->affected)));
    if constexpr (std::is_void_v<T>) {
        co_return Result<void>();
    } else {
        co_return std::move(*outcome->value);
    }
}

}  // namespace fogbank::registry
