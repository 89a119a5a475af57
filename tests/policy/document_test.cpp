// The cases of tests/conformance/policy, which carry their sources.

#include "policy/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/policy/support.h"
#include "tests/support/cases.h"

namespace fogbank::policy {
namespace {

using fogbank::testing::Case;
using fogbank::testing::load_cases;
using fogbank::testing::NameOfCase;
using nlohmann::json;

constexpr std::size_t bytes_max = 2048;

Policy policy_of(const std::string& name, const json& document) {
    auto policy = Policy::parse(name, document.dump(), 64 * 1024);
    EXPECT_TRUE(policy) << policy.error().message;
    return std::move(*policy);
}

class Evaluate : public ::testing::TestWithParam<Case> {};

TEST_P(Evaluate, AgreesWithTheCase) {
    const json& c = GetParam().data;
    std::vector<Policy> policies;
    for (const json& document : c.at("policies")) policies.push_back(policy_of(std::to_string(policies.size()), document));
    const Evaluator evaluator(policies, MapContext(c.value("context", json::object())));
    const auto action = c["request"]["action"].get<std::string>();
    const auto resource = c["request"]["resource"].get<std::string>();
    const Request request{action, resource};
    const Decision decision = evaluator.explain(request);
    const json& expect = c["expect"];
    EXPECT_EQ(outcome_name(decision.outcome), expect["decision"].get<std::string>()) << decision.text(request, "p");
    EXPECT_EQ(outcome_name(evaluator.evaluate(request)), expect["decision"].get<std::string>());
    if (expect.contains("by")) {
        ASSERT_FALSE(decision.statements.empty());
        const StatementReport& first = decision.statements.front();
        const std::string sid = first.sid.empty() ? "" : " (" + first.sid + ")";
        EXPECT_EQ("policy " + first.policy + ", statement " + std::to_string(first.statement) + sid, expect["by"].get<std::string>());
    }
    if (expect.contains("why")) {
        EXPECT_THAT(decision.statements.front().why, ::testing::HasSubstr(expect["why"].get<std::string>()));
    }
}
INSTANTIATE_TEST_SUITE_P(Cases, Evaluate, ::testing::ValuesIn(load_cases("policy/evaluate.json")), NameOfCase());

class Conditions : public ::testing::TestWithParam<Case> {};

TEST_P(Conditions, AgreesWithTheCase) {
    const json& c = GetParam().data;
    const json document{{"Statement",
                         {{"Effect", "Allow"},
                          {"Action", "*"},
                          {"Resource", "*"},
                          {"Condition", {{c["operator"].get<std::string>(), {{"key", c["wanted"]}}}}}}}};
    const Evaluator evaluator({policy_of("p", document)}, MapContext(json{{"KEY", c["present"]}}));
    EXPECT_EQ(evaluator.evaluate({"iot:Publish", "arn:aws:iot:us-east-1:123456789012:topic/a"}) == Decision::Outcome::allowed,
              c["expect"].get<bool>());
}
INSTANTIATE_TEST_SUITE_P(Cases, Conditions, ::testing::ValuesIn(load_cases("policy/conditions.json")), NameOfCase());

class ConnectAttributes : public ::testing::TestWithParam<Case> {};

TEST_P(ConnectAttributes, FollowsTheTruthTable) {
    const json& c = GetParam().data;
    const auto allowed = [&](std::vector<std::string> attributes, const std::string& will) {
        MapContext context;
        context.set("iot:ConnectAttributes", std::move(attributes));
        if (!will.empty()) context.set("iot:LastWillTopic", {will});
        const Evaluator evaluator({policy_of("p", c["policy"])}, context);
        return evaluator.evaluate({"iot:Connect", "arn:aws:iot:us-east-1:123456789012:client/c"}) == Decision::Outcome::allowed;
    };
    const auto will = c["will_topic_x"].get<std::string>();
    const json& expect = c["expect"];
    EXPECT_EQ(allowed({}, ""), expect["none"].get<bool>());
    EXPECT_EQ(allowed({"PersistentConnect"}, ""), expect["P"].get<bool>());
    EXPECT_EQ(allowed({"LastWill"}, will), expect["W"]["on_x"].get<bool>());
    EXPECT_EQ(allowed({"LastWill"}, will + "/other"), expect["W"]["elsewhere"].get<bool>());
    EXPECT_EQ(allowed({"PersistentConnect", "LastWill"}, will), expect["PW"]["on_x"].get<bool>());
    EXPECT_EQ(allowed({"PersistentConnect", "LastWill"}, will + "/other"), expect["PW"]["elsewhere"].get<bool>());
}
INSTANTIATE_TEST_SUITE_P(Cases, ConnectAttributes, ::testing::ValuesIn(load_cases("policy/connect_attributes.json")), NameOfCase());

class Malformed : public ::testing::TestWithParam<Case> {};

TEST_P(Malformed, IsRefusedWithItsReason) {
    const auto policy = Policy::parse("p", GetParam().data["document"].get<std::string>(), bytes_max);
    ASSERT_FALSE(policy);
    EXPECT_EQ(policy.error().code, Errc::malformed_document);
    EXPECT_THAT(policy.error().message, ::testing::HasSubstr(GetParam().data["message"].get<std::string>()));
}
INSTANTIATE_TEST_SUITE_P(Cases, Malformed, ::testing::ValuesIn(load_cases("policy/malformed.json")), NameOfCase());

class Wildcards : public ::testing::TestWithParam<Case> {};

TEST_P(Wildcards, AgreeWithTheCase) {
    const json& c = GetParam().data;
    EXPECT_EQ(wildcard_match(c["pattern"].get<std::string>(), c["text"].get<std::string>()), c["expect"].get<bool>());
}
INSTANTIATE_TEST_SUITE_P(Cases, Wildcards, ::testing::ValuesIn(load_cases("policy/wildcards.json")), NameOfCase());

// A pattern of many stars against a text that almost matches takes years with a naive matcher.
TEST(WildcardMatch, IsNotExponential) {
    std::string pattern;
    for (int i = 0; i < 200; ++i) pattern += "*a";
    EXPECT_FALSE(wildcard_match(pattern + "b", std::string(2000, 'a')));
    EXPECT_TRUE(wildcard_match(pattern, std::string(2000, 'a')));
}

std::string document_of(std::size_t characters, const std::string& padding) {
    const std::string head = R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:)";
    const std::string tail = R"("}})";
    return head + padding + std::string(characters - head.size() - tail.size(), 'a') + tail;
}

