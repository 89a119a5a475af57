/// A whole broker in the test's process, on free ports, with a scripted authenticator, a clock that the test moves, and real sockets.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "broker/broker.h"
#include "broker/disconnect_reason.h"
#include "broker/errc.h"
#include "common/common_errc.h"
#include "common/logging.h"
#include "common/x509.h"
#include "store/kv/engine.h"
#include "tests/broker/mqtt_client.h"
#include "tests/support/fakes.h"

namespace fogbank::broker::testing {

/// Stands still until told; may be moved while the shards read it.
class SharedClock final : public Clock {
  public:
    WallTime now() const override { return WallTime(std::chrono::milliseconds(1'767'323'045'000 + passed_ms_.load())); }
    SteadyTime steady() const override { return SteadyTime(std::chrono::milliseconds(1'000'000 + passed_ms_.load())); }
    void advance(std::chrono::milliseconds by) { passed_ms_ += by.count(); }

  private:
    std::atomic<std::int64_t> passed_ms_{0};
};

/// What principals may do: everything but what was forbidden.
class Rulebook {
  public:
    void forbid(IotAction action, std::string resource_name) {
        const std::lock_guard lock(mutex_);
        forbidden_.insert({action, std::move(resource_name)});
        ++version_;
    }
    bool allows(IotAction action, std::string_view resource_name) {
        const std::lock_guard lock(mutex_);
        ++asked_;
        return !forbidden_.contains({action, std::string(resource_name)});
    }
    std::uint64_t version() const { return version_.load(); }
    std::string thing_name;  ///< of everybody's exclusive thing; set before anybody connects
    std::size_t asked() const {
        const std::lock_guard lock(mutex_);
        return asked_;
    }

  private:
    mutable std::mutex mutex_;
    std::set<std::pair<IotAction, std::string>> forbidden_;
    std::size_t asked_ = 0;
    std::atomic<std::uint64_t> version_{1};
};

class FakePermissions final : public Permissions {
  public:
    explicit FakePermissions(Rulebook& rulebook) : rulebook_(rulebook) {}
    bool allows(IotAction action, std::string_view resource_name) override { return rulebook_.allows(action, resource_name); }
    AccessDecision explain(IotAction action, std::string_view resource_name) override {
        AccessDecision decision;
        decision.outcome =
            rulebook_.allows(action, resource_name) ? AccessDecision::Outcome::allowed : AccessDecision::Outcome::explicit_deny;
        decision.reason = std::string(iot_action_name(action)) + " on " + std::string(resource_name) + " is forbidden by the test";
        return decision;
    }
    std::uint64_t version() const override { return rulebook_.version(); }
    std::string exclusive_thing_name() const override { return rulebook_.thing_name; }

  private:
    Rulebook& rulebook_;
};

class FakeAuthenticator final : public Authenticator {
  public:
    Rulebook rulebook;

    void refuse_certificates() { refuse_ = true; }
    ConnectionFacts last_facts() const {
        const std::lock_guard lock(mutex_);
        return last_facts_;
    }

    boost::asio::awaitable<Result<Principal>> authenticate_certificate(std::string certificate_der) override {
        if (refuse_) co_return Error(CommonErrc::invalid_configuration, "certificate is not registered");
        Principal principal;
        principal.id = x509::certificate_id(certificate_der);
        principal.arn = "arn:aws:iot:us-east-1:000000000000:cert/" + principal.id;
        co_return principal;
    }
    boost::asio::awaitable<Result<std::unique_ptr<Permissions>>> permissions(Principal, ConnectionFacts facts) override {
        {
            const std::lock_guard lock(mutex_);
            last_facts_ = std::move(facts);
        }
        std::unique_ptr<Permissions> permissions = std::make_unique<FakePermissions>(rulebook);
        co_return permissions;
    }
    void observe_revocations(RevocationObserver* observer) override { revocations = observer; }

    std::atomic<RevocationObserver*> revocations{nullptr};

  private:
    std::atomic<bool> refuse_{false};
    mutable std::mutex mutex_;
    ConnectionFacts last_facts_;
};

/// Looks again until `condition` holds; false after five seconds.
inline bool eventually(const std::function<bool()>& condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::yield();
    }
    return true;
}

