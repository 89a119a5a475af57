// The doors beside mTLS on 8883: WebSocket, what ALPN and the first bytes decide, PROXY headers, custom authorizers.
#include <gtest/gtest.h>

#include "broker/http_door.h"
#include "tests/broker/test_broker.h"
#include "tests/broker/tls_client.h"
#include "tests/broker/websocket_client.h"

namespace fogbank::broker::testing {
namespace {

using PlainWebSocket = WebSocketClientSocket<ClientSocket>;
using TlsWebSocket = WebSocketClientSocket<TlsClientSocket>;

const TestPki& pki() {
    return TestPki::instance();
}

/// Takes the signature `right`, refuses every other.
class FakeUpgrades final : public UpgradeAuthenticator {
  public:
    bool is_signed(const UpgradeRequest& request) const override { return request.query.find("X-Amz-Signature=") != std::string::npos; }
    Result<Principal> authenticate_upgrade(const UpgradeRequest& request) const override {
        if (request.query.find("X-Amz-Signature=right") == std::string::npos)
            return Error(CommonErrc::malformed, "the signature does not match");
        Principal principal;
        principal.kind = Principal::Kind::iam_user;
        principal.id = "000000000000";
        principal.arn = "arn:aws:iam::000000000000:root";
        return principal;
    }
};

/// Grants what the test says, by authorizer.
class FakeCustom final : public CustomAuthenticator {
  public:
    explicit FakeCustom(Rulebook& rulebook) : rulebook_(rulebook) {}
    boost::asio::awaitable<Result<CustomGrant>> authenticate_custom(CustomCredentials credentials, ConnectionFacts) override {
        const std::lock_guard lock(mutex_);
        asked_.push_back(credentials);
        if (credentials.authorizer_name != "good" || asked_.size() > grants_max)
            co_return Error(CommonErrc::malformed, "not authenticated");
        CustomGrant grant;
        grant.principal.id = "custom";
        grant.permissions = std::make_unique<FakePermissions>(rulebook_);
        grant.disconnect_after = std::chrono::seconds(3600);
        grant.refresh_after = std::chrono::seconds(600);
        co_return grant;
    }
    std::vector<CustomCredentials> asked() const {
        const std::lock_guard lock(mutex_);
        return asked_;
    }
    std::atomic<std::size_t> grants_max{100};

  private:
    Rulebook& rulebook_;
    mutable std::mutex mutex_;
    std::vector<CustomCredentials> asked_;
};

/// Says what came and closes.
class FakeHttp final : public HttpDoor {
  public:
    void take(HttpArrival arrival) override {
        const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" +
                                 std::string(arrival.certificate_der.empty() ? "nobody " : "device ") + arrival.first_bytes;
        arrival.stream->write(text.data(), text.size());
        arrival.stream->end(CloseCode::normal);
    }
};

TestBroker::Options secure(QuotaProfile profile = QuotaProfile::aws) {
    TestBroker::Options options;
    options.profile = profile;
    options.certificate_chain_pem = pki().server.certificate_pem;
    options.private_key_pem = pki().server.key_pem;
    return options;
}

TlsOptions offering(std::vector<std::string> alpn, const Identity* identity = nullptr) {
    TlsOptions options;
    options.alpn = std::move(alpn);
    options.identity = identity;
    return options;
}

/// A broker with all doors.
struct Doors {
    explicit Doors(bool proxied = false) : broker(options(*this, proxied)) {
        custom = std::make_unique<FakeCustom>(broker.authenticator.rulebook);
        forward.target = custom.get();
    }
    static TestBroker::Options options(Doors& doors, bool proxied) {
        TestBroker::Options out = secure();
        out.upgrades = &doors.upgrades;
        out.custom = &doors.forward;
        out.http = &doors.http;
        out.proxy_protocol = proxied;
        return out;
    }
    /// The rulebook is the broker's, which needs an authenticator to begin with.
    struct Forward final : CustomAuthenticator {
        boost::asio::awaitable<Result<CustomGrant>> authenticate_custom(CustomCredentials credentials, ConnectionFacts facts) override {
            return target->authenticate_custom(std::move(credentials), std::move(facts));
        }
        CustomAuthenticator* target = nullptr;
    };

