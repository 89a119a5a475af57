/// What a peer speaks, told from the first bytes of its stream; and the PROXY header that a balancer puts in front of them. No I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"

namespace fogbank::broker {

enum class Speaks : std::uint8_t {
    unknown_yet,  ///< all that has come fits a protocol below
    mqtt,         ///< also for what is neither: the codec has the words to refuse it
    http,
    tls,  ///< a handshake record
};

/// From the second byte on the answer never changes.
Speaks first_bytes_speak(std::string_view bytes);
/// Whether `bytes` begin with a method that can open a WebSocket (GET), so that the whole head must be seen.
bool may_be_upgrade(std::string_view bytes);

/// Where a connection really comes from.
struct ProxiedSource {
    std::string source_ip;  ///< empty: the balancer speaks for itself (LOCAL) or does not know
    std::uint16_t source_port = 0;
    std::size_t header_bytes = 0;  ///< of the header, in front of the peer's own bytes
};
/// A header is at most this large: the fixed part, addresses, and room for TLVs.
inline constexpr std::size_t proxy_header_bytes_max = 16 + 2048;

/// Reads a PROXY protocol v2 header from the front of `bytes`. Nothing while it is incomplete.
/// Errors: CommonErrc::malformed, also for version 1, datagrams and headers over proxy_header_bytes_max.
/// Source: HAProxy, "The PROXY protocol, versions 1 & 2", section 2.2.
Result<std::optional<ProxiedSource>> read_proxy_header(std::string_view bytes);

}  // namespace fogbank::broker
