// SendDirectMessage: a message to one client, past the topic index.
#include <gtest/gtest.h>

#include "store/kv/memory_engine.h"
#include "tests/broker/packet_script.h"
#include "tests/broker/test_broker.h"
#include "tests/broker/tls_client.h"

namespace fogbank::broker::testing {
namespace {

MessagePtr message(Qos qos, std::string_view payload = "x", std::string_view topic_name = "to/you") {
    Message::Options options;
    options.topic_name = topic_name;
    options.payload = payload;
    options.qos = qos;
    options.origin = std::make_shared<MessageOrigin>();
    auto properties = std::make_unique<MessageProperties>();
    properties->user_properties.emplace_back("k", "v");
    options.properties = std::move(properties);
    return Message::create(std::move(options));
}

DirectDelivery send(TestBroker& broker, const char* client_id, MessagePtr sent,
                    std::chrono::milliseconds timeout = std::chrono::seconds(5)) {
    return fogbank::testing::run(broker.broker->connections().send_direct_message(ClientId(client_id), std::move(sent), timeout));
}

TEST(DirectMessages, ReachAClientThatHasNotSubscribed) {
    TestBroker broker;
    MqttClient client = broker.connected("c");
    MqttClient watcher = broker.connected("w");
    watcher.subscribe("#", 0);
    EXPECT_EQ(send(broker, "c", message(Qos::at_most_once)), DirectDelivery::sent);
    const auto received = client.receive_publish();
    ASSERT_TRUE(received);
    EXPECT_EQ(received->topic_name, "to/you");
    EXPECT_EQ(received->payload, "x");
    EXPECT_EQ(received->packet_id, 0);
    watcher.ping();  // nobody else sees it
}

TEST(DirectMessages, HaveTheirPropertiesInMqtt5) {
    TestBroker broker;
    MqttClient client = broker.client();
    client.send(PacketScript::bytes("10 [s'MQTT' 05 02 003c () s'c']"));
    client.receive_packet();
    EXPECT_EQ(send(broker, "c", message(Qos::at_most_once)), DirectDelivery::sent);
    EXPECT_EQ(hex_encode(client.receive_packet()), hex_encode(PacketScript::bytes("30 [s'to/you' (26 s'k' s'v') 'x']")));
}

/// The call waits in a thread of its own for what the test makes the client do.
class Sender {
  public:
    Sender(TestBroker& broker, const char* client_id, MessagePtr sent)
        : thread_([this, &broker, client_id, sent = std::move(sent)]() mutable { outcome_ = send(broker, client_id, std::move(sent)); }) {}
    DirectDelivery outcome() {
        thread_.join();
        return outcome_;
    }

  private:
    DirectDelivery outcome_{};
    std::thread thread_;
};

TEST(DirectMessages, AreConfirmedByThePuback) {
    TestBroker broker;
    MqttClient client = broker.connected("c");
    Sender sender(broker, "c", message(Qos::at_least_once));
    const auto received = client.receive_publish();
    ASSERT_TRUE(received);
    EXPECT_NE(received->packet_id, 0);
    EXPECT_EQ(sender.outcome(), DirectDelivery::sent);
}

TEST(DirectMessages, AreNotConfirmedInTime) {
    TestBroker broker;
    MqttClient client = broker.connected("c");
    EXPECT_EQ(send(broker, "c", message(Qos::at_least_once), std::chrono::milliseconds(1)), DirectDelivery::not_confirmed);
    ASSERT_TRUE(client.receive_publish());  // with a late PUBACK
    client.ping();
}

TEST(DirectMessages, AreNotSentAgainWhenTheConnectionEnds) {
    const auto store = store::kv::make_memory_engine();
    TestBroker::Options options;
    options.store = store.get();
    TestBroker broker(options);
    const auto connect = [&] {
        MqttClient client = broker.client();
        client.send(PacketScript::bytes("10 [s'MQTT' 04 00 003c s'c']"));
        client.receive_packet();
        return client;
    };
    {
        MqttClient client = connect();
        Sender sender(broker, "c", message(Qos::at_least_once));
        ASSERT_TRUE(client.receive_publish(false));
        client.send_hex("E000");
        EXPECT_TRUE(client.closed());
        EXPECT_EQ(sender.outcome(), DirectDelivery::not_confirmed);
    }
    EXPECT_EQ(send(broker, "c", message(Qos::at_least_once)), DirectDelivery::not_connected);
    EXPECT_EQ(send(broker, "d", message(Qos::at_least_once)), DirectDelivery::no_such_client);
    connect().ping();
}

TEST(DirectMessages, NeedTheReceiversPermissionAndRoom) {
    TestBroker::Options options;
    options.certificate_chain_pem = TestPki::instance().server.certificate_pem;
    options.private_key_pem = TestPki::instance().server.key_pem;
    options.quotas.emplace_back(Quota::inflight_qos1_outbound, 1);
    TestBroker broker(options);
    broker.authenticator.rulebook.forbid(IotAction::receive, "secret");
    TlsOptions tls;
    tls.identity = &TestPki::instance().device_p256;
    MqttClient client(std::make_unique<TlsClientSocket>(broker.ports.mqtts, tls));
    client.connect("c");
    EXPECT_EQ(send(broker, "c", message(Qos::at_most_once, "x", "secret")), DirectDelivery::not_allowed);
    client.ping();
    EXPECT_EQ(send(broker, "c", message(Qos::at_least_once), std::chrono::milliseconds(1)), DirectDelivery::not_confirmed);
    EXPECT_EQ(send(broker, "c", message(Qos::at_least_once)), DirectDelivery::window_full);
    ASSERT_TRUE(client.receive_publish());
    client.ping();
    Sender sender(broker, "c", message(Qos::at_least_once));
    ASSERT_TRUE(client.receive_publish());
    EXPECT_EQ(sender.outcome(), DirectDelivery::sent);
}

TEST(DirectMessages, AreThrottled) {
    TestBroker::Options options;
    options.quotas.emplace_back(Quota::direct_messages_per_second, 1);
    TestBroker broker(options);
    MqttClient client = broker.connected("c");
    EXPECT_EQ(send(broker, "c", message(Qos::at_most_once)), DirectDelivery::sent);
    EXPECT_EQ(send(broker, "c", message(Qos::at_most_once)), DirectDelivery::throttled);
}

}  // namespace
}  // namespace fogbank::broker::testing
