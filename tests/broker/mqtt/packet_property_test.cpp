// Properties of the codec on random packets.
#include <gtest/gtest.h>

#include <deque>
#include <limits>
#include <memory>
#include <random>

#include "broker/mqtt/packet.h"
#include "broker/mqtt/properties.h"

namespace fogbank::broker::mqtt {
namespace {

constexpr int rounds = 3000;

/// Random packets that a client may send; owns the bytes that their views point to.
class Generator {
  public:
    explicit Generator(unsigned seed) : engine_(seed) {}

    int number(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }
    bool coin() { return number(0, 1) != 0; }
    std::string_view text(int characters_max) {
        static constexpr std::string_view pieces[] = {"a", "/", "+", "#", "$", "ö", "€", "𐀀", "\x01", "Z"};
        std::string out;
        for (int i = number(0, characters_max); i > 0; --i) out += pieces[number(0, 9)];
        return owned_.emplace_back(std::move(out));
    }
    std::string_view binary(int bytes_max) {
        std::string out;
        for (int i = number(0, bytes_max); i > 0; --i) out += static_cast<char>(number(0, 255));
        return owned_.emplace_back(std::move(out));
    }
    Version version = Version::v3_1_1;

    /// Properties as bytes, without their length; empty in MQTT 3.1.1.
    std::string_view properties(bool publish) {
        if (version == Version::v3_1_1 || coin()) return {};
        Properties out;
        for (int i = number(0, 3); i > 0; --i) {
            const std::string_view name = text(5);
            out.user_properties.emplace_back(name, text(5));
        }
        if (publish && coin()) out.content_type = text(5);
        if (publish && coin()) out.response_topic = text(5);
        if (publish && coin()) out.correlation_data = binary(9);
        if (publish && coin()) out.payload_format_indicator = static_cast<std::uint8_t>(number(0, 1));
        if (publish && coin()) out.message_expiry_interval_s = static_cast<std::uint32_t>(number(0, 1 << 30));
        std::string bytes;
        encode_properties(bytes, out);
        return owned_.emplace_back(bytes.substr(bytes.size() > 128 ? 2 : 1));
    }
    std::uint16_t packet_id() { return static_cast<std::uint16_t>(number(1, 65535)); }
    Qos qos() { return static_cast<Qos>(number(0, 2)); }

