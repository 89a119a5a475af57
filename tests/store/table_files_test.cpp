#include "store/table/table_files.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/encoding.h"
#include "store/table/detail/bucket_files.h"
#include "store/table/detail/csv.h"
#include "store/table/detail/gzip_file.h"
#include "tests/store/table_fixture.h"
#include "tests/store/temporary_folder.h"

namespace fogbank::store::table {
namespace {

namespace fs = std::filesystem;
using testing::run;

class TableFilesTest : public testing::TableFixture {
  protected:
    TableFilesTest() { restart(); }

    void restart() {
        service_.reset();
        TableService::Dependencies dependencies{
            *engine_,      clock_, random_, ArnFactory(AccountId("000000000000"), Region("us-east-1")), Quotas(QuotaProfile::aws),
            folder_.path()};
        auto opened = run(open_table_service(dependencies));
        ASSERT_TRUE(opened);
        service_ = std::move(*opened);
    }
    ExportRequest export_of(std::string_view table) const {
        ExportRequest out;
        out.table_arn = "arn:aws:dynamodb:us-east-1:000000000000:table/" + std::string(table);
        out.target.bucket = "copies";
        out.target.prefix = "a/b";
        return out;
    }
    ImportRequest import_into(std::string_view table, std::string_view prefix) const {
        ImportRequest out;
        out.source.bucket = "copies";
        out.source.prefix = std::string(prefix);
        out.table.name = TableName(table);
        out.table.key_schema.partition_key.name = "id";
        return out;
    }
    /// The transfer's end; its thread says when, so this looks until it has come.
    ExportDescription finished_export(const std::string& arn) {
        for (;;) {
            auto found = run(service().files().describe_export(arn));
            EXPECT_TRUE(found);
            if (!found || found->status != TransferStatus::in_progress) return found ? *found : ExportDescription();
            std::this_thread::yield();
        }
    }
    ImportDescription finished_import(const std::string& arn) {
        for (;;) {
            auto found = run(service().files().describe_import(arn));
            EXPECT_TRUE(found);
            if (!found || found->status != TransferStatus::in_progress) return found ? *found : ImportDescription();
            std::this_thread::yield();
        }
    }
    ImportDescription import(ImportRequest request) {
        auto begun = run(service().files().import_table(std::move(request)));
        EXPECT_TRUE(begun) << begun.error().message;
        return begun ? finished_import(begun->arn) : ImportDescription();
    }
    void write(const std::string& key, std::string_view text) const {
        const fs::path path = folder_.path() / "copies" / key;
        fs::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary) << text;
    }
    std::string read(const fs::path& path, bool is_gzip = false) const {
        PieceReader reader;
        EXPECT_TRUE(reader.open(path, is_gzip));
        std::string out;
        for (;;) {
            auto piece = reader.next();
            EXPECT_TRUE(piece);
            if (!piece || piece->empty()) return out;
            out += *piece;
        }
    }

