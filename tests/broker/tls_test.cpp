// TLS, client certificates, ALPN, and what policies decide.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/broker/test_broker.h"
#include "tests/broker/tls_client.h"

namespace fogbank::broker::testing {
namespace {

const TestPki& pki() {
    return TestPki::instance();
}

TestBroker::Options secure(std::size_t shards = 1, QuotaProfile profile = QuotaProfile::aws) {
    TestBroker::Options options;
    options.shards = shards;
    options.profile = profile;
    options.certificate_chain_pem = pki().server.certificate_pem;
    options.private_key_pem = pki().server.key_pem;
    return options;
}

TlsOptions device(const Identity& identity = pki().device_p256) {
    TlsOptions options;
    options.identity = &identity;
    return options;
}

MqttClient tls_client(const TestBroker& broker, const TlsOptions& options = device()) {
    return MqttClient(std::make_unique<TlsClientSocket>(broker.ports.mqtts, options));
}

/// What the client sends is never answered: the connection ends.
bool is_refused(MqttClient client) {
    mqtt::Connect connect;
    connect.client_id = "c";
    client.connect_with(connect);
    return client.closed();
}

TEST(Tls, CarriesMqttInBothVersionsWithBothKindsOfKey) {
    TestBroker broker(secure());
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        for (const Identity* identity : {&pki().device_p256, &pki().device_rsa, &pki().stranger}) {
            TlsOptions options = device(*identity);
            options.version = version;
            MqttClient client = tls_client(broker, options);
            client.connect("c");
            client.subscribe("a", 1);
            client.publish("a", "x", 1);
            EXPECT_EQ(hex_encode(client.receive_packet()).substr(0, 2), "32");
            client.expect_puback(1);
        }
    }
}

TEST(Tls, LargePayloadsCrossManyRecords) {
    TestBroker broker(secure(2, QuotaProfile::relaxed));
    MqttClient subscriber = tls_client(broker);
    subscriber.connect("subscriber");
    subscriber.subscribe("big", 1);
    MqttClient publisher = tls_client(broker);
    publisher.connect("publisher");
    for (const std::size_t size : {10U, 16'384U, 100'000U, 900'000U}) {
        const std::string payload(size, 'p');
        publisher.publish("big", payload, 1);
        const auto received = subscriber.receive_publish();
        ASSERT_TRUE(received);
        EXPECT_TRUE(received->payload == payload) << size;
        publisher.expect_puback(1);
    }
}

TEST(Tls, TakesAwsCiphersOnly) {
    TestBroker broker(secure());
    TlsOptions options = device();
    options.version = TLS1_2_VERSION;
    options.ciphers = "ECDHE-ECDSA-AES128-SHA256";
    EXPECT_TRUE(TlsClientSocket(broker.ports.mqtts, options).established);
    options.ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305";
    EXPECT_FALSE(TlsClientSocket(broker.ports.mqtts, options).established);
    options.version = TLS1_1_VERSION;
    options.ciphers = "ALL:@SECLEVEL=0";
    EXPECT_FALSE(TlsClientSocket(broker.ports.mqtts, options).established);
}

TEST(Tls, WithoutAClientCertificateThereIsNoConnection) {
    TestBroker broker(secure());
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsOptions options;
        options.version = version;
        EXPECT_TRUE(is_refused(tls_client(broker, options)));
    }
    EXPECT_EQ(broker.metrics.counter("fogbank_broker_handshakes_failed_total", "").value(), 2U);
}

TEST(Tls, WeakKeysAreRefused) {
    TestBroker broker(secure());
    EXPECT_TRUE(is_refused(tls_client(broker, device(pki().weak_rsa))));
}

TEST(Tls, TheAuthenticatorJudgesTheCertificate) {
    TestBroker broker(secure());
    broker.authenticator.refuse_certificates();
    EXPECT_TRUE(is_refused(tls_client(broker)));
    EXPECT_EQ(broker.disconnects(DisconnectReason::auth_error), 1U);
}

TEST(Tls, FactsOfTheConnectionReachThePolicies) {
    TestBroker broker(secure());
    TlsOptions options = device();
    options.server_name = "abc-ats.iot.us-east-1.amazonaws.com";
    MqttClient client = tls_client(broker, options);
    mqtt::Connect connect;
    connect.client_id = "c";
    connect.clean_session = false;
    connect.user_name = "?SDK=Test&Version=1";
    connect.will = mqtt::Will{"w", "x", Qos::at_most_once, false};
    client.connect_with(connect);
    EXPECT_EQ(hex_encode(client.receive_packet()), "20020000");
    const ConnectionFacts facts = broker.authenticator.last_facts();
    EXPECT_EQ(facts.client_id.str(), "c");
    EXPECT_EQ(facts.source_ip, "127.0.0.1");
    EXPECT_EQ(facts.server_name, options.server_name);
    EXPECT_TRUE(facts.persistent);
    EXPECT_EQ(facts.will_topic, "w");
}

TEST(Tls, TheCertificatesExclusiveThingIsInLifecycleEvents) {
    TestBroker broker(secure());
    broker.authenticator.rulebook.thing_name = "pump";
    MqttClient watcher = broker.connected("w");
    watcher.subscribe("$aws/events/presence/+/c", 0);
    {
        MqttClient client = tls_client(broker);
        client.connect("c");
        const auto described = fogbank::testing::run(broker.broker->connections().describe_connection(ClientId("c")));
        ASSERT_TRUE(described);
        EXPECT_EQ(described->thing_name, "pump");
    }
    for (const char* type : {"connected", "disconnected"}) {
        const auto event = watcher.receive_publish();
        ASSERT_TRUE(event);
        const auto json = nlohmann::json::parse(event->payload);
        EXPECT_EQ(json["eventType"], type);
        EXPECT_EQ(json["thingName"], "pump");
    }
}

TEST(Tls, AnAddressAsServerNameDoesNotAbort) {
    TestBroker broker(secure());
    TlsOptions options = device();
    options.server_name = "127.0.0.1";
    MqttClient client = tls_client(broker, options);
    client.connect("c");
    client.ping();
}

TEST(Tls, AlpnSelectsMqttAndIgnoresTheRest) {
    TestBroker broker(secure());
    TlsOptions options = device();
    options.alpn = {"h2", "x-amzn-mqtt-ca"};
    TlsClientSocket offered(broker.ports.mqtts, options);
    EXPECT_EQ(offered.selected_protocol(), "x-amzn-mqtt-ca");
    options.alpn = {"h2", "http/1.1"};
    auto unknown = std::make_unique<TlsClientSocket>(broker.ports.mqtts, options);
    EXPECT_TRUE(unknown->established);
    EXPECT_EQ(unknown->selected_protocol(), "");
    MqttClient client(std::move(unknown));
    client.connect("c");
}

TEST(Tls, TheAlpnPortServesMqttToThoseWhoOfferIt) {
    TestBroker broker(secure());
    TlsOptions options = device();
    options.alpn = {"x-amzn-mqtt-ca"};
    MqttClient client(std::make_unique<TlsClientSocket>(broker.ports.alpn, options));
    client.connect("c");
    TlsOptions without;
    without.alpn = {"x-amzn-mqtt-ca"};
    EXPECT_TRUE(is_refused(MqttClient(std::make_unique<TlsClientSocket>(broker.ports.alpn, without))));
}

TEST(Tls, NoTicketsAndNoResumption) {
    TestBroker broker(secure());
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsOptions options = device();
        options.version = version;
        auto socket = std::make_unique<TlsClientSocket>(broker.ports.mqtts, options);
        ASSERT_TRUE(socket->established);
        SSL* ssl = socket->ssl();
        MqttClient client(std::move(socket));
        client.connect("c");
        EXPECT_EQ(SSL_SESSION_has_ticket(SSL_get_session(ssl)), 0);
    }
}

