#include "broker/connection_control.h"

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "broker/connection.h"
#include "broker/core.h"
#include "broker/session.h"
#include "broker/shard_state.h"

namespace fogbank::broker {
namespace asio = boost::asio;
namespace {

/// Runs `look` on the session's shard and comes back with its answer.
template <class Answer>
asio::awaitable<Answer> ask_at_home(std::shared_ptr<Session> session, UniqueFunction<Answer()> look) {
    auto executor = co_await asio::this_coro::executor;
    auto start = [session = std::move(session), look = std::move(look), executor](auto handler) mutable {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        Session::at_home(session, [look = std::move(look), shared, executor]() mutable {
            asio::post(executor, [shared, answer = look()]() mutable { (*shared)(std::move(answer)); });
        });
    };
    Answer answer = co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Answer)>(std::move(start), asio::use_awaitable);
    co_return answer;
}

/// What the coroutine that sends a direct message waits for; its executor only.
struct DirectWait {
    explicit DirectWait(asio::any_io_executor executor) : timer(std::move(executor)) {}
    asio::steady_timer timer;
    std::optional<DirectDelivery> answer;
};

}  // namespace

bool ConnectionControl::admit(ConnectionCall call, const ClientId& client_id) {
    AccountRates& rates = core_.rates;
    const SteadyTime now = core_.clock.steady();
    switch (call) {
        case ConnectionCall::delete_connection:
            return rates.delete_connection.take(client_id.view(), now);
        case ConnectionCall::get_connection:
            return rates.get_connection.take(client_id.view(), now);
        case ConnectionCall::list_subscriptions:
            return rates.list_subscriptions.take(client_id.view(), now);
    }
    return false;
}

asio::awaitable<DirectDelivery> ConnectionControl::send_direct_message(ClientId client_id, MessagePtr message,
                                                                       std::chrono::milliseconds timeout) {
    if (!core_.rates.direct_messages.take(core_.clock.steady())) co_return DirectDelivery::throttled;
    const std::shared_ptr<Session> session = core_.clients.find(client_id);
    if (!session) co_return DirectDelivery::no_such_client;
    auto executor = co_await asio::this_coro::executor;
    const auto wait = std::make_shared<DirectWait>(executor);
    wait->timer.expires_after(timeout);
    UniqueFunction<void(DirectDelivery)> done = [wait, executor](DirectDelivery answer) {
        asio::post(executor, [wait, answer] {
            wait->answer = answer;
            wait->timer.cancel();
        });
    };
    Session::at_home(session, [session, message = std::move(message), done = std::move(done)]() mutable {
        session->home().take_time();
        session->send_direct(message, std::move(done));
    });
    auto ended = asio::as_tuple(asio::use_awaitable);
    static_cast<void>(co_await wait->timer.async_wait(ended));
    co_return wait->answer.value_or(DirectDelivery::not_confirmed);
}

asio::awaitable<bool> ConnectionControl::delete_connection(ClientId client_id, bool clean_session, bool prevent_will) {
    const std::shared_ptr<Session> session = core_.clients.find_or_add(client_id, nullptr);
    if (!session) co_return false;
    UniqueFunction<bool()> close = [session, clean_session, prevent_will] {
        session->home().take_time();
        if (Connection* connection = session->connection()) {
            if (prevent_will) connection->prevent_will();
            connection->close(DisconnectReason::api_initiated_disconnect, "DeleteConnection");
        }
        if (prevent_will) session->drop_will();
        if (clean_session) session->end();
        return true;
    };
    const bool done = co_await ask_at_home<bool>(session, std::move(close));
    co_return done;
}

asio::awaitable<std::optional<ConnectionDescription>> ConnectionControl::describe_connection(ClientId client_id) {
    using Answer = std::optional<ConnectionDescription>;
    const std::shared_ptr<Session> session = core_.clients.find_or_add(client_id, nullptr);
    if (!session) co_return Answer();
    UniqueFunction<Answer()> look = [session] {
        ConnectionDescription out;
        out.clean_session = !session->is_persistent();
        out.session_expiry_s = session->expiry_s();
        if (const Connection* connection = session->connection()) {
            out.connected = true;
            out.since = connection->connected_at();
            out.keep_alive = connection->keep_alive();
            out.source_ip = connection->identity().source_ip;
            out.thing_name = connection->identity().thing_name;
        } else {
            out.since = session->disconnected_at();
            out.disconnect_reason = disconnect_reason_name(session->last_disconnect_reason());
        }
        return Answer(std::move(out));
    };
    Answer answer = co_await ask_at_home<Answer>(session, std::move(look));
    co_return answer;
}

asio::awaitable<std::optional<std::vector<SubscriptionDescription>>> ConnectionControl::list_subscriptions(ClientId client_id) {
    using Answer = std::optional<std::vector<SubscriptionDescription>>;
    const std::shared_ptr<Session> session = core_.clients.find_or_add(client_id, nullptr);
    if (!session) co_return Answer();
    UniqueFunction<Answer()> look = [session] {
        std::vector<SubscriptionDescription> out;
        for (const auto& [topic_filter, options] : session->subscriptions()) out.push_back({topic_filter, options.qos});
        std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.topic_filter < b.topic_filter; });
        return Answer(std::move(out));
    };
    Answer answer = co_await ask_at_home<Answer>(session, std::move(look));
    co_return answer;
}

}  // namespace fogbank::broker
