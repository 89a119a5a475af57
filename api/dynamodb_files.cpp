/// DynamoDB's exports to and imports from S3, where a bucket is a folder of this server.
#include <array>
#include <nlohmann/json.hpp>

#include "api/dynamodb_answers.h"
#include "api/dynamodb_describe.h"
#include "api/dynamodb_operations.h"
#include "api/dynamodb_table_requests.h"
#include "common/encoding.h"
#include "store/table/errc.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
namespace table = store::table;
using dynamodb::Reader;
using dynamodb::seconds;
using nlohmann::json;

constexpr std::int64_t list_max = 25;
constexpr std::size_t csv_columns_max = 255;
constexpr std::string_view csv_delimiters = ",;:|\t ";

void refuse(const Reader& root, std::string text) {
    root.problems().value(Error(table::Errc::validation, std::move(text)));
}

void at_most(const Reader& root, std::string_view member, const std::string& text, std::size_t most) {
    if (text.size() > most)
        root.violated(text.substr(0, 64), member, "Member must have length less than or equal to " + std::to_string(most));
}

table::BucketLocation read_location(const Reader& root, std::string_view prefix_member) {
    table::BucketLocation out;
    out.bucket = root.required_text("S3Bucket");
    out.prefix = root.text(prefix_member).value_or("");
    out.owner = root.text("S3BucketOwner").value_or("");
    if (root.has("S3Bucket")) at_most(root, "S3Bucket", out.bucket, 255);
    at_most(root, prefix_member, out.prefix, 1024);
    const bool digits = out.owner.find_first_not_of("0123456789") == std::string::npos;
    if (root.has("S3BucketOwner") && (out.owner.size() != 12 || !digits))
        root.violated(out.owner, "S3BucketOwner", "Member must satisfy regular expression pattern: [0-9]{12}");
    return out;
}

/// What makes two requests with one token the same.
std::string digest_of(const Reader& root) {
    return sha256(simdjson::minify(root.view().element()));
}

std::string read_token(const Reader& root) {
    std::string out = root.text("ClientToken").value_or("");
    at_most(root, "ClientToken", out, 255);
    if (out.find('$') != std::string::npos) root.violated(out, "ClientToken", "Member must satisfy regular expression pattern: ^[^\\$]+$");
    return out;
}

table::ExportRequest read_export(const Reader& root) {
    table::ExportRequest out;
    out.table_arn = root.required_text("TableArn");
    out.target = read_location(root, "S3Prefix");
    out.export_time = root.time("ExportTime");
    out.client_token = read_token(root);
    out.digest = digest_of(root);
    out.sse_algorithm = root.one_of("S3SseAlgorithm", {"AES256", "KMS"}).value_or("");
    out.sse_kms_key_id = root.text("S3SseKmsKeyId").value_or("");
    at_most(root, "S3SseKmsKeyId", out.sse_kms_key_id, 2048);
    if (root.one_of("ExportFormat", {"DYNAMODB_JSON", "ION"}) == "ION") refuse(root, "ExportFormat ION is not supported by this server");
    if (root.one_of("ExportType", {"FULL_EXPORT", "INCREMENTAL_EXPORT"}) == "INCREMENTAL_EXPORT")
        refuse(root, "ExportType INCREMENTAL_EXPORT is not supported by this server");
    return out;
}

std::optional<table::CsvOptions> read_csv_options(const Reader& root) {
    const auto options = root.structure("InputFormatOptions");
    const auto csv = options ? options->structure("Csv") : std::nullopt;
    if (!csv) return std::nullopt;
    table::CsvOptions out;
    const std::string delimiter = csv->text("Delimiter").value_or(",");
    if (delimiter.size() != 1 || csv_delimiters.find(delimiter) == std::string_view::npos) {
        csv->violated(delimiter, "Delimiter", "Member must satisfy regular expression pattern: [,;:|\\t ]");
    } else {
        out.delimiter = delimiter.front();
    }
    const bool given = csv->each_text("HeaderList", [&](std::string name) {
        if (name.empty()) csv->violated(name, "HeaderList", "Member must have length greater than or equal to 1");
        out.header.push_back(std::move(name));
    });
    if (given && out.header.empty()) csv->violated("[]", "HeaderList", "Member must have length greater than or equal to 1");
    if (out.header.size() > csv_columns_max) csv->violated("[...]", "HeaderList", "Member must have length less than or equal to 255");
    return out;
}

