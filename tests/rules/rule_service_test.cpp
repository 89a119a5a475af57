// The control plane of topic rules: what is refused, what is stored, when changes apply.

#include "rules/rule_service.h"

#include <gtest/gtest.h>

#include "tests/rules/rule_harness.h"

namespace fogbank::rules {
namespace {

using testing::lambda_action;
using testing::rule;
using testing::World;

TEST(RuleService, CreatedRuleIsAnsweredAsGiven) {
    World world;
    ASSERT_TRUE(world.create("r1", R"({"sql":"SELECT * FROM 'a/#'","description":"d","actions":[)" + lambda_action + "]}"));
    const auto found = fogbank::testing::run(world.service->get_rule(RuleName("r1")));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->arn, "arn:aws:iot:us-east-1:123456789012:rule/r1");
    EXPECT_EQ(found->sql, "SELECT * FROM 'a/#'");
    EXPECT_EQ(found->description, "d");
    EXPECT_EQ(found->aws_iot_sql_version, "2015-10-08");
    EXPECT_EQ(found->topic_filter, "a/#");
    EXPECT_EQ(found->actions_json, "[" + lambda_action + "]");
    EXPECT_EQ(found->error_action_json, "");
    EXPECT_FALSE(found->disabled);
    EXPECT_EQ(found->created_at, world.sources.clock.now());
}

TEST(RuleService, AnswersAwsErrorsForMissingAndDuplicateRules) {
    World world;
    const auto missing = fogbank::testing::run(world.service->get_rule(RuleName("nope")));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Errc::access_denied);
    EXPECT_EQ(missing.error().message, "Access to topic rule 'nope' was denied");
    ASSERT_TRUE(world.create("r1", rule("SELECT * FROM 'a'", "")));
    const auto duplicate = world.create("r1", rule("SELECT * FROM 'a'", ""));
    ASSERT_FALSE(duplicate);
    EXPECT_EQ(duplicate.error().code, Errc::resource_already_exists);
    EXPECT_EQ(duplicate.error().message, "Rule with given name already exists");
    EXPECT_EQ(world.replace("nope", rule("SELECT * FROM 'a'", "")).error().code, Errc::access_denied);
    EXPECT_EQ(world.remove("nope").error().code, Errc::access_denied);
    EXPECT_EQ(world.enable("nope", true).error().code, Errc::access_denied);
}

