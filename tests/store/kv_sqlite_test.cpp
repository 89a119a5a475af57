#include "store/kv/sqlite_engine.h"

#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <thread>

#include "store/kv/errc.h"
#include "tests/store/faulty_vfs.h"
#include "tests/store/temporary_folder.h"
#include "tests/support/fakes.h"

namespace fogbank::store::kv {
namespace {

class KvSqlite : public ::testing::Test {
  protected:
    KvSqlite() {
        options_.file = folder_.path() / "kv.db";
        options_.metrics = &metrics_;
    }

    void open() {
        engine_.reset();
        auto engine = open_sqlite_engine(options_);
        ASSERT_TRUE(engine) << engine.error().message;
        engine_ = std::move(*engine);
    }
    Result<void> put(const std::string& key, std::string value) {
        Batch batch;
        batch.put(key, std::move(value));
        return testing::run(engine_->commit(std::move(batch)));
    }
    std::optional<std::string> get(std::string key) {
        auto value = testing::run(engine_->get(std::move(key)));
        EXPECT_TRUE(value) << value.error().message;
        return value ? *value : std::nullopt;
    }
    /// Runs SQL on the file past the engine.
    void execute(const char* sql) {
        sqlite3* handle = nullptr;
        ASSERT_EQ(sqlite3_open(options_.file.c_str(), &handle), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(handle);
        sqlite3_close(handle);
    }
    Result<void> erase_range(const Range& range) {
        return testing::run(engine_->transact([&](Transaction& tx) -> Result<void> {
            tx.erase_range(range);
            return {};
        }));
    }
    /// A number from the file past the engine.
    std::int64_t query(const char* sql) {
        sqlite3* handle = nullptr;
        sqlite3_stmt* statement = nullptr;
        EXPECT_EQ(sqlite3_open(options_.file.c_str(), &handle), SQLITE_OK);
        EXPECT_EQ(sqlite3_prepare_v2(handle, sql, -1, &statement, nullptr), SQLITE_OK) << sqlite3_errmsg(handle);
        EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW);
        const std::int64_t number = sqlite3_column_int64(statement, 0);
        sqlite3_finalize(statement);
        sqlite3_close(handle);
        return number;
    }
    /// A MiB, other bytes for each `i`: bytes that stay as they were are not written again.
    static std::string large_value(int i) { return std::string(1 << 20, static_cast<char>('a' + i % 26)); }
    Error open_error() {
        engine_.reset();
        auto engine = open_sqlite_engine(options_);
        EXPECT_FALSE(engine);
        return engine ? Error() : engine.error();
    }
    std::uint64_t counted(const char* name) { return metrics_.counter(std::string("fogbank_store_kv_") + name, "").value(); }
    std::int64_t queue_bytes() { return metrics_.gauge("fogbank_store_kv_queue_bytes", "").value(); }