    Connect connect() {
        Connect packet;
        packet.clean_session = coin();
        packet.keep_alive_s = static_cast<std::uint16_t>(number(0, 65535));
        packet.client_id = text(20);
        packet.protocol_level = static_cast<std::uint8_t>(version);
        packet.properties = properties(false);
        if (coin()) packet.will = Will{text(20), binary(300), qos(), coin(), properties(true)};
        if (coin()) packet.user_name = text(20);
        if (packet.user_name && coin()) packet.password = binary(20);
        return packet;
    }
    Publish publish() {
        Publish packet{text(30), binary(number(0, 20) == 0 ? 40'000 : 200), qos(), coin(), false, 0};
        packet.properties = properties(true);
        if (packet.qos == Qos::at_most_once) return packet;
        packet.dup = coin();
        packet.packet_id = packet_id();
        return packet;
    }
    ClientPacket packet() {
        switch (number(0, 8)) {
            case 0:
                return connect();
            case 1:
                return Puback{packet_id(), 0, properties(false)};
            case 2: {
                Subscribe subscribe{packet_id(), {}};
                for (int i = number(1, 8); i > 0; --i) subscribe.topics.push_back({text(20), static_cast<std::uint8_t>(number(0, 2))});
                subscribe.properties = properties(false);
                return subscribe;
            }
            case 3: {
                Unsubscribe unsubscribe{packet_id(), {}};
                for (int i = number(1, 8); i > 0; --i) unsubscribe.topic_filters.push_back(text(20));
                unsubscribe.properties = properties(false);
                return unsubscribe;
            }
            case 4:
                return Pingreq{};
            case 5:
                return Disconnect{0, properties(false)};
            case 6:
                return Qos2Packet{static_cast<std::uint8_t>(number(5, 7)), packet_id(), 0, properties(false)};
            default:
                return publish();
        }
    }

  private:
    std::mt19937 engine_;
    std::deque<std::string> owned_;
};

std::string encoded(const ClientPacket& packet, Version version = Version::v3_1_1) {
    std::string out;
    encode_client_packet(out, packet, version);
    return out;
}

/// Decodes from a heap block of exactly the packet's size, so that the sanitizer sees a byte read outside.
bool decodes(std::string_view bytes, Version version = Version::v3_1_1) {
    const auto exact = std::make_unique<char[]>(bytes.size());
    bytes.copy(exact.get(), bytes.size());
    return decode_client_packet({exact.get(), bytes.size()}, version).has_value();
}

TEST(PacketProperties, DecodingUndoesEncoding) {
    Generator random(1);
    for (int i = 0; i < 2 * rounds; ++i) {
        random.version = i % 2 == 0 ? Version::v3_1_1 : Version::v5;
        const ClientPacket packet = random.packet();
        const std::string bytes = encoded(packet, random.version);
        const auto decoded = decode_client_packet(bytes, random.version);
        ASSERT_TRUE(decoded) << decoded.error().message;
        ASSERT_EQ(*decoded, packet);
        const auto frame = find_frame(bytes, bytes.size());
        ASSERT_TRUE(frame && *frame);
        ASSERT_EQ((*frame)->bytes, bytes.size());
        if (const auto* publish = std::get_if<Publish>(&packet)) {
            const auto shortly = decode_publish(bytes, **frame, random.version);
            ASSERT_TRUE(shortly) << shortly.error().message;
            ASSERT_EQ(*shortly, *publish);
        }
    }
}

TEST(PacketProperties, BothWaysToDecodeAPublishRefuseTheSame) {
    Generator random(7);
    for (int i = 0; i < rounds; ++i) {
        random.version = i % 2 == 0 ? Version::v3_1_1 : Version::v5;
        std::string bytes = encoded(Publish(random.publish()), random.version);
        bytes[static_cast<std::size_t>(random.number(0, static_cast<int>(bytes.size()) - 1))] = static_cast<char>(random.number(0, 255));
        constexpr unsigned publish_type = 3;
        if (static_cast<unsigned char>(bytes[0]) >> 4 != publish_type) continue;
        const auto frame = find_frame(bytes, std::numeric_limits<std::size_t>::max());
        if (!frame || !*frame || (*frame)->bytes != bytes.size()) continue;
        const auto shortly = decode_publish(bytes, **frame, random.version);
        const auto packet = decode_client_packet(bytes, random.version);
        ASSERT_EQ(shortly.has_value(), packet.has_value());
        if (shortly) {
            ASSERT_EQ(ClientPacket(*shortly), *packet);
        } else {
            ASSERT_EQ(shortly.error().message, packet.error().message);
        }
    }
}

/// The frames of a stream that arrives in pieces as `split` says.
template <class Split>
std::vector<std::string> frames_of(std::string_view stream, Split split) {
    std::vector<std::string> frames;
    std::string buffer;
    while (!stream.empty()) {
        const std::size_t piece = std::min(stream.size(), split());
        buffer.append(stream.substr(0, piece));
        stream.remove_prefix(piece);
        while (true) {
            const auto frame = find_frame(buffer, std::numeric_limits<std::size_t>::max());
            EXPECT_TRUE(frame);
            if (!frame || !*frame || (*frame)->bytes > buffer.size()) break;
            frames.push_back(buffer.substr(0, (*frame)->bytes));
            buffer.erase(0, (*frame)->bytes);
        }
    }
    EXPECT_TRUE(buffer.empty());
    return frames;
}

TEST(PacketProperties, AnySplitOfTheStreamGivesTheSamePackets) {
    Generator random(2);
    for (int i = 0; i < 30; ++i) {
        std::vector<std::string> sent;
        std::string stream;
        for (int count = random.number(1, 12); count > 0; --count) stream += sent.emplace_back(encoded(random.packet()));
        ASSERT_EQ(frames_of(stream, [] { return std::size_t{1}; }), sent);
        ASSERT_EQ(frames_of(stream, [&] { return stream.size(); }), sent);
        ASSERT_EQ(frames_of(stream, [&] { return static_cast<std::size_t>(random.number(1, 100)); }), sent);
    }
}

TEST(PacketProperties, EveryPrefixOfAPacketIsIncompleteOrRefused) {
    Generator random(3);
    for (int i = 0; i < rounds / 5; ++i) {
        random.version = i % 2 == 0 ? Version::v3_1_1 : Version::v5;
        const std::string bytes = encoded(random.packet(), random.version);
        for (std::size_t size = 0; size < std::min<std::size_t>(bytes.size(), 300); ++size) {
            const auto frame = find_frame(std::string_view(bytes).substr(0, size), bytes.size());
            ASSERT_TRUE(frame);
            ASSERT_TRUE(!*frame || (*frame)->bytes == bytes.size());
            ASSERT_FALSE(decodes(std::string_view(bytes).substr(0, size), random.version));
        }
    }
}

TEST(PacketProperties, MutatedPacketsAreRefusedOrPackets) {
    Generator random(4);
    int accepted = 0;
    int refused = 0;
    for (int i = 0; i < 10 * rounds; ++i) {
        random.version = i % 2 == 0 ? Version::v3_1_1 : Version::v5;
        std::string bytes = encoded(random.packet(), random.version);
        for (int mutations = random.number(1, 4); mutations > 0; --mutations) {
            const auto at = static_cast<std::size_t>(random.number(0, static_cast<int>(std::min<std::size_t>(bytes.size(), 40)) - 1));
            bytes[at] = static_cast<char>(random.number(0, 255));
        }
        if (decodes(bytes, random.version)) {
            const auto packet = decode_client_packet(bytes, random.version);
            ASSERT_EQ(*decode_client_packet(encoded(*packet, random.version), random.version), *packet);
            ++accepted;
        } else {
            ++refused;
        }
    }
    EXPECT_GT(accepted, rounds / 10);
    EXPECT_GT(refused, rounds);
}

}  // namespace
}  // namespace fogbank::broker::mqtt
