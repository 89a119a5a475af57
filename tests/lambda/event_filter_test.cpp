// Filter patterns: cases as data.

#include "lambda/event_filter.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "lambda/errc.h"
#include "tests/support/cases.h"

namespace fogbank::lambda {
namespace {

using nlohmann::json;

class EventFilterCases : public ::testing::TestWithParam<testing::Case> {};

TEST_P(EventFilterCases, Match) {
    const json& data = GetParam().data;
    const auto filter = EventFilter::parse(data.at("pattern").dump());
    if (data.value("invalid", false)) {
        ASSERT_FALSE(filter);
        EXPECT_EQ(filter.error().code, Errc::invalid_parameter);
        return;
    }
    ASSERT_TRUE(filter) << filter.error().message;
    EXPECT_EQ(filter->matches(data.at("record")), data.at("matches").get<bool>());
}
INSTANTIATE_TEST_SUITE_P(Cases, EventFilterCases, ::testing::ValuesIn(testing::load_cases("lambda/event_filter.json")),
                         testing::NameOfCase());

TEST(EventFilter, PatternsAreBounded) {
    EXPECT_FALSE(EventFilter::parse("{\"a\":[\"" + std::string(5000, 'x') + "\"]}"));
    std::string deep;
    for (int i = 0; i < 200; ++i) deep += "{\"a\":";
    EXPECT_FALSE(EventFilter::parse(deep + "[1]" + std::string(200, '}')));
    EXPECT_FALSE(EventFilter::parse("{\"a\""));
}

}  // namespace
}  // namespace fogbank::lambda
