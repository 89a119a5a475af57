#include "store/table/detail/transfer_record.h"

#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "store/kv/key.h"
#include "store/table/detail/definition_json.h"
#include "store/table/detail/errors.h"

namespace fogbank::store::table {
namespace {

using nlohmann::json;

json to_json(const BucketLocation& location) {
    return {{"bucket", location.bucket}, {"prefix", location.prefix}, {"owner", location.owner}};
}
BucketLocation location_from(const json& stored) {
    return {stored.at("bucket").get<std::string>(), stored.at("prefix").get<std::string>(), stored.at("owner").get<std::string>()};
}

std::int64_t milliseconds(WallTime time) {
    return time.time_since_epoch().count();
}
WallTime wall_time(const json& stored) {
    return WallTime(std::chrono::milliseconds(stored.get<std::int64_t>()));
}

/// What exports and imports have in common.
template <class Record>
json common_members(const Record& record) {
    const auto& shown = record.shown;
    json out{{"number", record.number},
             {"id", record.id},
             {"digest", hex_encode(record.digest)},
             {"arn", shown.arn},
             {"token", shown.client_token},
             {"status", static_cast<int>(shown.status)},
             {"started_at_ms", milliseconds(shown.started_at)},
             {"failure_code", shown.failure_code},
             {"failure_message", shown.failure_message}};
    if (shown.ended_at) out["ended_at_ms"] = milliseconds(*shown.ended_at);
    return out;
}
template <class Record>
void read_common(const json& stored, Record& record) {
    auto& shown = record.shown;
    record.number = stored.at("number").get<std::uint64_t>();
    record.id = stored.at("id").get<std::string>();
    record.digest = hex_decode(stored.at("digest").get<std::string>()).value_or("");
    shown.arn = stored.at("arn").get<std::string>();
    shown.client_token = stored.at("token").get<std::string>();
    shown.status = static_cast<TransferStatus>(stored.at("status").get<int>());
    shown.started_at = wall_time(stored.at("started_at_ms"));
    if (const auto found = stored.find("ended_at_ms"); found != stored.end()) shown.ended_at = wall_time(*found);
    shown.failure_code = stored.at("failure_code").get<std::string>();
    shown.failure_message = stored.at("failure_message").get<std::string>();
}

Error corrupt() {
    return {Errc::unavailable, "a stored export or import is corrupt"};
}

kv::KeyBuilder kind_key(std::string_view kind) {
    return std::move(kv::KeyBuilder("tbl").text(kind));
}

}  // namespace

std::string encode(const ExportRecord& record) {
    const ExportDescription& shown = record.shown;
    json out = common_members(record);
    out["table"] = record.table.str();
    out["table_number"] = record.table_number;
    out["table_arn"] = shown.table_arn;
    out["table_id"] = shown.table_id;
    out["export_time_ms"] = milliseconds(shown.export_time);
    out["target"] = to_json(shown.target);
    out["sse_algorithm"] = shown.sse_algorithm;
    out["sse_kms_key_id"] = shown.sse_kms_key_id;
    out["manifest"] = shown.manifest;
    out["items"] = shown.item_count;
    out["bytes"] = shown.size_bytes;
    return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<ExportRecord> decode_export(std::string_view bytes) {
    const json stored = json::parse(bytes, nullptr, false);
    try {
        ExportRecord out;
        read_common(stored, out);
        out.table = TableName(stored.at("table").get<std::string>());
        out.table_number = stored.at("table_number").get<TableNumber>();
        ExportDescription& shown = out.shown;
        shown.table_arn = stored.at("table_arn").get<std::string>();
        shown.table_id = stored.at("table_id").get<std::string>();
        shown.export_time = wall_time(stored.at("export_time_ms"));
        shown.target = location_from(stored.at("target"));
        shown.sse_algorithm = stored.at("sse_algorithm").get<std::string>();
        shown.sse_kms_key_id = stored.at("sse_kms_key_id").get<std::string>();
        shown.manifest = stored.at("manifest").get<std::string>();
        shown.item_count = stored.at("items").get<std::int64_t>();
        shown.size_bytes = stored.at("bytes").get<std::int64_t>();
        return out;
    } catch (const json::exception&) {
        return corrupt();
    }
}

std::string encode(const ImportRecord& record) {
    const ImportDescription& shown = record.shown;
    json out = common_members(record);
    out["table"] = definition_to_json(record.table);
    out["source"] = to_json(shown.source);
    out["format"] = static_cast<int>(shown.format);
    out["gzip"] = shown.is_gzip;
    if (shown.csv) out["csv"] = {{"delimiter", std::string(1, shown.csv->delimiter)}, {"header", shown.csv->header}};
    out["processed_bytes"] = shown.processed_bytes;
    out["processed_items"] = shown.processed_items;
    out["imported_items"] = shown.imported_items;
    out["errors"] = shown.errors;
    return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<ImportRecord> decode_import(std::string_view bytes, const ArnFactory& arns) {
    const json stored = json::parse(bytes, nullptr, false);
    try {
        ImportRecord out;
        read_common(stored, out);
        out.table = definition_from_json(stored.at("table"));
        ImportDescription& shown = out.shown;
        shown.table = describe(out.table, TableStatus::creating, arns);
        shown.source = location_from(stored.at("source"));
        shown.format = static_cast<ImportFormat>(stored.at("format").get<int>());
        shown.is_gzip = stored.at("gzip").get<bool>();
        if (const auto csv = stored.find("csv"); csv != stored.end()) {
            const auto delimiter = csv->at("delimiter").get<std::string>();
            if (delimiter.size() != 1) return corrupt();
            shown.csv = CsvOptions{delimiter.front(), csv->at("header").get<std::vector<std::string>>()};
        }
        shown.processed_bytes = stored.at("processed_bytes").get<std::int64_t>();
        shown.processed_items = stored.at("processed_items").get<std::int64_t>();
        shown.imported_items = stored.at("imported_items").get<std::int64_t>();
        shown.errors = stored.at("errors").get<std::int64_t>();
        return out;
    } catch (const json::exception&) {
        return corrupt();
    }
}

std::string export_key(std::uint64_t number) {
    return std::move(kind_key("export").number(number)).str();
}
std::string import_key(std::uint64_t number) {
    return std::move(kind_key("import").number(number)).str();
}
kv::Range exports_range() {
    return kind_key("export").prefix_range();
}
kv::Range imports_range() {
    return kind_key("import").prefix_range();
}

std::string transfer_id(WallTime now, RandomSource& random) {
    const std::string ms = std::to_string(now.time_since_epoch().count());
    return std::string(14 - std::min<std::size_t>(14, ms.size()), '0') + ms + "-" + random.text(8, "0123456789abcdef");
}

}  // namespace fogbank::store::table
