// `fogbank rule test`: cases in, answers out.

#include "rules/test_case.h"

#include <gtest/gtest.h>

#include "tests/support/cases.h"
#include "tests/support/fakes.h"

namespace fogbank::rules {
namespace {

using fogbank::testing::Case;
using nlohmann::json;

class RuleTestCase : public ::testing::TestWithParam<Case> {};

TEST_P(RuleTestCase, HasTheAnswer) {
    const auto& c = GetParam().data;
    fogbank::testing::ManualClock clock;
    fogbank::testing::SeededRandom random;
    const std::string text = c.contains("raw") ? c["raw"].get<std::string>() : c["case"].dump();
    const TestAnswer answer = run_test_case(text, {clock, random, "000000000000"});
    json got = json::parse(answer.json, nullptr, false);
    ASSERT_TRUE(got.is_object()) << answer.json;
    json expected = c["answer"];
    if (expected.contains("invalid_position")) {
        EXPECT_EQ(got["invalid"]["position"], expected["invalid_position"]) << answer.json;
        EXPECT_FALSE(got["invalid"]["reason"].get<std::string>().empty());
    } else if (expected.contains("output_text")) {
        EXPECT_NE(answer.json.find("\"output\":" + expected["output_text"].get<std::string>() + "}"), std::string::npos) << answer.json;
    } else {
        EXPECT_EQ(got, expected) << answer.json;
    }
    EXPECT_EQ(answer.json.find('\n'), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Cases, RuleTestCase, ::testing::ValuesIn(fogbank::testing::load_cases("rules/test_cases.json")),
                         fogbank::testing::NameOfCase());

TEST(RuleTestExplanation, ShowsEachSubExpression) {
    fogbank::testing::ManualClock clock;
    fogbank::testing::SeededRandom random;
    const TestAnswer answer = run_test_case(
        R"({"id":1,"sql":"SELECT temperature FROM 't' WHERE temperature > 50 AND color <> 'red'","payload":{"temperature":60,"color":"red"}})",
        {clock, random, "000000000000"}, true);
    EXPECT_EQ(explanation_text(answer.json),
              "WHERE\n"
              "  temperature > 50 AND color <> 'red'  →  false\n"
              "    temperature > 50  →  true\n"
              "      temperature  →  60\n"
              "      50  →  50\n"
              "    color <> 'red'  →  false\n"
              "      color  →  \"red\"\n"
              "      'red'  →  \"red\"\n");
}

TEST(RuleTestExplanation, ShowsBytesThatAreNoTextAsBase64) {
    fogbank::testing::ManualClock clock;
    fogbank::testing::SeededRandom random;
    const TestAnswer answer = run_test_case(R"({"sql":"SELECT encode(*, 'base64') AS data FROM 't'","payload":"AP8B","encoding":"base64"})",
                                            {clock, random, "000000000000"}, true);
    const json got = json::parse(answer.json, nullptr, false);
    ASSERT_TRUE(got.is_object()) << answer.json;
    EXPECT_EQ(got["output"], json({{"data", "AP8B"}}));
    EXPECT_NE(explanation_text(answer.json).find("*  →  bytes, base64 AP8B\n"), std::string::npos) << explanation_text(answer.json);
}

TEST(RuleTestExplanation, MarksUndefinedValues) {
    fogbank::testing::ManualClock clock;
    fogbank::testing::SeededRandom random;
    const TestAnswer answer =
        run_test_case(R"({"sql":"SELECT 1 AS one FROM 't' WHERE missing <> 5","payload":{}})", {clock, random, "000000000000"}, true);
    EXPECT_NE(explanation_text(answer.json).find("missing <> 5  →  Undefined"), std::string::npos);
}

}  // namespace
}  // namespace fogbank::rules
