// Writing a table to files as DynamoDB's exports look: gzipped lines of `{"Item":{…}}`, two manifests and their checksums.
#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "common/logging.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/gzip_file.h"
#include "store/table/detail/item_codec.h"
#include "store/table/detail/time_text.h"
#include "store/table/detail/transfers.h"
#include "store/table/json.h"

namespace fogbank::store::table {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t page_items_max = 2000;
constexpr std::size_t page_bytes = 1 << 20;
constexpr std::size_t file_bytes_max = 256U << 20;  // of uncompressed JSON; then the next file begins

std::string iso(WallTime time) {
    return millisecond_text(time) + "Z";
}

std::string text_of(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// One export while it is being written.
class ExportFiles {
  public:
    ExportFiles(const Buckets& buckets, ExportRecord& record, RandomSource& random)
        : buckets_(buckets), record_(record), random_(random), keys_("AWSDynamoDB/" + record.id + "/") {}

    Result<void> begin() {
        const BucketLocation& target = record_.shown.target;
        std::string prefix = target.prefix;
        if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
        auto folder = buckets_.make_folder(target.bucket, prefix + keys_);
        if (!folder) return folder.error();
        folder_ = std::move(*folder);
        std::error_code ignored;
        fs::remove_all(folder_ / "data", ignored);  // of a run that was cut short
        auto data = buckets_.make_folder(target.bucket, prefix + keys_ + "data");
        if (!data) return data.error();
        record_.shown.item_count = record_.shown.size_bytes = 0;
        return write_whole_file(folder_ / "_started", "");
    }

    Result<void> add(const kv::Page& page) {
        text_.clear();
        for (const auto& [key, value] : page.items) {
            auto item = decode_item(value);
            if (!item) return item.error();
            record_.shown.size_bytes += static_cast<std::int64_t>(item_size_bytes(*item));
            text_ += R"({"Item":)";
            append_typed_json(text_, *item);
            text_ += "}\n";
        }
        if (file_items_ == 0) {
            name_ = random_.text(26, "abcdefghijklmnopqrstuvwxyz234567") + ".json.gz";
            if (auto opened = file_.open(folder_ / "data" / name_); !opened) return opened;
        }
        file_items_ += static_cast<std::int64_t>(page.items.size());
        file_bytes_ += text_.size();
        if (auto written = file_.write(text_); !written) return written;
        return file_bytes_ < file_bytes_max ? Result<void>() : end_file();
    }

    Result<void> finish(WallTime ended_at) {
        if (auto ended = end_file(); !ended) return ended;
        if (auto written = write_with_checksum("manifest-files", files_); !written) return written;
        const ExportDescription& shown = record_.shown;
        const auto text_or_null = [](const std::string& text) { return text.empty() ? json() : json(text); };
        const json summary{{"version", "2020-06-30"},
                           {"exportArn", shown.arn},
                           {"startTime", iso(shown.started_at)},
                           {"endTime", iso(ended_at)},
                           {"tableArn", shown.table_arn},
                           {"tableId", shown.table_id},
                           {"exportTime", iso(shown.export_time)},
                           {"s3Bucket", shown.target.bucket},
                           {"s3Prefix", text_or_null(shown.target.prefix)},
                           {"s3SseAlgorithm", shown.sse_algorithm},
                           {"s3SseKmsKeyId", text_or_null(shown.sse_kms_key_id)},
                           {"manifestFilesS3Key", prefixed("manifest-files.json")},
                           {"billedSizeBytes", shown.size_bytes},
                           {"itemCount", shown.item_count},
                           {"outputFormat", "DYNAMODB_JSON"},
                           {"exportType", "FULL_EXPORT"}};
        if (auto written = write_with_checksum("manifest-summary", text_of(summary)); !written) return written;
        record_.shown.manifest = prefixed("manifest-summary.json");
        return {};
    }

    /// Of an export that failed: nobody shall take half a table for the whole.
    void remove_data() {
        std::error_code ignored;
        if (!folder_.empty()) fs::remove_all(folder_ / "data", ignored);
    }

  private:
    std::string prefixed(std::string_view name) const {
        const std::string& prefix = record_.shown.target.prefix;
        return (prefix.empty() || prefix.ends_with('/') ? prefix : prefix + "/") + keys_ + std::string(name);
    }

    Result<void> end_file() {
        if (file_items_ == 0) return {};
        auto sum = file_.finish();
        if (!sum) return sum.error();
        const json line{{"itemCount", file_items_},
                        {"md5Checksum", base64_encode(*sum)},
                        {"etag", hex_encode(*sum)},
                        {"dataFileS3Key", prefixed("data/" + name_)}};
        files_ += text_of(line) + "\n";
        record_.shown.item_count += file_items_;
        file_items_ = 0;
        file_bytes_ = 0;
        return {};
    }

    Result<void> write_with_checksum(const std::string& name, const std::string& content) {
        if (auto written = write_whole_file(folder_ / (name + ".json"), content); !written) return written;
        return write_whole_file(folder_ / (name + ".md5"), base64_encode(md5(content)));
    }

    const Buckets& buckets_;
    ExportRecord& record_;
    RandomSource& random_;
    std::string keys_, text_, name_, files_;
    fs::path folder_;
    GzipWriter file_;
    std::int64_t file_items_ = 0;
    std::size_t file_bytes_ = 0;
};

Error stopped() {
    return {kv::Errc::stopped, "the server is stopping"};
}

Awaitable<void> write_items(const Transfers::Environment* environment, const std::atomic<bool>* stopping, TableNumber table,
                            ExportFiles* files) {
    kv::ScanOptions options;
    options.range = table_range(table);
    options.items_max = page_items_max;
    options.bytes_max = page_bytes;
    for (bool more = true; more;) {
        if (*stopping) co_return stopped();
        auto page = co_await environment->engine.scan(options);
        if (!page) co_return page.error();
        if (!page->items.empty()) {
            if (auto added = files->add(*page); !added) co_return added.error();
            options.range.begin = page->items.back().key + '\0';
        }
        more = page->more;
        // Others of this thread get their turn.
        co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
    }
    auto marker = co_await environment->engine.get(marker_key(table));
    if (!marker) co_return marker.error();
    if (!*marker) co_return table_not_found();
    co_return Result<void>();
}

}  // namespace

boost::asio::awaitable<void> run_export(const Transfers::Environment& environment, const std::atomic<bool>& stopping, ExportRecord record) {
    ExportFiles files(environment.buckets, record, environment.random);
    Result<void> done = files.begin();
    if (done) done = co_await write_items(&environment, &stopping, record.table_number, &files);
    const WallTime now = environment.clock.now();
    if (done) done = files.finish(now);
    if (!done && done.error().code == kv::Errc::stopped) co_return;
    record.shown.status = done ? TransferStatus::completed : TransferStatus::failed;
    record.shown.ended_at = now;
    if (!done) {
        files.remove_data();
        record.shown.item_count = record.shown.size_bytes = 0;
        record.shown.failure_code = done.error().code == Errc::resource_not_found ? "TableNotFound" : "InternalServerError";
        record.shown.failure_message = done.error().message;
        logger("store").warn("an export failed export={} why={}", record.id, log_value(done.error().message));
    }
    kv::Batch batch;
    batch.put(export_key(record.number), encode(record));
    const auto kept = co_await environment.engine.commit(std::move(batch));
    if (!kept) logger("store").warn("an export's end is not kept export={} why={}", record.id, log_value(kept.error().message));
}

}  // namespace fogbank::store::table