TEST(PolicySize, WhiteSpaceIsNotCounted) {
    EXPECT_TRUE(Policy::parse("p", document_of(2048, ""), bytes_max));
    EXPECT_TRUE(Policy::parse("p", "  \n\t" + document_of(2048, "") + std::string(5000, ' '), bytes_max));
    const auto refused = Policy::parse("p", document_of(2049, ""), bytes_max);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::document_too_large);
    EXPECT_THAT(refused.error().message, ::testing::HasSubstr("2049 characters without white space, at most 2048"));
}

TEST(PolicySize, TextOfOnlyWhiteSpaceIsBoundedToo) {
    const auto refused = Policy::parse("p", std::string(500'000, ' '), bytes_max);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::malformed_document);
}

TEST(DecisionText, NamesActionResourcePrincipalAndStatement) {
    const json document{
        {"Statement",
         {{"Sid", "lab"}, {"Effect", "Allow"}, {"Action", "iot:Publish"}, {"Resource", "arn:aws:iot:r:a:topic/${iot:ClientId}"}}}};
    const Evaluator evaluator({policy_of("gateways", document)}, MapContext(json{{"iot:ClientId", "gw-1"}}));
    const Request refused{"iot:Publish", "arn:aws:iot:r:a:topic/gw-2"};
    EXPECT_EQ(evaluator.explain(refused).text(refused, "cert/1"),
              "iot:Publish on arn:aws:iot:r:a:topic/gw-2 by cert/1: denied, no statement allows it; nearest: policy `gateways` statement 0 "
              "(lab): "
              "resource: is not `arn:aws:iot:r:a:topic/gw-1`");
    const Request allowed{"iot:Publish", "arn:aws:iot:r:a:topic/gw-1"};
    EXPECT_EQ(evaluator.explain(allowed).text(allowed, "cert/1"),
              "iot:Publish on arn:aws:iot:r:a:topic/gw-1 by cert/1: allowed by policy `gateways` statement 0 (lab)");
    const Request other{"iot:Connect", "arn:aws:iot:r:a:client/gw-1"};
    EXPECT_EQ(evaluator.explain(other).text(other, "cert/1"),
              "iot:Connect on arn:aws:iot:r:a:client/gw-1 by cert/1: denied, no statement allows this action");
}

}  // namespace
}  // namespace fogbank::policy
