/// The bounds of this room, each with its source.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fogbank::lambda {

// Lambda Developer Guide, "Lambda quotas".
inline constexpr std::size_t sync_event_bytes_max = 6 * 1024 * 1024;
inline constexpr std::size_t async_event_bytes_max = 1024 * 1024;
inline constexpr std::size_t result_bytes_max = 6 * 1024 * 1024;
inline constexpr std::size_t zip_bytes_max = 50 * 1024 * 1024;
inline constexpr std::size_t unpacked_bytes_max = 250 * 1024 * 1024;
inline constexpr std::size_t environment_bytes_max = 4 * 1024;
inline constexpr std::int64_t timeout_s_max = 900;
inline constexpr std::int64_t memory_mb_min = 128;
inline constexpr std::int64_t memory_mb_max = 10240;
// API reference, CreateFunction.
inline constexpr std::size_t function_name_bytes_max = 64;
inline constexpr std::size_t handler_bytes_max = 128;
inline constexpr std::size_t description_bytes_max = 256;
inline constexpr std::size_t role_bytes_max = 512;
// API reference, Invoke: X-Amz-Log-Result.
inline constexpr std::size_t log_tail_bytes_max = 4 * 1024;

// Fogbank's own.
inline constexpr std::size_t functions_max = 10'000;
inline constexpr std::size_t zip_entries_max = 10'000;
inline constexpr std::size_t waiting_callers_max = 1000;  ///< AWS's default account concurrency; beyond it invoke answers too_many_requests

}  // namespace fogbank::lambda
