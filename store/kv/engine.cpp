#include "store/kv/engine.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <type_traits>

namespace fogbank::store::kv {
namespace {

namespace asio = boost::asio;

/// A CommitHandler that takes the result home: it posts the completion to the waiting coroutine's executor, which it keeps busy with work
/// until then. The work goes home with the completion: when the coroutine goes on, the engine's thread holds nothing of its loop any more.
/// Always posted, never called in place, because an engine may complete inside the submitting call.
template <class Completion>
CommitHandler post_home(Completion completion) {
    auto executor = asio::get_associated_executor(completion);
    auto work = asio::prefer(executor, asio::execution::outstanding_work.tracked);
    return [executor = std::move(executor), work = std::move(work), completion = std::move(completion)](Result<void> result) mutable {
        asio::post(executor, [work = std::move(work), completion = std::move(completion), result = std::move(result)]() mutable {
            completion(std::move(result));
        });
    };
}

using Signature = void(Result<void>);

}  // namespace

asio::awaitable<Result<void>> Engine::commit(Batch batch) {
    const auto start = [this](auto&& completion, Batch moved) {
        commit(std::move(moved), post_home(std::forward<decltype(completion)>(completion)));
    };
    return asio::async_initiate<const asio::use_awaitable_t<>, Signature>(start, asio::use_awaitable, std::move(batch));
}

asio::awaitable<Result<void>> Engine::transact(TransactionBody body) {
    const auto start = [this](auto&& completion, TransactionBody moved) {
        transact(std::move(moved), post_home(std::forward<decltype(completion)>(completion)));
    };
    return asio::async_initiate<const asio::use_awaitable_t<>, Signature>(start, asio::use_awaitable, std::move(body));
}

}  // namespace fogbank::store::kv