    testing::TemporaryFolder folder_;
    Metrics metrics_;
    SqliteOptions options_;
    std::unique_ptr<Engine> engine_;
};

// Opening

TEST_F(KvSqlite, ReopeningKeepsEverything) {
    open();
    ASSERT_TRUE(put("a", "1"));
    ASSERT_TRUE(put("empty", ""));
    open();
    EXPECT_EQ(get("a"), "1");
    EXPECT_EQ(get("empty"), "");
    ASSERT_TRUE(put("a", "2"));
    open();
    EXPECT_EQ(get("a"), "2");
}

TEST_F(KvSqlite, AStoppedEngineLeavesOneFile) {
    open();
    ASSERT_TRUE(put("a", "1"));
    std::thread([&] { EXPECT_EQ(get("a"), "1"); }).join();
    engine_->stop();
    EXPECT_FALSE(std::filesystem::exists(options_.file.string() + "-wal"));
}

TEST_F(KvSqlite, ASchemaThatIsNewerIsRefusedAndLeftAlone) {
    open();
    ASSERT_TRUE(put("a", "1"));
    engine_.reset();
    execute("UPDATE meta SET value = value + 998 WHERE name = 'schema_version'");
    const Error error = open_error();
    EXPECT_EQ(error.code, Errc::corrupt);
    EXPECT_NE(error.message.find("schema version 1000 is newer than"), std::string::npos) << error.message;
    execute("UPDATE meta SET value = value - 998 WHERE name = 'schema_version'");
    open();
    EXPECT_EQ(get("a"), "1");
}

TEST_F(KvSqlite, AFileOfTheFirstSchemaIsMigratedWithItsValues) {
    execute(
        "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
        "CREATE TABLE kv(key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
        "INSERT INTO meta VALUES('schema_version', 1);"
        "INSERT INTO kv VALUES(x'61', x'31'), (x'62', zeroblob(5000)), (x'63', zeroblob(5000)), (x'64', zeroblob(5000));");
    open();
    const std::string zeros(5000, '\0');
    EXPECT_EQ(get("a"), "1");
    EXPECT_EQ(get("b"), zeros);
    ASSERT_TRUE(put("b", "small"));
    ASSERT_TRUE(put("c", std::string(6000, 'c')));
    open();
    EXPECT_EQ(get("a"), "1");
    EXPECT_EQ(get("b"), "small");
    EXPECT_EQ(get("c"), std::string(6000, 'c'));
    EXPECT_EQ(get("d"), zeros);
}

TEST_F(KvSqlite, LargeValuesLeaveNothingBehind) {
    const auto rows = [&](const char* table) { return query((std::string("SELECT count(*) FROM ") + table).c_str()); };
    const std::string large(3000, 'l');
    open();
    for (const char* key : {"a", "b", "c", "d", "e", "f"}) ASSERT_TRUE(put(key, large));
    EXPECT_EQ(rows("large"), 6);
    ASSERT_TRUE(put("a", "small"));
    EXPECT_EQ(get("a"), "small");
    EXPECT_EQ(rows("large"), 5);
    ASSERT_TRUE(put("b", std::string(4000, 'm')));
    EXPECT_EQ(rows("large"), 5);
    Batch batch;
    batch.erase("c");
    ASSERT_TRUE(testing::run(engine_->commit(std::move(batch))));
    ASSERT_TRUE(erase_range(Range{"d", "e"}));
    EXPECT_EQ(rows("large"), 3);
    open();  // goes on with the numbers that are free
    ASSERT_TRUE(put("g", large));
    ASSERT_TRUE(put("a", large));
    EXPECT_EQ(rows("large"), 5);
    EXPECT_EQ(get("b"), std::string(4000, 'm'));
    for (const char* key : {"a", "e", "f", "g"}) EXPECT_EQ(get(key), large);
    ASSERT_TRUE(erase_range(Range{"", ""}));
    EXPECT_EQ(rows("large"), 0);
    EXPECT_EQ(rows("kv"), 0);
}

TEST_F(KvSqlite, ALargeValueThatIsMissingIsCorrupt) {
    open();
    ASSERT_TRUE(put("a", std::string(3000, 'l')));
    engine_.reset();
    execute("DELETE FROM large");
    open();
    const auto value = testing::run(engine_->get("a"));
    ASSERT_FALSE(value);
    EXPECT_EQ(value.error().code, Errc::corrupt);
    const auto page = testing::run(engine_->scan(ScanOptions()));
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().code, Errc::corrupt);
    ASSERT_TRUE(put("a", "mended"));
    EXPECT_EQ(get("a"), "mended");
}

TEST_F(KvSqlite, AMissingSchemaVersionIsRefused) {
    open();
    engine_.reset();
    execute("DELETE FROM meta");
    EXPECT_EQ(open_error().code, Errc::corrupt);
}

TEST_F(KvSqlite, ADatabaseOfAnotherProgramIsRefused) {
    execute("CREATE TABLE song(title TEXT)");
    const Error error = open_error();
    EXPECT_EQ(error.code, Errc::corrupt);
    EXPECT_NE(error.message.find("another program"), std::string::npos) << error.message;
}

TEST_F(KvSqlite, AFileThatIsNoDatabaseIsRefusedAndLeftAlone) {
    const std::string text(5000, 'x');
    std::ofstream(options_.file) << text;
    EXPECT_EQ(open_error().code, Errc::corrupt);
    EXPECT_EQ(std::filesystem::file_size(options_.file), text.size());
}

TEST_F(KvSqlite, DamagedPagesAnswerCorrupt) {
    open();
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(put("key" + std::to_string(1000 + i), std::string(500, 'v')));
    engine_.reset();
    {
        std::fstream file(options_.file, std::ios::in | std::ios::out | std::ios::binary);
        const auto size = static_cast<std::streamoff>(std::filesystem::file_size(options_.file));
        for (std::streamoff page = 4 * 4096; page + 4096 <= size; page += 4096) {
            file.seekp(page);
            file << std::string(100, '\xEE');
        }
    }
    open();
    const auto page = testing::run(engine_->scan(ScanOptions()));
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().code, Errc::corrupt);
}

