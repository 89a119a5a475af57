#include "store/kv/sqlite_backup.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

#include "store/kv/errc.h"
#include "store/kv/sqlite_engine.h"
#include "tests/store/temporary_folder.h"
#include "tests/support/fakes.h"

namespace fogbank::store::kv {
namespace {

constexpr const char* database = "kv.db";

class KvBackup : public ::testing::Test {
  protected:
    static std::unique_ptr<Engine> open(const std::filesystem::path& folder) {
        SqliteOptions options;
        options.file = folder / database;
        auto engine = open_sqlite_engine(options);
        EXPECT_TRUE(engine) << engine.error().message;
        return engine ? std::move(*engine) : nullptr;
    }
    static Result<void> put_pair(Engine& engine, const std::string& value) {
        Batch batch;
        batch.put("a", value);
        batch.put("b", value);
        return testing::run(engine.commit(std::move(batch)));
    }
    static std::optional<std::string> get(Engine& engine, std::string key) {
        auto value = testing::run(engine.get(std::move(key)));
        EXPECT_TRUE(value);
        return value ? *value : std::nullopt;
    }
    static void write(const std::filesystem::path& path, std::string_view text) {
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary) << text;
    }
    static std::string read(const std::filesystem::path& path) {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    }

    testing::TemporaryFolder source_, target_;
    std::filesystem::path backup_ = target_.path() / "backup";
};

TEST_F(KvBackup, KeepsTheStoreAndTheFilesBesideIt) {
    auto engine = open(source_.path());
    ASSERT_TRUE(put_pair(*engine, "old"));
    write(source_.path() / "ca" / "root.pem", "secret");
    write(source_.path() / "lock", "");
    const auto made = backup_sqlite(source_.path(), database, backup_);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(made->files, 1U);
    EXPECT_EQ(std::filesystem::status(backup_).permissions(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    ASSERT_TRUE(put_pair(*engine, "new"));
    engine.reset();

    const testing::TemporaryFolder restored;
    const auto done = restore_sqlite(backup_, restored.path(), database);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(get(*open(restored.path()), "a"), "old");
    EXPECT_EQ(read(restored.path() / "ca" / "root.pem"), "secret");
    EXPECT_FALSE(std::filesystem::exists(restored.path() / "lock"));
}

// A backup is one moment: what one batch wrote is in it together or not at all.
TEST_F(KvBackup, IsConsistentWhileTheServerWrites) {
    auto engine = open(source_.path());
    ASSERT_TRUE(put_pair(*engine, "0"));
    std::atomic<bool> stop{false};
    std::thread writer([&] {
        for (int i = 1; !stop; ++i) ASSERT_TRUE(put_pair(*engine, std::to_string(i)));
    });
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(backup_sqlite(source_.path(), database, backup_));
        const testing::TemporaryFolder restored;
        ASSERT_TRUE(restore_sqlite(backup_, restored.path(), database));
        const auto copy = open(restored.path());
        EXPECT_EQ(get(*copy, "a"), get(*copy, "b"));
    }
    stop = true;
    writer.join();
}

TEST_F(KvBackup, ADamagedOrForeignFileLeavesTheFolderAlone) {
    auto engine = open(source_.path());
    for (int i = 0; i < 200; ++i) {
        Batch batch;
        batch.put("key" + std::to_string(i), std::string(500, 'v'));
        ASSERT_TRUE(testing::run(engine->commit(std::move(batch))));
    }
    ASSERT_TRUE(backup_sqlite(source_.path(), database, backup_));
    ASSERT_TRUE(put_pair(*engine, "kept"));
    engine.reset();
    {
        std::fstream file(backup_, std::ios::in | std::ios::out | std::ios::binary);
        for (std::streamoff page = 3; page < 12; ++page) {
            file.seekp(page * 4096);
            file << std::string(200, '\xEE');
        }
    }
    EXPECT_EQ(restore_sqlite(backup_, source_.path(), database).error().code, Errc::corrupt);
    write(backup_, std::string(5000, 'x'));
    EXPECT_EQ(restore_sqlite(backup_, source_.path(), database).error().code, Errc::corrupt);
    EXPECT_EQ(restore_sqlite(source_.path() / database, source_.path(), database).error().code, Errc::corrupt);  // a store is no backup
    EXPECT_FALSE(restore_sqlite(target_.path() / "nothing", source_.path(), database));
    EXPECT_EQ(get(*open(source_.path()), "a"), "kept");
}

TEST_F(KvBackup, DamageIsFoundAtTheStart) {
    auto engine = open(source_.path());
    for (int i = 0; i < 200; ++i) {
        Batch batch;
        batch.put("key" + std::to_string(i), std::string(500, 'v'));
        ASSERT_TRUE(testing::run(engine->commit(std::move(batch))));
    }
    engine.reset();
    {
        std::fstream file(source_.path() / database, std::ios::in | std::ios::out | std::ios::binary);
        for (std::streamoff page = 4; page < 12; ++page) {
            file.seekp(page * 4096);
            file << std::string(200, '\xEE');
        }
    }
    SqliteOptions options;
    options.file = source_.path() / database;
    options.check_time_max = std::chrono::minutes(1);
    const auto opened = open_sqlite_engine(options);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::corrupt);
}

}  // namespace
}  // namespace fogbank::store::kv
