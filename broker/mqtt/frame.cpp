// The fixed header (OASIS MQTT 3.1.1, section 2.2) and the error category.
#include <array>

#include "broker/mqtt/detail/wire.h"
#include "broker/mqtt/packet.h"

namespace fogbank::broker::mqtt {
namespace {

using namespace detail;

/// The remaining length after the first byte; nothing while it is incomplete.
Result<std::optional<std::size_t>> remaining_length(std::string_view bytes, std::size_t& length_bytes) {
    std::size_t value = 0;
    for (std::size_t i = 0; i < remaining_length_bytes_max; ++i) {
        if (i == bytes.size()) return std::optional<std::size_t>();
        const auto byte = static_cast<std::uint8_t>(bytes[i]);
        value |= static_cast<std::size_t>(byte & length_bits) << (7 * i);
        length_bytes = i + 1;
        if ((byte & length_continues) == 0) return std::optional(value);
    }
    return Error(Errc::malformed, "fixed header: the remaining length has more than four bytes [section 2.2.3]");
}

}  // namespace

const boost::system::error_category& category() {
    static constexpr std::array<std::string_view, 6> names = {
        "", "malformed", "too_large", "unsupported_version", "protocol_violation", "topic_alias_invalid"};
    static const NamedErrorCategory instance("broker.mqtt", names);
    return instance;
}

Result<std::optional<Frame>> find_frame(std::string_view bytes, std::size_t packet_bytes_max) {
    if (bytes.empty()) return std::optional<Frame>();
    const int type = static_cast<std::uint8_t>(bytes.front()) >> 4;
    if (type == 0) return Error(Errc::malformed, "fixed header: packet type 0 is reserved [section 2.2.1]");
    std::size_t length_bytes = 0;
    const auto remaining = remaining_length(bytes.substr(1), length_bytes);
    if (!remaining) return remaining.error();
    if (!*remaining) return std::optional<Frame>();
    const Frame frame{1 + length_bytes + **remaining, 1 + length_bytes};
    if (frame.bytes > packet_bytes_max) {
        return Error(Errc::too_large, "fixed header: a packet of " + std::to_string(frame.bytes) + " bytes, at most " +
                                          std::to_string(packet_bytes_max) + " are allowed");
    }
    return std::optional(frame);
}

}  // namespace fogbank::broker::mqtt
