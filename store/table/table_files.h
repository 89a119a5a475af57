/// Tables to files and back: DynamoDB's exports to and imports from S3. A bucket is a folder of this machine, below a folder that the
/// service was given; a key is a path in it. Source: DynamoDB Developer Guide, "DynamoDB data export to Amazon S3" and "DynamoDB data
/// import from Amazon S3".
///
/// The work is done by a thread of its own while the tables are served; what was begun goes on (from its beginning) after a restart.
#pragma once

#include "store/table/table_service.h"

namespace fogbank::store::table {

enum class TransferStatus : std::uint8_t { in_progress, completed, failed };

/// `S3Bucket`, `S3Prefix` or `S3KeyPrefix`, `S3BucketOwner`; the owner is kept and returned, not judged.
struct BucketLocation {
    std::string bucket, prefix, owner;
};

struct ExportRequest {
    std::string table_arn;
    std::optional<WallTime> export_time;  ///< not before `export_time_age_max`: the store keeps no history
    std::string client_token;             ///< empty: none
    std::string digest;                   ///< tells requests with one token apart; any bytes
    BucketLocation target;
    std::string sse_algorithm, sse_kms_key_id;  ///< kept and returned
};
inline constexpr std::chrono::minutes export_time_age_max{1};

struct ExportDescription {
    std::string arn, table_arn, table_id, client_token;
    TransferStatus status = TransferStatus::in_progress;
    WallTime started_at{}, export_time{};
    std::optional<WallTime> ended_at;
    BucketLocation target;
    std::string sse_algorithm, sse_kms_key_id;
    std::string manifest;  ///< key of the manifest, once it is there
    std::int64_t item_count = 0, size_bytes = 0;
    std::string failure_code, failure_message;  ///< of a failed one
};
struct ExportList {
    std::vector<ExportDescription> exports;
    std::optional<std::string> next_token;
};

enum class ImportFormat : std::uint8_t { dynamodb_json, csv };
struct CsvOptions {
    char delimiter = ',';
    std::vector<std::string> header;  ///< empty: the first line of each file
};

struct ImportRequest {
    BucketLocation source;
    ImportFormat format = ImportFormat::dynamodb_json;
    std::optional<CsvOptions> csv;
    bool is_gzip = false;
    std::string client_token, digest;
    CreateTableRequest table;
};

struct ImportDescription {
    std::string arn, client_token;
    TransferStatus status = TransferStatus::in_progress;
    BucketLocation source;
    ImportFormat format = ImportFormat::dynamodb_json;
    std::optional<CsvOptions> csv;
    bool is_gzip = false;
    TableDescription table;  ///< as it was made; no counts
    WallTime started_at{};
    std::optional<WallTime> ended_at;
    /// Bytes of the files as they are read (uncompressed), records met, items put (one that replaced another counts), records refused.
    std::int64_t processed_bytes = 0, processed_items = 0, imported_items = 0, errors = 0;
    std::string failure_code, failure_message;
};
struct ImportList {
    std::vector<ImportDescription> imports;
    std::optional<std::string> next_token;
};

/// Which to list: those of one table (empty: all), `limit` (1 to 25) of them from `next_token` on.
struct TransferFilter {
    std::string table_arn;
    std::int64_t limit = 25;
    std::optional<std::string> next_token;
};

/// Any thread. Records of finished exports and imports are kept for 90 days.
class TableFiles {
  public:
    virtual ~TableFiles() = default;

    /// Begins to write `<bucket>/<prefix>/AWSDynamoDB/<id>/`: gzipped DynamoDB JSON and AWS's manifests. Items are written as they are when
    /// the export comes to them. Errors: table_not_found, pitr_unavailable, invalid_export_time, export_conflict (the token was used for
    /// something else), limit_exceeded, validation.
    virtual Awaitable<ExportDescription> export_table(ExportRequest request) = 0;
    /// Errors: export_not_found.
    virtual Awaitable<ExportDescription> describe_export(std::string arn) = 0;
    virtual Awaitable<ExportList> list_exports(TransferFilter filter) = 0;

    /// Makes the table, CREATING until its items are there, and begins to read all files of the bucket whose keys begin with the prefix.
    /// Records that make no item are counted, logged and left out. An import that fails takes its table with it.
    /// Errors: resource_in_use, import_conflict, limit_exceeded, validation.
    virtual Awaitable<ImportDescription> import_table(ImportRequest request) = 0;
    /// Errors: import_not_found.
    virtual Awaitable<ImportDescription> describe_import(std::string arn) = 0;
    virtual Awaitable<ImportList> list_imports(TransferFilter filter) = 0;
};

}  // namespace fogbank::store::table