TEST_F(KvSqlite, AFolderThatDoesNotExistIsUnavailable) {
    options_.file = folder_.path() / "nowhere" / "kv.db";
    const Error error = open_error();
    EXPECT_EQ(error.code, Errc::unavailable);
    EXPECT_NE(error.message.find("nowhere"), std::string::npos) << error.message;
}

// Groups

/// Submits while the writer is held in a transaction's body, so that the submissions wait in the queue together.
class HeldWriter {
  public:
    explicit HeldWriter(Engine& engine) {
        engine.transact(
            [this](Transaction&) -> Result<void> {
                entered_.set_value();
                release_.get_future().wait();
                return {};
            },
            [this](Result<void> done) { done_.set_value(std::move(done)); });
        entered_.get_future().wait();
    }
    Result<void> release() {
        release_.set_value();
        return done_.get_future().get();
    }

  private:
    std::promise<void> entered_, release_;
    std::promise<Result<void>> done_;
};

TEST_F(KvSqlite, WhatWaitsIsCommittedAsOneGroup) {
    open();
    HeldWriter held(*engine_);
    std::vector<std::promise<Result<void>>> done(100);
    for (std::size_t i = 0; i < done.size(); ++i) {
        Batch batch;
        batch.put("k" + std::to_string(i), "");
        engine_->commit(std::move(batch), [&done, i](Result<void> result) { done[i].set_value(std::move(result)); });
    }
    EXPECT_GT(queue_bytes(), 100);
    EXPECT_TRUE(held.release());
    for (auto& one : done) EXPECT_TRUE(one.get_future().get());
    engine_->stop();
    EXPECT_EQ(counted("groups_total"), 2U);
    EXPECT_EQ(counted("commits_total"), 101U);
    EXPECT_EQ(metrics_.gauge("fogbank_store_kv_group_size", "").value(), 100);
    EXPECT_EQ(queue_bytes(), 0);
}

TEST_F(KvSqlite, AGroupIsBounded) {
    options_.group_max = 10;
    open();
    HeldWriter held(*engine_);
    std::atomic<int> succeeded{0};
    for (int i = 0; i < 25; ++i) engine_->commit(Batch(), [&](Result<void> result) { succeeded += result ? 1 : 0; });
    EXPECT_TRUE(held.release());
    engine_->stop();
    EXPECT_EQ(succeeded, 25);
    EXPECT_EQ(counted("groups_total"), 4U);
}

TEST_F(KvSqlite, ARefusalInAGroupLeavesItsNeighboursAlone) {
    open();
    HeldWriter held(*engine_);
    std::vector<Result<void>> results;
    const auto keep = [&](Result<void> result) { results.push_back(std::move(result)); };
    Batch first, refused, last;
    first.put("a", "1");
    refused.preconditions.push_back(Precondition{"a", Precondition::Kind::absent, ""});  // refused by what the first one wrote
    refused.put("b", "1");
    last.preconditions.push_back(Precondition{"b", Precondition::Kind::absent, ""});
    last.put("c", "1");
    engine_->commit(std::move(first), keep);
    engine_->commit(std::move(refused), keep);
    engine_->transact(
        [](Transaction& t) -> Result<void> {
            EXPECT_EQ(*t.get("a"), "1");
            t.put("a", "2");
            t.put("d", "2");
            return Error{Errc::conflict, "changed my mind"};
        },
        keep);
    engine_->commit(std::move(last), keep);
    EXPECT_TRUE(held.release());
    engine_->stop();
    ASSERT_EQ(results.size(), 4U);
    EXPECT_TRUE(results[0]);
    EXPECT_EQ(results[1].error().code, Errc::precondition_failed);
    EXPECT_EQ(results[2].error().code, Errc::conflict);
    EXPECT_TRUE(results[3]);
    open();
    EXPECT_EQ(get("a"), "1");
    EXPECT_EQ(get("b"), std::nullopt);
    EXPECT_EQ(get("c"), "1");
    EXPECT_EQ(get("d"), std::nullopt);
}

