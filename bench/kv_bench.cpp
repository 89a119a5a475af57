// Question: what does the key-value engine cost on top of SQLite? Rival: a plain program that does the same reads and the same
// group-committed writes through prepared statements on the calling thread, all values beside their keys in one table (`floor`). Goal: at
// least 0.7 of it (issue 8).
//
// Data: 100,000 keys of 20 bytes with values of 200 bytes, 10,000 with 4 KiB. Writes: 64 submissions are always outstanding, the floor puts
// 64 in each transaction. Both run in turn, several rounds; the median counts.
//
//     kv_bench [FOLDER]     where the database files go (default: a new folder below the working directory: a RAM disk would sync for
//     nothing)

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "store/kv/sqlite_engine.h"

namespace {

namespace asio = boost::asio;
namespace kv = fogbank::store::kv;
using fogbank::Durability;
using fogbank::Result;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t group = 64;
constexpr int rounds = 5;

struct Data {
    const char* name;
    std::size_t keys, value_bytes;
};

std::string key_of(std::size_t number) {
    char text[32];
    std::snprintf(text, sizeof text, "itm:bench:%010zu", number);
    return text;
}

/// Other bytes all through for another number: SQLite does not write a page that stays as it was.
std::string value_of(std::size_t bytes, std::size_t number) {
    return std::string(bytes, static_cast<char>('a' + number % 26));
}

[[noreturn]] void fail(const std::string& why) {
    std::fprintf(stderr, "kv_bench: %s\n", why.c_str());
    std::exit(1);
}

/// The rival: SQLite by hand.
class Floor {
  public:
    Floor(const std::filesystem::path& file, Durability durability) {
        check(sqlite3_open_v2(file.c_str(), &handle_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr));
        run("PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA cache_size=-32768; PRAGMA wal_autocheckpoint=4096;");
        run(durability == Durability::power_loss_safe ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
        run("CREATE TABLE IF NOT EXISTS kv(key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID");
        get_ = prepare("SELECT value FROM kv WHERE key = ?1");
        scan_ = prepare("SELECT key, value FROM kv WHERE key >= ?1 ORDER BY key LIMIT 20");
        put_ = prepare("INSERT INTO kv(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value");
        begin_ = prepare("BEGIN IMMEDIATE");
        commit_ = prepare("COMMIT");
        savepoint_ = prepare("SAVEPOINT one");
        release_ = prepare("RELEASE one");
    }
    Floor(const Floor&) = delete;
    Floor& operator=(const Floor&) = delete;
    ~Floor() {
        for (sqlite3_stmt* statement : {get_, scan_, put_, begin_, commit_, savepoint_, release_}) sqlite3_finalize(statement);
        sqlite3_close(handle_);
    }

    std::size_t get(const std::string& key) {
        bind(get_, 1, key);
        std::string value;
        if (sqlite3_step(get_) == SQLITE_ROW) value = column(get_, 0);
        sqlite3_reset(get_);
        return value.size();
    }
    std::size_t scan(const std::string& key) {
        bind(scan_, 1, key);
        std::vector<kv::KeyValue> items;
        while (sqlite3_step(scan_) == SQLITE_ROW) items.push_back(kv::KeyValue{column(scan_, 0), column(scan_, 1)});
        sqlite3_reset(scan_);
        return items.size();
    }
    void put(const std::string& key, const std::string& value) {
        bind(put_, 1, key);
        bind(put_, 2, value);
        once(put_);
    }
    void begin() { once(begin_); }
    void commit() { once(commit_); }
    void savepoint() { once(savepoint_); }
    void release() { once(release_); }

  private:
    void check(int code) {
        if (code != SQLITE_OK) fail(sqlite3_errmsg(handle_));
    }
    void run(const char* sql) { check(sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr)); }
    sqlite3_stmt* prepare(const char* sql) {
        sqlite3_stmt* statement = nullptr;
        check(sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr));
        return statement;
    }
    static void bind(sqlite3_stmt* statement, int index, const std::string& bytes) {
        sqlite3_bind_blob64(statement, index, bytes.data(), bytes.size(), SQLITE_STATIC);
    }
    static std::string column(sqlite3_stmt* statement, int index) {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, index));
        return std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement, index)));
    }
    void once(sqlite3_stmt* statement) {
        if (sqlite3_step(statement) != SQLITE_DONE) fail(sqlite3_errmsg(handle_));
        sqlite3_reset(statement);
    }

    sqlite3* handle_ = nullptr;
    sqlite3_stmt *get_, *scan_, *put_, *begin_, *commit_, *savepoint_, *release_;
};

/// Random keys that exist.
class Keys {
  public:
    Keys(const Data& data, unsigned seed) : count_(data.keys), random_(seed) {}
    std::string next() { return key_of(random_() % count_); }

  private:
    std::size_t count_;
    std::minstd_rand random_;
};

