// Persistent sessions: what is durable when, takeovers across shards, shared subscriptions, DeleteConnection, revocation, activity.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "store/kv/memory_engine.h"
#include "tests/broker/packet_script.h"
#include "tests/broker/test_broker.h"

namespace fogbank::broker::testing {
namespace {

/// A memory engine whose commits wait until the test lets them go.
class HeldEngine final : public store::kv::Engine {
  public:
    HeldEngine() : inner_(store::kv::make_memory_engine()) {}
    boost::asio::awaitable<Result<std::optional<std::string>>> get(std::string key) override { return inner_->get(std::move(key)); }
    boost::asio::awaitable<Result<std::vector<std::optional<std::string>>>> multi_get(std::vector<std::string> keys) override {
        return inner_->multi_get(std::move(keys));
    }
    boost::asio::awaitable<Result<store::kv::Page>> scan(store::kv::ScanOptions options) override {
        return inner_->scan(std::move(options));
    }
    void commit(store::kv::Batch batch, store::kv::CommitHandler done) override {
        const std::lock_guard lock(mutex_);
        for (const auto& write : batch.writes) ++(write.value ? puts_ : erases_);
        waiting_.push_back([this, batch = std::move(batch), done = std::move(done)]() mutable {
            if (failing_) return done(Error(CommonErrc::io_error, "disk full"));
            inner_->commit(std::move(batch), std::move(done));
        });
        if (!holding_) run_all();
    }
    void transact(store::kv::TransactionBody body, store::kv::CommitHandler done) override {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(
            [this, body = std::move(body), done = std::move(done)]() mutable { inner_->transact(std::move(body), std::move(done)); });
        if (!holding_) run_all();
    }
    void stop() override { inner_->stop(); }

    void hold() {
        const std::lock_guard lock(mutex_);
        holding_ = true;
    }
    void let_go() {
        const std::lock_guard lock(mutex_);
        holding_ = false;
        run_all();
    }
    void fail() {
        const std::lock_guard lock(mutex_);
        failing_ = true;
    }
    std::size_t puts() {
        const std::lock_guard lock(mutex_);
        return puts_;
    }

  private:
    void run_all() {
        for (auto& task : waiting_) task();
        waiting_.clear();
    }
    std::unique_ptr<store::kv::Engine> inner_;
    std::recursive_mutex mutex_;
    std::vector<UniqueFunction<void()>> waiting_;
    bool holding_ = false, failing_ = false;
    std::size_t puts_ = 0, erases_ = 0;
};

class Feed final : public ActivityRecorder {
  public:
    void record(Activity activity) override {
        const std::lock_guard lock(mutex_);
        lines_.push_back(std::string(activity.kind) + " " + activity.client_id + " " + activity.topic);
    }
    bool has(const std::string& line) {
        const std::lock_guard lock(mutex_);
        return std::find(lines_.begin(), lines_.end(), line) != lines_.end();
    }

