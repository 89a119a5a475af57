// WebSocket frames and the upgrade's head, without I/O.
#include <gtest/gtest.h>

#include "broker/first_bytes.h"
#include "broker/websocket_codec.h"
#include "broker/websocket_upgrade.h"
#include "common/encoding.h"
#include "tests/broker/websocket_client.h"

namespace fogbank::broker::testing {
namespace {

struct Decoded {
    std::string payload, answers;
    WebSocketDecoder::State state;
    CloseCode error;
};

Decoded decode(std::string_view bytes, std::size_t step) {
    WebSocketDecoder decoder(70'000);
    Decoded out{{}, {}, decoder.state(), decoder.error()};
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        std::string piece(bytes.substr(at, step));
        out.payload.append(piece, 0, decoder.decode(piece.data(), piece.size()));
        out.answers += decoder.take_answers();
    }
    out.state = decoder.state();
    out.error = decoder.error();
    return out;
}

std::string pattern(std::size_t size) {
    std::string out(size, '\0');
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(i * 31 % 251);
    return out;
}

TEST(WebSocketCodec, PayloadsOfEverySizeClassComeOutUnmaskedHoweverTheyAreSplit) {
    std::string bytes, expected;
    for (const std::size_t size : {0U, 1U, 7U, 8U, 9U, 125U, 126U, 127U, 65'535U, 65'536U}) {
        expected += pattern(size);
        bytes += client_frame(WebSocketOpcode::binary, pattern(size));
    }
    for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{1000}, bytes.size()}) {
        const Decoded decoded = decode(bytes, step);
        EXPECT_TRUE(decoded.payload == expected) << step;
        EXPECT_EQ(decoded.state, WebSocketDecoder::State::open);
    }
}

TEST(WebSocketCodec, FragmentsJoinAndPingsComeInBetween) {
    const std::string bytes = client_frame(WebSocketOpcode::binary, "ab", false) + client_frame(WebSocketOpcode::ping, "hello") +
                              client_frame(WebSocketOpcode::continuation, "", false) + client_frame(WebSocketOpcode::continuation, "cd") +
                              client_frame(WebSocketOpcode::pong, "x");
    const Decoded decoded = decode(bytes, 1);
    EXPECT_EQ(decoded.payload, "abcd");
    EXPECT_EQ(decoded.answers, websocket_control_frame(WebSocketOpcode::pong, "hello"));
    EXPECT_EQ(decoded.state, WebSocketDecoder::State::open);
}

TEST(WebSocketCodec, CloseIsAnsweredWithItsCodeAndEndsTheStream) {
    const Decoded with_code =
        decode(client_frame(WebSocketOpcode::binary, "x") + client_frame(WebSocketOpcode::close, "\x03\xE9gone") + "rest", 1);
    EXPECT_EQ(with_code.payload, "x");
    EXPECT_EQ(with_code.state, WebSocketDecoder::State::closed);
    EXPECT_EQ(hex_encode(with_code.answers), "880203e9");
    EXPECT_EQ(hex_encode(decode(client_frame(WebSocketOpcode::close, ""), 1).answers), "880203e8");
}

