// TLS 1.3 records without libssl: against a mirror of themselves here, against OpenSSL's client through the whole broker.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>

#include "broker/tls_records.h"
#include "tests/broker/test_broker.h"
#include "tests/broker/tls_client.h"

namespace fogbank::broker::testing {
namespace {

using Status = IoResult::Status;

/// Two ends of one connection; the mirror reads what the server writes.
struct Pair {
    explicit Pair(std::uint16_t suite = 0x1301) {
        const std::size_t bytes = suite == 0x1302 ? 48 : 32;
        const TlsTrafficSecrets secrets{std::string(bytes, 'c'), std::string(bytes, 's')};
        server = TlsRecords::create(suite, secrets);
        client = TlsRecords::create(suite, {secrets.server, secrets.client});
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) throw std::runtime_error("socketpair");
    }
    ~Pair() {
        for (const int end : ends) ::close(end);
    }
    /// All that can be read now.
    std::string read_server(std::size_t at_once = 1 << 16) {
        std::string out, buffer(at_once, '\0');
        while (true) {
            last = server->read(ends[1], buffer.data(), buffer.size());
            if (last.status != Status::done) return out;
            out.append(buffer, 0, last.bytes);
        }
    }
    std::string sealed(std::string_view text) {
        client->write(ends[0], text.data(), text.size());
        std::string bytes(text.size() * 2 + 1000, '\0');
        bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::recv(ends[1], bytes.data(), bytes.size(), 0))));
        return bytes;
    }

    std::unique_ptr<TlsRecords> server, client;
    std::array<int, 2> ends{};
    IoResult last;
};