TEST(RuleService, RefusesWhatCannotRun) {
    World world;
    struct Refused {
        std::string name, payload;
        Errc code;
        std::string text;
    };
    const std::string long_name(129, 'x');
    std::string eleven;
    for (int i = 0; i < 11; ++i) eleven += (i > 0 ? "," : "") + lambda_action;
    const std::vector<Refused> refused{
        {"a-b", rule("SELECT * FROM 'a'", ""), Errc::invalid_request, "rule name"},
        {"", rule("SELECT * FROM 'a'", ""), Errc::invalid_request, "rule name"},
        {long_name, rule("SELECT * FROM 'a'", ""), Errc::invalid_request, "rule name"},
        {"r", "[", Errc::invalid_request, "malformed json"},
        {"r", "[]", Errc::invalid_request, "must be an object"},
        {"r", R"({"actions":[]})", Errc::invalid_request, "`sql`"},
        {"r", R"({"sql":5,"actions":[]})", Errc::invalid_request, "`sql`"},
        {"r", R"({"sql":"SELECT * FROM 'a'"})", Errc::invalid_request, "`actions` must be an array"},
        {"r", R"({"sql":"SELECT * FROM 'a'","actions":[],"ruleDisabled":"no"})", Errc::invalid_request, "`ruleDisabled`"},
        {"r", R"({"sql":"SELECT * FROM 'a'","actions":[],"awsIotSqlVersion":"2020"})", Errc::invalid_request, "`awsIotSqlVersion`"},
        {"r", rule("SELECT avgg(x) FROM 'a'", ""), Errc::sql_parse, "sql at byte 7: unknown function `avgg`"},
        {"r", rule("SELECT * FROM 'a/#/b'", ""), Errc::sql_parse, "`#` must be the last level"},
        {"r", rule("SELECT * FROM '$aws/rules/r/x'", ""), Errc::sql_parse, "Basic Ingest"},
        {"r", rule("SELECT * FROM 'a'", eleven), Errc::invalid_request, "at most 10 actions"},
        {"r", rule("SELECT * FROM 'a'", R"({"stepFunctions":{}})"), Errc::invalid_request, "action `stepFunctions` is not available"},
        {"r", rule("SELECT * FROM 'a'", R"({"s3":{"bucketName":"b","key":"k","roleArn":"arn:aws:iam::123456789012:role/r"}})"),
         Errc::invalid_request, "sink"},
        {"r", rule("SELECT * FROM 'a'", R"({"Lambda":{}})"), Errc::invalid_request, "action `Lambda` is not available"},
        {"r", rule("SELECT * FROM 'a'", "{}"), Errc::invalid_request, "exactly one member"},
        {"r", rule("SELECT * FROM 'a'", R"({"lambda":{}})"), Errc::invalid_request, "`functionArn`"},
        {"r", rule("SELECT * FROM 'a'", R"({"lambda":{"functionArn":"arn:aws:s3:::b"}})"), Errc::invalid_request,
         "not the ARN of a function"},
        {"r", rule("SELECT * FROM 'a'", R"({"lambda":{"functionArn":"${avgg(1)}"}})"), Errc::sql_parse, "unknown function `avgg`"},
        {"r", rule("SELECT * FROM 'a'", R"({"lambda":{"functionArn":"${a"}})"), Errc::sql_parse, "`}` is expected"},
        {"r", rule("SELECT * FROM 'a'", R"({"dynamoDBv2":{}})"), Errc::invalid_request, "`putItem`"},
        {"r", rule("SELECT * FROM 'a'", R"({"republish":{"topic":"a/#"}})"), Errc::invalid_request, "wildcards"},
        {"r", rule("SELECT * FROM 'a'", R"({"republish":{"topic":"a","qos":2}})"), Errc::invalid_request, "`qos`"},
        {"r", rule("SELECT * FROM 'a'", R"({"republish":{"topic":"a","headers":[]}})"), Errc::invalid_request, "`headers`"},
        {"r", rule("SELECT * FROM 'a'", "", R"(,"errorAction":{"stepFunctions":{}})"), Errc::invalid_request,
         "errorAction: action `stepFunctions`"},
        {"r", rule("SELECT '" + std::string(140'000, 'x') + "' AS x FROM 'a'", ""), Errc::invalid_request, "bytes"},
    };
    for (const Refused& one : refused) {
        const auto result = world.create(one.name, one.payload);
        ASSERT_FALSE(result) << one.payload.substr(0, 200);
        EXPECT_EQ(result.error().code, one.code) << result.error().message;
        EXPECT_NE(result.error().message.find(one.text), std::string::npos) << result.error().message;
    }
    EXPECT_EQ(world.router.subscriptions.size(), 1U);  // of what sees messages for rules that are not there
    EXPECT_TRUE(fogbank::testing::run(world.service->list_rules())->empty());
}

TEST(RuleService, HoldsTheQuotaOfRules) {
    World world;
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(world.create("r" + std::to_string(i), rule("SELECT * FROM 'a'", "")));
    const auto refused = world.create("one_more", rule("SELECT * FROM 'a'", ""));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::limit_exceeded);
    ASSERT_TRUE(world.remove("r0"));
    EXPECT_TRUE(world.create("one_more", rule("SELECT * FROM 'a'", "")));
    EXPECT_EQ(fogbank::testing::run(world.service->list_rules())->size(), 1000U);
}

// Each change must be in force for the next message.
TEST(RuleService, ChangesApplyToTheNextMessage) {
    World world;
    ASSERT_TRUE(world.create("r", rule("SELECT 1 AS v FROM 'a'", lambda_action)));
    world.publish("a", "{}");
    ASSERT_EQ(world.functions.invocations.size(), 1U);
    ASSERT_TRUE(world.replace("r", rule("SELECT 2 AS v FROM 'b'", lambda_action)));
    world.publish("a", "{}");
    world.publish("b", "{}");
    ASSERT_EQ(world.functions.invocations.size(), 2U);
    EXPECT_EQ(world.functions.invocations[1].event, R"({"v":2})");
    ASSERT_TRUE(world.enable("r", false));
    world.publish("b", "{}");
    EXPECT_EQ(world.functions.invocations.size(), 2U);
    EXPECT_TRUE(fogbank::testing::run(world.service->get_rule(RuleName("r")))->disabled);
    ASSERT_TRUE(world.enable("r", true));
    world.publish("b", "{}");
    EXPECT_EQ(world.functions.invocations.size(), 3U);
    ASSERT_TRUE(world.remove("r"));
    world.publish("b", "{}");
    EXPECT_EQ(world.functions.invocations.size(), 3U);
    EXPECT_EQ(world.router.subscriptions.size(), 1U);
    EXPECT_FALSE(world.service->counters(RuleName("r")));
}

TEST(RuleService, RulesSurviveARestart) {
    World world;
    ASSERT_TRUE(world.create("on", rule("SELECT 1 AS v FROM 'a'", lambda_action)));
    ASSERT_TRUE(world.create("off", rule("SELECT 2 AS v FROM 'a'", lambda_action, R"(,"ruleDisabled":true)")));
    world.open();
    world.publish("a", "{}");
    ASSERT_EQ(world.functions.invocations.size(), 1U);
    EXPECT_EQ(world.functions.invocations[0].event, R"({"v":1})");
    ASSERT_TRUE(world.enable("off", true));
    world.publish("a", "{}");
    EXPECT_EQ(world.functions.invocations.size(), 3U);
}

TEST(RuleService, StopDropsTheSubscriptions) {
    World world;
    ASSERT_TRUE(world.create("r", rule("SELECT 1 AS v FROM 'a'", lambda_action)));
    world.service->stop();
    EXPECT_TRUE(world.router.subscriptions.empty());
}

}  // namespace
}  // namespace fogbank::rules
