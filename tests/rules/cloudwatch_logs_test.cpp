// The cloudwatchLogs action on this server's own log store: when a message counts as done.

#include <gtest/gtest.h>

#include "rules/errc.h"
#include "tests/rules/rule_harness.h"

namespace fogbank::rules {
namespace {

using testing::rule;
using testing::World;

const std::string action = R"({"cloudwatchLogs":{"logGroupName":"g-${a}","roleArn":"arn:aws:iam::123456789012:role/r"}})";

World& with_rule(World& world) {
    world.logs.groups = {"g-1"};
    EXPECT_TRUE(world.create("r", rule("SELECT * FROM 'a'", action)));
    return world;
}

/// The store's answer; the handler goes with it, as the store's does.
void finish(World& world, Result<void> result) {
    auto done = std::move(world.logs.writes.back().done);
    done(std::move(result));
}

// PUBACK leaves when the event is committed, not before.
TEST(CloudwatchLogs, MessageIsDoneWhenTheEventIsCommitted) {
    World world;
    const auto answer = with_rule(world).publish("a", R"({"a":1})");
    ASSERT_EQ(world.logs.writes.size(), 1U);
    EXPECT_EQ(world.logs.writes[0].group, "g-1");
    EXPECT_EQ(world.logs.writes[0].stream, "fogbank-rules");
    EXPECT_EQ(world.logs.writes[0].events[0].message, R"({"a":1})");
    EXPECT_FALSE(answer->done);
    finish(world, Result<void>());
    EXPECT_TRUE(answer->done);
    EXPECT_EQ(answer->error, "");
    EXPECT_EQ(world.counters("r").succeeded, 1U);
}

// A store that cannot take it now: the publisher sends again.
TEST(CloudwatchLogs, FailureOfTheStoreFailsThePublish) {
    World world;
    const auto answer = with_rule(world).publish("a", R"({"a":1})");
    finish(world, Error(Errc::unavailable, "the disk is full"));
    EXPECT_TRUE(answer->done);
    EXPECT_NE(answer->error.find("the disk is full"), std::string::npos) << answer->error;
}

// A group that is not there, or goes while the event waits, is the rule's mistake: the message is done, and failed.
TEST(CloudwatchLogs, MissingGroupIsAFailedAction) {
    World world;
    const auto missing = with_rule(world).publish("a", R"({"a":2})");
    EXPECT_TRUE(missing->done);
    EXPECT_EQ(missing->error, "");
    EXPECT_TRUE(world.logs.writes.empty());
    const auto gone = world.publish("a", R"({"a":1})");
    world.logs.groups.clear();
    finish(world, Error(Errc::unavailable, "The specified log group does not exist."));
    EXPECT_TRUE(gone->done);
    EXPECT_EQ(gone->error, "");
    EXPECT_EQ(world.counters("r").failed, 2U);
    EXPECT_EQ(
        world.counters("r").last_error,
        "CloudwatchLogsAction: Failed to put CloudWatch log events. ResourceNotFoundException: The specified log group does not exist.");
    EXPECT_EQ(world.counters("r").last_error_at, world.sources.clock.now());
}

TEST(BasicIngest, MessagesForMissingRulesAreCountedOnce) {
    World world;
    Counter& total = world.metrics.counter("fogbank_rules_not_found_total", "");
    world.publish("$aws/rules/nope/x", "{}");
    world.publish("$aws/rules/nope", "{}");
    EXPECT_EQ(total.value(), 2U);
    ASSERT_TRUE(world.create("nope", rule("SELECT * FROM 'a'", "", R"(,"ruleDisabled":true)")));
    world.publish("$aws/rules/nope/x", "{}");
    world.publish("$aws/rules", "{}");
    EXPECT_EQ(total.value(), 2U);
    world.open();
    world.publish("$aws/rules/nope/x", "{}");
    EXPECT_EQ(total.value(), 2U);
    ASSERT_TRUE(world.remove("nope"));
    world.publish("$aws/rules/nope/x", "{}");
    EXPECT_EQ(total.value(), 3U);
}

}  // namespace
}  // namespace fogbank::rules