TEST(TlsRecords, EverySuiteCarriesEverySize) {
    for (const std::uint16_t suite : std::initializer_list<std::uint16_t>{0x1301, 0x1302, 0x1303}) {
        Pair pair(suite);
        ASSERT_TRUE(pair.server && pair.client);
        for (const std::size_t size : {1U, 100U, 16'384U, 16'385U, 60'000U}) {
            const std::string text(size, 'x');
            EXPECT_EQ(pair.client->write(pair.ends[0], text.data(), size).bytes, size);
            EXPECT_TRUE(pair.read_server(size % 2 == 0 ? 7'000 : 1 << 16) == text) << size;
        }
    }
    EXPECT_EQ(TlsRecords::create(0x1304, {std::string(32, 'c'), std::string(32, 's')}), nullptr);
    EXPECT_EQ(TlsRecords::create(0x1302, {std::string(32, 'c'), std::string(32, 's')}), nullptr);
}

TEST(TlsRecords, BytesMayComeOneByOne) {
    Pair pair;
    std::string bytes = pair.sealed("hello");
    bytes += pair.sealed("world");
    std::string out;
    for (const char byte : bytes) {
        ASSERT_EQ(::send(pair.ends[0], &byte, 1, 0), 1);
        out += pair.read_server();
    }
    EXPECT_EQ(out, "helloworld");
}

TEST(TlsRecords, AFullSocketTakesTheRestLater) {
    Pair pair;
    const int small = 8192;
    ::setsockopt(pair.ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    std::string text(1'000'000, '\0');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7 % 253);
    std::string out;
    for (std::size_t sent = 0; sent < text.size();) {
        const IoResult result = pair.client->write(pair.ends[0], text.data() + sent, text.size() - sent);
        ASSERT_TRUE(result.status == Status::done || result.status == Status::would_block);
        sent += result.bytes;
        out += pair.read_server();
    }
    EXPECT_TRUE(out == text);
}

TEST(TlsRecords, ChangedBytesEndTheConnectionWithAnAlert) {
    Pair pair;
    const std::string good = pair.sealed("hello");
    for (const std::size_t at : {std::size_t{0}, std::size_t{1}, std::size_t{5}, good.size() - 1}) {
        Pair other;
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 1);
        ASSERT_GT(::send(other.ends[0], bad.data(), bad.size(), 0), 0);
        EXPECT_EQ(other.read_server(), "");
        EXPECT_EQ(other.last.status, Status::failed) << at;
        other.server->end(other.ends[1]);
        char byte = 0;
        EXPECT_EQ(other.client->read(other.ends[0], &byte, 1).status, Status::failed);
        EXPECT_TRUE(other.client->failure().starts_with("the peer sent TLS alert")) << other.client->failure();
    }
    // Again is as bad as changed.
    ASSERT_GT(::send(pair.ends[0], (good + good).data(), good.size() * 2, 0), 0);
    EXPECT_EQ(pair.read_server(), "hello");
    EXPECT_EQ(pair.last.status, Status::failed);
}

TEST(TlsRecords, TooLargeARecordIsRefusedByItsHeader) {
    Pair pair;
    const std::string header("\x17\x03\x03\x41\x01", 5);
    ASSERT_EQ(::send(pair.ends[0], header.data(), header.size(), 0), 5);
    EXPECT_EQ(pair.read_server(), "");
    EXPECT_EQ(pair.last.status, Status::failed);
}

TEST(TlsRecords, CloseNotifyIsAnEndInOrder) {
    Pair pair;
    pair.client->write(pair.ends[0], "last", 4);
    pair.client->end(pair.ends[0]);
    EXPECT_EQ(pair.read_server(), "last");
    EXPECT_EQ(pair.last.status, Status::closed);
}

// Through the broker.

TestBroker::Options secure() {
    TestBroker::Options options;
    options.profile = QuotaProfile::relaxed;
    options.certificate_chain_pem = TestPki::instance().server.certificate_pem;
    options.private_key_pem = TestPki::instance().server.key_pem;
    return options;
}

struct Connected {
    explicit Connected(const TestBroker& broker, const TlsOptions& options) {
        auto socket = std::make_unique<TlsClientSocket>(broker.ports.mqtts, options);
        ssl = socket->ssl();
        client = std::make_unique<MqttClient>(std::move(socket));
        client->connect("c");
        client->subscribe("a", 0);
    }
    void echo(const std::string& payload) {
        client->publish("a", payload);
        const auto received = client->receive_publish();
        ASSERT_TRUE(received);
        EXPECT_TRUE(received->payload == payload);
    }
    SSL* ssl = nullptr;
    std::unique_ptr<MqttClient> client;
};

TlsOptions device() {
    TlsOptions options;
    options.identity = &TestPki::instance().device_p256;
    return options;
}

TEST(TlsRecords, OpensslSpeaksEverySuiteWithThem) {
    TestBroker broker(secure());
    for (const char* suite : {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}) {
        TlsOptions options = device();
        options.suites = suite;
        Connected connected(broker, options);
        EXPECT_STREQ(SSL_get_cipher_name(connected.ssl), suite);
        connected.echo("small");
        connected.echo(std::string(200'000, 'l'));
    }
}

TEST(TlsRecords, KeysAreUpdatedWhenOpensslAsks) {
    TestBroker broker(secure());
    Connected connected(broker, device());
    for (const int kind : {SSL_KEY_UPDATE_REQUESTED, SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED}) {
        ASSERT_EQ(SSL_key_update(connected.ssl, kind), 1);
        connected.echo("after the update");
        connected.echo(std::string(50'000, 'u'));
    }
}

TEST(TlsRecords, PaddingIsTakenOff) {
    TestBroker broker(secure());
    Connected connected(broker, device());
    ASSERT_EQ(SSL_set_block_padding(connected.ssl, 512), 1);
    connected.echo("x");
    connected.echo(std::string(20'000, 'p'));
}

TEST(TlsRecords, AForgedRecordEndsTheConnection) {
    TestBroker broker(secure());
    Connected connected(broker, device());
    const std::string forged = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'f');
    ASSERT_GT(::send(connected.client->socket().descriptor(), forged.data(), forged.size(), 0), 0);
    EXPECT_TRUE(connected.client->closed());
    EXPECT_EQ(broker.disconnects(DisconnectReason::connection_lost), 1U);
}

}  // namespace
}  // namespace fogbank::broker::testing
