/// On-demand backups as they are stored: the definition and what was copied. The items lie in a keyspace of the backup's own number.
#pragma once

#include "store/table/detail/table_definition.h"

namespace fogbank::store::table {

struct BackupRecord {
    std::uint64_t number = 0;
    std::string id;  ///< `01489602797149-73d8d5bc`, the last part of the ARN
    std::string name;
    BackupStatus status = BackupStatus::creating;
    WallTime created_at{};
    std::int64_t item_count = 0, size_bytes = 0;
    TableDefinition source;
};

std::string encode_backup(const BackupRecord& backup);
/// Error: unavailable, corrupt.
Result<BackupRecord> decode_backup(std::string_view bytes);
BackupDescription describe(const BackupRecord& backup, const ArnFactory& arns);
std::string backup_arn(const BackupRecord& backup, const ArnFactory& arns);

}  // namespace fogbank::store::table
