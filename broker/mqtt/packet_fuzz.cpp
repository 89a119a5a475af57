// Any bytes as a client's stream: nothing is read out of bounds, and what decodes is a packet that encodes and decodes to itself.

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "broker/mqtt/packet.h"

namespace {

namespace mqtt = fogbank::broker::mqtt;

/// Like a quota: smaller than what four bytes of length can say, so that too_large is reached.
constexpr std::size_t packet_bytes_max = 1 << 16;

void check(bool holds) {
    if (!holds) std::abort();
}

void check_packet(std::string_view bytes, mqtt::Version version) {
    // A copy of exactly this size: the sanitizer sees the first byte read past the packet, though the stream goes on.
    const auto exact = std::make_unique<char[]>(bytes.size());
    bytes.copy(exact.get(), bytes.size());
    const auto packet = mqtt::decode_client_packet({exact.get(), bytes.size()}, version);
    if (!packet) {
        check(!packet.error().message.empty());
        return;
    }
    std::string encoded;
    mqtt::encode_client_packet(encoded, *packet, version);
    const auto again = mqtt::decode_client_packet(encoded, version);
    check(again.has_value() && *again == *packet);
    check(encoded.size() <= bytes.size());  // less only where the remaining length was written longer than needed
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view stream(reinterpret_cast<const char*>(data), size);
    while (!stream.empty()) {
        const auto frame = mqtt::find_frame(stream, packet_bytes_max);
        if (!frame || !*frame) return 0;
        check((*frame)->bytes <= packet_bytes_max && (*frame)->header_bytes >= 2 && (*frame)->header_bytes <= (*frame)->bytes);
        if ((*frame)->bytes > stream.size()) return 0;
        for (const auto version : {mqtt::Version::v3_1_1, mqtt::Version::v5}) check_packet(stream.substr(0, (*frame)->bytes), version);
        stream.remove_prefix((*frame)->bytes);
    }
    return 0;
}
