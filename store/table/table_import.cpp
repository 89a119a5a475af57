// Reading files into a new table: lines of DynamoDB JSON or records of CSV, gzipped or not.
#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/encoding.h"
#include "common/logging.h"
#include "store/table/detail/csv.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/gzip_file.h"
#include "store/table/detail/index_entries.h"
#include "store/table/detail/item_codec.h"
#include "store/table/detail/item_eraser.h"
#include "store/table/detail/item_write.h"
#include "store/table/detail/number.h"
#include "store/table/detail/table_tasks.h"
#include "store/table/detail/transfers.h"
#include "store/table/detail/value_check.h"
#include "store/table/json_dom.h"

namespace fogbank::store::table {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t files_max = 50'000;  // DynamoDB's quota of objects
constexpr std::size_t piece_items_max = 500, piece_bytes_max = 512 * 1024;
constexpr std::int64_t logged_errors_max = 10;

/// The types of the attributes that are keys of the table or of an index; all others of a CSV are strings.
std::map<std::string, KeyType> key_types(const TableDefinition& table) {
    std::map<std::string, KeyType> out;
    const auto add = [&](const IndexKeys& keys) {
        for (const auto& key : keys.partition) out.emplace(key.name, key.type);
        for (const auto& key : keys.sort) out.emplace(key.name, key.type);
    };
    add(layout_of(table.key_schema));
    for (const auto& index : table.indexes) add(index.request.keys);
    return out;
}

/// Items that go down in one transaction. Shared with the engine's thread.
struct Piece {
    ImportRecord record;
    std::vector<SharedWrite> writes;
    std::size_t bytes = 0;
};

/// Makes items of records, and counts.
class ItemReader {
  public:
    ItemReader(ImportRecord& record, std::size_t item_bytes_max)
        : record_(record), item_bytes_max_(item_bytes_max), types_(key_types(record.table)) {}

    /// Each file of a CSV begins with its header, unless one was given.
    void begin_file() {
        header_.clear();
        if (record_.shown.csv) header_ = record_.shown.csv->header;
    }

    /// Adds the record's item to the piece, or counts an error.
    void read(std::string_view text, bool is_too_long, Piece& piece) {
        const bool is_csv = record_.shown.format == ImportFormat::csv;
        if (is_csv && header_.empty()) return read_header(text, is_too_long);
        ++record_.shown.processed_items;
        Result<SharedWrite> write = validation("the record is too long");
        if (!is_too_long) write = is_csv ? from_csv(text) : from_json(text);
        if (!write) return refuse(write.error());
        piece.bytes += (*write)->size_bytes;
        piece.writes.push_back(std::move(*write));
    }

  private:
    void refuse(const Error& error) {
        if (++record_.shown.errors > logged_errors_max) return;
        logger("store").warn("an import passes over a record import={} record={} why={}", record_.id, record_.shown.processed_items,
                             log_value(error.message));
    }

    void read_header(std::string_view text, bool is_too_long) {
        auto columns = is_too_long ? Result<std::vector<std::string>>(validation("the header is too long")) : columns_of(text);
        if (columns) header_ = std::move(*columns);
        if (!columns) {
            refuse(columns.error());
            header_ = {""};  // no record fits it
        }
    }

    Result<std::vector<std::string>> columns_of(std::string_view text) const {
        return parse_csv_record(text, record_.shown.csv ? record_.shown.csv->delimiter : ',');
    }

    Result<SharedWrite> from_json(std::string_view text) {
        const auto document = parser_.parse(text.data(), text.size());
        simdjson::dom::object object;
        simdjson::dom::element element;
        if (document.error() != simdjson::SUCCESS || document.get_object().get(object) != simdjson::SUCCESS ||
            object["Item"].get(element) != simdjson::SUCCESS)
            return validation("the line is no JSON object with a member `Item`");
        auto item = item_from_dom(DomView(element));
        if (!item) return item.error();
        return make(std::move(*item));
    }

