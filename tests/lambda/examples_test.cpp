// The example handlers against the real table store.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/table/json.h"
#include "store/table/table_api.h"
#include "tests/lambda/support.h"

namespace fogbank::lambda {
namespace {

namespace table = store::table;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

/// A world with a real table service on the same engine.
class Examples : public ::testing::Test {
  protected:
    Examples() {
        auto opened = testing::run(
            table::open_table_service({*world.engine, world.clock, world.random, ArnFactory(AccountId("000000000000"), Region("us-east-1")),
                                       Quotas(QuotaProfile::aws)}));
        tables = std::move(*opened);
        world.tables_in_use = tables.get();
    }
    void create_table(const std::string& name, table::KeyAttribute partition_key, std::optional<table::KeyAttribute> sort_key = {}) {
        table::CreateTableRequest request;
        request.name = TableName(name);
        request.key_schema = {std::move(partition_key), std::move(sort_key)};
        const auto created = testing::run(tables->create_table(std::move(request)));
        ASSERT_TRUE(created) << created.error().message;
    }
    void create_function(const std::string& example, std::map<std::string, std::string> environment = {}) {
        auto request = World::request("f", std::filesystem::path(FOGBANK_EXAMPLES) / (example + ".so"));
        request.environment = std::move(environment);
        request.environment["FOGBANK_IN_PROCESS"] = "1";  // the test decides what time it is
        const auto created = world.create(std::move(request));
        ASSERT_TRUE(created) << created.error().message;
    }
    std::vector<std::string> rows(const std::string& name) {
        table::ScanRequest request;
        request.table = TableName(name);
        const auto page = testing::run(tables->scan(std::move(request)));
        std::vector<std::string> out;
        for (const auto& item : page->items) out.push_back(table::plain_json(item));
        std::sort(out.begin(), out.end());
        return out;
    }
    World world;
    std::unique_ptr<table::TableService> tables;
};

TEST_F(Examples, WriteToDynamodbAddsTheTime) {
    create_table("Secomea", {"date_time", table::KeyType::string});
    create_function("write_to_dynamodb");
    const auto result = world.invoke("f", R"({"pressure":4.20,"temperature":21.5,"other":1})");
    EXPECT_EQ(result->function_error, "") << result->payload;
    const auto written = rows("Secomea");
    ASSERT_EQ(written.size(), 1U);
    EXPECT_THAT(written[0], MatchesRegex(R"(\{"date_time":"2026-01-02T03:04:05.000Z/[0-9a-f]{8}","pressure":4.2,"temperature":21.5\})"));
    // The same millisecond, another event: another row.
    ASSERT_TRUE(world.invoke("f", R"({"pressure":4.20,"temperature":21.5})"));
    EXPECT_EQ(rows("Secomea").size(), 2U);
}

TEST_F(Examples, WriteToDynamodbGivesEachSampleItsRowOnce) {
    create_table("Other", {"date_time", table::KeyType::string});
    create_function("write_to_dynamodb", {{"TABLE", "Other"}});
    const std::vector<std::string> samples{
        R"({"collector":"press-1","sample_time":"2026-05-06T07:08:09.010Z","pressure":1})",
        R"({"collector":"press-2","sample_time":"2026-05-06T07:08:09.010Z","pressure":2})",
        R"({"collector":"press-1","sample_time":"2026-05-06T07:08:09.011Z","pressure":3})",
        R"({"collector":"press-1","sample_time":1589538347.56,"pressure":4})",
        R"({"collector":"press-1","sample_time":1589538347561,"sample_id":17,"pressure":5})",
    };
    for (int attempt = 0; attempt < 3; ++attempt) {
        for (const auto& sample : samples) EXPECT_EQ(world.invoke("f", sample)->function_error, "");
        world.clock.advance(1s);
    }
    EXPECT_EQ(
        rows("Other"),
        (std::vector<std::string>{
            R"({"collector":"press-1","date_time":"2020-05-15T10:25:47.560Z/press-1","pressure":4,"sample_time":1589538347.56})",
            R"({"collector":"press-1","date_time":"2020-05-15T10:25:47.561Z/press-1/17","pressure":5,"sample_id":17,"sample_time":1589538347561})",
            R"({"collector":"press-1","date_time":"2026-05-06T07:08:09.010Z/press-1","pressure":1,"sample_time":"2026-05-06T07:08:09.010Z"})",
            R"({"collector":"press-1","date_time":"2026-05-06T07:08:09.011Z/press-1","pressure":3,"sample_time":"2026-05-06T07:08:09.011Z"})",
            R"({"collector":"press-2","date_time":"2026-05-06T07:08:09.010Z/press-2","pressure":2,"sample_time":"2026-05-06T07:08:09.010Z"})",
        }));
}

TEST_F(Examples, WriteToDynamodbSaysWhatTheTableSays) {
    create_function("write_to_dynamodb");
    EXPECT_THAT(world.invoke("f", R"({"pressure":1})")->payload, HasSubstr("ResourceNotFoundException: "));
    EXPECT_THAT(world.invoke("f", R"([1])")->payload, HasSubstr("expected an object, got an array"));
    EXPECT_THAT(world.invoke("f", R"({"sample_time":1e300})")->payload, HasSubstr("out of range"));
}

TEST_F(Examples, InhandSamplesWritesOneRowASample) {
    create_table("InHandSamples", {"device", table::KeyType::string}, table::KeyAttribute{"timestamp", table::KeyType::number});
    create_function("inhand_samples");
    const std::string event = R"([{"Device":"a","timestamp":1589538347.56,"Data":{"Test1":false,"Test2":12}},)"
                              R"({"Device":"a","timestamp":1589538347.57,"Data":{"Test1":true,"device":"no"}},)"
                              R"({"Device":"b","Data":{"Test1":1}},)"
                              R"({"Device":"b","timestamp":1589538347.56,"Data":{"text":"x","list":[1,{"y":2}]}}])";
    for (int attempt = 0; attempt < 2; ++attempt) {
        const auto result = world.invoke("f", event);
        EXPECT_EQ(result->payload, R"({"rows":3,"refused":1})");
        EXPECT_THAT(result->log_tail, HasSubstr("sample left out: the member \"timestamp\" is missing"));
    }
    EXPECT_EQ(rows("InHandSamples"), (std::vector<std::string>{
                                         R"({"Test1":false,"Test2":12,"device":"a","timestamp":1589538347.56})",
                                         R"({"Test1":true,"device":"a","timestamp":1589538347.57})",
                                         R"({"device":"b","list":[1,{"y":2}],"text":"x","timestamp":1589538347.56})",
                                     }));
}

TEST_F(Examples, InhandSamplesFailsWhenTheTableRefuses) {
    create_function("inhand_samples", {{"TABLE", "Nowhere"}});
    const auto result = world.invoke("f", R"([{"Device":"a","timestamp":1,"Data":{}}])");
    EXPECT_EQ(result->function_error, "Unhandled");
    EXPECT_THAT(result->payload, HasSubstr("ResourceNotFoundException: "));
}

}  // namespace
}  // namespace fogbank::lambda
