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
inline void put_long(std::string& out, std::uint32_t value) {
    put_number(out, static_cast<std::uint16_t>(value >> 16U));
    put_number(out, static_cast<std::uint16_t>(value & 0xFFFFU));
}
inline void put_text(std::string& out, std::string_view text) {
    put_number(out, static_cast<std::uint16_t>(text.size()));
    out.append(text);
}
/// A variable byte integer (MQTT 5, section 1.5.5); the remaining length is one.
inline void put_variable(std::string& out, std::size_t value) {
    while (value > length_bits) {
        put_byte(out, static_cast<unsigned>(value & length_bits) | length_continues);
        value >>= 7U;
    }
    put_byte(out, static_cast<unsigned>(value));
}
inline void put_fixed_header(std::string& out, PacketType type, unsigned flags, std::size_t remaining_length) {
    put_byte(out, static_cast<unsigned>(type) << 4U | flags);
    put_variable(out, remaining_length);
}

}  // namespace fogbank::broker::mqtt::detail
