// What a client sees of indexes, transactions, streams and time to live is tested in tests/compat; here: time, restarts, several services
// on one store, concurrency.

#include "store/table/table_api.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "store/kv/sqlite_engine.h"
#include "store/table/detail/housekeeping.h"
#include "tests/store/table_fixture.h"
#include "tests/store/temporary_folder.h"

namespace fogbank::store::table {
namespace {

using testing::run;

class TableApiTest : public testing::TableFixture {
  protected:
    static IndexRequest index_on(std::string name, std::string attribute) {
        IndexRequest out;
        out.name = std::move(name);
        out.keys.partition.push_back({std::move(attribute), KeyType::string});
        return out;
    }
    void create_streamed(std::string_view name) {
        CreateTableRequest request;
        request.name = TableName(name);
        request.key_schema.partition_key = {"id", KeyType::string};
        request.stream.enabled = true;
        ASSERT_TRUE(run(service().create_table(std::move(request))));
    }
    Result<void> put(std::string_view table, std::string_view plain) {
        PutItemRequest request;
        request.table = TableName(table);
        request.item = *item_from_plain_json(plain);
        auto done = run(service().put_item(std::move(request)));
        return done ? Result<void>() : done.error();
    }
    std::int64_t count(std::string_view table, std::optional<std::string> index = {}) {
        ScanRequest request;
        request.table = TableName(table);
        request.index = std::move(index);
        request.select = Select::count;
        const auto page = run(service().scan(std::move(request)));
        EXPECT_TRUE(page) << page.error().message;
        return page ? page->count : -1;
    }
    std::string iterator_of(std::string_view table, ShardIteratorType type = ShardIteratorType::trim_horizon) {
        const auto listed = run(service().streams().list_streams(TableName(table), std::nullopt, 100));
        EXPECT_EQ(listed->streams.size(), 1U);
        const std::string arn = listed->streams.front().arn;
        const auto described = run(service().streams().describe_stream(arn));
        ShardIteratorRequest request;
        request.stream_arn = arn;
        request.shard_id = described->shards.front().id;
        request.type = type;
        return *run(service().streams().get_shard_iterator(std::move(request)));
    }
};

TEST_F(TableApiTest, AnIndexMadeByAnotherServiceIsKeptByThisOne) {
    create("tab", {"id", KeyType::string});
    ASSERT_TRUE(put("tab", R"({"id":"before","g":"x"})"));  // this service has its copy of the definition now
    const auto other = open_another();
    UpdateTableRequest request;
    request.name = TableName("tab");
    IndexChange change;
    change.index = index_on("by-g", "g");
    request.index_changes.push_back(std::move(change));
    ASSERT_TRUE(run(other->update_table(std::move(request))));
    ASSERT_TRUE(put("tab", R"({"id":"after","g":"x"})"));
    ASSERT_TRUE(fast_put("tab", R"({"id":"fast","g":"x"})"));
    EXPECT_EQ(count("tab", "by-g"), 3);
}

TEST_F(TableApiTest, ABatchThatReadsNothingNoticesWhatOthersChanged) {
    create("tab", {"id", KeyType::string});
    create("other", {"id", KeyType::string});
    const auto batch = [&](std::vector<std::string_view> puts, std::vector<std::string_view> deletes) {
        BatchWriteRequest request;
        BatchWriteRequest::Table tab{TableName("tab"), {}}, more{TableName("other"), {}};
        for (const auto item : puts) tab.entries.push_back({false, *item_from_plain_json(item)});
        for (const auto key : deletes) tab.entries.push_back({true, *item_from_plain_json(key)});
        more.entries.push_back({false, *item_from_plain_json(R"({"id":"beside"})")});
        request.tables.push_back(std::move(tab));
        request.tables.push_back(std::move(more));
        return run(service().batch_write(std::move(request)));
    };
    const auto done = batch({R"({"id":"a","g":"x"})", R"({"id":"b"})"}, {R"({"id":"c"})"});
    ASSERT_TRUE(done) << done.error().message;
    ASSERT_EQ(done->usage.size(), 2U);
    EXPECT_EQ(done->usage[0].units.table, 3);
    EXPECT_EQ(count("tab"), 2);
    EXPECT_EQ(batch({R"({"id":"a"})"}, {R"({"id":"a"})"}).error().code, Errc::validation);

    const auto elsewhere = open_another();
    UpdateTableRequest request;
    request.name = TableName("tab");
    IndexChange change;
    change.index = index_on("by-g", "g");
    request.index_changes.push_back(std::move(change));
    ASSERT_TRUE(run(elsewhere->update_table(std::move(request))));
    ASSERT_TRUE(batch({R"({"id":"d","g":"x"})"}, {R"({"id":"a"})"}));
    EXPECT_EQ(count("tab", "by-g"), 1);
    ASSERT_TRUE(run(elsewhere->delete_table(TableName("tab"))));
    EXPECT_EQ(batch({R"({"id":"e"})"}, {}).error().code, Errc::resource_not_found);
}

TEST_F(TableApiTest, NothingIsRememberedOfADeletedTable) {
    create("tab", {"id", KeyType::string});
    EXPECT_TRUE(service().partition_key_of(TableName("tab")));
    ASSERT_TRUE(run(service().delete_table(TableName("tab"))));
    EXPECT_FALSE(service().partition_key_of(TableName("tab")));
}

TEST_F(TableApiTest, StatementsTellWhatTheyTouch) {
    create("tab", {"id", KeyType::string});
    const auto target = [&](std::string text, std::vector<AttributeValue> parameters = {}) {
        Statement statement;
        statement.text = std::move(text);
        statement.parameters = std::move(parameters);
        auto found = service().statement_target(statement);
        EXPECT_TRUE(found) << found.error().message;
        return found ? std::move(*found) : StatementTarget();
    };
    const auto keys = [](const StatementTarget& found) {
        std::vector<std::string> out;
        for (const auto& value : found.leading_keys) out.push_back(*value.string());
        return out;
    };
    using Texts = std::vector<std::string>;
    std::vector<AttributeValue> a;
    a.emplace_back("a");
    auto one = target("SELECT x, m.y FROM tab WHERE id = ? AND z > 1", a);
    EXPECT_EQ(keys(one), Texts{"a"});
    EXPECT_EQ(one.attributes, (Texts{"id", "m", "x", "z"}));
    EXPECT_FALSE(one.is_full_scan);
    EXPECT_FALSE(one.selects_all);
    EXPECT_EQ(keys(target("SELECT * FROM tab WHERE id IN ['a', 'b'] OR id = 'c'")), (Texts{"a", "b", "c"}));
    for (const char* scan :
         {"SELECT * FROM tab", "SELECT * FROM tab WHERE x = 1", "SELECT * FROM tab WHERE id > 'a'", "SELECT * FROM tab WHERE id = x",
          "SELECT * FROM tab WHERE id = 'a' OR x = 1", "SELECT * FROM tab WHERE NOT id = 'a'", "SELECT * FROM tab WHERE id.x = 'a'",
          "SELECT * FROM tab WHERE size(id) = 1"}) {
        EXPECT_TRUE(target(scan).is_full_scan) << scan;
        EXPECT_TRUE(target(scan).leading_keys.empty()) << scan;
    }
    one = target("UPDATE tab SET x = list_append(if_not_exists(y, []), z) REMOVE w WHERE id = 'a' RETURNING ALL NEW *");
    EXPECT_EQ(one.attributes, (Texts{"id", "w", "x", "y", "z"}));
    EXPECT_EQ(one.returning, ReturnValues::all_new);
    EXPECT_EQ(keys(one), Texts{"a"});
    one = target("INSERT INTO tab VALUE {'id': ?, 'x': 1}", a);
    EXPECT_EQ(keys(one), Texts{"a"});
    EXPECT_EQ(one.attributes, (Texts{"id", "x"}));
    EXPECT_EQ(keys(target("DELETE FROM tab WHERE id = 'a'")), Texts{"a"});
}

TEST_F(TableApiTest, FastPutsGoIntoStreamsAndAreAnnounced) {
    create_streamed("tab");
    int announced = 0;
    const auto listed = run(service().streams().list_streams(std::nullopt, std::nullopt, 1));
    auto watch = service().streams().watch(listed->streams.front().arn, [&] { ++announced; });
    ASSERT_TRUE(fast_put("tab", R"({"id":"a"})"));
    EXPECT_EQ(announced, 1);
    watch.reset();
    ASSERT_TRUE(fast_put("tab", R"({"id":"b"})"));
    EXPECT_EQ(announced, 1);
    EXPECT_EQ(run(service().streams().get_records(iterator_of("tab"), 1000))->records.size(), 2U);
}

TEST_F(TableApiTest, StreamRecordsAreKeptForADay) {
    create_streamed("tab");
    ASSERT_TRUE(put("tab", R"({"id":"old"})"));
    const std::string at_old = iterator_of("tab");
    clock_.advance(std::chrono::hours(23));
    ASSERT_TRUE(put("tab", R"({"id":"new"})"));
    EXPECT_EQ(run(service().streams().get_records(at_old, 10)).error().code, Errc::expired_iterator);
    ASSERT_TRUE(run(service().maintain()));
    EXPECT_EQ(run(service().streams().get_records(iterator_of("tab"), 10))->records.size(), 2U);
    clock_.advance(std::chrono::hours(2));
    ASSERT_TRUE(run(service().maintain()));
    const auto left = run(service().streams().get_records(iterator_of("tab"), 10));
    ASSERT_EQ(left->records.size(), 1U);
    EXPECT_EQ(*left->records[0].new_image->at("id").string(), "new");
    // The stream of a table that is gone can be read for a day and is forgotten then.
    ASSERT_TRUE(run(service().delete_table(TableName("tab"))));
    EXPECT_FALSE(run(service().streams().get_records(iterator_of("tab"), 10))->next_iterator);
    clock_.advance(std::chrono::hours(25));
    ASSERT_TRUE(run(service().maintain()));
    EXPECT_TRUE(run(service().streams().list_streams(std::nullopt, std::nullopt, 100))->streams.empty());
}

TEST_F(TableApiTest, ExpiredItemsAreDeletedAsTheService) {
    create_streamed("tab");
    const std::int64_t now = clock_.now().time_since_epoch().count() / 1000;
    ASSERT_TRUE(put("tab", R"({"id":"soon","expires":)" + std::to_string(now + 10) + "}"));
    ASSERT_TRUE(put("tab", R"({"id":"late","expires":)" + std::to_string(now + 10'000) + "}"));
    ASSERT_TRUE(run(service().update_time_to_live(TableName("tab"), TimeToLive{true, "expires"})));
    ASSERT_TRUE(run(service().maintain()));
    EXPECT_EQ(count("tab"), 2);
    clock_.advance(std::chrono::seconds(20));
    ASSERT_TRUE(run(service().maintain()));
    EXPECT_EQ(count("tab"), 1);
    const auto records = run(service().streams().get_records(iterator_of("tab"), 10));
    EXPECT_TRUE(records->records.back().by_time_to_live);
    EXPECT_EQ(records->records.back().event, StreamEvent::remove);
}

TEST(TimeToLiveOf, IsANumberOfTheLastFiveYears) {
    const WallTime now{std::chrono::seconds(1'767'323'045)};
    const auto expired = [&](const char* plain) { return is_expired(*item_from_plain_json(plain), "e", now); };
    EXPECT_TRUE(expired(R"({"e":1767323044})"));
    EXPECT_TRUE(expired(R"({"e":1767323044.9})"));
    EXPECT_FALSE(expired(R"({"e":1767323045})"));
    EXPECT_FALSE(expired(R"({"e":"1767323044"})"));
    EXPECT_FALSE(expired(R"({"e":1000})"));
    EXPECT_FALSE(expired(R"({"x":1})"));
}

TEST_F(TableApiTest, TokensAreForgottenAfterTenMinutes) {
    create("tab", {"id", KeyType::string});
    const auto add = [&] {
        UpdateItemRequest update;
        update.table = TableName("tab");
        update.key = *item_from_plain_json(R"({"id":"a"})");
        update.update = Expression{"ADD n :n", true};
        update.placeholders.values.emplace(":n", AttributeValue(Decimal(1)));
        update.placeholders.values_given = true;
        TransactWriteRequest request;
        request.writes.emplace_back(std::move(update));
        request.token = "token";
        request.digest = "same";
        return run(service().transact_write(std::move(request)));
    };
    ASSERT_TRUE(add());
    clock_.advance(std::chrono::minutes(9));
    ASSERT_TRUE(add());
    EXPECT_EQ(get("tab", R"({"id":"a"})")->at("n"), AttributeValue(Decimal(1)));
    clock_.advance(std::chrono::minutes(2));
    ASSERT_TRUE(run(service().maintain()));
    ASSERT_TRUE(add());
    EXPECT_EQ(get("tab", R"({"id":"a"})")->at("n"), AttributeValue(Decimal(2)));
}

// Histories: each client writes a number with a condition on what it has read, so a key's values are a chain of versions. A register is
// linearizable if each write that succeeded extends the version before it exactly once, and no read goes back behind a write that had ended
// before it began.
TEST(TableConsistency, ConditionalWritesAndTransactionsAreLinearizable) {
    const testing::TemporaryFolder folder;
    kv::SqliteOptions options;
    options.file = folder.path() / "kv.db";
    options.durability = Durability::process_crash_safe;
    const auto engine = std::move(*kv::open_sqlite_engine(options));
    testing::ManualClock clock;
    testing::SeededRandom random;
    const TableService::Dependencies rooms{*engine, clock, random, ArnFactory(AccountId("000000000000"), Region("us-east-1")),
                                           Quotas(QuotaProfile::aws)};
    const auto service = std::move(*run(open_table_service(rooms)));
    CreateTableRequest table;
    table.name = TableName("reg");
    table.key_schema.partition_key = {"id", KeyType::string};
    ASSERT_TRUE(run(service->create_table(std::move(table))));

    constexpr int clients = 6, rounds = 150, keys = 3;
    std::array<std::atomic<std::int64_t>, keys> acknowledged{};  // the greatest version whose write has ended
    std::mutex mutex;
    std::map<std::pair<int, std::int64_t>, int> winners;  // who made which version of which key
    std::atomic<int> violations{0};

    const auto key_item = [](int key) { return *item_from_plain_json("{\"id\":\"k" + std::to_string(key) + "\"}"); };
    const auto read = [&](int key) -> std::int64_t {
        GetItemRequest get;
        get.table = TableName("reg");
        get.key = key_item(key);
        const auto got = run(service->get_item(std::move(get)));
        return got && got->item ? got->item->at("v").number()->to_int64().value_or(-1) : 0;
    };
    const auto update = [&](int key, std::int64_t from) {
        UpdateItemRequest out;
        out.table = TableName("reg");
        out.key = key_item(key);
        out.update = Expression{"SET v = :new", true};
        out.condition = Expression{from == 0 ? "attribute_not_exists(v)" : "v = :old", true};
        out.placeholders.values.emplace(":new", AttributeValue(Decimal(from + 1)));
        if (from != 0) out.placeholders.values.emplace(":old", AttributeValue(Decimal(from)));
        out.placeholders.values_given = true;
        return out;
    };
    const auto ended = [&](int client, int key, std::int64_t version) {
        const std::scoped_lock lock(mutex);
        if (!winners.emplace(std::pair(key, version), client).second) ++violations;  // two writes made one version
        std::int64_t seen = acknowledged[static_cast<std::size_t>(key)];
        while (seen < version && !acknowledged[static_cast<std::size_t>(key)].compare_exchange_weak(seen, version)) {
        }
    };
    std::vector<std::thread> threads;
    for (int client = 0; client < clients; ++client) {
        threads.emplace_back([&, client] {
            for (int round = 0; round < rounds; ++round) {
                const int key = (client + round) % keys;
                const std::int64_t before = acknowledged[static_cast<std::size_t>(key)];
                const std::int64_t version = read(key);
                if (version < before) ++violations;  // a stale read
                if (round % 3 != 0) {
                    if (run(service->update_item(update(key, version)))) ended(client, key, version + 1);
                    continue;
                }
                // A transaction over two keys: both versions or none.
                const int other = (key + 1) % keys;
                const std::int64_t other_version = read(other);
                TransactWriteRequest both;
                both.writes.emplace_back(update(key, version));
                both.writes.emplace_back(update(other, other_version));
                const auto done = run(service->transact_write(std::move(both)));
                if (done && done->reasons.empty()) {
                    ended(client, key, version + 1);
                    ended(client, other, other_version + 1);
                }
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(violations, 0);
    for (int key = 0; key < keys; ++key) {
        const std::int64_t last = read(key);
        EXPECT_GT(last, 0);
        EXPECT_EQ(last, acknowledged[static_cast<std::size_t>(key)]);
        for (std::int64_t version = 1; version <= last; ++version) EXPECT_TRUE(winners.contains({key, version})) << key << " " << version;
    }
}

TEST_F(TableApiTest, StatementsOnTablesThatAreNotThereAreReadToo) {
    const auto target = [&](std::string text, std::size_t parameters = 0) {
        Statement statement;
        statement.text = std::move(text);
        statement.parameters.resize(parameters);
        return service().statement_target(statement);
    };
    const auto found = target(R"(SELECT a, b FROM "my.table"."by-g" WHERE g = ?)", 1);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->table.str(), "my.table");
    EXPECT_EQ(found->index, "by-g");
    EXPECT_TRUE(found->is_full_scan);  // for all that is known
    EXPECT_EQ(target("UPDATE t SET a = ? WHERE p = ?", 2)->kind, StatementTarget::Kind::update);
    EXPECT_FALSE(target("UPDATE t SET a = ? WHERE p = ?", 1));
    EXPECT_FALSE(target("SELECT"));
    EXPECT_FALSE(target("SELECT * FROM t WHERE " + std::string(2000, '(')));
    EXPECT_FALSE(target("INSERT INTO t VALUE " + std::string(2000, '[')));
    EXPECT_FALSE(target("SELECT * FROM t WHERE a = 'open"));
}

}  // namespace
}  // namespace fogbank::store::table