std::unique_ptr<kv::Engine> open_engine(const std::filesystem::path& file, Durability durability) {
    kv::SqliteOptions options;
    options.file = file;
    options.durability = durability;
    auto engine = kv::open_sqlite_engine(options);
    if (!engine) fail(engine.error().message);
    return std::move(*engine);
}

void run_on_loop(std::size_t tasks, const std::function<asio::awaitable<void>(std::size_t)>& task) {
    asio::io_context io(1);
    for (std::size_t i = 0; i < tasks; ++i) asio::co_spawn(io, task(i), asio::detached);
    io.run();
}

// Reads

asio::awaitable<void> engine_gets(kv::Engine& engine, Keys keys, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        const auto value = co_await engine.get(keys.next());
        if (!value || !*value) fail("a key is missing");
    }
}

asio::awaitable<void> engine_scans(kv::Engine& engine, Keys keys, std::size_t count) {
    kv::ScanOptions options;
    options.items_max = 20;
    for (std::size_t i = 0; i < count; ++i) {
        options.range.begin = keys.next();
        const auto page = co_await engine.scan(options);
        if (!page || page->items.empty()) fail("a key is missing");
    }
}

// Writes

/// One client in a closed loop, by callback: the next put is submitted from the handler of the one before.
class CallbackClient {
  public:
    CallbackClient(kv::Engine& engine, Keys keys, std::size_t value_bytes, std::size_t count, std::promise<void>& all_done,
                   std::atomic<std::size_t>& running)
        : engine_(engine), keys_(std::move(keys)), value_bytes_(value_bytes), left_(count), all_done_(all_done), running_(running) {}
    void next() {
        if (left_-- == 0) {
            if (--running_ == 0) all_done_.set_value();
            return;
        }
        kv::Batch batch;
        batch.put(keys_.next(), value_of(value_bytes_, left_));
        engine_.commit(std::move(batch), [this](Result<void> done) {
            if (!done) fail(done.error().message);
            next();
        });
    }

  private:
    kv::Engine& engine_;
    Keys keys_;
    std::size_t value_bytes_;
    std::size_t left_;
    std::promise<void>& all_done_;
    std::atomic<std::size_t>& running_;
};

void engine_puts_by_callback(kv::Engine& engine, const Data& data, std::size_t count) {
    std::promise<void> all_done;
    std::atomic<std::size_t> running{group};
    std::vector<std::unique_ptr<CallbackClient>> clients;
    for (unsigned i = 0; i < group; ++i)
        clients.push_back(std::make_unique<CallbackClient>(engine, Keys(data, i + 1), data.value_bytes, count / group, all_done, running));
    for (auto& client : clients) client->next();
    all_done.get_future().wait();
}

asio::awaitable<void> engine_puts(kv::Engine& engine, Keys keys, std::size_t value_bytes, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        kv::Batch batch;
        batch.put(keys.next(), value_of(value_bytes, i));
        const auto done = co_await engine.commit(std::move(batch));
        if (!done) fail(done.error().message);
    }
}

asio::awaitable<void> engine_updates(kv::Engine& engine, Keys keys, std::size_t value_bytes, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        kv::TransactionBody body = [key = keys.next(), value = value_of(value_bytes, i)](kv::Transaction& t) -> Result<void> {
            const auto old = t.get(key);
            if (!old) return old.error();
            t.put(key, value);
            return {};
        };
        const auto done = co_await engine.transact(std::move(body));
        if (!done) fail(done.error().message);
    }
}

enum class Write { put, update, put_in_savepoint };

void floor_writes(Floor& floor, const Data& data, std::size_t count, Write kind) {
    Keys keys(data, 1);
    for (std::size_t i = 0; i < count; i += group) {
        floor.begin();
        for (std::size_t j = 0; j < group; ++j) {
            const std::string key = keys.next();
            if (kind == Write::put_in_savepoint) floor.savepoint();
            if (kind == Write::update) floor.get(key);
            floor.put(key, value_of(data.value_bytes, i + j));
            if (kind == Write::put_in_savepoint) floor.release();
        }
        floor.commit();
    }
}

// Measuring