  private:
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

TestBroker::Options with_store(store::kv::Engine& store, std::size_t shards = 1, QuotaProfile profile = QuotaProfile::aws) {
    TestBroker::Options options;
    options.store = &store;
    options.shards = shards;
    options.profile = profile;
    return options;
}

/// Connects without clean session.
MqttClient persistent(TestBroker& broker, std::string_view client_id, bool session_present) {
    MqttClient client(broker.ports.mqtt);
    mqtt::Connect connect;
    connect.client_id = client_id;
    connect.clean_session = false;
    client.connect_with(connect);
    EXPECT_EQ(hex_encode(client.receive_packet()), session_present ? "20020100" : "20020000") << client_id;
    return client;
}

TEST(PersistentSessions, PubackWaitsForTheCommitWhileTheSubscriberIsAway) {
    HeldEngine store;
    TestBroker broker(with_store(store));
    MqttClient subscriber = persistent(broker, "s", false);
    subscriber.subscribe("a", 1);
    subscriber.send_hex("E000");
    ASSERT_TRUE(subscriber.closed());
    MqttClient publisher = broker.connected("p");
    store.hold();
    publisher.publish("a", "x", 1);
    publisher.ping();  // taken, not acknowledged
    store.let_go();
    publisher.expect_puback(1);
}

TEST(PersistentSessions, AFailedCommitIsNotAcknowledged) {
    HeldEngine store;
    TestBroker broker(with_store(store));
    MqttClient subscriber = persistent(broker, "s", false);
    subscriber.subscribe("a", 1);
    subscriber.send_hex("E000");
    ASSERT_TRUE(subscriber.closed());
    MqttClient publisher = broker.connected("p");
    store.fail();
    publisher.publish("a", "x", 1);
    EXPECT_TRUE(publisher.closed());
    EXPECT_EQ(broker.disconnects(DisconnectReason::server_error), 1U);
}

TEST(PersistentSessions, SubackWaitsForTheCommit) {
    HeldEngine store;
    TestBroker broker(with_store(store));
    MqttClient subscriber = persistent(broker, "s", false);
    store.hold();
    subscriber.send_subscribe("a", 1);
    subscriber.ping();
    store.let_go();
    EXPECT_EQ(hex_encode(subscriber.receive_packet()), "9003000101");
}

// The publisher's PUBACK leaves when the subscriber has acknowledged: no write at all.
TEST(PersistentSessions, AQuickAcknowledgementCostsNoWrite) {
    HeldEngine store;
    TestBroker broker(with_store(store));
    MqttClient subscriber = persistent(broker, "s", false);
    subscriber.subscribe("a", 1);
    MqttClient publisher = broker.connected("p");
    const std::size_t before = store.puts();
    store.hold();  // what is written for slow ones stays unanswered, so a PUBACK here has not waited for it
    publisher.publish("a", "x", 1);
    ASSERT_TRUE(subscriber.receive_publish());
    publisher.expect_puback(1);
    store.let_go();
    subscriber.ping();
    EXPECT_LE(store.puts() - before, 1U);  // the machine may be slower than the grace once
}

TEST(PersistentSessions, AMessageForSeveralIsWrittenOnce) {
    HeldEngine store;
    TestBroker broker(with_store(store));
    for (const char* id : {"s1", "s2", "s3"}) {
        MqttClient subscriber = persistent(broker, id, false);
        subscriber.subscribe("a", 1);
        subscriber.send_hex("E000");
        ASSERT_TRUE(subscriber.closed());
    }
    MqttClient publisher = broker.connected("p");
    const std::size_t before = store.puts();
    publisher.publish("a", std::string(1000, 'x'), 1);
    publisher.expect_puback(1);
    EXPECT_EQ(store.puts() - before, 4U);  // an entry each, and the message
    for (const char* id : {"s1", "s2", "s3"}) {
        MqttClient subscriber = persistent(broker, id, true);
        const auto received = subscriber.receive_publish();
        ASSERT_TRUE(received);
        EXPECT_EQ(received->payload, std::string(1000, 'x'));
        subscriber.ping();
    }
}

TEST(PersistentSessions, WhatIsAcknowledgedLeavesTheStore) {
    const auto store = store::kv::make_memory_engine();
    {
        TestBroker broker(with_store(*store));
        MqttClient subscriber = persistent(broker, "s", false);
        subscriber.subscribe("a", 1);
        subscriber.send_hex("E000");
        ASSERT_TRUE(subscriber.closed());
        MqttClient publisher = broker.connected("p");
        for (std::uint16_t i = 1; i <= 20; ++i) publisher.publish("a", std::to_string(i), i);
        for (std::uint16_t i = 1; i <= 20; ++i) publisher.expect_puback(i);
        MqttClient back = persistent(broker, "s", true);
        for (int i = 1; i <= 20; ++i) ASSERT_TRUE(back.receive_publish());
        back.ping();
        MqttClient clean = broker.connected("s");  // ends the session
        clean.ping();
    }
    store::kv::ScanOptions everything;
    everything.range.begin = "mqtt";
    const auto left = fogbank::testing::run(store->scan(everything));
    ASSERT_TRUE(left);
    EXPECT_TRUE(left->items.empty()) << left->items.size() << " " << hex_encode(left->items.front().key);
}

TEST(PersistentSessions, TakeoverAcrossShardsLosesNothing) {
    const auto store = store::kv::make_memory_engine();
    TestBroker broker(with_store(*store, 2, QuotaProfile::relaxed));
    {
        MqttClient first = persistent(broker, "s", false);
        first.subscribe("a", 1);
    }
    constexpr int count = 3'000;
    std::thread publishing([&] {
        MqttClient publisher = broker.connected("p");
        for (int i = 1; i <= count; ++i) {
            publisher.publish("a", std::to_string(i), static_cast<std::uint16_t>(i));
            publisher.expect_puback(static_cast<std::uint16_t>(i));
        }
    });
    std::set<std::string> seen;
    int round = 0;
    while (seen.size() < count) {
        MqttClient shifts_the_next_shard(broker.ports.mqtt);
        MqttClient next = persistent(broker, "s", true);
        // Each connection takes a few and leaves without a word, some of them unacknowledged.
        for (int i = 0; i < 200 && seen.size() < count; ++i) {
            const auto received = next.receive_publish(i % 7 != 0 || round > 40);
            if (!received) break;
            seen.insert(received->payload);
        }
        ++round;
    }
    publishing.join();
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(count));
}

TEST(PersistentSessions, RacingTakeoversLeaveOneConnectionAndTheSession) {
    const auto store = store::kv::make_memory_engine();
    TestBroker broker(with_store(*store, 2, QuotaProfile::relaxed));
    { MqttClient first = persistent(broker, "s", false); }
    std::mutex mutex;
    std::vector<MqttClient> clients;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 25; ++i) {
                MqttClient client(broker.ports.mqtt);
                mqtt::Connect connect;
                connect.client_id = "s";
                connect.clean_session = false;
                client.connect_with(connect);
                const std::lock_guard lock(mutex);
                clients.push_back(std::move(client));
            }
        });
    }
    for (auto& thread : threads) thread.join();
    ASSERT_TRUE(eventually([&] { return broker.disconnects(DisconnectReason::duplicate_clientid) == 99 && broker.connections() == 1; }))
        << broker.disconnects(DisconnectReason::duplicate_clientid) << " " << broker.connections();
    int alive = 0;
    for (MqttClient& client : clients) {
        client.send_hex("C000");
        if (client.receive(6) == MqttClient::unhex("20020100D000")) ++alive;
    }
    EXPECT_EQ(alive, 1);
}