table::ImportRequest read_import(const Reader& root) {
    table::ImportRequest out;
    if (const auto source = root.required_structure("S3BucketSource")) out.source = read_location(*source, "S3KeyPrefix");
    const auto format = root.required_one_of("InputFormat", {"DYNAMODB_JSON", "ION", "CSV"});
    if (format == "ION") refuse(root, "InputFormat ION is not supported by this server");
    if (format == "CSV") out.format = table::ImportFormat::csv;
    const auto compression = root.one_of("InputCompressionType", {"GZIP", "ZSTD", "NONE"});
    if (compression == "ZSTD") refuse(root, "InputCompressionType ZSTD is not supported by this server");
    out.is_gzip = compression == "GZIP";
    out.csv = read_csv_options(root);
    if (out.csv && out.format != table::ImportFormat::csv) refuse(root, "InputFormatOptions.Csv needs InputFormat CSV");
    out.client_token = read_token(root);
    out.digest = digest_of(root);
    if (const auto made = root.required_structure("TableCreationParameters")) out.table = dynamodb::read_create_table(*made);
    return out;
}

std::string read_export_arn(const Reader& root) {
    return root.required_text("ExportArn");
}
std::string read_import_arn(const Reader& root) {
    return root.required_text("ImportArn");
}

table::TransferFilter read_list(const Reader& root, std::string_view limit_member) {
    table::TransferFilter out;
    out.table_arn = root.text("TableArn").value_or("");
    const auto limit = root.integer(limit_member);
    root.at_least(limit_member, limit, 1);
    root.at_most(limit_member, limit, list_max);
    out.limit = limit.value_or(list_max);
    out.next_token = root.text("NextToken");
    return out;
}
table::TransferFilter read_list_exports(const Reader& root) {
    return read_list(root, "MaxResults");
}
table::TransferFilter read_list_imports(const Reader& root) {
    return read_list(root, "PageSize");
}

std::string_view name_of(table::TransferStatus status) {
    if (status == table::TransferStatus::in_progress) return "IN_PROGRESS";
    return status == table::TransferStatus::completed ? "COMPLETED" : "FAILED";
}

void add_text(json& out, const char* member, const std::string& text) {
    if (!text.empty()) out[member] = text;
}

json export_description(const table::ExportDescription& shown) {
    json out{{"ExportArn", shown.arn},
             {"ExportStatus", name_of(shown.status)},
             {"StartTime", seconds(shown.started_at)},
             {"TableArn", shown.table_arn},
             {"TableId", shown.table_id},
             {"ExportTime", seconds(shown.export_time)},
             {"S3Bucket", shown.target.bucket},
             {"S3SseAlgorithm", shown.sse_algorithm},
             {"ExportFormat", "DYNAMODB_JSON"}};
    add_text(out, "ClientToken", shown.client_token);
    add_text(out, "S3BucketOwner", shown.target.owner);
    add_text(out, "S3Prefix", shown.target.prefix);
    add_text(out, "S3SseKmsKeyId", shown.sse_kms_key_id);
    add_text(out, "ExportManifest", shown.manifest);
    add_text(out, "FailureCode", shown.failure_code);
    add_text(out, "FailureMessage", shown.failure_message);
    if (shown.ended_at) out["EndTime"] = seconds(*shown.ended_at);
    if (shown.status != table::TransferStatus::completed) return out;
    out["BilledSizeBytes"] = shown.size_bytes;
    out["ItemCount"] = shown.item_count;
    return out;
}

json location_json(const table::BucketLocation& source) {
    json out{{"S3Bucket", source.bucket}};
    add_text(out, "S3BucketOwner", source.owner);
    add_text(out, "S3KeyPrefix", source.prefix);
    return out;
}

json import_summary(const table::ImportDescription& shown) {
    json out{{"ImportArn", shown.arn},
             {"ImportStatus", name_of(shown.status)},
             {"TableArn", shown.table.arn},
             {"S3BucketSource", location_json(shown.source)},
             {"InputFormat", shown.format == table::ImportFormat::csv ? "CSV" : "DYNAMODB_JSON"},
             {"StartTime", seconds(shown.started_at)}};
    if (shown.ended_at) out["EndTime"] = seconds(*shown.ended_at);
    return out;
}

