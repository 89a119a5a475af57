#include "store/table/table_service.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "store/kv/key.h"
#include "store/kv/memory_engine.h"
#include "store/table/detail/item_key.h"
#include "store/table/detail/table_definition.h"
#include "store/table/errc.h"
#include "store/table/json.h"
#include "tests/store/table_fixture.h"

namespace fogbank::store::table {
namespace {

using testing::run;
using testing::TableFixture;

class TableLife : public TableFixture {};

PutItemRequest put_request(std::string_view item) {
    PutItemRequest request;
    request.table = TableName("samples");
    request.item = *item_from_plain_json(item);
    return request;
}

TEST_F(TableLife, AnswersWhatAwsAnswersThroughATablesLife) {
    CreateTableRequest request;
    request.name = TableName("Secomea");
    request.key_schema.partition_key = {"date_time", KeyType::string};
    auto created = run(service().create_table(request));
    ASSERT_TRUE(created) << created.error().message;
    EXPECT_EQ(created->arn, "arn:aws:dynamodb:us-east-1:000000000000:table/Secomea");
    EXPECT_EQ(created->status, TableStatus::creating);

    auto described = run(service().describe_table(TableName("Secomea")));
    ASSERT_TRUE(described);
    EXPECT_EQ(described->status, TableStatus::active);
    EXPECT_EQ(described->id, created->id);
    EXPECT_EQ(described->key_schema.partition_key.name, "date_time");
    EXPECT_FALSE(described->key_schema.sort_key);

    auto again = run(service().create_table(request));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::resource_in_use);
    EXPECT_EQ(again.error().message, "Table already exists: Secomea");

    auto deleted = run(service().delete_table(TableName("Secomea")));
    ASSERT_TRUE(deleted);
    EXPECT_EQ(deleted->status, TableStatus::deleting);
    auto gone = run(service().describe_table(TableName("Secomea")));
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, Errc::resource_not_found);
    EXPECT_EQ(gone.error().message, "Requested resource not found: Table: Secomea not found");
}

TEST_F(TableLife, RefusesToDeleteAProtectedTable) {
    CreateTableRequest request;
    request.name = TableName("kept");
    request.key_schema.partition_key = {"id", KeyType::string};
    request.deletion_protection = true;
    ASSERT_TRUE(run(service().create_table(request)));
    auto deleted = run(service().delete_table(TableName("kept")));
    ASSERT_FALSE(deleted);
    EXPECT_EQ(deleted.error().code, Errc::validation);
    EXPECT_TRUE(run(service().describe_table(TableName("kept"))));
}

TEST_F(TableLife, ListsTablesInPages) {
    for (const char* name : {"ccc", "aaa", "bbb", "a.b", "a-b"}) create(name, {"id", KeyType::string});
    auto first = run(service().list_tables(std::nullopt, 2));
    ASSERT_TRUE(first);
    EXPECT_EQ(first->names, (std::vector{TableName("a-b"), TableName("a.b")}));
    ASSERT_TRUE(first->last_evaluated);
    auto rest = run(service().list_tables(first->last_evaluated, 3));
    ASSERT_TRUE(rest);
    EXPECT_EQ(rest->names, (std::vector{TableName("aaa"), TableName("bbb"), TableName("ccc")}));
    EXPECT_FALSE(rest->last_evaluated);
    EXPECT_FALSE(run(service().list_tables(std::nullopt, 0)));
    EXPECT_FALSE(run(service().list_tables(std::nullopt, 101)));
}

TEST_F(TableLife, ADeletedTablesItemsNeverShowInItsSuccessorAndAreErased) {
    create("samples", {"id", KeyType::string});
    ASSERT_TRUE(run(service().put_item(put_request(R"({"id":"a","v":1})"))));
    ASSERT_TRUE(run(service().delete_table(TableName("samples"))));
    create("samples", {"id", KeyType::string});
    EXPECT_EQ(scan_all("samples").size(), 0U);

    kv::ScanOptions everything;
    everything.range = kv::KeyBuilder("itm").prefix_range();
    EXPECT_EQ(run(engine().scan(everything))->items.size(), 0U);
    everything.range = erasures_range();
    EXPECT_EQ(run(engine().scan(everything))->items.size(), 0U);
}

TEST_F(TableLife, AnInterruptedErasureGoesOnAtTheNextStart) {
    create("samples", {"id", KeyType::string});
    for (int i = 0; i < 5000; ++i) ASSERT_TRUE(run(service().put_item(put_request("{\"id\":\"" + std::to_string(i) + "\"}"))));
    // What a crash right after DeleteTable's commit leaves: no definition, no marker, all items, the erasure key.
    kv::Batch batch;
    batch.erase(definition_key(TableName("samples")));
    batch.erase(marker_key(1));
    batch.put(erasure_key(1), "samples");
    ASSERT_TRUE(run(engine().commit(std::move(batch))));
    reopen();
    kv::ScanOptions everything;
    everything.range = kv::KeyBuilder("itm").prefix_range();
    EXPECT_EQ(run(engine().scan(everything))->items.size(), 0U);
}

