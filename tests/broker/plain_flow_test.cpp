// The message path over the plain port: QoS 0 and 1, acknowledgements, flow control, ends of connections.
#include <gtest/gtest.h>

#include "tests/broker/test_broker.h"

namespace fogbank::broker::testing {
namespace {

TEST(PlainFlow, DeliversQos0AndQos1ToTheLowerQos) {
    TestBroker broker;
    MqttClient subscriber = broker.connected("subscriber");
    subscriber.subscribe("plant/+/zero", 0, 1);
    subscriber.subscribe("plant/+/one", 1, 2);
    MqttClient publisher = broker.connected("publisher");
    publisher.publish("plant/a/zero", "z1", 7);
    publisher.publish("plant/a/one", "o0");
    publisher.publish("plant/a/one", "o1", 8);
    publisher.expect_puback(7);
    publisher.expect_puback(8);
    auto first = subscriber.receive_publish();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->payload, "z1");
    EXPECT_EQ(first->packet_id, 0);
    auto second = subscriber.receive_publish();
    ASSERT_TRUE(second);
    EXPECT_EQ(second->payload, "o0");
    EXPECT_EQ(second->packet_id, 0);
    auto third = subscriber.receive_publish();
    ASSERT_TRUE(third);
    EXPECT_EQ(third->topic_name, "plant/a/one");
    EXPECT_NE(third->packet_id, 0);
}

TEST(PlainFlow, RetainFlagIsClearedForEstablishedSubscriptions) {
    TestBroker broker;
    MqttClient client = broker.connected("c");
    client.subscribe("a", 0);
    client.send(MqttClient::publish_packet("a", "x", 0, true));
    auto received = client.receive_publish();
    ASSERT_TRUE(received);
    EXPECT_FALSE(received->retain);
}

TEST(PlainFlow, UnsubscribeEndsDelivery) {
    TestBroker broker;
    MqttClient client = broker.connected("c");
    client.subscribe("a", 0);
    mqtt::Unsubscribe unsubscribe;
    unsubscribe.packet_id = 9;
    unsubscribe.topic_filters = {"a", "never/subscribed"};
    std::string bytes;
    mqtt::encode_unsubscribe(bytes, unsubscribe);
    client.send(bytes);
    EXPECT_EQ(hex_encode(client.receive_packet()), "b0020009");
    client.publish("a", "x");
    client.ping();
}

TEST(PlainFlow, PubackWaitsForEveryHoldAndKeepsTheOrderOfThePublishes) {
    TestBroker broker;
    auto durable = std::make_shared<Recorder>(true);
    broker.router->subscribe("held/#", durable, {});
    MqttClient client = broker.connected("c");
    for (std::uint16_t id = 1; id <= 3; ++id) client.publish("held/x", "p", id);
    client.publish("free", "p", 4);
    ASSERT_TRUE(eventually([&] { return durable->count() == 3; }));
    client.ping();  // nothing acknowledged, not even the one that nobody holds: it comes after the others
    durable->take_hold(2);
    durable->take_hold(1);
    client.ping();
    durable->take_hold(0);
    for (std::uint16_t id = 1; id <= 4; ++id) client.expect_puback(id);
}

TEST(PlainFlow, AFailedHoldClosesWithoutPuback) {
    TestBroker broker;
    auto durable = std::make_shared<Recorder>(true);
    broker.router->subscribe("held", durable, {});
    MqttClient client = broker.connected("c");
    client.publish("held", "p", 1);
    ASSERT_TRUE(eventually([&] { return durable->count() == 1; }));
    durable->take_hold(0).fail(Error(CommonErrc::io_error, "disk full"));
    EXPECT_TRUE(client.closed());
    EXPECT_EQ(broker.disconnects(DisconnectReason::server_error), 1U);
}

TEST(PlainFlow, StopsReadingAtTheInboundInFlightLimit) {
    TestBroker broker;
    auto durable = std::make_shared<Recorder>(true);
    broker.router->subscribe("held", durable, {});
    MqttClient client = broker.connected("c");
    std::string burst;
    for (std::uint16_t id = 1; id <= 150; ++id) burst += MqttClient::publish_packet("held", "p", id);
    client.send(burst);
    ASSERT_TRUE(eventually([&] { return durable->count() == 100; }));
    broker.clock.advance(std::chrono::seconds(10));  // not held back by the publish rate
    MqttClient other = broker.connected("other");
    other.ping();
    EXPECT_EQ(durable->count(), 100U);
    durable->release_all();
    ASSERT_TRUE(eventually([&] { return durable->count() == 150; }));
    durable->release_all();
    for (std::uint16_t id = 1; id <= 150; ++id) client.expect_puback(id);
}

// AWS discards the excess; here it waits so that nothing is lost (docs/parity.md).
TEST(PlainFlow, PacesPublishesAboveTheRatePerConnection) {
    TestBroker broker;
    auto recorder = std::make_shared<Recorder>();
    broker.router->subscribe("t", recorder, {});
    MqttClient client = broker.connected("c");
    std::string burst;
    for (int i = 0; i < 150; ++i) burst += MqttClient::publish_packet("t", std::to_string(i));
    client.send(burst);
    ASSERT_TRUE(eventually([&] { return recorder->count() == 100; }));
    broker.connected("other").ping();
    EXPECT_EQ(recorder->count(), 100U);
    broker.clock.advance(std::chrono::milliseconds(250));
    ASSERT_TRUE(eventually([&] { return recorder->count() == 125; }));
    broker.clock.advance(std::chrono::milliseconds(1000));
    ASSERT_TRUE(eventually([&] { return recorder->count() == 150; }));
    const auto payloads = recorder->payloads();
    for (std::size_t i = 0; i < payloads.size(); ++i) EXPECT_EQ(payloads[i], std::to_string(i));
}

TEST(PlainFlow, Qos1BeyondTheOutboundWindowWaitsForPubacks) {
    TestBroker broker(QuotaProfile::aws);
    MqttClient subscriber = broker.connected("subscriber");
    subscriber.subscribe("t", 1);
    MqttClient publisher = broker.connected("publisher");
    for (std::uint16_t i = 1; i <= 100; ++i) publisher.publish("t", std::to_string(i), i);
    for (std::uint16_t i = 1; i <= 100; ++i) publisher.expect_puback(i);
    broker.clock.advance(std::chrono::seconds(1));
    for (std::uint16_t i = 101; i <= 120; ++i) publisher.publish("t", std::to_string(i), i);
    for (std::uint16_t i = 101; i <= 120; ++i) publisher.expect_puback(i);
    std::vector<std::uint16_t> ids;
    for (int i = 1; i <= 100; ++i) {
        const auto received = subscriber.receive_publish(false);
        ASSERT_TRUE(received);
        EXPECT_EQ(received->payload, std::to_string(i));
        ids.push_back(received->packet_id);
    }
    subscriber.ping();  // the rest waits
    // Acknowledged out of order: the window opens all the same.
    for (auto id = ids.rbegin(); id != ids.rend(); ++id) subscriber.puback(*id);
    for (int i = 101; i <= 120; ++i) {
        const auto received = subscriber.receive_publish();
        ASSERT_TRUE(received);
        EXPECT_EQ(received->payload, std::to_string(i));
    }
    subscriber.puback(4711);  // never sent: ignored
    subscriber.ping();
}

TEST(PlainFlow, PacketsMayBeSplitAtEveryByte) {
    TestBroker broker;
    MqttClient client(broker.ports.mqtt);
    std::string bytes;
    mqtt::Connect connect;
    connect.client_id = "split";
    mqtt::encode_connect(bytes, connect);
    mqtt::Subscribe subscribe;
    subscribe.packet_id = 1;
    subscribe.topics.push_back({"a/b", 0});
    mqtt::encode_subscribe(bytes, subscribe);
    bytes += MqttClient::publish_packet("a/b", std::string(200, 'x'), 3);
    for (const char byte : bytes) client.send(std::string_view(&byte, 1));
    EXPECT_EQ(hex_encode(client.receive_packet()), "20020000");
    EXPECT_EQ(hex_encode(client.receive_packet()), "9003000100");
    auto received = client.receive_publish();
    ASSERT_TRUE(received);
    EXPECT_EQ(received->payload, std::string(200, 'x'));
    client.expect_puback(3);
}

TEST(PlainFlow, LargePacketsArriveWholeHoweverTheyAreCut) {
    TestBroker broker(QuotaProfile::relaxed);
    MqttClient client = broker.connected("c");
    client.subscribe("big", 0);
    std::string stream;
    std::vector<std::string> payloads;
    for (const std::size_t size : {3'000U, 4'097U, 65'000U, 70'000U, 131'072U, 1'000'000U, 1U, 300'000U}) {
        payloads.emplace_back(size, static_cast<char>('a' + payloads.size()));
        stream += MqttClient::publish_packet("big", payloads.back());
    }
    std::thread sender([&] {
        std::size_t cut = 1;
        for (std::size_t at = 0; at < stream.size(); at += cut) {
            cut = cut * 7 % 50'021;
            client.send(std::string_view(stream).substr(at, cut));
        }
    });
    for (const std::string& payload : payloads) {
        const auto received = client.receive_publish();
        ASSERT_TRUE(received);
        EXPECT_TRUE(received->payload == payload) << payload.size();
    }
    sender.join();
}

TEST(PlainFlow, ManyPacketsInOneSegment) {
    TestBroker broker;
    MqttClient client(broker.ports.mqtt);
    std::string bytes;
    mqtt::Connect connect;
    connect.client_id = "coalesced";
    mqtt::encode_connect(bytes, connect);
    mqtt::Subscribe subscribe;
    subscribe.packet_id = 1;
    subscribe.topics.push_back({"#", 0});
    mqtt::encode_subscribe(bytes, subscribe);
    for (std::uint16_t i = 1; i <= 50; ++i) bytes += MqttClient::publish_packet("t", std::to_string(i), i);
    mqtt::encode_pingreq(bytes);
    client.send(bytes);
    EXPECT_EQ(hex_encode(client.receive_packet()), "20020000");
    EXPECT_EQ(hex_encode(client.receive_packet()), "9003000100");
    for (std::uint16_t i = 1; i <= 50; ++i) {
        const auto received = client.receive_publish();
        ASSERT_TRUE(received);
        EXPECT_EQ(received->payload, std::to_string(i));
        client.expect_puback(i);
    }
    EXPECT_EQ(hex_encode(client.receive_packet()), "d000");
}

TEST(PlainFlow, KeepAliveIsOneAndAHalfTimesAndAnyPacketResetsIt) {
    TestBroker broker;
    MqttClient client(broker.ports.mqtt);
    mqtt::Connect connect;
    connect.client_id = "c";
    connect.keep_alive_s = 1;  // AWS raises it to 30 s
    client.connect_with(connect);
    EXPECT_EQ(hex_encode(client.receive_packet()), "20020000");
    for (int i = 0; i < 3; ++i) {
        broker.clock.advance(std::chrono::seconds(40));
        client.ping();
    }
    broker.clock.advance(std::chrono::seconds(47));
    EXPECT_TRUE(client.closed());
    EXPECT_EQ(broker.disconnects(DisconnectReason::mqtt_keep_alive_timeout), 1U);
}

TEST(PlainFlow, KeepAliveZeroMeansTheMaximum) {
    TestBroker broker;
    MqttClient client = broker.connected("c");
    broker.clock.advance(std::chrono::seconds(1700));
    client.ping();
    broker.clock.advance(std::chrono::seconds(1802));
    EXPECT_TRUE(client.closed());
}

TEST(PlainFlow, ConnectHasADeadline) {
    TestBroker broker;
    MqttClient client = broker.client();
    client.send_hex("10");
    broker.connected("other").ping();  // the socket before is known to the broker now
    broker.clock.advance(std::chrono::seconds(11));
    EXPECT_TRUE(client.closed());
    EXPECT_EQ(broker.disconnects(DisconnectReason::client_error), 1U);
}

TEST(PlainFlow, WillIsPublishedUnlessTheClientSaysDisconnect) {
    TestBroker broker;
    MqttClient watcher = broker.connected("watcher");
    watcher.subscribe("will/#", 1);
    const auto with_will = [&](std::string_view client_id) {
        MqttClient client(broker.ports.mqtt);
        mqtt::Connect connect;
        const std::string topic = "will/" + std::string(client_id);
        connect.client_id = client_id;
        connect.keep_alive_s = 30;
        connect.will = mqtt::Will{topic, "gone", Qos::at_least_once, false};
        client.connect_with(connect);
        EXPECT_EQ(hex_encode(client.receive_packet()), "20020000");
        return client;
    };
    const auto expect_will = [&](std::string_view client_id) {
        const auto received = watcher.receive_publish();
        ASSERT_TRUE(received);
        EXPECT_EQ(received->topic_name, "will/" + std::string(client_id));
        EXPECT_EQ(received->payload, "gone");
    };
    {
        MqttClient polite = with_will("polite");
        polite.send_hex("E000");
        EXPECT_TRUE(polite.closed());
    }
    { const MqttClient lost = with_will("lost"); }
    expect_will("lost");
    MqttClient wrong = with_will("wrong");
    wrong.send_hex("F000");
    EXPECT_TRUE(wrong.closed());
    expect_will("wrong");
    MqttClient displaced = with_will("displaced");
    MqttClient newcomer = broker.connected("displaced");
    expect_will("displaced");
    MqttClient silent = with_will("silent");
    broker.clock.advance(std::chrono::seconds(46));
    expect_will("silent");
    EXPECT_EQ(broker.disconnects(DisconnectReason::connection_lost), 1U);
    EXPECT_EQ(broker.disconnects(DisconnectReason::client_error), 1U);
}

TEST(PlainFlow, ASlowReaderLosesQos0AndNobodyElseIsHeldUp) {
    TestBroker broker(QuotaProfile::relaxed);
    MqttClient slow = broker.connected("slow");
    slow.subscribe("flood", 0);
    MqttClient quick = broker.connected("quick");
    quick.subscribe("end", 1);
    MqttClient publisher = broker.connected("publisher");
    const std::string payload(10'000, 'x');
    constexpr int count = 3'000;
    for (int i = 0; i < count; ++i) publisher.publish("flood", payload);
    publisher.publish("end", "end", 1);
    publisher.expect_puback(1);
    const auto end = quick.receive_publish();
    ASSERT_TRUE(end);
    EXPECT_EQ(end->payload, "end");
    const std::uint64_t dropped = broker.dropped("outbox_full");
    EXPECT_GT(dropped, 0U);
    // What was kept still comes, and not a byte is torn.
    slow.send_hex("C000");
    std::uint64_t received = 0;
    for (std::string packet = slow.receive_packet(); packet != std::string("\xD0\0", 2); packet = slow.receive_packet()) {
        ASSERT_FALSE(packet.empty());
        ++received;
    }
    EXPECT_EQ(received + dropped, static_cast<std::uint64_t>(count));
}

TEST(PlainFlow, ASlowReaderOfQos1HasABoundedQueue) {
    TestBroker broker(QuotaProfile::relaxed);
    MqttClient slow = broker.connected("slow");
    slow.subscribe("flood", 1);
    MqttClient publisher = broker.connected("publisher");
    const std::string payload(10'000, 'x');
    constexpr std::uint16_t count = 3'000;
    for (std::uint16_t id = 1; id <= count; ++id) {
        publisher.publish("flood", payload, id);
        publisher.expect_puback(id);
    }
    const std::uint64_t dropped = broker.dropped("queue_full");
    EXPECT_GT(dropped, 0U);
    for (std::uint64_t i = 0; i < count - dropped; ++i) ASSERT_TRUE(slow.receive_publish());
    slow.ping();
}

TEST(PlainFlow, AClientThatDoesNotReadItsAnswersIsNotReadEither) {
    TestBroker broker(QuotaProfile::relaxed);
    MqttClient client = broker.connected("c");
    std::string pings;
    for (int i = 0; i < 10'000; ++i) pings += std::string("\xC0\0", 2);
    // More answers than any socket buffer and the outbox hold together; the writer blocks until the reader begins.
    constexpr int rounds = 1'000;
    std::atomic<int> sent{0};
    std::thread writer([&] {
        for (; sent < rounds; ++sent) {
            if (!client.send(pings)) return;
        }
    });
    MqttClient other = broker.connected("other");
    other.ping();
    const std::string pong("\xD0\0", 2);
    std::size_t got = 0;
    while (got < static_cast<std::size_t>(rounds) * 20'000) {
        const std::string chunk = client.receive(20'000);
        ASSERT_FALSE(chunk.empty());
        got += chunk.size();
    }
    writer.join();
    EXPECT_EQ(sent, rounds);
}

TEST(PlainFlow, StopSendsThePubacksThatAreOwed) {
    TestBroker broker;
    auto durable = std::make_shared<Recorder>(true);
    broker.router->subscribe("held", durable, {});
    MqttClient client = broker.connected("c");
    client.publish("held", "p", 1);
    ASSERT_TRUE(eventually([&] { return durable->count() == 1; }));
    std::thread stopper([&] { broker.broker->stop(std::chrono::seconds(5)); });
    durable->release_all();
    client.expect_puback(1);
    EXPECT_TRUE(client.closed());
    stopper.join();
    EXPECT_EQ(broker.disconnects(DisconnectReason::server_initiated_disconnect), 1U);
    EXPECT_EQ(broker.connections(), 0);
}

TEST(PlainFlow, StopClosesWhatHasNotConnectedYet) {
    TestBroker broker;
    std::vector<MqttClient> waiting;
    for (int i = 0; i < 30; ++i) {
        waiting.push_back(broker.client());
        waiting.back().send_hex("10");
    }
    broker.connected("last").ping();
    broker.broker->stop(std::chrono::seconds(5));
    for (MqttClient& client : waiting) EXPECT_TRUE(client.closed());
    EXPECT_EQ(broker.disconnects(DisconnectReason::server_initiated_disconnect), 30U);
}

// A reader that is slow but alive keeps its connection: what it sends is read although its outbox is full of deliveries.
TEST(PlainFlow, AFullOutboxDoesNotKeepTheClientsPacketsFromBeingRead) {
    TestBroker broker(QuotaProfile::relaxed);
    MqttClient slow(broker.ports.mqtt);
    mqtt::Connect connect;
    connect.client_id = "slow";
    connect.keep_alive_s = 30;
    slow.connect_with(connect);
    EXPECT_EQ(hex_encode(slow.receive_packet()), "20020000");
    slow.subscribe("flood", 0);
    auto recorder = std::make_shared<Recorder>();
    broker.router->subscribe("alive", recorder, {});
    MqttClient publisher = broker.connected("publisher");
    const std::string payload(10'000, 'x');
    std::uint16_t id = 0;
    while (broker.dropped("outbox_full") == 0) {
        publisher.publish("flood", payload, ++id);
        publisher.expect_puback(id);
    }
    for (std::size_t round = 1; round <= 4; ++round) {
        broker.clock.advance(std::chrono::seconds(30));
        slow.publish("alive", "x");
        ASSERT_TRUE(eventually([&] { return recorder->count() == round; }));
        publisher.ping();
    }
    EXPECT_EQ(broker.disconnects(DisconnectReason::mqtt_keep_alive_timeout), 0U);
}

TEST(PlainFlow, StopDoesNotWaitLongerThanTheGrace) {
    TestBroker broker;
    auto durable = std::make_shared<Recorder>(true);
    broker.router->subscribe("held", durable, {});
    MqttClient client = broker.connected("c");
    client.publish("held", "p", 1);
    ASSERT_TRUE(eventually([&] { return durable->count() == 1; }));
    broker.broker->stop(std::chrono::milliseconds(20));
    EXPECT_TRUE(client.closed());
    durable->release_all();  // too late, and harmless
}

// Quota received_bytes_per_second_per_connection: delayed, not dropped.
TEST(PlainFlow, PacesBytesAboveTheRatePerConnection) {
    TestBroker broker;
    auto recorder = std::make_shared<Recorder>();
    broker.router->subscribe("t", recorder, {});
    MqttClient client = broker.connected("c");
    const std::string payload(100'000, 'x');
    std::thread sender([&] {
        for (int i = 0; i < 8; ++i) client.publish("t", payload);
    });
    ASSERT_TRUE(eventually([&] { return recorder->count() == 6; }));  // 512 KiB, and the one that goes beyond
    broker.connected("other").ping();
    EXPECT_EQ(recorder->count(), 6U);
    broker.clock.advance(std::chrono::milliseconds(200));
    ASSERT_TRUE(eventually([&] { return recorder->count() == 7; }));
    broker.clock.advance(std::chrono::milliseconds(1000));
    ASSERT_TRUE(eventually([&] { return recorder->count() == 8; }));
    sender.join();
}

}  // namespace
}  // namespace fogbank::broker::testing