    Result<AttributeValue> value_of(const std::string& name, std::string text) const {
        const auto type = types_.find(name);
        if (type == types_.end() || type->second == KeyType::string) return AttributeValue(std::move(text));
        if (type->second == KeyType::number) {
            auto number = parse_number(text);
            if (!number) return number.error();
            return AttributeValue(*number);
        }
        auto bytes = base64_decode(text);
        if (!bytes) return validation("column `" + name + "` is not base64");
        return AttributeValue(Binary{std::move(*bytes)});
    }

    Result<SharedWrite> from_csv(std::string_view text) {
        if (!is_valid_utf8(text)) return validation("the record is not UTF-8");
        auto columns = columns_of(text);
        if (!columns) return columns.error();
        if (columns->size() != header_.size()) return validation("the record has another number of columns than the header");
        Item item;
        for (std::size_t i = 0; i < header_.size(); ++i) {
            auto value = value_of(header_[i], std::move((*columns)[i]));
            if (!value) return value.error();
            item.insert_or_assign(header_[i], std::move(*value));
        }
        return make(std::move(item));
    }

    Result<SharedWrite> make(Item item) const {
        auto size = check_item(item, item_bytes_max_);
        if (!size) return size.error();
        if (auto checked = check_item_key(record_.table.key_schema, item); !checked) return checked.error();
        if (auto checked = check_index_keys(record_.table, item, false); !checked) return checked.error();
        auto write = std::make_shared<ItemWrite>();
        write->table = record_.table.name;
        write->item = std::move(item);
        write->size_bytes = *size;
        return write;
    }

