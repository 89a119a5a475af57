#include "broker/first_bytes.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "common/common_errc.h"

namespace fogbank::broker {
namespace {

constexpr std::array<std::string_view, 7> methods{"GET ", "POST ", "PUT ", "DELETE ", "HEAD ", "OPTIONS ", "PATCH "};
constexpr unsigned char tls_handshake_record = 0x16;  // RFC 8446, section 5.1

constexpr std::string_view proxy_signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t proxy_fixed_bytes = 16;
constexpr unsigned command_local = 0x20, command_proxy = 0x21;
constexpr unsigned family_tcp4 = 0x11, family_tcp6 = 0x21, family_unspecified = 0x00;

unsigned byte_at(std::string_view bytes, std::size_t at) {
    return static_cast<unsigned char>(bytes[at]);
}

template <int Family, std::size_t Bytes>
void read_addresses(std::string_view block, ProxiedSource& out) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (::inet_ntop(Family, block.data(), text.data(), text.size()) != nullptr) out.source_ip = text.data();
    out.source_port = static_cast<std::uint16_t>(byte_at(block, 2 * Bytes) << 8 | byte_at(block, 2 * Bytes + 1));
}

Error malformed(std::string_view what) {
    return {CommonErrc::malformed, "PROXY header: " + std::string(what)};
}

}  // namespace

Speaks first_bytes_speak(std::string_view bytes) {
    if (bytes.empty()) return Speaks::unknown_yet;
    if (static_cast<unsigned char>(bytes[0]) == tls_handshake_record) {
        // A CONNECT with broken flags begins so as well; the major version of TLS does not make a remaining length that a CONNECT has.
        if (bytes.size() == 1) return Speaks::unknown_yet;
        return bytes[1] == 3 ? Speaks::tls : Speaks::mqtt;
    }
    for (const std::string_view method : methods) {
        if (bytes.starts_with(method)) return Speaks::http;
        if (method.starts_with(bytes)) return Speaks::unknown_yet;
    }
    return Speaks::mqtt;
}

bool may_be_upgrade(std::string_view bytes) {
    return bytes.starts_with("GET ");
}

Result<std::optional<ProxiedSource>> read_proxy_header(std::string_view bytes) {
    const std::size_t common = std::min(bytes.size(), proxy_signature.size());
    if (bytes.substr(0, common) != proxy_signature.substr(0, common))
        return malformed("the connection does not begin with one (version 2)");
    if (bytes.size() < proxy_fixed_bytes) return std::optional<ProxiedSource>();
    const unsigned command = byte_at(bytes, 12), family = byte_at(bytes, 13);
    const std::size_t length = byte_at(bytes, 14) << 8 | byte_at(bytes, 15);
    if (command != command_local && command != command_proxy) return malformed("unknown version or command");
    if (proxy_fixed_bytes + length > proxy_header_bytes_max) return malformed("too large");
    if (bytes.size() < proxy_fixed_bytes + length) return std::optional<ProxiedSource>();
    const std::string_view block = bytes.substr(proxy_fixed_bytes, length);
    ProxiedSource out;
    out.header_bytes = proxy_fixed_bytes + length;
    if (command == command_local) return std::optional(std::move(out));  // whatever stands in the block
    if (family == family_tcp4) {
        if (length < 12) return malformed("too short for its addresses");
        read_addresses<AF_INET, 4>(block, out);
    } else if (family == family_tcp6) {
        if (length < 36) return malformed("too short for its addresses");
        read_addresses<AF_INET6, 16>(block, out);
    } else if (family != family_unspecified) {
        return malformed("neither TCP over IPv4 nor over IPv6");
    }
    return std::optional(std::move(out));
}

}  // namespace fogbank::broker