TEST_F(KvSqlite, AFullQueueRefusesAtOnceAndOneAlwaysFits) {
    options_.queue_bytes_max = 10'000;
    open();
    ASSERT_TRUE(put("large", std::string(50'000, 'x')));  // larger than the bound, alone
    HeldWriter held(*engine_);
    const auto submit = [&](std::size_t bytes) {
        Batch batch;
        batch.put("k", std::string(bytes, 'x'));
        auto answer = std::make_shared<std::promise<Result<void>>>();
        engine_->commit(std::move(batch), [answer](Result<void> result) { answer->set_value(std::move(result)); });
        return answer->get_future();
    };
    auto fits = submit(8'000);
    auto refused = submit(8'000);
    ASSERT_EQ(refused.wait_for(std::chrono::seconds(0)), std::future_status::ready);
    EXPECT_EQ(refused.get().error().code, Errc::unavailable);
    EXPECT_TRUE(held.release());
    EXPECT_TRUE(fits.get());
    EXPECT_TRUE(submit(8'000).get());
    EXPECT_EQ(counted("queue_rejections_total"), 1U);
}

TEST_F(KvSqlite, TheLogIsCopiedBackBeforeItGrowsLarge) {
    options_.durability = Durability::process_crash_safe;
    open();
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(put("k" + std::to_string(i % 3), large_value(i)));
    EXPECT_LT(std::filesystem::file_size(options_.file.string() + "-wal"), 80U << 20);
}

/// A thread that has read and then does nothing keeps a snapshot open; the log must not grow because of it.
TEST_F(KvSqlite, AnIdleReaderDoesNotKeepTheLogFromBeingCopiedBack) {
    options_.durability = Durability::process_crash_safe;
    open();
    ASSERT_TRUE(put("a", "1"));
    std::promise<void> has_read, finish;
    std::thread idle([&] {
        EXPECT_EQ(get("a"), "1");
        has_read.set_value();
        finish.get_future().wait();
        EXPECT_EQ(get("k2"), large_value(197));
    });
    has_read.get_future().wait();
    for (int i = 0; i < 200; ++i) EXPECT_TRUE(put("k" + std::to_string(i % 3), large_value(i)));
    EXPECT_LT(std::filesystem::file_size(options_.file.string() + "-wal"), 80U << 20);
    finish.set_value();
    idle.join();
}

TEST_F(KvSqlite, ReadersThatAlwaysOverlapDoNotKeepTheLogGrowing) {
    options_.durability = Durability::process_crash_safe;
    open();
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(put("r" + std::to_string(i), std::string(1000, 'r')));
    std::atomic<bool> stop{false};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i) {
        readers.emplace_back([&] {
            ScanOptions small;
            small.range.begin = "r";
            while (!stop) EXPECT_TRUE(testing::run(engine_->scan(small)));
        });
    }
    for (int i = 0; i < 200; ++i) EXPECT_TRUE(put("k" + std::to_string(i % 3), large_value(i)));
    stop = true;
    for (auto& reader : readers) reader.join();
    EXPECT_LT(std::filesystem::file_size(options_.file.string() + "-wal"), 160U << 20);
}

/// The snapshot that a reader keeps must not hide what another program commits.
TEST_F(KvSqlite, ACommitPastTheEngineIsSeen) {
    open();
    ASSERT_TRUE(put("a", "1"));
    EXPECT_EQ(get("a"), "1");
    execute("UPDATE kv SET value = X'32' WHERE key = X'61'");
    EXPECT_EQ(get("a"), "2");
    ASSERT_TRUE(testing::run(engine_->transact([](Transaction& t) -> Result<void> {
        EXPECT_EQ(*t.get("a"), "2");
        t.put("a", "3");
        return {};
    })));
    EXPECT_EQ(get("a"), "3");
}

// A disk that fails

TEST_F(KvSqlite, PowerLossSafeSyncsEachGroupAndProcessCrashSafeNone) {
    testing::FaultyDisk disk;
    for (const bool safe : {true, false}) {
        options_.durability = safe ? Durability::power_loss_safe : Durability::process_crash_safe;
        open();
        ASSERT_TRUE(put("a", "0"));
        const int before = disk.syncs();
        for (int i = 1; i <= 5; ++i) ASSERT_TRUE(put("a", std::to_string(i)));
        EXPECT_EQ(disk.syncs() - before, safe ? 5 : 0);
    }
    engine_.reset();
}

TEST_F(KvSqlite, TheLogsPagesReachTheDiskTogether) {
    testing::FaultyDisk disk;
    open();
    ASSERT_TRUE(put("a", "0"));
    const int before = disk.writes();
    Batch batch;
    constexpr int values = 200;
    for (int i = 0; i < values; ++i) batch.put("k" + std::to_string(i), std::string(3000, 'v'));
    ASSERT_TRUE(testing::run(engine_->commit(std::move(batch))));
    EXPECT_LT(disk.writes() - before, values / 10);
    for (int i = 0; i < values; ++i) EXPECT_EQ(get("k" + std::to_string(i)), std::string(3000, 'v'));
    engine_.reset();
}

/// What does not fit into the writer's cache goes to the log before its commit, and is read from there by the transaction that wrote it.
TEST_F(KvSqlite, ATransactionMayBeLargerThanTheCache) {
    constexpr int values = 12'000;
    const auto key = [](int i) { return "k" + std::to_string(i * 7919 % values); };  // not in order: pages are left and come back
    const auto value = [](int i, char c) { return std::string(4000, c) + std::to_string(i); };
    for (const bool fails : {false, true}) {
        open();
        TransactionBody body = [&](Transaction& tx) -> Result<void> {
            for (int i = 0; i < values; ++i) tx.put(key(i), value(i, fails ? 'x' : 'v'));
            for (int i = 0; i < values; ++i) {
                const auto seen = tx.get(key(i));
                if (!seen || *seen != value(i, fails ? 'x' : 'v')) return Error{Errc::corrupt, "read something else"};
            }
            if (fails) return Error{Errc::precondition_failed, "on purpose"};
            return {};
        };
        const auto done = testing::run(engine_->transact(std::move(body)));
        EXPECT_EQ(done.has_value(), !fails);
        if (!done) {
            EXPECT_EQ(done.error().code, Errc::precondition_failed);
        }
        ASSERT_TRUE(put("after", "it"));
        open();
        for (int i = 0; i < values; i += 97) ASSERT_EQ(get(key(i)), value(i, 'v'));
        EXPECT_EQ(get("after"), "it");
    }
    execute("PRAGMA integrity_check");
}

TEST_F(KvSqlite, AFullDiskInTheMiddleOfALargeTransactionLeavesNothing) {
    testing::FaultyDisk disk;
    open();
    ASSERT_TRUE(put("a", "1"));
    for (int round = 0; round < 2; ++round) {
        TransactionBody body = [&](Transaction& tx) -> Result<void> {
            for (int i = 0; i < 12'000; ++i) {
                if (i == 6'000) disk.writes_fail_with(SQLITE_FULL);
                tx.put("k" + std::to_string(i), std::string(4000, 'v'));
            }
            return {};
        };
        const auto done = testing::run(engine_->transact(std::move(body)));
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().code, Errc::unavailable);
        disk.writes_fail_with(SQLITE_OK);
        EXPECT_EQ(get("k1"), std::nullopt);
        EXPECT_TRUE(put("b", std::to_string(round)));
    }
    open();
    EXPECT_EQ(get("a"), "1");
    EXPECT_EQ(get("b"), "1");
    EXPECT_EQ(get("k1"), std::nullopt);
    engine_.reset();
}

TEST_F(KvSqlite, AFullDiskRefusesWritesGoesOnReadingAndRecovers) {
    testing::FaultyDisk disk;
    open();
    ASSERT_TRUE(put("a", "1"));
    for (int round = 0; round < 3; ++round) {
        disk.writes_fail_with(SQLITE_FULL);
        HeldWriter held(*engine_);
        std::vector<std::promise<Result<void>>> done(3);
        for (std::size_t i = 0; i < done.size(); ++i) {
            Batch batch;
            if (i == 1) batch.preconditions.push_back(Precondition{"a", Precondition::Kind::absent, ""});
            batch.put("a", "lost");
            engine_->commit(std::move(batch), [&done, i](Result<void> result) { done[i].set_value(std::move(result)); });
        }
        EXPECT_TRUE(held.release());  // wrote nothing, so it needed no disk
        for (auto& one : done) {
            const auto result = one.get_future().get();
            ASSERT_FALSE(result);
            EXPECT_EQ(result.error().code, Errc::unavailable);
            EXPECT_NE(result.error().message.find("full"), std::string::npos) << result.error().message;
        }
        EXPECT_EQ(get("a"), "1");
        disk.writes_fail_with(SQLITE_OK);
        EXPECT_TRUE(put("b", std::to_string(round)));
        EXPECT_EQ(get("a"), "1");
        EXPECT_EQ(get("b"), std::to_string(round));
    }
    EXPECT_EQ(counted("failed_groups_total"), 3U);
    open();
    EXPECT_EQ(get("a"), "1");
    EXPECT_EQ(get("b"), "2");
    engine_.reset();
}

TEST_F(KvSqlite, AFailedSyncIsNotAcknowledged) {
    testing::FaultyDisk disk;
    open();
    ASSERT_TRUE(put("a", "1"));
    disk.syncs_fail_with(SQLITE_IOERR_FSYNC);
    const auto done = put("a", "2");
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::unavailable);
    EXPECT_EQ(get("a"), "1");
    disk.syncs_fail_with(SQLITE_OK);
    EXPECT_TRUE(put("b", "1"));
    open();
    EXPECT_EQ(get("a"), "1");
    EXPECT_EQ(get("b"), "1");
    engine_.reset();
}

TEST_F(KvSqlite, AFailedReadIsUnavailableAndLaterOnesWork) {
    testing::FaultyDisk disk;
    open();
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(put("k" + std::to_string(i), std::string(1000, 'v')));
    open();
    disk.reads_fail_with(SQLITE_IOERR_READ);
    auto value = testing::run(engine_->get("k50"));
    ASSERT_FALSE(value);
    EXPECT_EQ(value.error().code, Errc::unavailable);
    disk.reads_fail_with(SQLITE_OK);
    EXPECT_EQ(get("k50"), std::string(1000, 'v'));
    engine_.reset();
}

TEST_F(KvSqlite, AFailingCheckpointDoesNotFailCommits) {
    testing::FaultyDisk disk;
    options_.durability = Durability::process_crash_safe;
    open();
    disk.syncs_fail_with(SQLITE_IOERR_FSYNC);  // without power-loss safety only checkpoints sync
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(put("k" + std::to_string(i), std::string(1 << 20, 'v')));
    disk.syncs_fail_with(SQLITE_OK);
    for (int i = 0; i < 40; ++i) EXPECT_EQ(get("k" + std::to_string(i))->size(), 1U << 20);
    engine_.reset();
}

// Threads

TEST_F(KvSqlite, ReadersOfManyShortThreadsDoNotPileUp) {
    open();
    ASSERT_TRUE(put("a", "1"));
    const auto open_files = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
    };
    const auto before = open_files();
    for (int i = 0; i < 300; ++i) std::thread([&] { EXPECT_EQ(get("a"), "1"); }).join();
    EXPECT_LT(open_files() - before, 32 * 3);
    engine_.reset();
    EXPECT_LE(open_files(), before);
}

TEST_F(KvSqlite, ReadsWhileStoppingAnswerOrSayStopped) {
    open();
    ASSERT_TRUE(put("a", "1"));
    std::vector<std::thread> readers;
    std::atomic<int> reading{0};
    for (int i = 0; i < 3; ++i) {
        readers.emplace_back([&] {
            for (;;) {
                const auto value = testing::run(engine_->get("a"));
                ++reading;
                if (!value) {
                    EXPECT_EQ(value.error().code, Errc::stopped);
                    return;
                }
                EXPECT_EQ(*value, "1");
            }
        });
    }
    while (reading < 100) std::this_thread::yield();
    engine_->stop();
    for (auto& reader : readers) reader.join();
}

}  // namespace
}  // namespace fogbank::store::kv