TEST(Tls, RenegotiationIsRefused) {
    TestBroker broker(secure());
    TlsOptions options = device();
    options.version = TLS1_2_VERSION;
    auto socket = std::make_unique<TlsClientSocket>(broker.ports.mqtts, options);
    ASSERT_TRUE(socket->established);
    SSL* ssl = socket->ssl();
    MqttClient client(std::move(socket));
    client.connect("c");
    ASSERT_EQ(SSL_renegotiate(ssl), 1);
    EXPECT_NE(SSL_do_handshake(ssl), 1);
}

TEST(Tls, HalfOpenHandshakesTimeOut) {
    TestBroker broker(secure());
    std::vector<MqttClient> silent;
    for (int i = 0; i < 20; ++i) silent.emplace_back(broker.ports.mqtts);
    silent.front().send_hex("1603010200");  // the beginning of a ClientHello
    ASSERT_TRUE(eventually([&] { return broker.metrics.counter("fogbank_broker_sockets_accepted_total", "").value() == 20; }));
    tls_client(broker).connect("c");  // accepted after them, so they are known by now
    broker.clock.advance(std::chrono::seconds(16));
    for (MqttClient& client : silent) EXPECT_TRUE(client.closed());
}

TEST(Tls, GarbageInsteadOfAHandshakeIsClosed) {
    TestBroker broker(secure());
    MqttClient client(broker.ports.mqtts);
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    while (!client.receive(1).empty()) {
    }
    EXPECT_TRUE(client.has_ended());
}

TEST(Policy, ADeniedConnectIsClosedWithoutConnack) {
    TestBroker broker(secure());
    broker.authenticator.rulebook.forbid(IotAction::connect, "c");
    EXPECT_TRUE(is_refused(tls_client(broker)));
    EXPECT_EQ(broker.disconnects(DisconnectReason::auth_error), 1U);
}