TEST(WebSocketCodec, WhatBreaksTheProtocolFailsWithItsCode) {
    const auto unmasked = websocket_control_frame(WebSocketOpcode::binary, "x");
    auto reserved = client_frame(WebSocketOpcode::binary, "x");
    reserved[0] = static_cast<char>(reserved[0] | 0x40);
    const std::vector<std::pair<std::string, CloseCode>> cases{
        {unmasked, CloseCode::protocol_error},
        {reserved, CloseCode::protocol_error},
        {client_frame(WebSocketOpcode::text, "x"), CloseCode::unsupported_data},
        {client_frame(WebSocketOpcode::continuation, "x"), CloseCode::protocol_error},
        {client_frame(WebSocketOpcode::binary, "x", false) + client_frame(WebSocketOpcode::binary, "y"), CloseCode::protocol_error},
        {client_frame(WebSocketOpcode::ping, "x", false), CloseCode::protocol_error},
        {client_frame(WebSocketOpcode::ping, std::string(126, 'x')), CloseCode::protocol_error},
        {client_frame(static_cast<WebSocketOpcode>(3), "x"), CloseCode::protocol_error},
        {client_frame(static_cast<WebSocketOpcode>(11), "x"), CloseCode::protocol_error},
        {client_frame(WebSocketOpcode::close, "x"), CloseCode::protocol_error},
        {client_frame(WebSocketOpcode::close, std::string("\x03\xED", 2)), CloseCode::protocol_error},  // 1005
        {client_frame(WebSocketOpcode::binary, std::string(70'001, 'x')), CloseCode::message_too_big},
        {MqttClient::unhex("82FE000511223344"), CloseCode::protocol_error},              // 5 in two bytes
        {MqttClient::unhex("82FF000000000000FFFF11223344"), CloseCode::protocol_error},  // 65,535 in eight
        {MqttClient::unhex("82FFFFFFFFFFFFFFFFFF11223344"), CloseCode::message_too_big},
    };
    for (const auto& [bytes, code] : cases) {
        for (const std::size_t step : {std::size_t{1}, bytes.size()}) {
            const Decoded decoded = decode(bytes, step);
            EXPECT_EQ(decoded.state, WebSocketDecoder::State::failed) << hex_encode(bytes.substr(0, 20));
            EXPECT_EQ(decoded.error, code) << hex_encode(bytes.substr(0, 20));
        }
    }
}

TEST(WebSocketUpgrade, TheAcceptKeyIsThatOfTheStandard) {
    const auto request = parse_http_head(upgrade_request());
    ASSERT_TRUE(request);
    EXPECT_TRUE(wants_websocket(*request));
    const UpgradeVerdict verdict = judge_upgrade(*request);
    EXPECT_EQ(verdict.refusal.status, 0U) << verdict.refusal.reason;
    EXPECT_EQ(verdict.terms.accept_key, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");  // RFC 6455, section 1.3
}

TEST(WebSocketUpgrade, EachMistakeHasItsStatus) {
    const auto status = [](const std::string& head) {
        const auto request = parse_http_head(head);
        return request ? judge_upgrade(*request).refusal.status : 1;
    };
    const auto without = [](std::string_view part, std::string_view instead = {}) {
        std::string head = upgrade_request();
        const std::size_t at = head.find(part);
        return head.replace(at, part.size(), instead);
    };
    EXPECT_EQ(status(upgrade_request("/other")), 404U);
    EXPECT_EQ(status(without("GET", "POST")), 400U);
    EXPECT_EQ(status(without("keep-alive, Upgrade", "keep-alive")), 400U);
    EXPECT_EQ(status(without("Version: 13", "Version: 8")), 426U);
    EXPECT_EQ(status(without("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=")), 400U);
    EXPECT_EQ(status(upgrade_request("/mqtt", "chat")), 400U);
    EXPECT_EQ(status(upgrade_request("/mqtt", "chat, mqttv3.1")), 0U);
    EXPECT_EQ(status(without("HTTP/1.1", "HTTP/2")), 1U);
    EXPECT_EQ(status(without("Host: localhost", "Host localhost")), 1U);
    EXPECT_EQ(status(without("Host: localhost", std::string("Host: a\0b", 9))), 1U);
}

TEST(FirstBytes, TellTheProtocolAsSoonAsTheyCan) {
    EXPECT_EQ(first_bytes_speak(""), Speaks::unknown_yet);
    EXPECT_EQ(first_bytes_speak("\x10"), Speaks::mqtt);
    EXPECT_EQ(first_bytes_speak("G"), Speaks::unknown_yet);
    EXPECT_EQ(first_bytes_speak("GET "), Speaks::http);
    EXPECT_EQ(first_bytes_speak("GEX"), Speaks::mqtt);
    EXPECT_EQ(first_bytes_speak("POST /topics"), Speaks::http);
    EXPECT_EQ(first_bytes_speak("\x16\x03\x01"), Speaks::tls);
    EXPECT_EQ(first_bytes_speak(std::string_view("\0", 1)), Speaks::mqtt);
}

std::string proxy_header(std::string_view command_family, std::string_view block) {
    std::string out("\r\n\r\n\0\r\nQUIT\n", 12);
    out += MqttClient::unhex(command_family);
    out += static_cast<char>(block.size() >> 8);
    out += static_cast<char>(block.size());
    return out.append(block);
}

TEST(ProxyHeader, AddressesOfBothFamilies) {
    const std::string v4 = proxy_header("2111", MqttClient::unhex("C0000201 C6336401 D431 22B3"));
    const auto read = read_proxy_header(v4 + "\x10rest");
    ASSERT_TRUE(read && *read);
    EXPECT_EQ((*read)->source_ip, "192.0.2.1");
    EXPECT_EQ((*read)->source_port, 54321);
    EXPECT_EQ((*read)->header_bytes, v4.size());
    const std::string v6 = proxy_header(
        "2121", MqttClient::unhex("20010DB8000000000000000000000001 20010DB8000000000000000000000002 0001 0002 040000"));  // with a TLV
    const auto read6 = read_proxy_header(v6);
    ASSERT_TRUE(read6 && *read6);
    EXPECT_EQ((*read6)->source_ip, "2001:db8::1");
    EXPECT_EQ((*read6)->source_port, 1);
    for (std::size_t size = 0; size < v6.size(); ++size) {
        const auto part = read_proxy_header(std::string_view(v6).substr(0, size));
        ASSERT_TRUE(part) << size;
        EXPECT_FALSE(*part) << size;
    }
}

TEST(ProxyHeader, LocalKeepsTheSocketsAddressAndOthersAreRefused) {
    const auto local = read_proxy_header(proxy_header("2000", ""));
    ASSERT_TRUE(local && *local);
    EXPECT_EQ((*local)->source_ip, "");
    EXPECT_FALSE(read_proxy_header("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"));
    EXPECT_FALSE(read_proxy_header(proxy_header("1111", "")));
    EXPECT_FALSE(read_proxy_header(proxy_header("2112", std::string(12, '\0'))));  // UDP
    EXPECT_FALSE(read_proxy_header(proxy_header("2111", std::string(11, '\0'))));
    EXPECT_FALSE(read_proxy_header(proxy_header("2111", std::string(3000, '\0')).substr(0, 20)));
}

}  // namespace
}  // namespace fogbank::broker::testing
