// Statements as data: every example of AWS's SQL reference and each row of its tables.

#include <gtest/gtest.h>

#include <regex>

#include "tests/rules/sql_harness.h"
#include "tests/support/cases.h"

namespace fogbank::rules {
namespace {

using fogbank::testing::Case;

/// A case has `sql`, or `expression` with `expect` as JSON of its value or null for Undefined, and `version`, `topic`, `payload` with
/// defaults.
std::string statement_of(const nlohmann::json& c) {
    if (c.contains("sql")) return c["sql"].get<std::string>();
    return "SELECT " + c["expression"].get<std::string>() + " AS x FROM 't'";
}

std::string expected_output(const nlohmann::json& c) {
    if (c.contains("output")) return c["output"].get<std::string>();
    return c.contains("undefined") ? "{}" : "{\"x\":" + c["value"].get<std::string>() + "}";
}

testing::Published published(const nlohmann::json& c) {
    testing::Published out;
    out.topic = c.value("topic", out.topic);
    if (c.contains("payload")) out.payload = c["payload"].is_string() ? c["payload"].get<std::string>() : c["payload"].dump();
    if (c.value("http", false)) out.protocol = MessageOrigin::Protocol::http;
    return out;
}

/// Random identifiers as the word UUID.
std::string without_uuids(const std::string& text) {
    static const std::regex uuid("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
    return std::regex_replace(text, uuid, "UUID");
}

class SqlCase : public ::testing::TestWithParam<Case> {};

TEST_P(SqlCase, AgreesWithTheCase) {
    const auto& c = GetParam().data;
    const auto version = sql::parse_version(c.value("version", "2016-03-23"));
    ASSERT_TRUE(version);
    const auto answer = testing::run_statement(statement_of(c), *version, published(c));
    if (c.contains("error")) {
        EXPECT_EQ(answer.error.value_or("no error"), c["error"].get<std::string>());
    } else if (c.value("none", false)) {
        EXPECT_TRUE(answer.none) << answer.output.value_or(answer.error.value_or(""));
    } else {
        EXPECT_EQ(without_uuids(answer.output.value_or(answer.error.value_or("not matched"))), expected_output(c));
    }
}

INSTANTIATE_TEST_SUITE_P(Statements, SqlCase, ::testing::ValuesIn(fogbank::testing::load_cases("rules/sql_statements.json")),
                         fogbank::testing::NameOfCase());
INSTANTIATE_TEST_SUITE_P(Operators, SqlCase, ::testing::ValuesIn(fogbank::testing::load_cases("rules/sql_operators.json")),
                         fogbank::testing::NameOfCase());
INSTANTIATE_TEST_SUITE_P(Functions, SqlCase, ::testing::ValuesIn(fogbank::testing::load_cases("rules/sql_functions.json")),
                         fogbank::testing::NameOfCase());
INSTANTIATE_TEST_SUITE_P(Rows, SqlCase, ::testing::ValuesIn(fogbank::testing::load_cases("rules/sql_rows.json")),
                         fogbank::testing::NameOfCase());
INSTANTIATE_TEST_SUITE_P(TimeAndMore, SqlCase, ::testing::ValuesIn(fogbank::testing::load_cases("rules/sql_time_and_more.json")),
                         fogbank::testing::NameOfCase());
INSTANTIATE_TEST_SUITE_P(Refusals, SqlCase, ::testing::ValuesIn(fogbank::testing::load_cases("rules/sql_refusals.json")),
                         fogbank::testing::NameOfCase());

}  // namespace
}  // namespace fogbank::rules
