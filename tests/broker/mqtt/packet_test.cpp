#include "broker/mqtt/packet.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "common/encoding.h"
#include "tests/support/cases.h"

namespace fogbank::broker::mqtt {
namespace {

using nlohmann::json;
using testing::Case;

/// Cases write hex with spaces where a reader needs them.
std::string bytes_of(const json& hex) {
    auto text = hex.get<std::string>();
    text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
    const auto bytes = hex_decode(text);
    EXPECT_TRUE(bytes) << text;
    return bytes.value_or("");
}

struct Describe {
    json operator()(const Connect& p) const {
        json out = {{"packet", "CONNECT"},
                    {"protocol_level", p.protocol_level},
                    {"clean_session", p.clean_session},
                    {"keep_alive_s", p.keep_alive_s},
                    {"client_id", p.client_id}};
        if (p.will) {
            const int qos = static_cast<int>(p.will->qos);
            out["will"] = {{"topic_name", p.will->topic_name}, {"payload", p.will->payload}, {"qos", qos}, {"retain", p.will->retain}};
        }
        if (p.user_name) out["user_name"] = *p.user_name;
        if (p.password) out["password"] = *p.password;
        return out;
    }
    json operator()(const Publish& p) const {
        return {{"packet", "PUBLISH"},     {"topic_name", p.topic_name},
                {"payload", p.payload},    {"qos", static_cast<int>(p.qos)},
                {"retain", p.retain},      {"dup", p.dup},
                {"packet_id", p.packet_id}};
    }
    json operator()(const Puback& p) const { return {{"packet", "PUBACK"}, {"packet_id", p.packet_id}}; }
    json operator()(const Subscribe& p) const {
        json topics = json::array();
        for (const auto& topic : p.topics) topics.push_back({{"topic_filter", topic.topic_filter}, {"qos", topic.qos}});
        return {{"packet", "SUBSCRIBE"}, {"packet_id", p.packet_id}, {"topics", topics}};
    }
    json operator()(const Unsubscribe& p) const {
        return {{"packet", "UNSUBSCRIBE"}, {"packet_id", p.packet_id}, {"topic_filters", p.topic_filters}};
    }
    json operator()(const Auth& p) const { return {{"packet", "AUTH"}, {"reason_code", p.reason_code}}; }
    json operator()(const Pingreq&) const { return {{"packet", "PINGREQ"}}; }
    json operator()(const Disconnect&) const { return {{"packet", "DISCONNECT"}}; }
    json operator()(const Qos2Packet& p) const {
        const char* name = p.type == 5 ? "PUBREC" : p.type == 6 ? "PUBREL" : "PUBCOMP";
        return {{"packet", name}, {"packet_id", p.packet_id}};
    }
};

class ClientPackets : public ::testing::TestWithParam<Case> {};

TEST_P(ClientPackets, AgreeWithTheCase) {
    const auto& c = GetParam().data;
    const std::string bytes = bytes_of(c["hex"]);
    const auto packet = decode_client_packet(bytes);
    if (c.contains("error")) {
        ASSERT_FALSE(packet);
        EXPECT_EQ(packet.error().code.message(), c["error"].get<std::string>());
        EXPECT_EQ(packet.error().code.category(), category());
        EXPECT_NE(packet.error().message.find("[" + c["source"].get<std::string>() + "]"), std::string::npos) << packet.error().message;
        return;
    }
    ASSERT_TRUE(packet) << packet.error().message;
    EXPECT_EQ(std::visit(Describe{}, *packet), c["expect"]);
    // The canonical bytes again; a remaining length may be written longer than needed.
    std::string encoded;
    encode_client_packet(encoded, *packet);
    const auto again = decode_client_packet(encoded);
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, *packet);
}
INSTANTIATE_TEST_SUITE_P(Cases, ClientPackets, ::testing::ValuesIn(testing::load_cases("mqtt/packets.json")), testing::NameOfCase());

class ServerPackets : public ::testing::TestWithParam<Case> {};

TEST_P(ServerPackets, AgreeWithTheCase) {
    const auto& c = GetParam().data;
    const auto kind = c["encode"].get<std::string>();
    const auto packet_id = c.value("packet_id", std::uint16_t{0});
    std::string out = "before";
    if (kind == "connack") {
        encode_connack(out, c["session_present"].get<bool>(), static_cast<ConnectReturnCode>(c["code"].get<int>()));
    } else if (kind == "puback") {
        encode_puback(out, packet_id);
    } else if (kind == "suback") {
        encode_suback(out, packet_id, c["return_codes"].get<std::vector<std::uint8_t>>());
    } else if (kind == "unsuback") {
        encode_unsuback(out, packet_id);
    } else if (kind == "pingresp") {
        encode_pingresp(out);
    } else {
        ASSERT_EQ(kind, "publish");
        const auto publish = encode_publish(c["topic_name"].get<std::string>(), c["payload"].get<std::string>(),
                                            static_cast<Qos>(c["qos"].get<int>()), c["retain"].get<bool>());
        append_publish(out, publish, packet_id, c["dup"].get<bool>());
    }
    EXPECT_EQ(hex_encode(out), hex_encode("before" + bytes_of(c["hex"])));
}
INSTANTIATE_TEST_SUITE_P(Cases, ServerPackets, ::testing::ValuesIn(testing::load_cases("mqtt/server_packets.json")), testing::NameOfCase());

class Frames : public ::testing::TestWithParam<Case> {};

TEST_P(Frames, AgreeWithTheCase) {
    const auto& c = GetParam().data;
    const auto frame = find_frame(bytes_of(c["hex"]), c.value("limit", std::numeric_limits<std::size_t>::max()));
    if (c.contains("error")) {
        ASSERT_FALSE(frame);
        EXPECT_EQ(frame.error().code.message(), c["error"].get<std::string>());
        return;
    }
    ASSERT_TRUE(frame) << frame.error().message;
    ASSERT_EQ(frame->has_value(), !c.value("incomplete", false));
    if (!*frame) return;
    EXPECT_EQ((*frame)->bytes, c["bytes"].get<std::size_t>());
    EXPECT_EQ((*frame)->header_bytes, c["header_bytes"].get<std::size_t>());
}
INSTANTIATE_TEST_SUITE_P(Cases, Frames, ::testing::ValuesIn(testing::load_cases("mqtt/frames.json")), testing::NameOfCase());

TEST(ErrorCategory, NamesEveryCode) {
    EXPECT_EQ(make_error_code(Errc::malformed).message(), "malformed");
    EXPECT_EQ(make_error_code(Errc::too_large).message(), "too_large");
    EXPECT_EQ(make_error_code(Errc::unsupported_version).message(), "unsupported_version");
    EXPECT_EQ(make_error_code(Errc::protocol_violation).message(), "protocol_violation");
}

// A fan-out encodes once: the shared bytes must not change when they are appended for one receiver.
TEST(EncodedPublishes, AreSharedUnchanged) {
    const EncodedPublish publish = encode_publish("a", "payload", Qos::at_least_once, false);
    const std::string before = publish.bytes;
    std::string out;
    append_publish(out, publish, 1, true);
    append_publish(out, publish, 2, false);
    EXPECT_EQ(publish.bytes, before);
    const auto first = decode_client_packet(std::string_view(out).substr(0, before.size()));
    const auto second = decode_client_packet(std::string_view(out).substr(before.size()));
    EXPECT_EQ(std::get<Publish>(*first), (Publish{"a", "payload", Qos::at_least_once, false, true, 1}));
    EXPECT_EQ(std::get<Publish>(*second), (Publish{"a", "payload", Qos::at_least_once, false, false, 2}));
}

}  // namespace
}  // namespace fogbank::broker::mqtt
