// Random documents and requests: the compiled evaluator must agree with the obvious interpreter of oracle.h.

#include <gtest/gtest.h>

#include <random>

#include "policy/policy_set.h"
#include "tests/policy/oracle.h"
#include "tests/policy/support.h"

namespace fogbank::policy {
namespace {

using nlohmann::json;

/// Draws from small alphabets, so that matches and near misses are frequent.
class Generator {
  public:
    explicit Generator(std::uint64_t seed) : engine_(seed) {}

    std::size_t below(std::size_t n) { return engine_() % n; }
    bool chance(int percent) { return below(100) < static_cast<std::size_t>(percent); }
    template <class T>
    const T& pick(const std::vector<T>& from) {
        return from[below(from.size())];
    }

    std::string name_pattern() {
        static const std::vector<std::string> pieces{
            "a", "b", "/", ":", "*", "?", "+", "${iot:ClientId}", "${x}", "${none}", "${*}", "${", "${iot:ConnectAttributes}"};
        std::string out;
        for (std::size_t n = below(5); n > 0; --n) out += pick(pieces);
        return out;
    }
    std::string name() {
        static const std::vector<std::string> pieces{"a", "b", "/", ":", "*", "+", "${", "c"};
        std::string out;
        for (std::size_t n = below(5); n > 0; --n) out += pick(pieces);
        return out;
    }
    std::string resource_pattern() {
        static const std::vector<std::string> heads{"arn:aws:iot:r:1:topic/", "arn:aws:iot:*:*:topic/", "arn:aws:iot:*:topic/",
                                                    "arn:aws:iot:?:1:*", "arn:*"};
        if (chance(10)) return "*";
        return pick(heads) + name_pattern();
    }
    std::string action() {
        static const std::vector<std::string> all{"iot:Publish", "iot:Connect", "iot:Receive", "iot:Subscribe", "iot:New"};
        return pick(all);
    }
    json action_pattern() {
        static const std::vector<std::string> all{"iot:Publish", "iot:connect", "iot:*",  "*",
                                                  "IOT:Re*",     "iot:N?w",     "iot:*e", "iot:Subscribe"};
        if (chance(60)) return pick(all);
        return json::array({pick(all), pick(all)});
    }
    json condition() {
        static const std::vector<std::string> qualifiers{"", "", "ForAllValues:", "ForAnyValue:"};
        static const std::vector<std::string> operators{"StringEquals", "StringNotEquals", "StringLike", "StringNotLike"};
        static const std::vector<std::string> keys{"iot:ClientId", "x", "many", "none", "iot:ConnectAttributes"};
        json wanted = json::array();
        for (std::size_t n = below(3); n > 0; --n) wanted.push_back(name_pattern());
        return json{{pick(qualifiers) + pick(operators), {{pick(keys), wanted}}}};
    }
    json statement() {
        json out{{"Effect", chance(70) ? "Allow" : "Deny"}};
        out[chance(80) ? "Action" : "NotAction"] = action_pattern();
        json resources = json::array();
        for (std::size_t n = 1 + below(3); n > 0; --n) resources.push_back(resource_pattern());
        out[chance(80) ? "Resource" : "NotResource"] = resources;
        if (chance(40)) out["Condition"] = condition();
        return out;
    }
    json document() {
        if (chance(20)) return json{{"Version", "2012-10-17"}, {"Statement", statement()}};
        json statements = json::array();
        for (std::size_t n = 1 + below(4); n > 0; --n) statements.push_back(statement());
        return json{{"Version", "2012-10-17"}, {"Statement", statements}};
    }
    oracle::Values context() {
        oracle::Values out;
        if (chance(80)) out["iot:ClientId"] = {name()};
        if (chance(50)) out["x"] = {name()};
        if (chance(50)) out["many"] = {name(), name()};
        out["iot:ConnectAttributes"] = {};
        for (std::size_t n = below(3); n > 0; --n) out["iot:ConnectAttributes"].push_back(name());
        return out;
    }

  private:
    std::mt19937_64 engine_;
};

TEST(EvaluatorProperty, AgreesWithTheObviousInterpreter) {
    Generator generator(20260102);
    std::map<std::string, int> seen;
    for (int round = 0; round < 1500; ++round) {
        std::vector<json> documents;
        std::vector<Policy> policies;
        for (std::size_t n = 1 + generator.below(3); n > 0; --n) {
            documents.push_back(generator.document());
            auto policy = Policy::parse("p", documents.back().dump(), 64 * 1024);
            ASSERT_TRUE(policy) << policy.error().message << documents.back().dump();
            policies.push_back(std::move(*policy));
        }
        const oracle::Values values = generator.context();
        MapContext context;
        for (const auto& [key, list] : values) context.set(key, list);
        const Evaluator evaluator(policies, context);
        MapContext principal;
        for (const auto& [key, list] : values) {
            if (generator.chance(50)) principal.set(key, list);
        }
        const PolicySet set(policies, principal);
        for (int i = 0; i < 10; ++i) {
            const std::string action = generator.action();
            const std::string resource = "arn:aws:iot:r:1:topic/" + generator.name();
            const std::string expect = oracle::decide(documents, action, resource, values);
            ASSERT_EQ(outcome_name(evaluator.evaluate({action, resource})), expect) << action << " " << resource << "\n"
                                                                                    << json(documents).dump(1) << json(values).dump(1);
            ASSERT_EQ(outcome_name(evaluator.explain({action, resource}).outcome), expect);
            ASSERT_EQ(outcome_name(set.evaluate({action, resource}, context)), expect) << "by request\n" << json(documents).dump(1);
            ASSERT_EQ(outcome_name(set.explain({action, resource}, context).outcome), expect);
            ++seen[expect];
        }
    }
    // The test is worth something only while all three outcomes are common.
    EXPECT_GT(seen["allowed"], 1000);
    EXPECT_GT(seen["implicit_deny"], 1000);
    EXPECT_GT(seen["explicit_deny"], 1000);
}

TEST(WildcardProperty, AgreesWithTheRecursiveMatcher) {
    Generator generator(7);
    int matched = 0;
    for (int round = 0; round < 50'000; ++round) {
        static const std::vector<std::string> pattern_pieces{"a", "b", "*", "?", "ab"};
        static const std::vector<std::string> text_pieces{"a", "b", "ab", "c"};
        std::string pattern;
        std::string text;
        for (std::size_t n = generator.below(8); n > 0; --n) pattern += generator.pick(pattern_pieces);
        for (std::size_t n = generator.below(8); n > 0; --n) text += generator.pick(text_pieces);
        std::vector<oracle::Symbol> symbols;
        for (const char c : pattern) symbols.push_back({c, c == '*' || c == '?'});
        const bool expect = oracle::match(symbols, 0, text, 0);
        ASSERT_EQ(wildcard_match(pattern, text), expect) << pattern << " " << text;
        matched += expect ? 1 : 0;
    }
    EXPECT_GT(matched, 5000);
}

}  // namespace
}  // namespace fogbank::policy
