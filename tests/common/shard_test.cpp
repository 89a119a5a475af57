#include "common/shard.h"

#include <gtest/gtest.h>

#include <future>

namespace fogbank {
namespace {

TEST(Shard, RunsPostedTasksInOrderOnItsThread) {
    ShardPool pool(2);
    pool.start();
    std::vector<int> order;
    std::promise<void> done;
    for (int i = 0; i < 100; ++i) {
        pool[1].post([&order, i] {
            EXPECT_NE(Shard::current(), nullptr);
            EXPECT_EQ(Shard::current()->index(), 1U);
            order.push_back(i);
        });
    }
    pool[1].post([&done] { done.set_value(); });
    done.get_future().wait();
    ASSERT_EQ(order.size(), 100U);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
    pool.stop();
}

TEST(Shard, EndOfTurnRunsAfterTheReadyTasks) {
    ShardPool pool(1);
    std::vector<std::string> order;
    std::promise<void> done;
    // Posted before the start, so all three are in one batch.
    pool[0].post([&] {
        Shard::current()->at_end_of_turn([&] {
            order.push_back("end");
            done.set_value();
        });
        order.push_back("first");
    });
    pool[0].post([&] { order.push_back("second"); });
    pool.start();
    done.get_future().wait();
    pool.stop();
    EXPECT_EQ(order, (std::vector<std::string>{"first", "second", "end"}));
}

TEST(Shard, CurrentIsNullElsewhere) {
    EXPECT_EQ(Shard::current(), nullptr);
}

}  // namespace
}  // namespace fogbank