TEST_F(TableLife, AWriteAfterTheTablesDeletionElsewhereIsRefused) {
    create("samples", {"id", KeyType::string});
    auto other = open_another();
    ASSERT_TRUE(run(other->delete_table(TableName("samples"))));

    auto refused = run(service().put_item(put_request(R"({"id":"a"})")));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::resource_not_found);
    EXPECT_EQ(refused.error().message, "Requested resource not found");
    EXPECT_EQ(fast_put("samples", R"({"id":"a"})").error().code, Errc::resource_not_found);

    // A table of the same name made elsewhere: the stale copy is found out and replaced.
    create_on(*other, "samples", {"id", KeyType::string});
    EXPECT_TRUE(run(service().put_item(put_request(R"({"id":"b"})"))));
    EXPECT_TRUE(fast_put("samples", R"({"id":"c"})"));
    EXPECT_EQ(scan_all("samples").size(), 2U);
}

TEST_F(TableLife, TheFastPutStoresWhatGetItemReads) {
    create("samples", {"id", KeyType::string});
    ASSERT_TRUE(fast_put("samples", R"({"id":"a","temperature":21.50,"tags":["x",{"deep":[null,true]}]})"));
    auto item = get("samples", R"({"id":"a"})");
    ASSERT_TRUE(item);
    EXPECT_EQ(plain_json(*item), R"({"id":"a","tags":["x",{"deep":[null,true]}],"temperature":21.5})");
}

TEST_F(TableLife, TheFastPutRefusesAsPutItemDoes) {
    create("samples", {"id", KeyType::string});
    EXPECT_EQ(fast_put("samples", R"({"v":1})").error().message,
              "One or more parameter values were invalid: Missing the key id in the item");
    EXPECT_EQ(fast_put("samples", R"({"id":{}})").error().message,
              "One or more parameter values were invalid: Type mismatch for key id expected: S actual: M");
    EXPECT_EQ(fast_put("nowhere", R"({"id":"a"})").error().message, "Requested resource not found");
    const std::string big(400 * 1024, 'x');
    EXPECT_EQ(fast_put("samples", R"({"id":"a","v":")" + big + "\"}").error().message, "Item size has exceeded the maximum allowed size");
}

TEST_F(TableLife, PutReturnsTheOldItemWhenAsked) {
    create("samples", {"id", KeyType::string});
    auto request = put_request(R"({"id":"a","v":1})");
    request.return_values = ReturnValues::all_old;
    EXPECT_FALSE(run(service().put_item(request))->old_item);
    request.item = *item_from_plain_json(R"({"id":"a","v":2})");
    auto second = run(service().put_item(request));
    ASSERT_TRUE(second->old_item);
    EXPECT_EQ(plain_json(*second->old_item), R"({"id":"a","v":1})");

    DeleteItemRequest remove;
    remove.table = TableName("samples");
    remove.key = *item_from_plain_json(R"({"id":"a"})");
    remove.return_values = ReturnValues::all_old;
    auto removed = run(service().delete_item(remove));
    ASSERT_TRUE(removed->old_item);
    EXPECT_EQ(plain_json(*removed->old_item), R"({"id":"a","v":2})");
    EXPECT_FALSE(get("samples", R"({"id":"a"})"));
    EXPECT_TRUE(run(service().delete_item(remove))) << "deleting what is not there is no error";
}

TEST_F(TableLife, ExactlyOneOfManyConditionalPutsWins) {
    create("samples", {"id", KeyType::string});
    constexpr int writers = 8, rounds = 50;
    std::vector<std::atomic<int>> wins(rounds);
    std::atomic<int> refused_otherwise = 0;
    std::vector<std::jthread> threads;
    for (int writer = 0; writer < writers; ++writer) {
        threads.emplace_back([&, writer] {
            for (int round = 0; round < rounds; ++round) {
                auto request = put_request("{\"id\":\"" + std::to_string(round) + "\",\"by\":" + std::to_string(writer) + "}");
                request.condition.text = "attribute_not_exists(id)";
                auto outcome = run(service().put_item(request));
                if (outcome) ++wins[static_cast<std::size_t>(round)];
                if (!outcome && outcome.error().code != Errc::conditional_check_failed) ++refused_otherwise;
            }
        });
    }
    threads.clear();
    for (const auto& count : wins) EXPECT_EQ(count, 1);
    EXPECT_EQ(refused_otherwise, 0);
}

TEST_F(TableLife, NoItemLandsInADeletedTableWhileWritersRace) {
    std::atomic<bool> stop = false;
    std::vector<std::jthread> writers;
    create("samples", {"id", KeyType::string});
    for (int writer = 0; writer < 3; ++writer) {
        writers.emplace_back([&, writer] {
            for (int i = 0; !stop; ++i) (void)fast_put("samples", "{\"id\":\"" + std::to_string(writer) + "-" + std::to_string(i) + "\"}");
        });
    }
    for (int round = 0; round < 20; ++round) {
        ASSERT_TRUE(run(service().delete_table(TableName("samples"))));
        if (round < 19) create("samples", {"id", KeyType::string});
    }
    stop = true;
    writers.clear();
    kv::ScanOptions everything;
    everything.range = kv::KeyBuilder("itm").prefix_range();
    EXPECT_EQ(run(engine().scan(everything))->items.size(), 0U);
}

