/// Capacity units as DynamoDB charges them. Source: Developer Guide, "DynamoDB provisioned capacity mode", read and write operations.
#pragma once

#include <algorithm>
#include <cstddef>

namespace fogbank::store::table {

inline constexpr std::size_t read_unit_bytes = 4096, write_unit_bytes = 1024;

/// @param bytes  of the item, or of all items that a page has processed; 0 (nothing found) is charged as one unit too.
inline double read_units(std::size_t bytes, bool consistent_read) {
    const auto units = std::max<std::size_t>(1, (bytes + read_unit_bytes - 1) / read_unit_bytes);
    return static_cast<double>(units) * (consistent_read ? 1.0 : 0.5);
}

/// @param bytes  the larger of the item before and after.
inline double write_units(std::size_t bytes) {
    return static_cast<double>(std::max<std::size_t>(1, (bytes + write_unit_bytes - 1) / write_unit_bytes));
}

}  // namespace fogbank::store::table
