#include "registry/function_call.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>

#include "registry/errc.h"

namespace fogbank::registry {
namespace {

namespace asio = boost::asio;

/// Shared with the call, which may outlive the deadline: a function that is running is not stopped, its late answer is dropped.
struct Pending {
    explicit Pending(asio::any_io_executor executor) : timer(std::move(executor)) {}
    asio::steady_timer timer;
    std::optional<Result<FunctionAnswer>> answer;
};

asio::awaitable<void> call(FunctionCaller& functions, std::string function, std::string event, std::shared_ptr<Pending> pending) {
    auto answer = co_await functions.call_function(std::move(function), std::move(event));
    pending->answer.emplace(std::move(answer));
    pending->timer.cancel();
}

}  // namespace

asio::awaitable<Result<std::string>> call_in_time(FunctionCaller& functions, std::string function, std::string event) {
    const auto executor = co_await asio::this_coro::executor;
    const auto pending = std::make_shared<Pending>(executor);
    pending->timer.expires_after(function_deadline);
    auto work = call(functions, function, std::move(event), pending);
    asio::co_spawn(executor, std::move(work), asio::detached);
    if (!pending->answer) co_await pending->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!pending->answer) co_return Error(Errc::not_authorized, "function " + function + " did not answer within 5 s");
    Result<FunctionAnswer>& answer = *pending->answer;
    if (!answer) co_return Error(Errc::not_authorized, "function " + function + " could not be called: " + answer.error().message);
    if (!answer->function_error.empty())
        co_return Error(Errc::not_authorized, "function " + function + " failed: " + answer->payload.substr(0, 500));
    co_return std::move(answer->payload);
}

}  // namespace fogbank::registry
