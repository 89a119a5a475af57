#include "broker/broker.h"

#include <spdlog/spdlog.h>

#include <future>
#include <thread>

#include "broker/connection_control.h"
#include "broker/core.h"
#include "broker/direct_messages.h"
#include "broker/lifecycle_events.h"
#include "broker/lifecycle_log.h"
#include "broker/listener.h"
#include "broker/restore.h"
#include "broker/shard_state.h"
#include "broker/tls.h"
#include "common/logging.h"

namespace fogbank::broker {
namespace {

constexpr const char* loopback = "127.0.0.1";
// How often a stopping broker looks whether the last PUBACKs have left.
constexpr std::chrono::milliseconds drain_check{5};
// A shard that does not answer within this time is not running any more; stopping must not hang on it.
constexpr std::chrono::seconds shard_answer_deadline{5};

/// Each event to the log and to the topics.
class LifecycleFan final : public LifecycleObserver {
  public:
    LifecycleFan(Router& router, const Clock& clock) : events_(router, router, clock) {}
    void connected(const ConnectionIdentity& connection) override {
        log_.connected(connection);
        events_.connected(connection);
    }
    void disconnected(const ConnectionIdentity& connection, DisconnectReason reason, std::string_view detail) override {
        log_.disconnected(connection, reason, detail);
        events_.disconnected(connection, reason, detail);
    }
    void connect_failed(const ConnectionIdentity& connection, std::string_view detail) override {
        log_.connect_failed(connection, detail);
        events_.connect_failed(connection, detail);
    }
    void subscribed(const ConnectionIdentity& connection, std::span<const std::string_view> topic_filters) override {
        log_.subscribed(connection, topic_filters);
        events_.subscribed(connection, topic_filters);
    }
    void unsubscribed(const ConnectionIdentity& connection, std::span<const std::string_view> topic_filters) override {
        log_.unsubscribed(connection, topic_filters);
        events_.unsubscribed(connection, topic_filters);
    }

  private:
    LifecycleLog log_;
    LifecycleEvents events_;
};

class BrokerServer final : public Broker, private RevocationObserver {
  public:
    explicit BrokerServer(const Dependencies& dependencies)
        : lifecycle_(dependencies.router, dependencies.clock), core_(dependencies, lifecycle_), control_(core_) {
        core_.router.keep_retained_in(core_.retained.get());
    }
    ~BrokerServer() override {
        stop(std::chrono::milliseconds(0));
        core_.router.keep_retained_in(nullptr);
    }

    boost::asio::awaitable<Result<void>> restore() override {
        Result<void> done = co_await core_.retained->restore();
        if (!done) co_return done;
        Result<std::vector<LostWill>> lost = co_await restore_sessions(core_);
        if (!lost) co_return lost.error();
        lost_wills_ = std::move(*lost);
        co_return done;
    }

    RetainedMessages& retained() override { return *core_.retained; }
    Connections& connections() override { return control_; }
    RevocationObserver& revocations() override { return *this; }
    void principal_revoked(const std::string& principal_id, const std::string& reason) override {
        for (const auto& state : core_.states) {
            state->shard.post(
                [&state, principal_id, reason] { state->close_principal(principal_id, DisconnectReason::auth_error, reason); });
        }
    }

    Result<Ports> listen(const ListenerOptions& options) override {
        std::shared_ptr<TlsContext> tls;
        if (options.mqtts_port >= 0 || options.alpn_port >= 0) {
            auto created = TlsContext::create(
                {options.certificate_chain_pem, options.private_key_pem, options.security_policy, options.strict_server_name});
            if (!created) return created.error();
            tls = std::move(*created);
        }
        Ports ports;
        const auto open = [&](std::int32_t& bound, const std::string& address, std::int32_t port, Door door) -> Result<void> {
            if (port < 0) return {};
            auto listener = std::make_unique<Listener>(core_, core_.shards[0], door, door == Door::mqtt ? nullptr : tls,
                                                       options.proxy_protocol && door != Door::mqtt);
            auto opened = listener->open(address, port);
            if (!opened) return opened.error();
            bound = *opened;
            listeners_.push_back(std::move(listener));
            return {};
        };
        if (auto opened = open(ports.mqtts, options.bind, options.mqtts_port, Door::mqtts); !opened) return opened.error();
        if (auto opened = open(ports.alpn, options.bind, options.alpn_port, Door::alpn); !opened) return opened.error();
        if (auto opened = open(ports.mqtt, loopback, options.mqtt_port, Door::mqtt); !opened) return opened.error();
        for (const auto& state : core_.states) state->shard.post([&state] { state->start(); });
        started_ = true;
        core_.shards[0].post([this] {
            publish_lost_wills();
            for (const auto& listener : listeners_) listener->start();
        });
        return ports;
    }

    DirectPublisher& direct() override { return direct_; }

    void stop(std::chrono::milliseconds grace) override {
        if (!started_) return;
        started_ = false;
        const SteadyTime until = std::chrono::steady_clock::now() + grace;
        on_shard(core_.shards[0], [this](ShardState&) {
            for (const auto& listener : listeners_) listener->stop();
        });
        on_each_shard([](ShardState& state) { state.begin_stop(); });
        while (!drained() && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(drain_check);
        on_each_shard([](ShardState& state) {
            state.close_all(DisconnectReason::server_initiated_disconnect, "the broker stops");
            state.stop();
        });
        // What the last turn gave to other shards is worked off in the next: after these rounds nothing is under way.
        for (int i = 0; i < 3; ++i) on_each_shard([](ShardState&) {});
    }

  private:
    /// On the first shard, when everybody who listens from within is there and before any client is.
    void publish_lost_wills() {
        for (LostWill& will : std::exchange(lost_wills_, {})) {
            core_.states[0]->journal.erase(std::move(will.key));
            core_.router.publish(std::move(will.message), nullptr);
        }
    }

    bool drained() {
        const auto all = std::make_shared<std::atomic<bool>>(true);
        on_each_shard([all](ShardState& state) {
            if (!state.drained()) all->store(false);
        });
        return all->load();
    }

    /// Runs `task` on the thread of `shard` and waits until the turn in which it ran is over.
    template <class Task>
    void on_shard(Shard& shard, Task task) {
        auto done = std::make_shared<std::promise<void>>();
        std::future<void> future = done->get_future();
        shard.post([this, &shard, task, done] {
            task(*core_.states[shard.index()]);
            shard.at_end_of_turn([done] { done->set_value(); });
        });
        if (future.wait_for(shard_answer_deadline) != std::future_status::ready) {
            logger("broker").error("a shard does not run shard={}", shard.index());
        }
    }
    template <class Task>
    void on_each_shard(Task task) {
        for (std::size_t i = 0; i < core_.shards.size(); ++i) on_shard(core_.shards[i], task);
    }

    LifecycleFan lifecycle_;
    Core core_;
    ConnectionControl control_;
    DirectMessages direct_{core_.clients, core_.shards};
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::vector<LostWill> lost_wills_;  ///< from `restore` to `listen`
    bool started_ = false;
};

}  // namespace

std::unique_ptr<Broker> make_broker(Broker::Dependencies dependencies) {
    return std::make_unique<BrokerServer>(dependencies);
}

}  // namespace fogbank::broker
