/// Exports and imports as they are stored: JSON, in the room `tbl`.
#pragma once

#include "store/table/detail/table_definition.h"
#include "store/table/table_files.h"

namespace fogbank::store::table {

struct ExportRecord {
    std::uint64_t number = 0;  ///< of the sequence that tables share
    std::string id, digest;
    TableName table;
    TableNumber table_number = 0;
    ExportDescription shown;
};

struct ImportRecord {
    std::uint64_t number = 0;
    std::string id, digest;
    TableDefinition table;  ///< as it was made
    ImportDescription shown;
};

std::string encode(const ExportRecord& record);
std::string encode(const ImportRecord& record);
/// Errors: unavailable, corrupt.
Result<ExportRecord> decode_export(std::string_view bytes);
Result<ImportRecord> decode_import(std::string_view bytes, const ArnFactory& arns);

std::string export_key(std::uint64_t number);
std::string import_key(std::uint64_t number);
kv::Range exports_range();
kv::Range imports_range();

/// `01489602797149-73d8d5bc`: what the ids of exports and imports look like, as those of backups.
std::string transfer_id(WallTime now, RandomSource& random);

}  // namespace fogbank::store::table