TEST(Policy, ADeniedConnectIsToldSoInProfileRelaxed) {
    TestBroker broker(secure(1, QuotaProfile::relaxed));
    broker.authenticator.rulebook.forbid(IotAction::connect, "c");
    MqttClient client = tls_client(broker);
    mqtt::Connect connect;
    connect.client_id = "c";
    client.connect_with(connect);
    EXPECT_EQ(hex_encode(client.receive_packet()), "20020005");
    EXPECT_TRUE(client.closed());
}

TEST(Policy, TheWillTopicIsCheckedAtConnect) {
    TestBroker broker(secure());
    broker.authenticator.rulebook.forbid(IotAction::publish, "w");
    broker.authenticator.rulebook.forbid(IotAction::retain_publish, "kept");
    for (const char* topic : {"w", "kept", "fine"}) {
        MqttClient client = tls_client(broker);
        mqtt::Connect connect;
        connect.client_id = "c";
        connect.will = mqtt::Will{topic, "x", Qos::at_most_once, true};
        client.connect_with(connect);
        EXPECT_EQ(hex_encode(client.receive_packet()), std::string_view(topic) == "fine" ? "20020000" : "") << topic;
    }
}

TEST(Policy, ADeniedPublishClosesAndSoDoesADeniedRetain) {
    TestBroker broker(secure());
    broker.authenticator.rulebook.forbid(IotAction::publish, "no");
    broker.authenticator.rulebook.forbid(IotAction::retain_publish, "kept");
    MqttClient client = tls_client(broker);
    client.connect("c");
    client.publish("yes", "x", 1);
    client.publish("kept", "x", 2);
    client.expect_puback(1);
    client.expect_puback(2);
    client.publish("no", "x", 3);
    EXPECT_TRUE(client.closed());
    MqttClient retaining = tls_client(broker);
    retaining.connect("c");
    retaining.send(MqttClient::publish_packet("kept", "x", 0, true));
    EXPECT_TRUE(retaining.closed());
    EXPECT_EQ(broker.disconnects(DisconnectReason::auth_error), 2U);
}

TEST(Policy, DecisionsAreRememberedUntilThePoliciesChange) {
    TestBroker broker(secure());
    MqttClient client = tls_client(broker);
    client.connect("c");
    client.publish("t", "x", 1);
    client.expect_puback(1);
    const std::size_t asked = broker.authenticator.rulebook.asked();
    for (std::uint16_t id = 2; id <= 20; ++id) client.publish("t", "x", id);
    for (std::uint16_t id = 2; id <= 20; ++id) client.expect_puback(id);
    EXPECT_EQ(broker.authenticator.rulebook.asked(), asked);
    broker.authenticator.rulebook.forbid(IotAction::publish, "t");
    client.publish("t", "x", 21);
    EXPECT_TRUE(client.closed());
}

TEST(Policy, ADeniedSubscribeClosesAndFailsOnlyTheFilterInProfileRelaxed) {
    for (const QuotaProfile profile : {QuotaProfile::aws, QuotaProfile::relaxed}) {
        TestBroker broker(secure(1, profile));
        broker.authenticator.rulebook.forbid(IotAction::subscribe, "no/#");
        MqttClient client = tls_client(broker);
        client.connect("c");
        mqtt::Subscribe subscribe;
        subscribe.packet_id = 5;
        subscribe.topics = {{"yes", 1}, {"no/#", 1}};
        std::string bytes;
        mqtt::encode_subscribe(bytes, subscribe);
        client.send(bytes);
        if (profile == QuotaProfile::aws) {
            EXPECT_TRUE(client.closed());
        } else {
            EXPECT_EQ(hex_encode(client.receive_packet()), "900400050180");
        }
    }
}

TEST(Policy, WhatMayNotBeReceivedIsSilentlyNotDelivered) {
    TestBroker broker(secure());
    broker.authenticator.rulebook.forbid(IotAction::receive, "secret");
    MqttClient client = tls_client(broker);
    client.connect("c");
    client.subscribe("#", 1);
    client.publish("secret", "x", 1);
    client.expect_puback(1);
    client.ping();
    EXPECT_EQ(broker.dropped("receive_not_allowed"), 1U);
}

// RevocationObserver: AWS does not say what becomes of live connections; here they end at once (docs/parity.md).
TEST(Tls, TheConnectionsOfARevokedCertificateAreClosed) {
    TestBroker broker(secure(2));
    MqttClient first = tls_client(broker);
    first.connect("first");
    MqttClient second = tls_client(broker);
    second.connect("second");
    MqttClient other = tls_client(broker, device(pki().device_rsa));
    other.connect("other");
    broker.broker->revocations().principal_revoked(x509::certificate_id(pki().device_p256.certificate_der), "the certificate was revoked");
    EXPECT_TRUE(first.closed());
    EXPECT_TRUE(second.closed());
    other.ping();
    EXPECT_EQ(broker.disconnects(DisconnectReason::auth_error), 2U);
}

}  // namespace
}  // namespace fogbank::broker::testing
