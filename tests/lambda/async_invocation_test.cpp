// The durable queue: what was accepted runs, whatever happens in between.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "tests/lambda/support.h"

namespace fogbank::lambda {
namespace {

using ::testing::HasSubstr;

TEST(AsyncInvocation, RunsAndLeavesNothing) {
    World world;
    ASSERT_TRUE(world.create("f", "calls_back"));
    world.service().start({});
    Callback callback([](std::size_t, Context&) { return 0; });
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(world.invoke_async("f", callback.event()));
    callback.wait_for_returns(20);
    World::until([&] { return world.service().backlog() == 0 && world.queued() == 0; });
    EXPECT_EQ(callback.calls(), 20U);
}

TEST(AsyncInvocation, IsInTheStoreBeforeItsSenderIsTold) {
    World world;
    ASSERT_TRUE(world.create("f", "echo"));
    // Not started: nothing runs, everything is accepted.
    ASSERT_TRUE(world.invoke_async("f", "1"));
    ASSERT_TRUE(world.invoke_async("f", ""));
    EXPECT_EQ(world.queued(), 2U);
    EXPECT_EQ(world.service().backlog(), 2U);
    world.service().start({});
    World::until([&] { return world.queued() == 0; });
}

TEST(AsyncInvocation, TooLargeEventsAreRefused) {
    World world;
    ASSERT_TRUE(world.create("f", "echo"));
    const std::string largest = "\"" + std::string(1024 * 1024 - 2, 'x') + "\"";
    EXPECT_TRUE(world.invoke_async("f", largest));
    EXPECT_EQ(world.invoke_async("f", largest + " ").error().code, Errc::request_too_large);
}

TEST(AsyncInvocation, ACrashLosesNothingThatWasAccepted) {
    World world;
    ASSERT_TRUE(world.create("f", "calls_back"));
    Callback callback([](std::size_t, Context&) { return 0; });
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(world.invoke_async("f", callback.event()));
    world.crash();
    EXPECT_EQ(world.queued(), 10U);
    world.service().start({});
    callback.wait_for_returns(10);
    World::until([&] { return world.service().backlog() == 0 && world.queued() == 0; });
    EXPECT_EQ(callback.calls(), 10U);
}

TEST(AsyncInvocation, WhatRanAndWasNotErasedRunsAgain) {
    World world;
    world.policy.erase_delay = 1h;
    ASSERT_TRUE(world.create("f", "calls_back"));
    world.service().start({});
    std::mutex mutex;
    std::multiset<std::string> ids;
    Callback callback([&](std::size_t, Context& context) {
        const std::lock_guard lock(mutex);
        ids.insert(std::string(context.request_id()));
        return 0;
    });
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(world.invoke_async("f", callback.event()));
    callback.wait_for_returns(3);
    World::until([&] { return world.service().backlog() == 0; });
    world.crash();
    EXPECT_EQ(world.queued(), 3U);
    world.service().start({});
    callback.wait_for_returns(6);
    world.stop();  // a proper stop erases what finished
    EXPECT_EQ(world.queued(), 0U);
    // The request id is the event's, not the attempt's.
    EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 3U);
}

TEST(AsyncInvocation, ACrashWhileRunningRunsItAgain) {
    World world;
    world.threads = 1;
    ASSERT_TRUE(world.create("f", "calls_back"));
    world.service().start({});
    static Gate gate;
    static Callback callback([](std::size_t call, Context&) {
        if (call == 1) gate.wait();
        return 0;
    });
    ASSERT_TRUE(world.invoke_async("f", callback.event()));
    callback.wait_for_calls(1);
    world.crash();
    world.service().start({});
    callback.wait_for_calls(2);
    World::until([&] { return world.queued() == 0; });
    gate.open();
    callback.wait_for_returns(2);
}

TEST(AsyncInvocation, RetriesTwiceWithAwsDelaysAndThenDrops) {
    World world;
    ASSERT_TRUE(world.create("f", "calls_back"));
    world.service().start({});
    Callback callback([](std::size_t, Context&) { return 1; });
    ASSERT_TRUE(world.invoke_async("f", callback.event()));
    const auto retries = [&](int count) {
        World::until(
            [&] { return world.metrics.text().find("fogbank_lambda_retries_total " + std::to_string(count)) != std::string::npos; });
    };
    callback.wait_for_returns(1);
    retries(1);
    world.clock.advance(59s);
    // Another invocation passes through the whole machinery meanwhile; the waiting one does not move.
    Callback other([](std::size_t, Context&) { return 0; });
    ASSERT_TRUE(world.invoke_async("f", other.event()));
    other.wait_for_returns(1);
    EXPECT_EQ(callback.calls(), 1U);
    world.clock.advance(1s);
    callback.wait_for_returns(2);
    retries(2);
    world.clock.advance(119s);
    ASSERT_TRUE(world.invoke_async("f", other.event()));
    other.wait_for_returns(2);
    EXPECT_EQ(callback.calls(), 2U);
    EXPECT_GE(world.queued(), 1U);
    world.clock.advance(1s);
    callback.wait_for_returns(3);
    World::until([&] { return world.queued() == 0 && world.service().backlog() == 0; });
    world.clock.advance(1h);
    ASSERT_TRUE(world.invoke_async("f", other.event()));
    other.wait_for_returns(3);
    EXPECT_EQ(callback.calls(), 3U);
    EXPECT_THAT(world.metrics.text(), HasSubstr("fogbank_lambda_dropped_events_total 1\n"));
}

TEST(AsyncInvocation, AttemptsAndDelaysSurviveARestart) {
    World world;
    ASSERT_TRUE(world.create("f", "calls_back"));
    world.service().start({});
    Callback callback([](std::size_t, Context&) { return 1; });
    ASSERT_TRUE(world.invoke_async("f", callback.event()));
    const auto retries = [&](int count) {
        World::until(
            [&] { return world.metrics.text().find("fogbank_lambda_retries_total " + std::to_string(count)) != std::string::npos; });
        World::until([&] { return callback.calls() == static_cast<std::size_t>(count); });
    };
    retries(1);
    world.crash();
    world.service().start({});
    world.clock.advance(60s);
    retries(2);
    world.crash();
    world.clock.advance(10s);
    world.service().start({});
    World::until([&] { return world.service().backlog() == 1; });
    world.clock.advance(109s);
    EXPECT_EQ(callback.calls(), 2U);
    world.clock.advance(1s);
    callback.wait_for_returns(3);
    World::until([&] { return world.queued() == 0; });  // three attempts in all, not three after each restart
}

TEST(AsyncInvocation, ATimeoutCountsAsAnError) {
    World world;
    world.threads = 2;
    ASSERT_TRUE(world.create("f", "calls_back"));
    world.service().start({});
    Gate gate;
    Callback callback([&](std::size_t call, Context&) {
        if (call == 1) gate.wait();
        return 0;
    });
    ASSERT_TRUE(world.invoke_async("f", callback.event()));
    callback.wait_for_calls(1);
    world.clock.advance(3s);
    World::until([&] { return world.metrics.text().find("fogbank_lambda_retries_total 1\n") != std::string::npos; });
    world.clock.advance(60s);
    callback.wait_for_calls(2);  // beside the one that hangs
    World::until([&] { return world.queued() == 0; });
    gate.open();
    callback.wait_for_returns(2);
}

TEST(AsyncInvocation, DeletingTheFunctionDropsItsQueue) {
    World world;
    ASSERT_TRUE(world.create("f", "calls_back"));
    ASSERT_TRUE(world.create("g", "calls_back"));
    Callback callback([](std::size_t, Context&) { return 0; });
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(world.invoke_async("f", callback.event()));
    ASSERT_TRUE(world.invoke_async("g", callback.event()));
    ASSERT_TRUE(testing::run(world.service().delete_function(FunctionName("f"))));
    EXPECT_EQ(world.queued(), 1U);
    EXPECT_EQ(world.service().backlog(), 1U);
    ASSERT_TRUE(world.create("f", "calls_back"));
    world.service().start({});
    callback.wait_for_returns(1);
    World::until([&] { return world.queued() == 0; });
    world.stop();
    EXPECT_EQ(callback.calls(), 1U);  // nothing of the old function's ran on the new one
}

TEST(AsyncInvocation, DeletingTheFunctionEndsItsRetries) {
    World world;
    ASSERT_TRUE(world.create("f", "calls_back"));
    world.service().start({});
    Gate gate;
    Callback callback([&](std::size_t, Context&) {
        gate.wait();
        return 1;
    });
    ASSERT_TRUE(world.invoke_async("f", callback.event()));
    callback.wait_for_calls(1);
    ASSERT_TRUE(testing::run(world.service().delete_function(FunctionName("f"))));
    gate.open();
    world.stop();                   // after the handler has returned and its outcome is settled
    EXPECT_EQ(world.queued(), 0U);  // the failed attempt wrote nothing back
    EXPECT_EQ(callback.calls(), 1U);
}

TEST(AsyncInvocation, TheBacklogIsBounded) {
    World world;
    world.policy.backlog_events_max = 3;
    ASSERT_TRUE(world.create("f", "echo"));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(world.invoke_async("f", "1"));
    EXPECT_EQ(world.invoke_async("f", "1").error().code, Errc::too_many_requests);
    world.service().start({});
    World::until([&] { return world.service().backlog() == 0; });
    EXPECT_TRUE(world.invoke_async("f", "1"));

    World small;
    small.policy.backlog_bytes_max = 10'000;
    ASSERT_TRUE(small.create("f", "echo"));
    ASSERT_TRUE(small.invoke_async("f", "\"" + std::string(9000, 'x') + "\""));
    EXPECT_EQ(small.invoke_async("f", "\"" + std::string(2000, 'x') + "\"").error().code, Errc::too_many_requests);
    EXPECT_TRUE(small.invoke_async("f", "1"));
}

/// More events than the window holds, of several functions, accepted before and while they run, some left by an earlier run: each runs,
/// none twice.
void overflow(std::size_t window_events, std::size_t window_bytes, bool restart) {
    World world;
    world.threads = 3;
    world.policy.window_events_max = window_events;
    world.policy.window_bytes_max = window_bytes;
    world.policy.erase_batch = 7;
    const std::vector<std::string> functions{"f", "g", "h"};
    for (const auto& function : functions) ASSERT_TRUE(world.create(function, "calls_back"));
    std::mutex mutex;
    std::set<std::string> ids;
    Callback callback([&](std::size_t, Context& context) {
        const std::lock_guard lock(mutex);
        ids.insert(std::string(context.request_id()));
        return 0;
    });
    std::size_t sent = 0;
    for (; sent < 300; ++sent) ASSERT_TRUE(world.invoke_async(functions[sent % 7 % 3], callback.event()));
    EXPECT_EQ(world.service().backlog(), 300U);
    if (restart) {
        world.crash();
        world.clock.advance(1s);
    }
    world.service().start({});
    std::vector<std::thread> senders;
    for (int t = 0; t < 3; ++t) {
        senders.emplace_back([&, t] {
            for (std::size_t i = 0; i < 200; ++i)
                EXPECT_TRUE(world.invoke_async(functions[(i + static_cast<std::size_t>(t)) % 3], callback.event()));
        });
    }
    for (auto& sender : senders) sender.join();
    callback.wait_for_returns(900);
    World::until([&] { return world.service().backlog() == 0 && world.queued() == 0; });
    world.stop();
    EXPECT_EQ(callback.calls(), 900U);
    EXPECT_EQ(ids.size(), 900U);
}

TEST(AsyncInvocation, OverflowsIntoTheStore) {
    overflow(20, 64 << 20, false);
}
TEST(AsyncInvocation, OverflowsIntoTheStoreByBytes) {
    overflow(100'000, 4000, false);
}
TEST(AsyncInvocation, OverflowSurvivesARestart) {
    overflow(20, 64 << 20, true);
}
TEST(AsyncInvocation, AWindowOfOneIsEnough) {
    overflow(1, 1, true);
}

TEST(AsyncInvocation, AFailingFunctionDoesNotHoldUpAnother) {
    World world;
    world.policy.window_events_max = 10;
    ASSERT_TRUE(world.create("bad", "calls_back"));
    ASSERT_TRUE(world.create("good", "calls_back"));
    world.service().start({});
    Callback failing([](std::size_t, Context&) { return 1; });
    Callback working([](std::size_t, Context&) { return 0; });
    // More failing events, all waiting for their second attempt, than the window holds.
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(world.invoke_async("bad", failing.event()));
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(world.invoke_async("good", working.event()));
    working.wait_for_returns(50);
    EXPECT_LE(failing.calls(), 50U);
    World::until([&] {
        world.clock.advance(1s);  // in small steps: an event is given up when it is six hours old
        return world.queued() == 0;
    });
    EXPECT_EQ(failing.calls(), 150U);
    EXPECT_EQ(working.calls(), 50U);
}

TEST(AsyncInvocation, CountsWhatAnEarlierRunLeft) {
    World world;
    ASSERT_TRUE(world.create("f", "calls_back"));
    Callback callback([](std::size_t, Context&) { return 0; });
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(world.invoke_async("f", callback.event()));
    world.crash();
    world.clock.advance(1s);
    world.policy.backlog_events_max = 30;
    world.policy.window_events_max = 4;
    world.threads = 1;
    static Gate gate;
    static Callback blocking([](std::size_t, Context&) {
        gate.wait();
        return 0;
    });
    ASSERT_TRUE(world.create("g", "calls_back"));
    std::thread caller([&] { static_cast<void>(world.invoke("g", blocking.event())); });
    blocking.wait_for_calls(1);
    world.service().start({});
    World::until([&] { return world.service().backlog() == 31; });
    EXPECT_EQ(world.invoke_async("f", callback.event()).error().code, Errc::too_many_requests);
    gate.open();
    caller.join();
    callback.wait_for_returns(30);
    World::until([&] { return world.service().backlog() == 0; });
}

}  // namespace
}  // namespace fogbank::lambda