    ImportRecord& record_;
    std::size_t item_bytes_max_;
    std::map<std::string, KeyType> types_;
    std::vector<std::string> header_;
    simdjson::dom::parser parser_;
};

Result<void> write_piece(kv::Transaction& transaction, Piece& piece, const Clock& clock, std::size_t item_bytes_max) {
    auto now = read_definition(transaction, piece.record.table.name);
    if (!now) return now.error();
    const TableDefinition& table = *now;
    if (table.number != piece.record.table.number) return table_not_found();
    const WriteContext context{clock};
    for (const auto& write : piece.writes) {
        if (!table.allows_blind_writes()) {
            // Two records may be one item: what the earlier one left in the indexes must go.
            if (auto done = run_write(transaction, table, *write, context, item_bytes_max); !done) return done;
            continue;
        }
        transaction.put(item_key(table.number, table.key_schema, write->item), encode_item(write->item, write->size_bytes));
    }
    transaction.put(import_key(piece.record.number), encode(piece.record));
    return {};
}

Awaitable<void> commit_piece(const Transfers::Environment* environment, std::shared_ptr<Piece> piece) {
    kv::TransactionBody body = [piece, &clock = environment->clock, most = environment->item_bytes_max](kv::Transaction& transaction) {
        return write_piece(transaction, *piece, clock, most);
    };
    co_return co_await environment->engine.transact(std::move(body));
}

Awaitable<void> read_file(const Transfers::Environment* environment, const std::atomic<bool>* stopping, ImportRecord* record,
                          ItemReader* items, fs::path path) {
    PieceReader file;
    if (auto opened = file.open(path, record->shown.is_gzip); !opened) co_return opened.error();
    items->begin_file();
    RecordSplitter splitter(record->shown.format == ImportFormat::csv);
    auto piece = std::make_shared<Piece>();
    const RecordSplitter::Sink sink = [&](std::string_view text, bool is_too_long) -> Result<void> {
        items->read(text, is_too_long, *piece);
        return {};
    };
    for (bool more = true; more;) {
        if (*stopping) co_return Error(kv::Errc::stopped, "the server is stopping");
        auto bytes = file.next();
        if (!bytes && bytes.error().code != Errc::validation) co_return bytes.error();
        if (!bytes) {
            // A file that breaks off: what came before it stays, the rest is one error.
            ++record->shown.errors;
            logger("store").warn("an import passes over the rest of a file import={} why={}", record->id, log_value(bytes.error().message));
        }
        more = bytes && !bytes->empty();
        if (bytes) record->shown.processed_bytes += static_cast<std::int64_t>(bytes->size());
        (void)(more ? splitter.feed(*bytes, sink) : splitter.finish(sink));  // the sink never fails
        if (more && piece->writes.size() < piece_items_max && piece->bytes < piece_bytes_max) continue;
        record->shown.imported_items += static_cast<std::int64_t>(piece->writes.size());
        piece->record = *record;
        auto committed = co_await commit_piece(environment, piece);
        if (!committed) co_return committed.error();
        piece = std::make_shared<Piece>();
    }
    co_return Result<void>();
}

Awaitable<void> read_files(const Transfers::Environment* environment, const std::atomic<bool>* stopping, ImportRecord* record) {
    const BucketLocation source = record->shown.source;
    auto files = environment->buckets.list(source.bucket, source.prefix, files_max);
    if (!files) co_return files.error();
    if (files->empty())
        co_return Error(Errc::import_not_found, "The specified key does not exist: no file begins with `" + source.prefix + "`");
    ItemReader items(*record, environment->item_bytes_max);
    for (const fs::path& path : *files) {
        auto read = co_await read_file(environment, stopping, record, &items, path);
        if (!read) co_return read.error();
    }
    co_return Result<void>();
}

Result<void> end_import(kv::Transaction& transaction, const ImportRecord& record) {
    auto table = read_definition(transaction, record.table.name);
    if (!table && table.error().code != Errc::resource_not_found) return table.error();
    if (table && table->number == record.table.number) {
        if (record.shown.status == TransferStatus::completed) {
            table->is_restoring = false;
            store_definition(transaction, *table, true);
        } else {
            transaction.erase(definition_key(record.table.name));
            transaction.erase(marker_key(record.table.number));
            transaction.put(erasure_key(record.table.number), record.table.name.view());
        }
    }
    transaction.put(import_key(record.number), encode(record));
    return {};
}

std::string_view code_of(const Error& error) {
    if (error.code == Errc::resource_not_found) return "S3NoSuchBucket";
    if (error.code == Errc::import_not_found) return "S3NoSuchKey";
    if (error.code == Errc::limit_exceeded) return "TooManyObjects";
    return error.code == Errc::item_collection_too_large ? "ItemCollectionSizeLimitExceeded" : "InternalServerError";
}

}  // namespace

boost::asio::awaitable<void> run_import(const Transfers::Environment& environment, const std::atomic<bool>& stopping, ImportRecord given) {
    const auto record = std::make_shared<ImportRecord>(std::move(given));
    ImportDescription& shown = record->shown;
    shown.processed_bytes = shown.processed_items = shown.imported_items = shown.errors = 0;  // a run that was cut short begins anew
    const auto done = co_await read_files(&environment, &stopping, record.get());
    if (!done && done.error().code == kv::Errc::stopped) co_return;
    shown.status = done ? TransferStatus::completed : TransferStatus::failed;
    shown.ended_at = environment.clock.now();
    if (!done) {
        shown.failure_code = code_of(done.error());
        shown.failure_message = done.error().message;
        logger("store").warn("an import failed import={} why={}", record->id, log_value(done.error().message));
    }
    kv::TransactionBody body = [record](kv::Transaction& transaction) { return end_import(transaction, *record); };
    const auto kept = co_await environment.engine.transact(std::move(body));
    done ? environment.catalog->forget(record->table.name) : environment.catalog->remove(record->table.name);
    if (!kept) {
        logger("store").warn("an import's end is not kept import={} why={}", record->id, log_value(kept.error().message));
    } else if (!done) {
        erase_items(environment.engine, record->table.number);
    }
}

}  // namespace fogbank::store::table