double rate(std::size_t count, const std::function<void()>& work) {
    const auto start = SteadyClock::now();
    work();
    return static_cast<double>(count) / std::chrono::duration<double>(SteadyClock::now() - start).count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void compare(const std::string& what, std::size_t count, const std::function<void()>& floor, const std::function<void()>& engine) {
    std::vector<double> floors, engines;
    for (int i = 0; i < rounds; ++i) {
        floors.push_back(rate(count, floor));
        engines.push_back(rate(count, engine));
    }
    std::printf("%-52s %10.0f/s %10.0f/s   %.2f\n", what.c_str(), median(floors), median(engines), median(engines) / median(floors));
    std::fflush(stdout);
}

void fill(Floor& floor, const Data& data) {
    floor.begin();
    for (std::size_t i = 0; i < data.keys; ++i) floor.put(key_of(i), value_of(data.value_bytes, i));
    floor.commit();
}

asio::awaitable<void> fill(kv::Engine& engine, const Data& data) {
    constexpr std::size_t keys_at_once = 1000;
    for (std::size_t first = 0; first < data.keys; first += keys_at_once) {
        kv::Batch batch;
        for (std::size_t i = first; i < std::min(data.keys, first + keys_at_once); ++i) batch.put(key_of(i), value_of(data.value_bytes, i));
        const auto done = co_await engine.commit(std::move(batch));
        if (!done) fail(done.error().message);
    }
}

void compare_reads(Floor& floor, kv::Engine& engine, const Data& data, const std::filesystem::path& file) {
    constexpr std::size_t gets = 100'000, scans = 10'000;
    const std::string suffix = std::string(", ") + data.name;
    compare(
        "get" + suffix, gets,
        [&] {
            Keys keys(data, 1);
            for (std::size_t i = 0; i < gets; ++i) floor.get(keys.next());
        },
        [&] { run_on_loop(1, [&](std::size_t) { return engine_gets(engine, Keys(data, 1), gets); }); });
    compare(
        "get, two threads" + suffix, 2 * gets,
        [&] {
            const auto one = [&](unsigned seed) {
                Floor mine(file, Durability::power_loss_safe);
                Keys keys(data, seed);
                for (std::size_t i = 0; i < gets; ++i) mine.get(keys.next());
            };
            std::thread second(one, 2);
            one(1);
            second.join();
        },
        [&] {
            const auto one = [&](unsigned seed) {
                run_on_loop(1, [&](std::size_t) { return engine_gets(engine, Keys(data, seed), gets); });
            };
            std::thread second(one, 2);
            one(1);
            second.join();
        });
    compare(
        "scan of 20 items" + suffix, scans,
        [&] {
            Keys keys(data, 1);
            for (std::size_t i = 0; i < scans; ++i) floor.scan(keys.next());
        },
        [&] { run_on_loop(1, [&](std::size_t) { return engine_scans(engine, Keys(data, 1), scans); }); });
}

void compare_writes(Floor& floor, kv::Engine& engine, const Data& data, const std::string& suffix, std::size_t count) {
    const auto floor_of = [&](Write kind) { return [&, kind] { floor_writes(floor, data, count, kind); }; };
    compare("put, callbacks" + suffix, count, floor_of(Write::put), [&] { engine_puts_by_callback(engine, data, count); });
    compare("put, coroutines" + suffix, count, floor_of(Write::put), [&] {
        run_on_loop(group, [&](std::size_t i) {
            return engine_puts(engine, Keys(data, static_cast<unsigned>(i) + 1), data.value_bytes, count / group);
        });
    });
    compare("read-modify-write, coroutines" + suffix, count, floor_of(Write::update), [&] {
        run_on_loop(group, [&](std::size_t i) {
            return engine_updates(engine, Keys(data, static_cast<unsigned>(i) + 1), data.value_bytes, count / group);
        });
    });
    std::printf("%-52s %10.0f/s\n", ("  the floor with a savepoint around each put" + suffix).c_str(),
                rate(count, floor_of(Write::put_in_savepoint)));
}

void measure(const std::filesystem::path& folder, const Data& data, Durability durability, std::size_t writes) {
    const bool safe = durability == Durability::power_loss_safe;
    const std::string name = std::string(data.name) + (safe ? "-safe" : "-fast");
    Floor floor(folder / ("floor-" + name + ".db"), durability);
    fill(floor, data);
    const auto file = folder / ("engine-" + name + ".db");
    auto engine = open_engine(file, durability);
    run_on_loop(1, [&](std::size_t) { return fill(*engine, data); });
    if (safe) compare_reads(floor, *engine, data, folder / ("floor-" + name + ".db"));
    compare_writes(floor, *engine, data, std::string(", ") + data.name + (safe ? ", power-loss safe" : ", process-crash safe"), writes);
}

}  // namespace

int main(int argc, char** argv) {
    const std::filesystem::path folder = argc > 1 ? argv[1] : "kv_bench_data";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    std::printf("SQLite %s, %u cores, %d rounds each, median; group of %zu\n", sqlite3_libversion(), std::thread::hardware_concurrency(),
                rounds, group);
    std::printf("%-52s %12s %12s   %s\n", "", "floor", "engine", "ratio");
    const Data small{"200 B", 100'000, 200}, large{"4 KiB", 10'000, 4096};
    for (const auto durability : {Durability::power_loss_safe, Durability::process_crash_safe}) {
        measure(folder, small, durability, 64 * 400);
        measure(folder, large, durability, 64 * 100);
    }
    std::filesystem::remove_all(folder);
    return 0;
}