json import_description(const table::ImportDescription& shown, const ArnFactory& arns) {
    json out = import_summary(shown);
    out["TableId"] = shown.table.id;
    out["InputCompressionType"] = shown.is_gzip ? "GZIP" : "NONE";
    out["TableCreationParameters"] = dynamodb::creation_parameters(shown.table, arns);
    out["ErrorCount"] = shown.errors;
    out["ProcessedSizeBytes"] = shown.processed_bytes;
    out["ProcessedItemCount"] = shown.processed_items;
    out["ImportedItemCount"] = shown.imported_items;
    if (shown.csv) {
        json csv{{"Delimiter", std::string(1, shown.csv->delimiter)}};
        if (!shown.csv->header.empty()) csv["HeaderList"] = shown.csv->header;
        out["InputFormatOptions"] = {{"Csv", std::move(csv)}};
    }
    add_text(out, "ClientToken", shown.client_token);
    add_text(out, "FailureCode", shown.failure_code);
    add_text(out, "FailureMessage", shown.failure_message);
    return out;
}

asio::awaitable<Outcome> export_table(const Services& services, const Call& call) {
    auto request = dynamodb::read_body(call.request.body, read_export);
    if (!request) co_return request.error();
    const auto begun = co_await services.rooms.tables.files().export_table(std::move(*request));
    if (!begun) co_return begun.error();
    co_return dynamodb::answer({{"ExportDescription", export_description(*begun)}});
}

asio::awaitable<Outcome> describe_export(const Services& services, const Call& call) {
    auto arn = dynamodb::read_body(call.request.body, read_export_arn);
    if (!arn) co_return arn.error();
    const auto found = co_await services.rooms.tables.files().describe_export(std::move(*arn));
    if (!found) co_return found.error();
    co_return dynamodb::answer({{"ExportDescription", export_description(*found)}});
}

asio::awaitable<Outcome> list_exports(const Services& services, const Call& call) {
    auto filter = dynamodb::read_body(call.request.body, read_list_exports);
    if (!filter) co_return filter.error();
    const auto found = co_await services.rooms.tables.files().list_exports(std::move(*filter));
    if (!found) co_return found.error();
    json list = json::array();
    for (const auto& one : found->exports) list.push_back({{"ExportArn", one.arn}, {"ExportStatus", name_of(one.status)}});
    json out{{"ExportSummaries", std::move(list)}};
    if (found->next_token) out["NextToken"] = *found->next_token;
    co_return dynamodb::answer(out);
}

asio::awaitable<Outcome> import_table(const Services& services, const Call& call) {
    auto request = dynamodb::read_body(call.request.body, read_import);
    if (!request) co_return request.error();
    const auto begun = co_await services.rooms.tables.files().import_table(std::move(*request));
    if (!begun) co_return begun.error();
    co_return dynamodb::answer({{"ImportTableDescription", import_description(*begun, services.rooms.arns)}});
}

asio::awaitable<Outcome> describe_import(const Services& services, const Call& call) {
    auto arn = dynamodb::read_body(call.request.body, read_import_arn);
    if (!arn) co_return arn.error();
    const auto found = co_await services.rooms.tables.files().describe_import(std::move(*arn));
    if (!found) co_return found.error();
    co_return dynamodb::answer({{"ImportTableDescription", import_description(*found, services.rooms.arns)}});
}

asio::awaitable<Outcome> list_imports(const Services& services, const Call& call) {
    auto filter = dynamodb::read_body(call.request.body, read_list_imports);
    if (!filter) co_return filter.error();
    const auto found = co_await services.rooms.tables.files().list_imports(std::move(*filter));
    if (!found) co_return found.error();
    json list = json::array();
    for (const auto& one : found->imports) list.push_back(import_summary(one));
    json out{{"ImportSummaryList", std::move(list)}};
    if (found->next_token) out["NextToken"] = *found->next_token;
    co_return dynamodb::answer(out);
}

constexpr std::array operations{
    Operation{"ExportTableToPointInTime", "", "", export_table},
    Operation{"DescribeExport", "", "", describe_export},
    Operation{"ListExports", "", "", list_exports},
    Operation{"ImportTable", "", "", import_table},
    Operation{"DescribeImport", "", "", describe_import},
    Operation{"ListImports", "", "", list_imports},
};

}  // namespace

std::span<const Operation> dynamodb_files_operations() {
    return operations;
}

}  // namespace fogbank::api
