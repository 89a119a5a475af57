/// What both directions of the codec share: packet types, flags and the forms of section 1.5 and 2.2. Source: OASIS MQTT 3.1.1 and
/// MQTT 5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fogbank::broker::mqtt::detail {

/// Section 2.2.1.
enum class PacketType : std::uint8_t {
    connect = 1,
    connack = 2,
    publish = 3,
    puback = 4,
    pubrec = 5,
    pubrel = 6,
    pubcomp = 7,
    subscribe = 8,
    suback = 9,
    unsubscribe = 10,
    unsuback = 11,
    pingreq = 12,
    pingresp = 13,
    disconnect = 14,
    auth = 15,
};

/// The lower half of the first byte where it is reserved (table 2.2): 2 for PUBREL, SUBSCRIBE and UNSUBSCRIBE, else 0.
inline constexpr std::uint8_t reserved_flags_0010 = 0x02;
inline constexpr std::uint8_t reserved_flags_0000 = 0x00;

// The first byte of PUBLISH (section 3.3.1).
inline constexpr std::uint8_t publish_retain = 0x01, publish_dup = 0x08;
inline constexpr int publish_qos_shift = 1;

// Connect flags (section 3.1.2.3).
inline constexpr std::uint8_t connect_reserved = 0x01, connect_clean_session = 0x02, connect_will = 0x04, connect_will_retain = 0x20,
                              connect_password = 0x40, connect_user_name = 0x80;
inline constexpr int connect_will_qos_shift = 3;

inline constexpr std::string_view protocol_name = "MQTT";
inline constexpr std::uint8_t protocol_level_3_1_1 = 4, protocol_level_5 = 5;

/// Section 2.2.3: up to four bytes of seven bits.
inline constexpr std::size_t remaining_length_bytes_max = 4;
inline constexpr std::uint8_t length_continues = 0x80, length_bits = 0x7F;

// Subscription options of MQTT 5 (section 3.8.3.1).
inline constexpr std::uint8_t option_no_local = 0x04, option_retain_as_published = 0x08, option_reserved = 0xC0;
inline constexpr int option_retain_handling_shift = 4;

inline constexpr std::uint8_t qos_mask = 0x03;
inline constexpr std::uint8_t qos_max = 2;

}  // namespace fogbank::broker::mqtt::detail