TEST_F(TableLife, CountsASmallTableExactly) {
    create("samples", {"id", KeyType::string});
    EXPECT_EQ(run(service().describe_table(TableName("samples")))->item_count, 0);
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(fast_put("samples", "{\"id\":\"" + std::to_string(i % 40 + 10) + "\",\"v\":\"xyz\"}"));
    auto described = run(service().describe_table(TableName("samples")));
    EXPECT_EQ(described->item_count, 40);
    EXPECT_EQ(described->size_bytes, 40 * (2 + 2 + 1 + 3));
}

TEST_F(TableLife, CountsALargeTableOverSeveralCalls) {
    create("samples", {"id", KeyType::string});
    for (int i = 0; i < 9000; ++i) ASSERT_TRUE(fast_put("samples", "{\"id\":\"" + std::to_string(i) + "\"}"));
    const auto count = [&] { return run(service().describe_table(TableName("samples")))->item_count; };
    EXPECT_EQ(count(), 4000) << "a lower bound";
    EXPECT_EQ(count(), 8000);
    EXPECT_EQ(count(), 9000);
    EXPECT_EQ(count(), 9000) << "the finished walk's answer stays while the next one is on its way";
}

TEST_F(TableLife, ChargesCapacityAsDynamoDbDoes) {
    create("samples", {"id", KeyType::string});
    auto request = put_request(R"({"id":"a","v":")" + std::string(1100, 'x') + "\"}");
    EXPECT_EQ(run(service().put_item(request))->capacity_units, 2.0);
    request.item = *item_from_plain_json(R"({"id":"a","v":")" + std::string(5000, 'x') + "\"}");
    EXPECT_EQ(run(service().put_item(request))->capacity_units, 5.0);
    GetItemRequest read;
    read.table = TableName("samples");
    read.key = *item_from_plain_json(R"({"id":"a"})");
    EXPECT_EQ(run(service().get_item(read))->capacity_units, 1.0);
    read.consistent_read = true;
    EXPECT_EQ(run(service().get_item(read))->capacity_units, 2.0);
    read.key = *item_from_plain_json(R"({"id":"b"})");
    EXPECT_EQ(run(service().get_item(read))->capacity_units, 1.0);
}

TEST_F(TableLife, ACorruptValueIsAnErrorNotACrash) {
    create("samples", {"id", KeyType::string});
    ASSERT_TRUE(fast_put("samples", R"({"id":"a"})"));
    kv::ScanOptions everything;
    everything.range = kv::KeyBuilder("itm").prefix_range();
    const auto stored = run(engine().scan(everything))->items;
    ASSERT_EQ(stored.size(), 1U);
    kv::Batch batch;
    batch.put(stored[0].key, stored[0].value.substr(0, stored[0].value.size() - 1));
    ASSERT_TRUE(run(engine().commit(std::move(batch))));
    GetItemRequest read;
    read.table = TableName("samples");
    read.key = *item_from_plain_json(R"({"id":"a"})");
    EXPECT_EQ(run(service().get_item(read)).error().code, Errc::unavailable);
    ScanRequest scan;
    scan.table = TableName("samples");
    EXPECT_EQ(run(service().scan(scan)).error().code, Errc::unavailable);
}

TEST_F(TableLife, DefinitionsAndItemsSurviveAReopen) {
    create("samples", {"id", KeyType::number}, KeyAttribute{"at", KeyType::binary});
    PutItemRequest request;
    request.table = TableName("samples");
    request.item.emplace("id", AttributeValue(*Decimal::parse("-1.5")));
    request.item.emplace("at", AttributeValue(Binary{std::string("\0\xFF\0", 3)}));
    ASSERT_TRUE(run(service().put_item(request)));
    const auto before = run(service().describe_table(TableName("samples")));
    reopen();
    const auto after = run(service().describe_table(TableName("samples")));
    ASSERT_TRUE(after);
    EXPECT_EQ(after->id, before->id);
    EXPECT_EQ(after->created_at, before->created_at);
    EXPECT_EQ(after->key_schema.sort_key->type, KeyType::binary);
    GetItemRequest read;
    read.table = TableName("samples");
    read.key = request.item;
    EXPECT_EQ(run(service().get_item(read))->item, request.item);
}

TEST_F(TableLife, TheLargestKeysAreStored) {
    create("samples", {"id", KeyType::binary}, KeyAttribute{"at", KeyType::binary});
    PutItemRequest request;
    request.table = TableName("samples");
    request.item.emplace("id", AttributeValue(Binary{std::string(2048, '\0')}));
    request.item.emplace("at", AttributeValue(Binary{std::string(1024, '\0')}));
    const auto stored = run(service().put_item(request));
    EXPECT_TRUE(stored) << stored.error().message;
}

}  // namespace
}  // namespace fogbank::store::table
