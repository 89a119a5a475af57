// What a rule does with messages: its actions, its error action, and when the publisher is acknowledged.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "rules/rule_runner.h"
#include "tests/rules/rule_harness.h"

namespace fogbank::rules {
namespace {

using testing::lambda_action;
using testing::rule;
using testing::table_action;
using testing::World;

const std::string error_to_lambda = R"(,"errorAction":)" + lambda_action;

TEST(RuleRunner, LambdaGetsTheBareResultOfSelect) {
    World world;
    ASSERT_TRUE(world.create("r", rule("SELECT * FROM 'awsiot/test'", lambda_action)));
    const auto answer = world.publish("awsiot/test", R"([ {"Device": "d", "timestamp": 1.50} ])");
    ASSERT_EQ(world.functions.invocations.size(), 1U);
    EXPECT_EQ(world.functions.invocations[0].name.str(), "Secomea");
    EXPECT_EQ(world.functions.invocations[0].event, R"([{"Device":"d","timestamp":1.5}])");
    EXPECT_FALSE(answer->done);
    world.functions.invocations[0].done(Result<void>());
    world.functions.invocations.clear();
    EXPECT_TRUE(answer->done);
    EXPECT_EQ(answer->error, "");
    EXPECT_EQ(world.counters("r").succeeded, 1U);
}

TEST(RuleRunner, DynamoDbV2PutsOneAttributePerMember) {
    World world;
    ASSERT_TRUE(world.create("r", rule("SELECT *, topic(1) AS t FROM 'a'", table_action)));
    const auto answer = world.publish("a", R"({"s":"x","n":123456789012345678901234567890,"b":true,"z":null,"l":[1,"two"],"m":{"k":0.5}})");
    ASSERT_EQ(world.tables.puts.size(), 1U);
    EXPECT_EQ(world.tables.puts[0].table.str(), "Raw");
    const auto& item = world.tables.puts[0].item;
    ASSERT_EQ(item.size(), 7U);
    EXPECT_EQ(*item.at("s").string(), "x");
    EXPECT_EQ(item.at("n").number()->to_plain_string(), "123456789012345678901234567890");
    EXPECT_TRUE(*item.at("b").boolean());
    EXPECT_EQ(item.at("z").type(), store::table::AttributeValue::Type::null);
    EXPECT_EQ(*item.at("l").list()->at(1).string(), "two");
    EXPECT_EQ(item.at("m").map()->at("k").number()->to_string(), "0.5");
    EXPECT_EQ(*item.at("t").string(), "a");
    EXPECT_FALSE(answer->done);
    world.tables.puts[0].done(Result<void>());
    world.tables.puts.clear();
    EXPECT_TRUE(answer->done);
}

// PUBACK promises that every action will happen, so the last one decides.
TEST(RuleRunner, IsAcknowledgedWhenTheLastActionIsDurable) {
    World world;
    ASSERT_TRUE(world.create("r", rule("SELECT * FROM 'a'", lambda_action + "," + table_action)));
    const auto answer = world.publish("a", "{}");
    auto put = std::move(world.tables.puts.at(0));
    auto invocation = std::move(world.functions.invocations.at(0));
    put.done(Result<void>());
    put.done = nullptr;
    EXPECT_FALSE(answer->done);
    invocation.done(Result<void>());
    invocation.done = nullptr;
    EXPECT_TRUE(answer->done);
}

TEST(RuleRunner, MistakeInTheDataRunsTheErrorActionOnceAndIsAcknowledged) {
    World world;
    ASSERT_TRUE(world.create("r", rule("SELECT * FROM 'a'", table_action + "," + table_action, error_to_lambda)));
    const auto answer = world.publish("a", R"({"x":1})");
    ASSERT_EQ(world.tables.puts.size(), 2U);
    for (auto& put : world.tables.puts) {
        put.done(Result<void>(Error(store::table::Errc::validation, "Missing the key id in the item")));
        put.done = nullptr;
    }
    ASSERT_EQ(world.functions.invocations.size(), 1U);
    EXPECT_FALSE(answer->done);
    const auto event = nlohmann::json::parse(world.functions.invocations[0].event);
    EXPECT_EQ(event["ruleName"], "r");
    EXPECT_EQ(event["topic"], "a");
    EXPECT_EQ(event["clientId"], "client-1");
    EXPECT_EQ(event["sourceIp"], "192.0.2.7");
    EXPECT_EQ(event["cloudwatchTraceId"].get<std::string>().size(), 36U);
    EXPECT_EQ(event["base64OriginalPayload"], base64_encode(R"({"x":1})"));
    ASSERT_EQ(event["failures"].size(), 2U);
    EXPECT_EQ(event["failures"][0]["failedAction"], "DynamoDBv2Action");
    EXPECT_EQ(event["failures"][0]["failedResource"], "Raw");
    EXPECT_EQ(event["failures"][0]["errorMessage"], "Failed to put item into table. Missing the key id in the item");
    world.functions.invocations[0].done(Result<void>());
    world.functions.invocations.clear();
    EXPECT_TRUE(answer->done);
    EXPECT_EQ(answer->error, "");
    EXPECT_EQ(world.counters("r").failed, 1U);
    EXPECT_NE(world.counters("r").last_error.find("Missing the key"), std::string::npos);
}

TEST(RuleRunner, FailingStoreKeepsThePublisherUnacknowledged) {
    World world;
    ASSERT_TRUE(world.create("r", rule("SELECT * FROM 'a'", table_action, error_to_lambda)));
    const auto answer = world.publish("a", "{}");
    world.tables.puts.at(0).done(Result<void>(Error(store::table::Errc::unavailable, "disk full")));
    world.tables.puts.clear();
    EXPECT_TRUE(answer->done);
    EXPECT_NE(answer->error.find("disk full"), std::string::npos);
    EXPECT_TRUE(world.functions.invocations.empty());
    EXPECT_EQ(world.counters("r").failed, 1U);
}

TEST(RuleRunner, WhereFiltersWithoutHoldingThePublisher) {
    World world;
    ASSERT_TRUE(world.create("r", rule("SELECT * FROM 'a' WHERE x > 5", lambda_action)));
    EXPECT_TRUE(world.publish("a", R"({"x":5})")->done);
    EXPECT_TRUE(world.publish("a", "not json")->done);
    EXPECT_TRUE(world.functions.invocations.empty());
    EXPECT_EQ(world.counters("r").matched, 2U);
    EXPECT_EQ(world.counters("r").filtered, 2U);
}

TEST(RuleRunner, BinaryIsNoEventAndNoItem) {
    World world;
    ASSERT_TRUE(world.create("r", rule("SELECT * FROM 'a'", lambda_action + "," + table_action)));
    EXPECT_TRUE(world.publish("a", "\x01\x02")->done);
    EXPECT_TRUE(world.functions.invocations.empty());
    EXPECT_TRUE(world.tables.puts.empty());
    EXPECT_EQ(world.counters("r").failed, 1U);
}

TEST(RuleRunner, TemplatesSeeTheMessageAndNotTheAliases) {
    World world;
    ASSERT_TRUE(world.create("r", rule("SET @v = d + '!' SELECT d AS alias FROM 'in/+'",
                                       R"({"republish":{"topic":"out/${topic(2)}/${d}${alias}/${@v}/$","qos":1}})")));
    world.publish("in/7", R"({"d":"x"})");
    ASSERT_EQ(world.router.published.size(), 1U);
    EXPECT_EQ(world.router.published[0]->topic_name(), "out/7/x/x!/$");
    EXPECT_EQ(world.router.published[0]->payload(), R"({"alias":"x"})");
    EXPECT_EQ(world.router.published[0]->qos(), Qos::at_least_once);
}

TEST(RuleRunner, RepublishUnescapesReservedTopicsAndFeedsOtherRules) {
    World world;
    ASSERT_TRUE(world.create("one", rule("SELECT * FROM 'a'", R"({"republish":{"topic":"$$aws/things/x/shadow/update","qos":1}})")));
    ASSERT_TRUE(world.create("two", rule("SELECT *, clientid() AS c FROM '$aws/things/+/shadow/update'", lambda_action)));
    const auto answer = world.publish("a", R"({"v":1})");
    ASSERT_EQ(world.functions.invocations.size(), 1U);
    EXPECT_EQ(world.functions.invocations[0].event, R"({"v":1,"c":"n/a"})");
    EXPECT_FALSE(answer->done);
    world.functions.invocations[0].done(Result<void>());
    world.functions.invocations.clear();
    EXPECT_TRUE(answer->done);
}

TEST(RuleRunner, RepublishFailsTheHoldWhenTheOtherSideCannotStore) {
    World world;
    ASSERT_TRUE(world.create("r", rule("SELECT * FROM 'a'", R"({"republish":{"topic":"b","qos":1}})")));
    world.router.refuse = true;
    const auto answer = world.publish("a", "{}");
    EXPECT_TRUE(answer->done);
    EXPECT_NE(answer->error.find("store is down"), std::string::npos);
}

TEST(RuleRunner, RepublishToAnInvalidTopicIsAFailedAction) {
    World world;
    ASSERT_TRUE(world.create("r", rule("SELECT * FROM 'a'", R"({"republish":{"topic":"${t}"}})")));
    const auto answer = world.publish("a", R"({"t":"b/#"})");
    EXPECT_TRUE(answer->done);
    EXPECT_EQ(answer->error, "");
    EXPECT_TRUE(world.router.published.empty());
    EXPECT_EQ(world.counters("r").failed, 1U);
}

TEST(RuleRunner, BasicIngestRunsTheNamedRuleOnly) {
    World world;
    ASSERT_TRUE(world.create("one", rule("SELECT topic() AS t FROM 'a/#'", lambda_action)));
    ASSERT_TRUE(world.create("two", rule("SELECT topic() AS t FROM 'a/#'", lambda_action)));
    world.publish("$aws/rules/one/a/b", "{}");
    ASSERT_EQ(world.functions.invocations.size(), 1U);
    EXPECT_EQ(world.functions.invocations[0].event, R"({"t":"a/b"})");
}

TEST(RuleRunner, RuleWithoutFromIsForBasicIngest) {
    World world;
    ASSERT_TRUE(world.create("one", rule("SELECT a", lambda_action)));
    world.publish("$aws/rules/one/x", R"({"a":1})");
    EXPECT_EQ(world.functions.invocations.size(), 1U);
}

TEST(RuleRunner, HashDoesNotMatchItsParent) {
    World world;
    ASSERT_TRUE(world.create("r", rule("SELECT * FROM 'sensor/#'", lambda_action)));
    world.publish("sensor", "{}");
    EXPECT_TRUE(world.functions.invocations.empty());
    world.publish("sensor/a", "{}");
    EXPECT_EQ(world.functions.invocations.size(), 1U);
}

TEST(RuleRunner, RefusesMessagesAboveTheBoundUnderWay) {
    World world;
    ASSERT_TRUE(world.create("r", rule("SELECT * FROM 'a'", lambda_action)));
    for (std::size_t i = 0; i < messages_under_way_max; ++i) world.publish("a", "{}");
    EXPECT_EQ(world.functions.invocations.size(), messages_under_way_max);
    const auto refused = world.publish("a", "{}");
    EXPECT_TRUE(refused->done);
    EXPECT_NE(refused->error.find("too many messages under way"), std::string::npos);
    world.functions.invocations[0].done(Result<void>());
    world.functions.invocations[0].done = nullptr;
    EXPECT_FALSE(world.publish("a", "{}")->done);
}

TEST(RuleRunner, EvaluationThatExceedsItsBoundFailsTheRuleOnly) {
    World world;
    ASSERT_TRUE(world.create("r", rule("SELECT (SELECT (SELECT VALUE 1 FROM y) AS z FROM x) AS v FROM 'a'", lambda_action)));
    std::string inner = "[1";
    for (int i = 0; i < 1000; ++i) inner += ",1";
    std::string payload = R"({"x":[)";
    for (int i = 0; i < 500; ++i) payload += std::string(i > 0 ? "," : "") + R"({"y":)" + inner + "]}";
    const auto answer = world.publish("a", payload + "]}");
    EXPECT_TRUE(answer->done);
    EXPECT_EQ(answer->error, "");
    EXPECT_TRUE(world.functions.invocations.empty());
    EXPECT_NE(world.counters("r").last_error.find("needs more than"), std::string::npos);
}

}  // namespace
}  // namespace fogbank::rules
