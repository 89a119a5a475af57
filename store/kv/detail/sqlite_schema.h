/// How the database file is laid out and tuned: `kv` holds the keys, each with its value or, if that is large, with the number of the row
/// of `large` that has it; `meta` holds the schema version.
#pragma once

#include <chrono>
#include <filesystem>

#include "common/settings.h"
#include "store/kv/detail/sqlite_connection.h"

namespace fogbank::store::kv::detail {

/// Opens the connection that writes. Creates the tables in a new file, migrates those of an older version forward.
/// Errors: unavailable; corrupt: no SQLite database, a database of something else, or one that a newer version has written.
Result<Connection> open_for_writing(const std::filesystem::path& file, Durability durability);

/// Looks for damaged pages until all are seen or the time is over. Errors: corrupt, unavailable.
Result<void> check_pages(const Connection& connection, std::chrono::milliseconds time_max);

/// Opens one more connection to a file that `open_for_writing` has prepared. It refuses writes.
/// @param cache_kib  what it keeps of the file's pages in memory at most
Result<Connection> open_for_reading(const std::filesystem::path& file, std::size_t cache_kib = 8192);

/// Opens one more connection for nothing but copying the log's pages into the database.
Result<Connection> open_for_copying(const std::filesystem::path& file, Durability durability);

}  // namespace fogbank::store::kv::detail
