/// The types of condition values besides text: numbers, dates, address blocks. Source: IAM User Guide, "IAM JSON policy elements: Condition
/// operators".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace fogbank::policy {

/// Decimal, finite. Integers are exact up to 2^53.
std::optional<double> parse_number(std::string_view text);

/// Milliseconds since 1970. ISO 8601 as W3C's NOTE-datetime has it (`2026-01-02`, `2026-01-02T03:04Z`, `2026-01-02T03:04:05.678+01:00`;
/// years and months alone too), or seconds since 1970.
std::optional<std::int64_t> parse_date(std::string_view text);

std::optional<bool> parse_boolean(std::string_view text);  ///< `true` or `false` in any case

/// An IPv4 or IPv6 address; an IPv4 address written as IPv6 (`::ffff:192.0.2.1`) is the IPv4 address.
struct IpAddress {
    bool v6 = false;
    std::array<std::uint8_t, 16> bytes{};  ///< the first four for IPv4
};
std::optional<IpAddress> parse_ip_address(std::string_view text);

struct IpBlock {
    IpAddress address;
    unsigned prefix_bits = 0;
    bool contains(const IpAddress& other) const;
};
/// `192.0.2.0/24`, `2001:db8::/32`, or one address.
std::optional<IpBlock> parse_ip_block(std::string_view text);

}  // namespace fogbank::policy
