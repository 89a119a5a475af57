/// DynamoDB's bounds on what a client sends. Source where nothing else stands: Developer Guide, "Quotas in Amazon DynamoDB" and "Naming
/// rules and data types".
#pragma once

#include <cstddef>
#include <cstdint>

namespace fogbank::store::table {

inline constexpr std::size_t table_name_chars_min = 3, table_name_chars_max = 255;
inline constexpr std::size_t key_name_bytes_max = 255;
inline constexpr std::size_t attribute_name_bytes_max = 65535;
inline constexpr std::size_t partition_key_bytes_max = 2048, sort_key_bytes_max = 1024;
inline constexpr int nesting_levels_max = 32;     ///< lists and maps inside one attribute
inline constexpr int number_magnitude_max = 125;  ///< 9.99…E+125
inline constexpr int number_magnitude_min = -130;
inline constexpr std::size_t page_bytes_max = 1024 * 1024;  ///< items that one Query or Scan processes
inline constexpr std::int64_t total_segments_max = 1'000'000;
inline constexpr std::int64_t list_tables_limit_max = 100;

inline constexpr std::int64_t item_collection_bytes_max = std::int64_t{10} << 30;  ///< tables with local indexes
inline constexpr std::size_t transaction_bytes_max = 4 * 1024 * 1024, batch_get_bytes_max = 16 * 1024 * 1024;
inline constexpr std::size_t client_token_chars_max = 36;
inline constexpr std::int64_t local_indexes_max = 5, global_indexes_max = 20;
inline constexpr std::size_t projected_attributes_max = 100;  ///< INCLUDE, all indexes of a table together

inline constexpr std::size_t expression_bytes_max = 4096;
inline constexpr std::size_t expression_operators_max = 300;
inline constexpr std::size_t in_operands_max = 100;
inline constexpr std::size_t placeholder_bytes_max = 255;
inline constexpr std::size_t placeholder_values_bytes_max = 2 * 1024 * 1024;  ///< all ExpressionAttributeNames and -Values together
/// Parentheses and NOTs inside each other. DynamoDB publishes none; this one keeps the recursive parser's stack small.
inline constexpr int expression_depth_max = 100;

}  // namespace fogbank::store::table
