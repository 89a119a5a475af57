// The queue's keys, values and window, and the timers.

#include <gtest/gtest.h>

#include "lambda/queue_entry.h"
#include "lambda/queue_window.h"
#include "lambda/timers.h"
#include "tests/lambda/support.h"

namespace fogbank::lambda {
namespace {

TEST(QueueKey, SortsByFunctionTimeAndNumber) {
    const auto key = [](const char* function, std::uint64_t time, std::uint64_t number) {
        return QueueKey{FunctionName(function), time, number}.encode();
    };
    EXPECT_LT(key("a", 9, 9), key("a", 10, 1));
    EXPECT_LT(key("a", 10, 1), key("a", 10, 2));
    EXPECT_LT(key("a", 10, 2), key("ab", 0, 0));
    const auto range = queue_keys(FunctionName("a"));
    EXPECT_TRUE(range.begin <= key("a", 0, 0) && key("a", UINT64_MAX, UINT64_MAX) < range.end);
    EXPECT_FALSE(range.begin <= key("ab", 0, 0) && key("ab", 0, 0) < range.end);
    const auto decoded = QueueKey::decode(key("a", 10, 2));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->function.str(), "a");
    EXPECT_EQ(decoded->accepted_ms, 10U);
    EXPECT_EQ(decoded->number, 2U);
    EXPECT_FALSE(QueueKey::decode("fnq"));
    EXPECT_FALSE(QueueKey::decode(key("a", 10, 2) + "x"));
}

TEST(QueueValue, SurvivesTheRoundTripAndRefusesOtherBytes) {
    const QueueValue value{"0b0e9d9e-5c4c-4b8e-8f0e-000000000001", "live", 2, WallTime(1234567890123ms), std::string("{\"a\":\"\0\"}", 9)};
    const std::string bytes = value.encode();
    const auto again = QueueValue::decode(bytes);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->request_id, value.request_id);
    EXPECT_EQ(again->qualifier, "live");
    EXPECT_EQ(again->attempts, 2U);
    EXPECT_EQ(again->not_before, value.not_before);
    EXPECT_EQ(again->event, value.event);
    for (std::size_t size = 0; size < bytes.size() - value.event.size(); ++size)
        EXPECT_FALSE(QueueValue::decode(bytes.substr(0, size))) << size;
    std::string other = bytes;
    other[7] = 3;  // another layout
    EXPECT_FALSE(QueueValue::decode(other));
}

class Window : public ::testing::Test {
  protected:
    Window() {
        policy.window_events_max = 4;
        policy.backlog_events_max = 5;
    }
    QueueEntryPtr entry(const std::string& function, int number) {
        auto out = std::make_shared<QueueEntry>();
        out->key = function + std::to_string(number);
        out->lane = window.lane(FunctionName(function));
        out->event = std::make_shared<const std::string>("1");
        return out;
    }
    InvocationPolicy policy;
    QueueWindow window{policy};
};

TEST_F(Window, AFunctionGetsHalf) {
    EXPECT_TRUE(window.reserve(entry("a", 1)));
    EXPECT_TRUE(window.reserve(entry("a", 2)));
    EXPECT_FALSE(window.reserve(entry("a", 3)));
    EXPECT_TRUE(window.has_room());
    EXPECT_TRUE(window.reserve(entry("b", 1)));
    EXPECT_FALSE(window.has_room());
    EXPECT_TRUE(window.reserve(entry("b", 2)));
    EXPECT_TRUE(window.is_full());
    EXPECT_FALSE(window.reserve(entry("c", 1)));
    window.release(*entry("a", 1));
    EXPECT_FALSE(window.is_known("a1"));
    EXPECT_TRUE(window.reserve(entry("c", 1)));
}

TEST_F(Window, FunctionsTakeTurns) {
    for (int i = 0; i < 3; ++i) window.push_ready(entry("a", i));
    window.push_ready(entry("b", 0));
    std::string order;
    while (const auto next = window.take_ready()) order += next->key + " ";
    EXPECT_EQ(order, "a0 b0 a1 a2 ");
}

TEST_F(Window, WhatLeavesDuringAScanStaysKnownUntilItsEnd) {
    const auto one = entry("a", 1);
    ASSERT_TRUE(window.reserve(one));
    window.begin_scan();
    window.release(*one);
    EXPECT_TRUE(window.is_known("a1"));
    window.end_scan();
    EXPECT_FALSE(window.is_known("a1"));
}

TEST_F(Window, ForgettingAFunctionTakesAllOfItAway) {
    const auto a = entry("a", 1);
    const auto b = entry("b", 1);
    for (const auto& one : {a, b}) {
        window.count(*one);
        ASSERT_TRUE(window.reserve(one));
        window.push_ready(one);
    }
    window.forget(FunctionName("a"));
    EXPECT_EQ(window.backlog_events(), 1U);
    EXPECT_FALSE(window.is_known("a1"));
    EXPECT_EQ(window.take_ready(), b);
    EXPECT_EQ(window.take_ready(), nullptr);
    // What still refers to it changes nothing any more.
    window.uncount(*a);
    window.release(*a);
    window.push_ready(a);
    EXPECT_EQ(window.take_ready(), nullptr);
    EXPECT_EQ(window.backlog_events(), 1U);
}

TEST(Timers, CallInOrderOfTimeAndNotBefore) {
    SharedClock clock;
    Timers timers(clock, 1ms);
    std::mutex mutex;
    std::string order;
    Gate done;
    const auto note = [&](char c) {
        return [&, c] {
            const std::lock_guard lock(mutex);
            order += c;
        };
    };
    timers.after(20s, note('b'));
    timers.after(10s, note('a'));
    const auto cancelled = timers.after(15s, note('x'));
    timers.after(30s, [&] { done.open(); });
    timers.after(31s, note('y'));
    timers.cancel(cancelled);
    timers.cancel({});
    clock.advance(30s);
    done.wait();
    timers.stop();
    EXPECT_EQ(order, "ab");
    timers.after(0ms, note('z'));  // dropped
    EXPECT_EQ(order, "ab");
}

TEST(Timers, WakeForAnEarlierTask) {
    const SystemClock clock;
    Timers timers(clock, 1h);
    Gate done;
    timers.after(1h, [] {});
    timers.after(0ms, [&] { done.open(); });
    done.wait();
}

}  // namespace
}  // namespace fogbank::lambda
