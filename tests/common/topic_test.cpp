#include "common/topic.h"

#include <gtest/gtest.h>

#include "tests/support/cases.h"

namespace fogbank {
namespace {

using testing::Case;

class TopicMatch : public ::testing::TestWithParam<Case> {};

TEST_P(TopicMatch, AgreesWithTheCase) {
    const auto& c = GetParam().data;
    EXPECT_EQ(topic_matches(c["filter"].get<std::string>(), c["topic"].get<std::string>(), c.value("parent_matches_hash", false)),
              c["expect"].get<bool>());
}
INSTANTIATE_TEST_SUITE_P(Cases, TopicMatch, ::testing::ValuesIn(testing::load_cases("topic/match.json")), testing::NameOfCase());

TEST(TopicName, RefusesWhatMqttForbids) {
    const TopicLimits limits;
    EXPECT_TRUE(validate_topic_name("a/b", limits));
    EXPECT_FALSE(validate_topic_name("", limits));
    EXPECT_FALSE(validate_topic_name("a/+", limits));
    EXPECT_FALSE(validate_topic_name("a#", limits));
    EXPECT_FALSE(validate_topic_name(std::string_view("a\0b", 3), limits));
    EXPECT_FALSE(validate_topic_name("\xC3\x28", limits));
}

TEST(TopicName, CountsBytesAndSlashesWithoutTheBasicIngestPrefix) {
    const TopicLimits limits;
    EXPECT_TRUE(validate_topic_name("1/2/3/4/5/6/7/8", limits));
    EXPECT_FALSE(validate_topic_name("1/2/3/4/5/6/7/8/9", limits));
    EXPECT_TRUE(validate_topic_name("$aws/rules/r/1/2/3/4/5/6/7/8", limits));
    EXPECT_TRUE(validate_topic_name(std::string(256, 'x'), limits));
    EXPECT_FALSE(validate_topic_name(std::string(257, 'x'), limits));
}

TEST(TopicFilter, WildcardsStandAloneAndHashIsLast) {
    const TopicLimits limits;
    for (const char* good : {"#", "+", "+/+", "a/+/b/#", "/"}) EXPECT_TRUE(validate_topic_filter(good, limits)) << good;
    for (const char* bad : {"", "a+", "+a", "a/#/b", "##", "a/b#"}) EXPECT_FALSE(validate_topic_filter(bad, limits)) << bad;
}

TEST(SharedFilter, SplitsShareNameAndFilter) {
    const auto shared = parse_shared_filter("$share/group/a/+");
    ASSERT_TRUE(shared);
    EXPECT_EQ(shared->share_name, "group");
    EXPECT_EQ(shared->topic_filter, "a/+");
    EXPECT_FALSE(parse_shared_filter("$share/group"));
    EXPECT_FALSE(parse_shared_filter("a/b"));
}

TEST(TopicLevel, IsOneBased) {
    EXPECT_EQ(topic_level("a/b//d", 1), "a");
    EXPECT_EQ(topic_level("a/b//d", 3), "");
    EXPECT_EQ(topic_level("a/b//d", 4), "d");
    EXPECT_FALSE(topic_level("a/b//d", 5));
    EXPECT_FALSE(topic_level("a", 0));
}

}  // namespace
}  // namespace fogbank
