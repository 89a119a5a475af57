// What peers may do on purpose or by accident, at sizes that take seconds; FOGBANK_TEST_SCALE multiplies them.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>
#include <future>

#include "broker/mqtt/packet.h"
#include "tests/broker/packet_script.h"
#include "tests/broker/test_broker.h"
#include "tests/broker/tls_client.h"

namespace fogbank::broker::testing {
namespace {

std::size_t scaled(std::size_t count) {
    const char* scale = std::getenv("FOGBANK_TEST_SCALE");
    return scale == nullptr ? count : count * static_cast<std::size_t>(std::atoi(scale));
}

/// Bytes that are allocated in the process; 0 under a sanitizer's allocator.
std::size_t allocated() {
    const struct mallinfo2 info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
}

class Counter final : public Subscriber {
  public:
    explicit Counter(std::atomic<std::size_t>& count) : count_(count) {}
    void deliver(const MessagePtr&, const SubscriptionOptions&, PublishContext&) override { ++count_; }

  private:
    std::atomic<std::size_t>& count_;
};

MessagePtr message(std::string_view topic_name) {
    static const auto origin = std::make_shared<const MessageOrigin>();
    Message::Options options;
    options.topic_name = topic_name;
    options.payload = "x";
    options.origin = origin;
    return Message::create(std::move(options));
}

struct Crowd : ::testing::Test {
    ShardPool pool{1};
    SharedClock clock;
    Metrics metrics;
    std::unique_ptr<Router> router = make_router(pool, clock, metrics, Quotas(QuotaProfile::relaxed));
    std::atomic<std::size_t> delivered{0};

