/// Appends the forms of OASIS MQTT 3.1.1 sections 1.5 and 2.2 to a string.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/mqtt/detail/wire.h"

namespace fogbank::broker::mqtt::detail {

inline constexpr std::size_t length_prefix_bytes = 2;
inline constexpr std::size_t packet_id_bytes = 2;

inline void put_byte(std::string& out, unsigned value) {
    out.push_back(static_cast<char>(static_cast<std::uint8_t>(value)));
}
inline void put_number(std::string& out, std::uint16_t value) {
    put_byte(out, value >> 8U);
    put_byte(out, value & 0xFFU);
}
inline void put_text(std::string& out, std::string_view text) {
    put_number(out, static_cast<std::uint16_t>(text.size()));
    out.append(text);
}
inline void put_fixed_header(std::string& out, PacketType type, unsigned flags, std::size_t remaining_length) {
    put_byte(out, static_cast<unsigned>(type) << 4U | flags);
    while (remaining_length > length_bits) {
        put_byte(out, static_cast<unsigned>(remaining_length & length_bits) | length_continues);
        remaining_length >>= 7U;
    }
    put_byte(out, static_cast<unsigned>(remaining_length));
}

}  // namespace fogbank::broker::mqtt::detail
