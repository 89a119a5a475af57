#include "common/activity_feed.h"

#include <gtest/gtest.h>

namespace fogbank {
namespace {

Activity activity(const std::string& client, const std::string& detail, const std::string& thing = "") {
    Activity out;
    out.kind = "publish_refused";
    out.client_id = client;
    out.thing_name = thing;
    out.detail = detail;
    return out;
}

TEST(ActivityFeed, AnswersTheNewestOldestFirst) {
    ActivityFeed feed;
    feed.record(activity("a", "1", "t"));
    feed.record(activity("b", "2"));
    feed.record(activity("a", "3"));
    const auto all = feed.newest({}, 2);
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].activity.detail, "2");
    EXPECT_EQ(all[1].activity.detail, "3");
    ActivityFilter filter;
    filter.client_id = "a";
    EXPECT_EQ(feed.newest(filter, 10).size(), 2U);
    filter.thing_name = "t";
    EXPECT_EQ(feed.newest(filter, 10).size(), 1U);
    filter.kind = "connected";
    EXPECT_TRUE(feed.newest(filter, 10).empty());
    EXPECT_EQ(feed.after(1, {}, 10).size(), 2U);
    EXPECT_EQ(feed.last_number(), 3U);
}

TEST(ActivityFeed, ANoisyClientPushesOutItsOwnOnly) {
    ActivityFeed feed;
    feed.record(activity("quiet", "kept"));
    for (std::size_t i = 0; i < 2 * ActivityFeed::entries_per_name_max; ++i) feed.record(activity("noisy", std::to_string(i), "t"));
    ActivityFilter filter;
    filter.client_id = "noisy";
    EXPECT_EQ(feed.newest(filter, 10'000).size(), ActivityFeed::entries_per_name_max);
    filter.client_id = "quiet";
    EXPECT_EQ(feed.newest(filter, 10).size(), 1U);
}

TEST(ActivityFeed, IsBoundedOverAll) {
    ActivityFeed feed;
    for (std::size_t i = 0; i < ActivityFeed::entries_max + 100; ++i) feed.record(activity("c" + std::to_string(i), "x"));
    EXPECT_EQ(feed.newest({}, 1'000'000).size(), ActivityFeed::entries_max);
    ActivityFilter filter;
    filter.client_id = "c0";
    EXPECT_TRUE(feed.newest(filter, 10).empty());
}

TEST(ActivityFeed, CutsLongTextsBetweenCharacters) {
    ActivityFeed feed;
    std::string text(ActivityFeed::text_bytes_max - 1, 'a');
    feed.record(activity("c", text + "ä"));
    EXPECT_EQ(feed.newest({}, 1).front().activity.detail, text);
    feed.record(activity("c", "bad \xff"));
    EXPECT_EQ(feed.newest({}, 1).front().activity.detail, "(not UTF-8)");
}

}  // namespace
}  // namespace fogbank
