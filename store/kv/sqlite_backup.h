/// Copies of the embedded engine's file: taken while a server works on it, checked, put back.
///
/// A backup is one SQLite file: the whole store as of one moment and, beside it, the small files of the data folder (the root CA and its
/// key, deployed functions, but no buckets), so that a server restored from it is the same server to its devices. It holds private keys:
/// mode 0600.
#pragma once

#include <cstdint>
#include <filesystem>

#include "common/result.h"

namespace fogbank::store::kv {

struct BackupReport {
    std::uint64_t database_bytes = 0, files = 0;
};

/// Copies `folder`/`database` in one read transaction; a server may be writing meanwhile, its log grows until the copy is done. `target`
/// appears only when it is whole and on the disk; one that exists is replaced. Blocks. Errors: unavailable, corrupt.
Result<BackupReport> backup_sqlite(const std::filesystem::path& folder, const std::string& database, const std::filesystem::path& target);

/// Checks every page of the backup, then puts its database and files into `folder`, which nobody else may be using. What was there keeps
/// its place until the new database is whole; files that the backup has are overwritten, others left. Blocks. Errors: unavailable, corrupt
/// (the backup is damaged, no backup, or of a newer program): `folder` is unchanged.
Result<BackupReport> restore_sqlite(const std::filesystem::path& backup, const std::filesystem::path& folder, const std::string& database);

}  // namespace fogbank::store::kv