class TestBroker {
  public:
    struct Options {
        std::size_t shards = 1;
        QuotaProfile profile = QuotaProfile::aws;
        std::vector<std::pair<Quota, std::int64_t>> quotas;  ///< other than the profile's
        std::string certificate_chain_pem, private_key_pem;  ///< empty: the plain port only
        std::string security_policy = std::string(default_tls_policy_name);
        bool strict_server_name = false, proxy_protocol = false;
        const UpgradeAuthenticator* upgrades = nullptr;
        CustomAuthenticator* custom = nullptr;
        HttpDoor* http = nullptr;
        store::kv::Engine* store = nullptr;
        ActivityRecorder* activity = nullptr;
    };
    TestBroker() : TestBroker(Options()) {}
    explicit TestBroker(QuotaProfile profile) : TestBroker(with_profile(profile)) {}
    explicit TestBroker(const Options& options)
        : quotas(quotas_of(options)),
          pool(options.shards),
          router(make_router(pool, clock, metrics, quotas)),
          broker(make_broker(dependencies(options))) {
        const char* level = std::getenv("FOGBANK_TEST_LOG");
        configure_logging(level != nullptr ? level : "off");
        pool.start();
        ListenerOptions listener;
        listener.bind = "127.0.0.1";
        const bool secure = !options.private_key_pem.empty();
        listener.mqtts_port = listener.alpn_port = secure ? 0 : -1;
        listener.mqtt_port = 0;
        listener.certificate_chain_pem = options.certificate_chain_pem;
        listener.private_key_pem = options.private_key_pem;
        listener.security_policy = options.security_policy;
        listener.strict_server_name = options.strict_server_name;
        listener.proxy_protocol = options.proxy_protocol;
        if (auto restored = fogbank::testing::run(broker->restore()); !restored) throw std::runtime_error(restored.error().message);
        auto opened = broker->listen(listener);
        if (!opened) {
            broker.reset();
            pool.stop();
            throw std::runtime_error(opened.error().message);
        }
        ports = *opened;
    }
    ~TestBroker() {
        broker->stop(std::chrono::seconds(1));
        broker.reset();
        pool.stop();
    }
    TestBroker(const TestBroker&) = delete;
    TestBroker& operator=(const TestBroker&) = delete;

    MqttClient client() const { return MqttClient(ports.mqtt); }
    /// A client that has got its CONNACK.
    MqttClient connected(std::string_view client_id) const {
        MqttClient made(ports.mqtt);
        made.connect(client_id);
        return made;
    }

    std::uint64_t disconnects(DisconnectReason reason) {
        return metrics.counter("fogbank_broker_disconnects_total", "", "reason=\"" + std::string(disconnect_reason_name(reason)) + "\"")
            .value();
    }
    std::uint64_t dropped(std::string_view cause) {
        return metrics.counter("fogbank_broker_messages_dropped_total", "", "cause=\"" + std::string(cause) + "\"").value();
    }
    std::int64_t connections() { return metrics.gauge("fogbank_broker_connections", "").value(); }

    SharedClock clock;
    SystemRandom random;
    Metrics metrics;
    Quotas quotas;
    FakeAuthenticator authenticator;
    ShardPool pool;
    std::unique_ptr<Router> router;
    std::unique_ptr<Broker> broker;
    Ports ports;

  private:
    static Quotas quotas_of(const Options& options) {
        Quotas out(options.profile);
        for (const auto& [quota, limit] : options.quotas) out = out.with(quota, limit);
        return out;
    }
    Broker::Dependencies dependencies(const Options& options) {
        Broker::Dependencies out{pool, *router, authenticator, clock, random, metrics, quotas};
        out.store = options.store;
        out.activity = options.activity;
        out.upgrades = options.upgrades;
        out.custom = options.custom;
        out.http = options.http;
        return out;
    }
    static Options with_profile(QuotaProfile profile) {
        Options options;
        options.profile = profile;
        return options;
    }
};

/// A subscriber that is no session: keeps what it is given, and its holds if told so.
class Recorder final : public Subscriber {
  public:
    explicit Recorder(bool holding = false) : holding_(holding) {}
    void deliver(const MessagePtr& message, const SubscriptionOptions&, PublishContext& context) override {
        const std::lock_guard lock(mutex_);
        payloads_.emplace_back(message->payload());
        if (holding_) holds_.push_back(context.hold());
    }
    std::size_t count() const {
        const std::lock_guard lock(mutex_);
        return payloads_.size();
    }
    std::vector<std::string> payloads() const {
        const std::lock_guard lock(mutex_);
        return payloads_;
    }
    /// The hold of the `index`th delivery; the caller lets it go.
    Hold take_hold(std::size_t index) {
        const std::lock_guard lock(mutex_);
        return std::move(holds_.at(index));
    }
    void release_all() {
        std::vector<Hold> released;
        const std::lock_guard lock(mutex_);
        released.swap(holds_);
    }

  private:
    mutable std::mutex mutex_;
    bool holding_;
    std::vector<std::string> payloads_;
    std::vector<Hold> holds_;
};

}  // namespace fogbank::broker::testing