    FakeUpgrades upgrades;
    FakeHttp http;
    Forward forward;
    TestBroker broker;
    std::unique_ptr<FakeCustom> custom;
};

TEST(WebSocket, CarriesMqttWithPacketsAndFramesNotAligned) {
    TestBroker broker;
    auto socket = std::make_unique<PlainWebSocket>(broker.ports.mqtt);
    PlainWebSocket& raw = *socket;
    EXPECT_TRUE(raw.upgrade(upgrade_request()).find("Sec-WebSocket-Protocol: mqtt\r\n") != std::string::npos);
    MqttClient client(std::move(socket));
    client.connect("c");
    client.subscribe("a", 1);
    // Two packets and a half in one frame, the rest in the next, one byte a frame after that.
    const std::string packets =
        MqttClient::publish_packet("a", "one", 1) + MqttClient::publish_packet("a", "two", 2) + MqttClient::publish_packet("a", "three", 3);
    client.send(std::string_view(packets).substr(0, packets.size() - 5));
    for (const char byte : packets.substr(packets.size() - 5)) client.send(std::string_view(&byte, 1));
    std::vector<std::string> payloads;
    for (int i = 0; i < 6; ++i) {
        const std::string packet = client.receive_packet();
        ASSERT_FALSE(packet.empty());
        if ((packet[0] & 0xF0) == 0x30) payloads.push_back(packet.substr(packet.size() - 3));
    }
    EXPECT_EQ(payloads, (std::vector<std::string>{"one", "two", "ree"}));
}

TEST(WebSocket, LargePayloadsCrossManyFrames) {
    TestBroker broker(QuotaProfile::relaxed);
    auto socket = std::make_unique<PlainWebSocket>(broker.ports.mqtt);
    socket->upgrade(upgrade_request());
    MqttClient client(std::move(socket));
    client.connect("c");
    client.subscribe("big", 1);
    for (const std::size_t size : {100U, 16'368U, 100'000U, 900'000U}) {
        const std::string payload(size, 'p');
        client.publish("big", payload);
        const auto received = client.receive_publish();
        ASSERT_TRUE(received);
        EXPECT_TRUE(received->payload == payload) << size;
    }
}

TEST(WebSocket, CloseIsTheClientsOwnDisconnectAndSendsNoWill) {
    TestBroker broker;
    MqttClient watcher = broker.connected("watcher");
    watcher.subscribe("will", 0);
    auto socket = std::make_unique<PlainWebSocket>(broker.ports.mqtt);
    PlainWebSocket& raw = *socket;
    raw.upgrade(upgrade_request());
    MqttClient client(std::move(socket));
    mqtt::Connect connect;
    connect.client_id = "c";
    connect.will = mqtt::Will{"will", "x", Qos::at_most_once, false};
    client.connect_with(connect);
    EXPECT_EQ(hex_encode(client.receive_packet()), "20020000");
    raw.write_raw(client_frame(WebSocketOpcode::close, std::string("\x03\xE8", 2)));
    EXPECT_TRUE(client.closed());
    EXPECT_EQ(raw.close_code(), 1000U);
    EXPECT_EQ(broker.disconnects(DisconnectReason::client_initiated_disconnect), 1U);
    watcher.ping();
}

TEST(WebSocket, ErrorsOfFramingAreToldByTheirCode) {
    TestBroker broker;
    auto socket = std::make_unique<PlainWebSocket>(broker.ports.mqtt);
    PlainWebSocket& raw = *socket;
    raw.upgrade(upgrade_request());
    MqttClient client(std::move(socket));
    client.connect("c");
    raw.write_raw(client_frame(WebSocketOpcode::ping, "p"));
    raw.write_raw(client_frame(WebSocketOpcode::text, "x"));
    EXPECT_TRUE(client.closed());
    EXPECT_EQ(raw.control.front(), (std::pair<WebSocketOpcode, std::string>(WebSocketOpcode::pong, "p")));
    EXPECT_EQ(raw.close_code(), 1003U);
    EXPECT_EQ(broker.disconnects(DisconnectReason::client_error), 1U);
}

TEST(WebSocket, TheSubprotocolOfTheOldSdkIsEchoed) {
    TestBroker broker;
    PlainWebSocket socket(broker.ports.mqtt);
    EXPECT_TRUE(socket.upgrade(upgrade_request("/mqtt", "mqttv3.1")).find("Sec-WebSocket-Protocol: mqttv3.1\r\n") != std::string::npos);
}

TEST(WebSocket, OnTheAlpnPortASignatureIsNeeded) {
    Doors doors;
    TlsWebSocket refused(doors.broker.ports.alpn, TlsOptions());
    const std::string wrong = refused.upgrade(upgrade_request("/mqtt?X-Amz-Signature=wrong"));
    EXPECT_TRUE(wrong.starts_with("HTTP/1.1 403 Forbidden")) << wrong;
    EXPECT_TRUE(wrong.find("the signature does not match") != std::string::npos) << wrong;
    TlsWebSocket unsigned_one(doors.broker.ports.alpn, TlsOptions());
    EXPECT_TRUE(unsigned_one.upgrade(upgrade_request()).starts_with("HTTP/1.1 403 Forbidden"));
    EXPECT_EQ(doors.broker.disconnects(DisconnectReason::auth_error), 2U);

    auto socket = std::make_unique<TlsWebSocket>(doors.broker.ports.alpn, offering({"http/1.1"}));
    EXPECT_TRUE(socket->upgrade(upgrade_request("/mqtt?X-Amz-Signature=right")).starts_with("HTTP/1.1 101"));
    MqttClient client(std::move(socket));
    client.connect("c");
}

TEST(WebSocket, LivesForADay) {
    Doors doors;
    auto socket = std::make_unique<TlsWebSocket>(doors.broker.ports.alpn, TlsOptions());
    TlsWebSocket& raw = *socket;
    raw.upgrade(upgrade_request("/mqtt?X-Amz-Signature=right"));
    MqttClient client(std::move(socket));
    mqtt::Connect connect;
    connect.client_id = "c";
    connect.keep_alive_s = 1200;
    client.connect_with(connect);
    client.receive_packet();
    for (int i = 0; i < 48; ++i) {
        doors.broker.clock.advance(std::chrono::minutes(29));
        client.ping();
    }
    doors.broker.clock.advance(std::chrono::minutes(29));
    client.send_hex("C000");
    doors.broker.clock.advance(std::chrono::minutes(25));
    while (!client.receive_packet().empty()) {
    }
    EXPECT_EQ(doors.broker.disconnects(DisconnectReason::websocket_ttl_expiration), 1U);
    EXPECT_EQ(raw.close_code(), 1001U);
}

TEST(WebSocket, ACertificateWillDoWhereOneIsAskedFor) {
    Doors doors;
    for (const std::int32_t port : {doors.broker.ports.mqtts, doors.broker.ports.alpn}) {
        auto socket = std::make_unique<TlsWebSocket>(port, offering({"x-amzn-http-ca"}, &pki().device_p256));
        EXPECT_TRUE(socket->upgrade(upgrade_request()).starts_with("HTTP/1.1 101"));
        MqttClient client(std::move(socket));
        client.connect("c");
    }
    doors.broker.authenticator.refuse_certificates();
    TlsWebSocket refused(doors.broker.ports.alpn, offering({"x-amzn-http-ca"}, &pki().device_p256));
    EXPECT_EQ(refused.upgrade(upgrade_request()), "");
}

TEST(WebSocket, SlowAndEndlessHeadsAreCutOff) {
    TestBroker broker;
    ClientSocket slow(broker.ports.mqtt);
    slow.write("GET /mqtt HTTP/1.1\r\nHost:");
    MqttClient other = broker.connected("other");  // accepted after it
    broker.clock.advance(std::chrono::seconds(11));
    char byte = 0;
    EXPECT_EQ(slow.read(&byte, 1), 0);
    PlainWebSocket endless(broker.ports.mqtt);
    EXPECT_TRUE(endless.upgrade("GET /mqtt HTTP/1.1\r\nX: " + std::string(20'000, 'x')).starts_with("HTTP/1.1 431"));
    PlainWebSocket other_request(broker.ports.mqtt);
    EXPECT_TRUE(other_request.upgrade("GET / HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 426"));
}

TEST(WebSocket, ARefusalIsSeenByAClientThatIsStillSending) {
    TestBroker broker;
    MqttClient client = broker.client();
    const std::string head = "POST /topics/a HTTP/1.1\r\nHost: x\r\nContent-Length: 600000\r\n\r\n";
    client.send(head);
    const std::string status = client.receive(12);
    EXPECT_EQ(status, "HTTP/1.1 426");
    EXPECT_TRUE(client.send(std::string(600'000, 'x')));
    while (!client.receive(1).empty()) {
    }
    EXPECT_TRUE(client.has_ended());
    MqttClient endless = broker.client();
    endless.send(head);
    std::string megabyte(1024 * 1024, 'x');
    bool open = true;
    for (int i = 0; i < 64 && open; ++i) open = endless.send(megabyte);
    EXPECT_FALSE(open) << "not for ever";
}

TEST(AlpnPort, HandsHttpOverWithAndWithoutACertificate) {
    Doors doors;
    const std::string request = "POST /topics/a?qos=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
    TlsWebSocket nobody(doors.broker.ports.alpn, offering({"h2", "http/1.1"}));
    EXPECT_EQ(nobody.selected_protocol(), "http/1.1");
    EXPECT_TRUE(nobody.upgrade(request).find("nobody POST /topics/a") != std::string::npos);
    TlsWebSocket device(doors.broker.ports.alpn, offering({"surplus", "x-amzn-http-ca"}, &pki().device_rsa));
    EXPECT_EQ(device.selected_protocol(), "x-amzn-http-ca");
    EXPECT_TRUE(device.upgrade(request).find("device POST /topics/a") != std::string::npos);
    TlsWebSocket get(doors.broker.ports.alpn, TlsOptions());
    EXPECT_TRUE(get.upgrade("GET /retainedMessage HTTP/1.1\r\nHost: x\r\n\r\n").find("nobody GET /retained") != std::string::npos);
}

TEST(AlpnPort, AnUnknownOfferIsNoReasonToAbort) {
    Doors doors;
    auto socket = std::make_unique<TlsClientSocket>(doors.broker.ports.alpn, offering({"unknown", "h2"}));
    ASSERT_TRUE(socket->established);
    EXPECT_EQ(socket->selected_protocol(), "");
}

MqttClient custom_client(const Doors& doors, std::string_view user_name, std::vector<std::string> alpn = {"mqtt"}) {
    MqttClient client(std::make_unique<TlsClientSocket>(doors.broker.ports.alpn, offering(std::move(alpn))));
    mqtt::Connect connect;
    connect.client_id = "c";
    connect.user_name = user_name;
    connect.password = "secret";
    connect.keep_alive_s = 1200;
    client.connect_with(connect);
    return client;
}

TEST(CustomAuthorizer, IsNamedInTheUserName) {
    Doors doors;
    MqttClient client = custom_client(doors, "me?x-amz-customauthorizer-name=good&token=t&x-amz-customauthorizer-signature=c2ln%2B");
    EXPECT_EQ(hex_encode(client.receive_packet()), "20020000");
    const auto asked = doors.custom->asked();
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_EQ(asked[0].authorizer_name, "good");
    EXPECT_EQ(asked[0].token_signature, "c2ln+");
    EXPECT_EQ(asked[0].password, "secret");
    EXPECT_EQ(asked[0].client_id, "c");
    EXPECT_TRUE(asked[0].over_mqtt);
    EXPECT_EQ(asked[0].query_string, "x-amz-customauthorizer-name=good&token=t&x-amz-customauthorizer-signature=c2ln%2B");
    // Without ALPN as well, but not with another authorizer.
    EXPECT_EQ(hex_encode(custom_client(doors, "?x-amz-customauthorizer-name=good", {}).receive_packet()), "20020000");
    EXPECT_TRUE(custom_client(doors, "?x-amz-customauthorizer-name=bad").closed());
    EXPECT_TRUE(custom_client(doors, "nobody").closed());
}

TEST(CustomAuthorizer, IsNamedInTheUpgrade) {
    Doors doors;
    auto socket = std::make_unique<TlsWebSocket>(doors.broker.ports.alpn, TlsOptions());
    EXPECT_TRUE(
        socket->upgrade(upgrade_request("/mqtt", "mqtt", "X-Amz-CustomAuthorizer-Name: good\r\nToken: t\r\n")).starts_with("HTTP/1.1 101"));
    MqttClient client(std::move(socket));
    client.connect("c");
    EXPECT_EQ(doors.custom->asked().at(0).authorizer_name, "good");
}

TEST(CustomAuthorizer, RefreshesAndEndsInItsTime) {
    Doors doors;
    MqttClient client = custom_client(doors, "?x-amz-customauthorizer-name=good");
    client.receive_packet();
    doors.broker.clock.advance(std::chrono::seconds(601));
    EXPECT_TRUE(eventually([&] { return doors.custom->asked().size() == 2; }));
    client.ping();
    doors.broker.clock.advance(std::chrono::seconds(3000));
    EXPECT_TRUE(client.closed());
    EXPECT_EQ(doors.broker.disconnects(DisconnectReason::customauth_ttl_expiration), 1U);

    MqttClient second = custom_client(doors, "?x-amz-customauthorizer-name=good");
    second.receive_packet();
    doors.custom->grants_max = 0;
    doors.broker.clock.advance(std::chrono::seconds(601));
    EXPECT_TRUE(second.closed());
    EXPECT_EQ(doors.broker.disconnects(DisconnectReason::auth_error), 1U);
}

TEST(ProxyProtocol, TheSourceAddressIsTheClients) {
    Doors doors(true);
    TlsOptions options = offering({}, &pki().device_p256);
    options.before_handshake = std::string("\r\n\r\n\0\r\nQUIT\n", 12) + MqttClient::unhex("2111000C C0000207 C6336401 D431 22B3");
    MqttClient client(std::make_unique<TlsClientSocket>(doors.broker.ports.mqtts, options));
    client.connect("c");
    EXPECT_EQ(doors.broker.authenticator.last_facts().source_ip, "192.0.2.7");
    options.before_handshake.clear();
    EXPECT_FALSE(TlsClientSocket(doors.broker.ports.mqtts, options).established);
}

TEST(StrictServerName, RefusesNamesThatTheCertificateDoesNotHave) {
    TestBroker::Options options = secure();
    options.strict_server_name = true;
    TestBroker broker(options);
    TlsOptions client = offering({}, &pki().device_p256);
    for (const char* name : {"", "localhost", "127.0.0.1"}) {
        client.server_name = name;
        EXPECT_TRUE(TlsClientSocket(broker.ports.mqtts, client).established) << name;
    }
    client.server_name = "other.example";
    EXPECT_FALSE(TlsClientSocket(broker.ports.mqtts, client).established);
}

TEST(SecurityPolicy, LimitsTheVersions) {
    TestBroker::Options options = secure();
    options.security_policy = "IoTSecurityPolicy_TLS13_1_3_2022_10";
    TestBroker broker(options);
    TlsOptions client = offering({}, &pki().device_p256);
    EXPECT_TRUE(TlsClientSocket(broker.ports.mqtts, client).established);
    client.version = TLS1_2_VERSION;
    EXPECT_FALSE(TlsClientSocket(broker.ports.mqtts, client).established);
    options.security_policy = "IoTSecurityPolicy_of_nobody";
    EXPECT_THROW(TestBroker{options}, std::runtime_error);
}

}  // namespace
}  // namespace fogbank::broker::testing