    Crowd() { pool.start(); }
    ~Crowd() override { pool.stop(); }
    void publish(const std::string& topic_name) {
        std::promise<void> done;
        pool[0].post([&] {
            router->publish(message(topic_name), nullptr);
            done.set_value();
        });
        done.get_future().wait();
    }
};

// Anything quadratic would make these run for hours.
TEST_F(Crowd, AHundredThousandSubscriptionsOnOneFilter) {
    const std::size_t count = scaled(100'000);
    std::vector<std::shared_ptr<Subscriber>> subscribers;
    for (std::size_t i = 0; i < count; ++i)
        router->subscribe("all/of/them", subscribers.emplace_back(std::make_shared<Counter>(delivered)), {});
    publish("all/of/them");
    publish("all/of/them");
    EXPECT_EQ(delivered.load(), 2 * count);
    for (const auto& subscriber : subscribers) EXPECT_TRUE(router->unsubscribe("all/of/them", *subscriber));
    publish("all/of/them");
    EXPECT_EQ(delivered.load(), 2 * count);
}

TEST_F(Crowd, AMillionDistinctFiltersCostLittleMemory) {
    const std::size_t count = scaled(200'000);  // FOGBANK_TEST_SCALE=5 for the million
    const auto filter = [](std::size_t i) { return "site/" + std::to_string(i % 1000) + "/device/" + std::to_string(i) + "/+"; };
    const auto subscriber = std::make_shared<Counter>(delivered);
    const std::size_t before = allocated();
    for (std::size_t i = 0; i < count; ++i) router->subscribe(filter(i), subscriber, {});
    const std::size_t after = allocated();
    if (before != 0) {
        EXPECT_LT((after - before) / count, 700U) << "bytes a filter";
    }
    for (std::size_t i = 0; i < count; i += 1000) publish("site/" + std::to_string(i % 1000) + "/device/" + std::to_string(i) + "/state");
    EXPECT_EQ(delivered.load(), (count + 999) / 1000);
    for (std::size_t i = 0; i < count; ++i) EXPECT_TRUE(router->unsubscribe(filter(i), *subscriber));
}

TEST(Robustness, AnIdleConnectionCostsLittle) {
    TestBroker broker(QuotaProfile::relaxed);
    std::vector<MqttClient> clients;
    const auto connect = [&](std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            clients.push_back(broker.connected("client-" + std::to_string(clients.size()) + "-of-many"));
        // Buffers are given back at the next tick.
        broker.clock.advance(std::chrono::seconds(1));
        clients.front().ping();
        clients.back().ping();
    };
    connect(200);  // what the first ones make for all
    clients.reserve(1024);
    const std::size_t before = allocated();
    connect(500);
    const std::size_t after = allocated();
    constexpr std::size_t client_bytes = 200;  // the test's own side
    if (before != 0) {
        EXPECT_LT((after - before) / 500, 2048U + client_bytes);
        RecordProperty("bytes_per_connection", static_cast<int>((after - before) / 500));
    }
}

TEST(Robustness, AFloodOfConnectsLeavesOthersAlone) {
    TestBroker broker;
    MqttClient steady = broker.connected("steady");
    const std::size_t count = scaled(400);
    for (std::size_t round = 0; round < 2; ++round) {
        std::vector<std::unique_ptr<MqttClient>> flood;
        for (std::size_t i = 0; i < count; ++i) {
            flood.push_back(std::make_unique<MqttClient>(broker.ports.mqtt));
            // CONNECTs of one id, CONNECTs that are cut off, and garbage.
            const std::string connect = PacketScript::bytes("10 [s'MQTT' 04 02 003c s'same']");
            if (i % 3 == 0) flood.back()->send(connect);
            if (i % 3 == 1) flood.back()->send(connect.substr(0, i % connect.size()));
            if (i % 3 == 2) flood.back()->send(std::string(100, static_cast<char>(i)));
        }
        steady.ping();
        flood.clear();
        EXPECT_TRUE(eventually([&] { return broker.connections() == 1; }));
    }
    steady.ping();
}

TEST(Robustness, AStormOfSubscribesWithoutReadingAnAnswer) {
    TestBroker broker(QuotaProfile::relaxed);
    MqttClient steady = broker.connected("steady"), storm = broker.connected("storm");
    std::string packets;
    for (std::size_t i = 0; i < scaled(20'000); ++i) {
        const std::string id = hex_encode(std::string{static_cast<char>(1 + i % 200), static_cast<char>(i % 256)});
        packets += PacketScript::bytes("82 [" + id + " s'storm/" + std::to_string(i % 2000) + "/+' 00]");
        if (i % 2 == 1) packets += PacketScript::bytes("a2 [" + id + " s'storm/" + std::to_string(i % 2000) + "/+']");
    }
    timeval timeout{0, 200'000};  // at some time it is not read any more: that is the point
    ::setsockopt(storm.socket().descriptor(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    storm.send(packets);
    steady.ping();
    steady.subscribe("a", 1);
    steady.publish("a", "x", 1);
    EXPECT_EQ(steady.receive_packet().size() + steady.receive_packet().size(), 4U + 8U);
}

TEST(Robustness, PacketsSplitAtEveryByteInMqtt5) {
    TestBroker broker;
    const std::string packets = PacketScript::bytes(
        "10 [s'MQTT' 05 02 003c (17 00) s'c'] 82 [0001 () s'a' 01] 32 [s'a' 0001 (26 s'k' s'v') 'x'] a2 [0002 () s'a'] c000 e000");
    const std::string expected = PacketScript::bytes("90 [0001 () 01] 32 [s'a' 0001 (26 s'k' s'v') 'x'] 40 [0001] b0 [0002 () 00] d000");
    for (std::size_t cut = 1; cut < packets.size(); ++cut) {
        SCOPED_TRACE(cut);
        broker.clock.advance(std::chrono::seconds(1));  // one CONNECT a second of one id
        MqttClient client = broker.client();
        client.send(packets.substr(0, cut));
        broker.connected("other").ping();  // so that the halves do not come together
        client.send(packets.substr(cut));
        client.receive_packet();
        EXPECT_EQ(hex_encode(client.receive(expected.size())), hex_encode(expected));
        EXPECT_TRUE(client.closed());
    }
}

/// What an OpenSSL client sends first.
std::string client_hello() {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL* ssl = SSL_new(context);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, in, out);
    SSL_connect(ssl);
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out, &bytes);
    std::string hello(bytes, static_cast<std::size_t>(size));
    SSL_free(ssl);
    SSL_CTX_free(context);
    return hello;
}

TEST(Robustness, HandshakesThatAreCutOffAnywhereLeaveNothing) {
    TestBroker::Options options;
    options.certificate_chain_pem = TestPki::instance().server.certificate_pem;
    options.private_key_pem = TestPki::instance().server.key_pem;
    TestBroker broker(options);
    const std::string hello = client_hello();
    ASSERT_GT(hello.size(), 100U);
    std::size_t cut_off = 0;
    for (std::size_t cut = 0; cut < hello.size(); cut += 3) {
        MqttClient client(broker.ports.mqtts);
        client.send(hello.substr(0, cut));
        ++cut_off;
    }
    // Half of one and the rest of nothing, changed bytes: an alert or an end, never a connection.
    for (std::size_t at = 0; at < hello.size(); at += 7) {
        std::string changed = hello;
        changed[at] = static_cast<char>(changed[at] ^ 0x55);
        MqttClient client(broker.ports.mqtts);
        client.send(changed);
        ++cut_off;
    }
    EXPECT_TRUE(eventually([&] { return broker.metrics.counter("fogbank_broker_handshakes_failed_total", "").value() == cut_off; }));
    TlsOptions tls;
    tls.identity = &TestPki::instance().device_p256;
    MqttClient good(std::make_unique<TlsClientSocket>(broker.ports.mqtts, tls));
    good.connect("good");
}

TEST(Robustness, HalfOpenPeersAreForgotten) {
    TestBroker broker;
    MqttClient steady = broker.connected("steady");
    std::vector<MqttClient> silent;
    for (int i = 0; i < 50; ++i) silent.push_back(broker.connected("s" + std::to_string(i)));
    for (int i = 0; i < 50; ++i) silent.emplace_back(broker.ports.mqtt);  // never say anything
    for (MqttClient& client : silent) ASSERT_GT(client.socket().descriptor(), 0);
    broker.connected("after-them").ping();
    for (int i = 0; i < 4; ++i) {  // past one and a half times the longest keep-alive
        broker.clock.advance(std::chrono::seconds(500));
        steady.ping();
    }
    for (MqttClient& client : silent) EXPECT_TRUE(client.closed());
    EXPECT_TRUE(eventually([&] { return broker.connections() == 1; }));
}

}  // namespace
}  // namespace fogbank::broker::testing
