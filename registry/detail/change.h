/// Core::change, included by core.h.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>

#include "registry/detail/core.h"

namespace fogbank::registry {

/// Stands for void in an optional.
struct Nothing {};

/// Only this wrapper is made for each T; what is dear to compile is in change_erased.
template <class T>
Awaitable<T> Core::change(ChangeBody<T> body) {
    using Value = std::conditional_t<std::is_void_v<T>, Nothing, T>;
    const auto value = std::make_shared<std::optional<Value>>();
    ChangeBody<void> erased = [value, body = std::move(body)](Transaction& tx, Affected& affected) mutable -> Result<void> {
        value->reset();
        Result<T> result = body(tx, affected);
        if (!result) return result.error();
        if constexpr (!std::is_void_v<T>) value->emplace(std::move(*result));
        return {};
    };
    const Result<void> done = co_await change_erased(std::move(erased));
    if (!done) co_return done.error();
    if constexpr (std::is_void_v<T>) {
        co_return Result<void>();
    } else {
        co_return std::move(**value);
    }
}

}  // namespace fogbank::registry
