#include "api/callback.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>

#include "api/errc.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;

/// Touched on the executor only; the reporting thread just posts to it.
struct Wait {
    Wait(const asio::any_io_executor& executor, std::chrono::milliseconds deadline) : timer(executor, deadline) {}
    asio::steady_timer timer;
    std::optional<Result<void>> result;
};

}  // namespace

asio::awaitable<Result<void>> wait_for_callback(UniqueFunction<void(Callback)> start, std::chrono::milliseconds deadline) {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    const auto wait = std::make_shared<Wait>(executor, deadline);
    Callback done = [executor, wait](Result<void> result) {
        asio::post(executor, [wait, result = std::move(result)]() mutable {
            wait->result = std::move(result);
            wait->timer.cancel();
        });
    };
    start(std::move(done));
    const auto [error] = co_await wait->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    static_cast<void>(error);
    if (!wait->result) co_return Error(Errc::unavailable, "no confirmation within " + std::to_string(deadline.count()) + " ms");
    co_return std::move(*wait->result);
}

}  // namespace fogbank::api