TEST(PersistentSessions, TheQueueOfAnAbsentClientIsBounded) {
    const auto store = store::kv::make_memory_engine();
    TestBroker broker(with_store(*store, 1, QuotaProfile::relaxed));
    {
        MqttClient first = persistent(broker, "s", false);
        first.subscribe("a", 1);
    }
    ASSERT_TRUE(eventually([&] { return broker.connections() == 0; }));
    MqttClient publisher = broker.connected("p");
    const std::string payload(100'000, 'x');
    for (std::uint16_t i = 1; i <= 200; ++i) {
        publisher.publish("a", payload, i);
        publisher.expect_puback(i);
    }
    const std::uint64_t dropped = broker.dropped("queue_full");
    EXPECT_GT(dropped, 0U);
    MqttClient back = persistent(broker, "s", true);
    for (std::uint64_t i = 0; i < 200 - dropped; ++i) ASSERT_TRUE(back.receive_publish());
    back.ping();
}

TEST(SharedSubscriptions, AreFairAndFailOver) {
    TestBroker broker(QuotaProfile::relaxed);
    std::vector<MqttClient> members;
    for (int i = 0; i < 3; ++i) {
        members.push_back(broker.connected("m" + std::to_string(i)));
        members.back().subscribe("$share/g/t", 1);
    }
    MqttClient publisher = broker.connected("p");
    for (std::uint16_t i = 1; i <= 30; ++i) publisher.publish("t", std::to_string(i), i);
    for (std::uint16_t i = 1; i <= 30; ++i) publisher.expect_puback(i);
    std::set<std::string> seen;
    for (int i = 0; i < 3; ++i) {
        for (int n = 0; n < 10; ++n) {
            const auto received = members[static_cast<std::size_t>(i)].receive_publish(i != 0);
            ASSERT_TRUE(received);
            if (i != 0) seen.insert(received->payload);
        }
    }
    members.erase(members.begin());  // the one that acknowledged nothing
    for (int n = 0; n < 10; ++n) {
        const auto received = members[static_cast<std::size_t>(n % 2)].receive_publish();
        ASSERT_TRUE(received);
        seen.insert(received->payload);
    }
    EXPECT_EQ(seen.size(), 30U);
}

TEST(SharedSubscriptions, GroupsAndMembersAreLimited) {
    TestBroker broker;
    MqttClient first = broker.connected("c0");
    for (int i = 0; i < 50; ++i) first.subscribe("$share/g" + std::to_string(i) + "/t", 0);
    MqttClient second = broker.connected("c1");
    for (int i = 50; i < 100; ++i) second.subscribe("$share/g" + std::to_string(i) + "/t", 0);
    MqttClient third = broker.connected("c2");
    third.send_subscribe("$share/g100/t", 0);
    EXPECT_EQ(hex_encode(third.receive_packet()), "9003000180");
    std::vector<MqttClient> members;
    for (int i = 0; i < 99; ++i) {
        members.push_back(broker.connected("m" + std::to_string(i)));
        members.back().subscribe("$share/g0/t", 0);
    }
    third.send_subscribe("$share/g0/t", 0);
    EXPECT_EQ(hex_encode(third.receive_packet()), "9003000180");
}

TEST(Connections, CanBeDeletedThroughTheApi) {
    const auto store = store::kv::make_memory_engine();
    TestBroker broker(with_store(*store, 2));
    MqttClient watcher = broker.connected("w");
    watcher.subscribe("gone", 0);
    Connections& connections = broker.broker->connections();
    const auto with_will = [&](bool clean) {
        MqttClient client(broker.ports.mqtt);
        client.send(PacketScript::bytes(std::string("10 [s'MQTT' 04 ") + (clean ? "06" : "04") + " 003c s'c' s'gone' s'bye']"));
        EXPECT_EQ(client.receive_packet().substr(3), std::string(1, '\0'));
        return client;
    };
    EXPECT_FALSE(fogbank::testing::run(connections.delete_connection(ClientId("c"), false, false)));
    MqttClient first = with_will(true);
    EXPECT_TRUE(fogbank::testing::run(connections.delete_connection(ClientId("c"), false, true)));
    EXPECT_TRUE(first.closed());
    watcher.ping();
    MqttClient second = with_will(false);
    second.subscribe("b", 1);
    second.subscribe("a", 0);
    const auto described = fogbank::testing::run(connections.describe_connection(ClientId("c")));
    ASSERT_TRUE(described);
    EXPECT_TRUE(described->connected);
    EXPECT_FALSE(described->clean_session);
    EXPECT_EQ(described->keep_alive.count(), 60);
    EXPECT_TRUE(fogbank::testing::run(connections.delete_connection(ClientId("c"), false, false)));
    EXPECT_TRUE(second.closed());
    ASSERT_TRUE(watcher.receive_publish());
    const auto offline = fogbank::testing::run(connections.describe_connection(ClientId("c")));
    ASSERT_TRUE(offline);
    EXPECT_FALSE(offline->connected);
    EXPECT_EQ(offline->disconnect_reason, "API_INITIATED_DISCONNECT");
    const auto subscriptions = fogbank::testing::run(connections.list_subscriptions(ClientId("c")));
    ASSERT_TRUE(subscriptions);
    ASSERT_EQ(subscriptions->size(), 2U);
    EXPECT_EQ(subscriptions->front().topic_filter, "a");
    EXPECT_TRUE(fogbank::testing::run(connections.delete_connection(ClientId("c"), true, false)));
    EXPECT_FALSE(fogbank::testing::run(connections.describe_connection(ClientId("c"))).has_value());
    EXPECT_EQ(broker.disconnects(DisconnectReason::api_initiated_disconnect), 2U);
}

TEST(LifecycleEvents, HaveEveryDocumentedMember) {
    TestBroker broker;
    MqttClient watcher = broker.connected("w");
    watcher.subscribe("$aws/events/presence/+/c/d", 1);
    watcher.subscribe("$aws/events/subscriptions/+/c/d", 1, 2);
    const auto next = [&](const std::string& topic) {
        const auto received = watcher.receive_publish();
        if (!received) return nlohmann::json();
        EXPECT_EQ(received->topic_name, "$aws/events/" + topic + "/c/d");
        return nlohmann::json::parse(received->payload);
    };
    std::string session;
    for (int version = 0; version < 2; ++version) {
        MqttClient client = broker.connected("c/d");
        const auto connected = next("presence/connected");
        EXPECT_EQ(connected["clientId"], "c/d");
        EXPECT_EQ(connected["timestamp"], 1'767'323'045'000);
        EXPECT_EQ(connected["eventType"], "connected");
        EXPECT_EQ(connected["principalIdentifier"], "");
        EXPECT_EQ(connected["ipAddress"], "127.0.0.1");
        EXPECT_EQ(connected["versionNumber"], version);
        EXPECT_EQ(connected["sessionIdentifier"].get<std::string>().size(), 36U);
        EXPECT_NE(connected["sessionIdentifier"], session);
        session = connected["sessionIdentifier"].get<std::string>();
        client.subscribe("x/+", 0);
        const auto subscribed = next("subscriptions/subscribed");
        EXPECT_EQ(subscribed["topics"], nlohmann::json::array({"x/+"}));
        EXPECT_EQ(subscribed["eventType"], "subscribed");
        client.send_hex(version == 0 ? "E000" : "F000");
        const auto disconnected = next("presence/disconnected");
        EXPECT_EQ(disconnected["eventType"], "disconnected");
        EXPECT_EQ(disconnected["sessionIdentifier"], session);
        EXPECT_EQ(disconnected["clientInitiatedDisconnect"], version == 0);
        EXPECT_EQ(disconnected["disconnectReason"], version == 0 ? "CLIENT_INITIATED_DISCONNECT" : "CLIENT_ERROR");
        EXPECT_EQ(disconnected["versionNumber"], version);
    }
}

TEST(ActivityFeed, RecordsConnectsRefusalsAndEnds) {
    Feed feed;
    TestBroker::Options options;
    options.activity = &feed;
    TestBroker broker(options);
    MqttClient client = broker.connected("c");
    EXPECT_TRUE(eventually([&] { return feed.has("connected c "); }));
    client.send(PacketScript::bytes("82 [0001 s'$SYS/x' 00]"));
    EXPECT_EQ(hex_encode(client.receive_packet()), "9003000180");
    EXPECT_TRUE(feed.has("subscribe_refused c $SYS/x"));
    client.send_hex("F000");
    EXPECT_TRUE(client.closed());
    EXPECT_TRUE(feed.has("disconnected c "));
}

TEST(RetainedMessages, AreListedAndFound) {
    const auto store = store::kv::make_memory_engine();
    TestBroker broker(with_store(*store, 1, QuotaProfile::relaxed));
    MqttClient client = broker.connected("c");
    for (int i = 0; i < 5; ++i)
        client.send(MqttClient::publish_packet("r/" + std::to_string(i), std::string(static_cast<std::size_t>(i), 'x') + "!", 0, true));
    client.send(MqttClient::publish_packet("r/3", "", 0, true));
    client.ping();
    RetainedMessages& retained = broker.broker->retained();
    const RetainedPage first = retained.list_retained("", 3);
    ASSERT_EQ(first.topics.size(), 3U);
    EXPECT_TRUE(first.more);
    EXPECT_EQ(first.topics[1].topic_name, "r/1");
    EXPECT_EQ(first.topics[1].payload_bytes, 2U);
    const RetainedPage rest = retained.list_retained(first.topics.back().topic_name, 3);
    ASSERT_EQ(rest.topics.size(), 1U);
    EXPECT_FALSE(rest.more);
    EXPECT_EQ(rest.topics[0].topic_name, "r/4");
    const auto found = fogbank::testing::run(retained.find_retained("r/4"));
    ASSERT_TRUE(found && *found);
    EXPECT_EQ((*found)->payload(), "xxxx!");
    const auto gone = fogbank::testing::run(retained.find_retained("r/3"));
    ASSERT_TRUE(gone);
    EXPECT_FALSE(*gone);
}

}  // namespace
}  // namespace fogbank::broker::testing
