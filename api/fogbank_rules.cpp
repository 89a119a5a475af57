/// This server's own operations on rules, below /_fogbank: test a statement, read the counters. SigV4 as everywhere; not part of AWS.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "api/members.h"
#include "api/own_operations.h"
#include "rules/test_case.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

/// The body is one case (rules/test_case.h), the answer is its answer; `?explain=true` adds the value of each sub-expression.
asio::awaitable<Outcome> test_rule(const Services& services, const Call& call) {
    const auto explain = query_bool(call, "explain", false);
    if (!explain) co_return explain.error();
    const rules::TestSurroundings surroundings{services.rooms.clock, services.rooms.random, services.rooms.arns.account().str()};
    Response response(200);
    response.content_type = "application/json";
    response.body = rules::run_test_case(call.request.body, surroundings, *explain).json;
    co_return response;
}

json counters_json(const rules::RuleDescription& rule, const rules::RuleCounters& counters) {
    json out{{"ruleName", rule.name.str()},   {"ruleDisabled", rule.disabled},   {"matched", counters.matched},
             {"filtered", counters.filtered}, {"succeeded", counters.succeeded}, {"failed", counters.failed}};
    if (!counters.last_error.empty()) {
        out["lastError"] = counters.last_error;
        out["lastErrorAt"] = epoch_seconds(counters.last_error_at);
    }
    return out;
}

/// Running totals since the server started, of all rules in the order of their names.
asio::awaitable<Outcome> list_rule_counters(const Services& services, const Call&) {
    auto all = co_await services.rooms.rules.list_rules();
    if (!all) co_return all.error();
    std::sort(all->begin(), all->end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    json list = json::array();
    for (const rules::RuleDescription& rule : *all)
        list.push_back(counters_json(rule, services.rooms.rules.counters(rule.name).value_or(rules::RuleCounters())));
    const rules::OutboxCounters outbox = services.rooms.rules.outbox();
    co_return json_response(
        {{"rules", std::move(list)},
         {"outbox", {{"jobs", outbox.jobs}, {"bytes", outbox.bytes}, {"retries", outbox.retries}, {"givenUp", outbox.given_up}}}});
}

asio::awaitable<Outcome> get_rule_counters(const Services& services, const Call& call) {
    const auto rule = co_await services.rooms.rules.get_rule(RuleName(call.label("ruleName")));
    if (!rule) co_return rule.error();
    co_return json_response(counters_json(*rule, services.rooms.rules.counters(rule->name).value_or(rules::RuleCounters())));
}

constexpr std::array operations{
    Operation{"TestRule", "POST", "/_fogbank/rules/test", test_rule},
    Operation{"ListRuleCounters", "GET", "/_fogbank/rules", list_rule_counters},
    Operation{"GetRuleCounters", "GET", "/_fogbank/rules/{ruleName}", get_rule_counters},
};

}  // namespace

std::span<const Operation> fogbank_rules_operations() {
    return operations;
}

}  // namespace fogbank::api
