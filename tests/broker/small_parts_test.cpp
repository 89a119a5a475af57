// Packet ids, acknowledgement order, the cache of decisions, reserved topics.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "broker/access_cache.h"
#include "broker/ack_queue.h"
#include "broker/log_limiter.h"
#include "broker/packet_id_window.h"
#include "broker/reserved_topics.h"
#include "tests/broker/test_broker.h"

namespace fogbank::broker::testing {
namespace {

TEST(PacketIdWindow, NeverGivesAnIdTwice) {
    PacketIdWindow window;
    std::mt19937 random(3);
    std::set<std::uint16_t> taken;
    for (int i = 0; i < 300'000; ++i) {
        const bool take = taken.size() < 65'534 && (taken.empty() || random() % 100 < (i < 150'000 ? 80U : 20U));
        if (take) {
            const std::uint16_t id = window.take();
            ASSERT_NE(id, 0);
            ASSERT_TRUE(taken.insert(id).second);
        } else {
            auto victim = taken.lower_bound(static_cast<std::uint16_t>(random()));
            if (victim == taken.end()) victim = taken.begin();
            ASSERT_TRUE(window.release(*victim));
            ASSERT_FALSE(window.release(*victim));
            taken.erase(victim);
        }
        ASSERT_EQ(window.size(), taken.size());
    }
}

TEST(PacketIdWindow, HoldsAllIdsButOne) {
    PacketIdWindow window;
    std::set<std::uint16_t> taken;
    for (int i = 0; i < 65'534; ++i) taken.insert(window.take());
    EXPECT_EQ(taken.size(), 65'534U);
    EXPECT_FALSE(taken.contains(0));
}

TEST(AckQueue, DrainsInOrderWhateverTheOrderOfCompletion) {
    AckQueue queue;
    std::mt19937 random(5);
    std::vector<std::uint64_t> open;
    std::uint16_t next_id = 1;
    std::uint16_t next_sent = 1;
    for (int i = 0; i < 20'000; ++i) {
        if (open.empty() || random() % 2 == 0) {
            open.push_back(queue.push(next_id++));
            if (next_id == 0) break;
        } else {
            const std::size_t which = random() % open.size();
            queue.complete(open[which]);
            open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
            queue.drain([&](const AckQueue::Entry& entry) { ASSERT_EQ(entry.packet_id, next_sent++); });
        }
    }
    for (const std::uint64_t sequence : open) queue.complete(sequence);
    queue.drain([&](const AckQueue::Entry& entry) { ASSERT_EQ(entry.packet_id, next_sent++); });
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(next_sent, next_id);
}

TEST(AccessCache, AgreesWithThePermissionsThroughCollisionsAndChanges) {
    Rulebook rulebook;
    AccessCache cache;
    cache.reset(std::make_unique<FakePermissions>(rulebook));
    std::mt19937 random(11);
    for (int i = 0; i < 20'000; ++i) {
        const std::string topic = "t" + std::to_string(random() % 700);
        const IotAction action = random() % 2 == 0 ? IotAction::publish : IotAction::receive;
        if (random() % 500 == 0) rulebook.forbid(action, topic);
        const bool allowed = rulebook.allows(action, topic);
        ASSERT_EQ(cache.allows(action, topic), allowed);
        ASSERT_EQ(cache.known_allowed(action, topic), allowed);
    }
}

TEST(ReservedTopics, ClientsUseOnlyThoseThatExist) {
    EXPECT_TRUE(is_publishable("plant/1"));
    EXPECT_TRUE(is_publishable("$aws/rules/my_rule/plant/1"));
    EXPECT_TRUE(is_publishable("$aws/rules/my_rule"));
    EXPECT_FALSE(is_publishable("$aws/rules/"));
    EXPECT_FALSE(is_publishable("$aws/rules//x"));
    EXPECT_FALSE(is_publishable("$aws/events/presence/connected/c"));
    EXPECT_FALSE(is_publishable("$SYS/x"));
    for (const char* request : {"shadow/get", "shadow/update", "shadow/delete", "shadow/name/s/get", "shadow/name/s/update",
                                "shadow/name/s/delete", "jobs/get", "jobs/start-next", "jobs/j1/get", "jobs/$next/get", "jobs/j1/update"}) {
        EXPECT_TRUE(is_publishable(std::string("$aws/things/t/") + request)) << request;
    }
    for (const char* answer :
         {"shadow/get/accepted", "shadow/update/delta", "shadow/update/documents", "shadow/update/", "shadow/", "shadow", "shadow/list",
          "shadow/name/get", "shadow/name//get", "shadow/name/s/get/rejected", "jobs/notify", "jobs/notify-next", "jobs/j1/update/accepted",
          "jobs//get", "jobs", "other/get", ""}) {
        EXPECT_FALSE(is_publishable(std::string("$aws/things/t/") + answer)) << answer;
    }
    EXPECT_FALSE(is_publishable("$aws/things//shadow/get"));
    EXPECT_FALSE(is_publishable("$aws/things/shadow/get"));
    EXPECT_TRUE(is_subscribable("$aws/things/t/shadow/update/accepted"));
    EXPECT_FALSE(is_subscribable("$SYS/#"));
    EXPECT_FALSE(is_subscribable("$share/group/a"));
}

TEST(LogLimiter, CountsWhatItHoldsBack) {
    LogLimiter limiter(2);
    const SteadyTime start{std::chrono::hours(1)};
    EXPECT_TRUE(limiter.pass(start));
    EXPECT_TRUE(limiter.pass(start));
    EXPECT_FALSE(limiter.pass(start));
    EXPECT_TRUE(limiter.pass(start + std::chrono::seconds(1)));
    EXPECT_EQ(limiter.take_suppressed(), 1U);
    EXPECT_EQ(limiter.take_suppressed(), 0U);
}

}  // namespace
}  // namespace fogbank::broker::testing