    testing::TemporaryFolder folder_;
};

TEST_F(TableFilesTest, ExportsWhatTheManifestsSayAndImportsItAgain) {
    create("things", {"id", KeyType::string});
    for (int i = 0; i < 2500; ++i) ASSERT_TRUE(fast_put("things", R"({"id":")" + std::to_string(i) + R"(","n":1.5})"));
    EXPECT_EQ(run(service().files().export_table(export_of("things"))).error().code, Errc::pitr_unavailable);
    ASSERT_TRUE(run(service().update_continuous_backups(TableName("things"), true)));
    const auto begun = run(service().files().export_table(export_of("things")));
    ASSERT_TRUE(begun) << begun.error().message;
    EXPECT_EQ(begun->status, TransferStatus::in_progress);
    const auto done = finished_export(begun->arn);
    ASSERT_EQ(done.status, TransferStatus::completed) << done.failure_message;
    EXPECT_EQ(done.item_count, 2500);

    const fs::path bucket = folder_.path() / "copies";
    const std::string summary_text = read(bucket / done.manifest);
    const auto summary = nlohmann::json::parse(summary_text);
    EXPECT_EQ(summary["exportArn"], done.arn);
    EXPECT_EQ(summary["itemCount"], 2500);
    fs::path checksum = bucket / done.manifest;
    EXPECT_EQ(read(checksum.replace_extension("md5")), base64_encode(md5(summary_text)));
    const auto files = nlohmann::json::parse(read(bucket / summary["manifestFilesS3Key"].get<std::string>()));
    const fs::path data = bucket / files["dataFileS3Key"].get<std::string>();
    EXPECT_EQ(files["md5Checksum"], base64_encode(md5(read(data))));
    const std::string lines = read(data, true);
    EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2500);
    EXPECT_EQ(lines.rfind(R"({"Item":{"id":{"S":")", 0), 0U);

    ImportRequest request = import_into("again", "a/b/AWSDynamoDB/" + done.arn.substr(done.arn.rfind('/') + 1) + "/data/");
    request.is_gzip = true;
    const auto imported = import(std::move(request));
    ASSERT_EQ(imported.status, TransferStatus::completed) << imported.failure_message;
    EXPECT_EQ(imported.imported_items, 2500);
    EXPECT_EQ(imported.errors, 0);
    EXPECT_EQ(imported.processed_bytes, static_cast<std::int64_t>(lines.size()));
    EXPECT_EQ(scan_all("again").size(), 2500U);
    EXPECT_EQ(run(service().describe_table(TableName("again")))->status, TableStatus::active);
}

TEST_F(TableFilesTest, AnExportOfNothingHasNoFiles) {
    create("empty", {"id", KeyType::string});
    ASSERT_TRUE(run(service().update_continuous_backups(TableName("empty"), true)));
    const auto begun = run(service().files().export_table(export_of("empty")));
    ASSERT_TRUE(begun);
    const auto done = finished_export(begun->arn);
    ASSERT_EQ(done.status, TransferStatus::completed);
    EXPECT_EQ(done.item_count, 0);
}

TEST_F(TableFilesTest, ATokenMakesARequestOnce) {
    create("things", {"id", KeyType::string});
    ASSERT_TRUE(run(service().update_continuous_backups(TableName("things"), true)));
    ExportRequest request = export_of("things");
    request.client_token = "once";
    const auto first = run(service().files().export_table(request)), second = run(service().files().export_table(request));
    ASSERT_TRUE(first);
    ASSERT_TRUE(second);
    EXPECT_EQ(first->arn, second->arn);
    request.digest = "another";
    EXPECT_EQ(run(service().files().export_table(request)).error().code, Errc::export_conflict);
    finished_export(first->arn);
    clock_.advance(std::chrono::hours(9));
    const auto later = run(service().files().export_table(request));
    ASSERT_TRUE(later);
    EXPECT_NE(later->arn, first->arn);
    finished_export(later->arn);
    const auto page = run(service().files().list_exports({"", 1, {}}));
    ASSERT_TRUE(page);
    ASSERT_TRUE(page->next_token);
    const auto rest = run(service().files().list_exports({"", 25, page->next_token}));
    ASSERT_EQ(rest->exports.size(), 1U);
    EXPECT_EQ(rest->exports[0].arn, later->arn);
}

TEST_F(TableFilesTest, ExportsOfAnotherTimeThanNowAreRefused) {
    create("things", {"id", KeyType::string});
    ASSERT_TRUE(run(service().update_continuous_backups(TableName("things"), true)));
    ExportRequest request = export_of("things");
    request.export_time = clock_.now() - std::chrono::hours(1);
    EXPECT_EQ(run(service().files().export_table(request)).error().code, Errc::invalid_export_time);
    EXPECT_EQ(run(service().files().export_table(export_of("nothing"))).error().code, Errc::table_not_found);
    EXPECT_EQ(run(service().files().describe_export("arn")).error().code, Errc::export_not_found);
    EXPECT_EQ(run(service().files().describe_import("arn")).error().code, Errc::import_not_found);
}

TEST_F(TableFilesTest, ImportsCsvWithTypedKeysAndKeepsIndexes) {
    write("data/one.csv", "\xEF\xBB\xBFid,seen,name\r\n7,1,\"a \"\"b\"\",\nc\"\r\n8,2,x\r\nnine,3,y\r\n10,4\r\n");
    write("data/two.csv", "id,seen,name\n7,5,later");
    ImportRequest request = import_into("rows", "data/");
    request.format = ImportFormat::csv;
    request.table.key_schema.partition_key.type = KeyType::number;
    IndexRequest index;
    index.name = "by_seen";
    index.keys.partition.push_back({"seen", KeyType::number});
    request.table.indexes.push_back(index);
    const auto done = import(std::move(request));
    ASSERT_EQ(done.status, TransferStatus::completed) << done.failure_message;
    EXPECT_EQ(done.processed_items, 5);
    EXPECT_EQ(done.imported_items, 3);
    EXPECT_EQ(done.errors, 2);
    const auto items = scan_all("rows");
    ASSERT_EQ(items.size(), 2U);
    EXPECT_EQ(*get("rows", R"({"id":7})")->at("name").string(), "later");
    ScanRequest by_index;
    by_index.table = TableName("rows");
    by_index.index = "by_seen";
    const auto entries = run(service().scan(by_index));
    ASSERT_TRUE(entries);
    EXPECT_EQ(entries->count, 2);  // the entry of what was overwritten is gone
}

TEST_F(TableFilesTest, ImportsCsvWithAGivenHeader) {
    write("plain", "a;1\nb;2\n");
    ImportRequest request = import_into("rows", "plain");
    request.format = ImportFormat::csv;
    request.csv = CsvOptions{';', {"id", "n"}};
    EXPECT_EQ(import(std::move(request)).imported_items, 2);
    EXPECT_EQ(*get("rows", R"({"id":"a"})")->at("n").string(), "1");
}

TEST_F(TableFilesTest, BadRecordsAreCountedAndLeftOut) {
    write(
        "bad",
        "{\"Item\":{\"id\":{\"S\":\"a\"}}}\nnothing\n{\"Item\":{\"id\":{\"N\":\"1\"}}}\n{\"item\":{}}\n{\"Item\":{\"id\":{\"S\":\"b\"}}}");
    const auto done = import(import_into("rows", "bad"));
    EXPECT_EQ(done.status, TransferStatus::completed);
    EXPECT_EQ(done.imported_items, 2);
    EXPECT_EQ(done.errors, 3);
    write("torn.gz", "no gzip");
    ImportRequest request = import_into("torn", "torn.gz");
    request.is_gzip = true;
    EXPECT_EQ(import(std::move(request)).errors, 1);
}

TEST_F(TableFilesTest, AFailedImportTakesItsTableWithIt) {
    const auto no_bucket = import(import_into("rows", ""));
    EXPECT_EQ(no_bucket.status, TransferStatus::failed);
    EXPECT_EQ(no_bucket.failure_code, "S3NoSuchBucket");
    EXPECT_EQ(run(service().describe_table(TableName("rows"))).error().code, Errc::resource_not_found);
    write("one", "");
    const auto no_key = import(import_into("rows", "two"));
    EXPECT_EQ(no_key.failure_code, "S3NoSuchKey");
    create("taken", {"id", KeyType::string});
    EXPECT_EQ(run(service().files().import_table(import_into("taken", "one"))).error().code, Errc::resource_in_use);
}

TEST_F(TableFilesTest, WhatIsNotFinishedIsBegunAgain) {
    std::string lines;
    for (int i = 0; i < 20'000; ++i) lines += R"({"Item":{"id":{"S":")" + std::to_string(i) + "\"}}}\n";
    write("many", lines);
    const auto begun = run(service().files().import_table(import_into("rows", "many")));
    ASSERT_TRUE(begun);
    restart();  // somewhere in the middle
    const auto done = finished_import(begun->arn);
    EXPECT_EQ(done.status, TransferStatus::completed);
    EXPECT_EQ(done.imported_items, 20'000);
    EXPECT_EQ(scan_all("rows").size(), 20'000U);
}

TEST_F(TableFilesTest, NoWayOutOfTheFolder) {
    for (const char* bucket : {"", "a", "..", ".a", "a/b", "a b", "-ab", "a\0b"}) EXPECT_FALSE(Buckets::check(bucket, "")) << bucket;
    for (const char* prefix : {"..", "a/../b", "/a", "a//b", "./a", "a/.", "a\nb"})
        EXPECT_FALSE(Buckets::check("bucket", prefix)) << prefix;
    for (const char* prefix : {"", "a", "a/", "a/b..c", "Ü/ß"}) EXPECT_TRUE(Buckets::check("bucket", prefix)) << prefix;
    const Buckets buckets(folder_.path());
    write("inside/file", "x");
    fs::create_directory(folder_.path() / "outside");
    std::ofstream(folder_.path() / "outside" / "secret") << "x";
    fs::create_directory_symlink(folder_.path() / "outside", folder_.path() / "copies" / "link");
    fs::create_symlink(folder_.path() / "outside" / "secret", folder_.path() / "copies" / "secret");
    const auto found = buckets.list("copies", "", 10);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 1U);
    EXPECT_EQ((*found)[0].filename(), "file");
    EXPECT_FALSE(buckets.make_folder("copies", "link/a"));
    EXPECT_EQ(buckets.list("copies", "", 0).error().code, Errc::limit_exceeded);
    PieceReader reader;
    EXPECT_FALSE(reader.open(folder_.path() / "copies" / "secret", false));
}

TEST(CsvTest, RecordsTooLongArePassedOver) {
    for (const bool is_csv : {false, true}) {
        RecordSplitter splitter(is_csv);
        std::vector<std::pair<std::string, bool>> seen;
        const RecordSplitter::Sink sink = [&](std::string_view record, bool is_too_long) -> Result<void> {
            seen.emplace_back(record, is_too_long);
            return {};
        };
        const std::string much(1 << 20, 'x');
        for (int i = 0; i < 20; ++i) ASSERT_TRUE(splitter.feed(i == 0 ? "\"" + much : much, sink));
        ASSERT_TRUE(splitter.feed("\nnext", sink));
        ASSERT_TRUE(splitter.finish(sink));
        ASSERT_EQ(seen.size(), 2U);
        EXPECT_TRUE(seen[0].second);
        EXPECT_EQ(seen[1].first, "next");
    }
}

TEST(GzipFileTest, SeveralMembersAreOneText) {
    const testing::TemporaryFolder folder;
    std::string both;
    for (const char* text : {"one ", "two"}) {
        GzipWriter writer;
        ASSERT_TRUE(writer.open(folder.path() / "part"));
        ASSERT_TRUE(writer.write(text));
        ASSERT_TRUE(writer.finish());
        std::ifstream part(folder.path() / "part", std::ios::binary);
        both.append(std::istreambuf_iterator<char>(part), {});
    }
    const auto text_of = [&](std::string_view bytes) -> Result<std::string> {
        if (auto written = write_whole_file(folder.path() / "whole", bytes); !written) return written.error();
        PieceReader reader;
        if (auto opened = reader.open(folder.path() / "whole", true); !opened) return opened.error();
        std::string out;
        for (;;) {
            auto piece = reader.next();
            if (!piece) return piece.error();
            if (piece->empty()) return out;
            out += *piece;
        }
    };
    EXPECT_EQ(*text_of(both), "one two");
    EXPECT_EQ(text_of(both.substr(0, both.size() - 3)).error().code, Errc::validation);
}

}  // namespace
}  // namespace fogbank::store::table
