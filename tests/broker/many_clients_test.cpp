// Several shards, many clients: order, fan-out, takeover races, crowds.
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <thread>

#include "tests/broker/test_broker.h"

namespace fogbank::broker::testing {
namespace {

TestBroker::Options two_shards() {
    TestBroker::Options options;
    options.shards = 2;
    options.profile = QuotaProfile::relaxed;
    return options;
}

TEST(ManyClients, OrderIsKeptAcrossShards) {
    TestBroker broker(two_shards());
    std::vector<MqttClient> subscribers;
    for (int i = 0; i < 4; ++i) {
        subscribers.push_back(broker.connected("s" + std::to_string(i)));
        subscribers.back().subscribe("t/+", 1);
    }
    constexpr int count = 2'000;
    const auto publish_all = [&](const std::string& name) {
        MqttClient publisher = broker.connected("p" + name);
        std::string bytes;
        for (int i = 0; i < count; ++i)
            bytes += MqttClient::publish_packet("t/" + name, std::to_string(i), static_cast<std::uint16_t>(i + 1));
        std::thread sender([&] { publisher.send(bytes); });
        for (int i = 0; i < count; ++i) publisher.expect_puback(static_cast<std::uint16_t>(i + 1));
        sender.join();
    };
    std::thread one([&] { publish_all("one"); });
    std::thread two([&] { publish_all("two"); });
    for (MqttClient& subscriber : subscribers) {
        std::map<std::string, int> next;
        for (int i = 0; i < 2 * count; ++i) {
            const auto received = subscriber.receive_publish();
            ASSERT_TRUE(received);
            ASSERT_EQ(received->payload, std::to_string(next[received->topic_name]++));
        }
    }
    one.join();
    two.join();
}

TEST(ManyClients, OneToAHundred) {
    TestBroker broker(two_shards());
    std::vector<MqttClient> subscribers;
    for (int i = 0; i < 100; ++i) {
        subscribers.push_back(broker.connected("s" + std::to_string(i)));
        subscribers.back().subscribe(i % 3 == 0 ? "news/#" : "news/today", static_cast<std::uint8_t>(i % 2));
    }
    MqttClient publisher = broker.connected("publisher");
    for (std::uint16_t i = 1; i <= 50; ++i) publisher.publish("news/today", std::to_string(i), i);
    for (MqttClient& subscriber : subscribers) {
        for (int i = 1; i <= 50; ++i) {
            const auto received = subscriber.receive_publish();
            ASSERT_TRUE(received);
            ASSERT_EQ(received->payload, std::to_string(i));
        }
    }
}

TEST(ManyClients, TheNewcomerTakesTheClientId) {
    TestBroker broker(two_shards());
    // Dealt in turn, so the takeover crosses shards at least once.
    MqttClient first = broker.connected("same");
    MqttClient second = broker.connected("same");
    EXPECT_TRUE(first.closed());
    MqttClient between = broker.connected("other");
    MqttClient third = broker.connected("same");
    EXPECT_TRUE(second.closed());
    third.ping();
    between.ping();
    EXPECT_EQ(broker.disconnects(DisconnectReason::duplicate_clientid), 2U);
    EXPECT_EQ(broker.connections(), 2);
}

TEST(ManyClients, OfRacingConnectsExactlyOneStays) {
    TestBroker broker(two_shards());
    std::mutex mutex;
    std::vector<MqttClient> clients;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 25; ++i) {
                MqttClient client(broker.ports.mqtt);
                mqtt::Connect connect;
                connect.client_id = "contended";
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
        std::string all = client.receive(6);
        if (all == MqttClient::unhex("20020000D000")) ++alive;
    }
    EXPECT_EQ(alive, 1);
}

TEST(ManyClients, ACrowdOfConnectsAndDisconnectsLeavesNothingBehind) {
    TestBroker broker(two_shards());
    MqttClient steady = broker.connected("steady");
    for (int round = 0; round < 5; ++round) {
        std::vector<MqttClient> crowd;
        for (int i = 0; i < 100; ++i) {
            crowd.emplace_back(broker.ports.mqtt);
            mqtt::Connect connect;
            const std::string client_id = "crowd" + std::to_string(i);
            connect.client_id = client_id;
            if (i % 10 != 9) {
                crowd.back().connect_with(connect);
            } else {
                crowd.back().send("garbage that is no CONNECT at all");
            }
            if (i % 3 == 0) crowd.back().send_subscribe("a/#", 1);
        }
        steady.ping();
    }
    EXPECT_TRUE(eventually([&] { return broker.connections() == 1; })) << broker.connections();
    steady.ping();
}

TEST(ManyClients, SubscribersComeAndGoWhileMessagesFlow) {
    TestBroker broker(two_shards());
    std::atomic<bool> stop{false};
    std::thread publishing([&] {
        MqttClient publisher = broker.connected("publisher");
        std::uint16_t id = 0;
        while (!stop) {
            id = static_cast<std::uint16_t>(id % 60'000 + 1);
            publisher.publish("churn/" + std::to_string(id % 10), "x", id);
            publisher.expect_puback(id);
        }
    });
    for (int round = 0; round < 60; ++round) {
        MqttClient subscriber = broker.connected("s" + std::to_string(round % 5));
        subscriber.subscribe("churn/#", 1);
        EXPECT_TRUE(subscriber.receive_publish());
        if (round % 2 == 0) subscriber.send_hex("E000");
    }
    stop = true;
    publishing.join();
}

TEST(ManyClients, PublishesFromOutsideTheShardsKeepTheirOrder) {
    TestBroker broker(two_shards());
    MqttClient subscriber = broker.connected("subscriber");
    subscriber.subscribe("inside", 1);
    auto origin = std::make_shared<MessageOrigin>();
    std::atomic<int> acknowledged{0};
    for (int i = 0; i < 500; ++i) {
        const std::string payload = std::to_string(i);
        Message::Options options;
        options.topic_name = "inside";
        options.payload = payload;
        options.qos = Qos::at_least_once;
        options.origin = origin;
        broker.router->publish(Message::create(std::move(options)), [&](Result<void> result) { acknowledged += result ? 1 : 0; });
    }
    for (int i = 0; i < 500; ++i) {
        const auto received = subscriber.receive_publish();
        ASSERT_TRUE(received);
        ASSERT_EQ(received->payload, std::to_string(i));
    }
    EXPECT_TRUE(eventually([&] { return acknowledged == 500; }));
}

}  // namespace
}  // namespace fogbank::broker::testing
