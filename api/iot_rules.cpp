/// Topic rules. Source: AWS IoT API reference (reference "rules", section 8).
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "api/members.h"
#include "common/encoding.h"
#include "common/topic.h"
#include "registry/tags.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using rules::RuleDescription;

constexpr std::int64_t page_max = 10'000;  // model: TopicRuleMaxResults
constexpr std::int64_t default_page = 100;

RuleName rule_name(const Call& call) {
    return RuleName(call.label("ruleName"));
}

/// `k=v&k2=v2`, percent-encoded. Source: API reference, CreateTopicRule, header x-amz-tagging.
Result<registry::TagMap> tags_in(const Call& call) {
    registry::TagMap tags;
    const auto header = call.request.header("x-amz-tagging");
    std::string_view rest = header ? std::string_view(*header) : std::string_view();
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        const std::size_t equals = pair.find('=');
        auto key = percent_decode(pair.substr(0, equals), true);
        auto value = equals == std::string_view::npos ? std::optional<std::string>("") : percent_decode(pair.substr(equals + 1), true);
        if (!key || !value || key->empty()) return validation_error("tags must be key1=value1&key2=value2, percent-encoded");
        if (!tags.emplace(*key, std::move(*value)).second) return validation_error("Duplicate tag key: " + *key);
    }
    return tags;
}

/// Before the rule is made, so that no message meets it without them, and away with those that an interrupted deletion has left.
asio::awaitable<Result<void>> put_tags(const Services& services, const Call& call, registry::TagMap tags) {
    const auto there = co_await services.rooms.rules.get_rule(rule_name(call));
    if (there || there.error().code != rules::Errc::access_denied) co_return Result<void>();  // CreateTopicRule will say why not
    const std::string arn = services.rooms.arns.rule(rule_name(call));
    auto done = co_await services.rooms.registry.tags().forget_resource(arn);
    if (done && !tags.empty()) done = co_await services.rooms.registry.tags().tag_resource(arn, std::move(tags));
    co_return done;
}

asio::awaitable<Outcome> create_topic_rule(const Services& services, const Call& call) {
    auto tags = tags_in(call);
    if (!tags) co_return tags.error();
    const bool tagged = !tags->empty();
    const auto tags_put = co_await put_tags(services, call, std::move(*tags));
    if (!tags_put) co_return tags_put.error();
    const auto done = co_await services.rooms.rules.create_rule(rule_name(call), call.request.body);
    if (done) co_return empty_response();
    if (done.error().code != rules::Errc::resource_already_exists) {
        // What cannot be forgotten now goes when a rule of this name is made.
        if (tagged) co_await services.rooms.registry.tags().forget_resource(services.rooms.arns.rule(rule_name(call)));
        co_return done.error();
    }
    const std::map<std::string, std::string> members{{"resourceId", call.label("ruleName")},
                                                     {"resourceArn", services.rooms.arns.rule(rule_name(call))}};
    co_return error_response(Family::control, done.error(), call.request_id, members);
}

asio::awaitable<Outcome> replace_topic_rule(const Services& services, const Call& call) {
    const auto done = co_await services.rooms.rules.replace_rule(rule_name(call), call.request.body);
    if (!done) co_return done.error();
    co_return empty_response();
}

asio::awaitable<Outcome> get_topic_rule(const Services& services, const Call& call) {
    const auto found = co_await services.rooms.rules.get_rule(rule_name(call));
    if (!found) co_return found.error();
    json rule{{"ruleName", found->name.str()},
              {"sql", found->sql},
              {"createdAt", epoch_seconds(found->created_at)},
              {"actions", json::parse(found->actions_json, nullptr, false)},
              {"ruleDisabled", found->disabled},
              {"awsIotSqlVersion", found->aws_iot_sql_version}};
    if (!found->description.empty()) rule["description"] = found->description;
    if (!found->error_action_json.empty()) rule["errorAction"] = json::parse(found->error_action_json, nullptr, false);
    // What the rule room stored was JSON when it came in.
    if (rule["actions"].is_discarded() || (rule.contains("errorAction") && rule["errorAction"].is_discarded())) {
        co_return Error(Errc::internal, "the stored actions of rule `" + found->name.str() + "` are not JSON");
    }
    co_return json_response({{"ruleArn", found->arn}, {"rule", std::move(rule)}});
}

/// What the `topic` parameter means is not documented; here: rules whose FROM filter is that text or matches that topic.
bool about_topic(const RuleDescription& rule, const std::string& topic) {
    return rule.topic_filter == topic || (!rule.topic_filter.empty() && topic_matches(rule.topic_filter, topic));
}

asio::awaitable<Outcome> list_topic_rules(const Services& services, const Call& call) {
    const auto limit = query_integer(call, "maxResults", 1, page_max);
    if (!limit) co_return limit.error();
    const bool by_state = call.query_value("ruleDisabled") != nullptr;
    const auto disabled = query_bool(call, "ruleDisabled", false);
    if (!disabled) co_return disabled.error();
    auto all = co_await services.rooms.rules.list_rules();
    if (!all) co_return all.error();
    const std::string* topic = call.query_value("topic");
    std::erase_if(*all, [&](const RuleDescription& rule) {
        return (by_state && rule.disabled != *disabled) || (topic != nullptr && !about_topic(rule, *topic));
    });
    std::sort(all->begin(), all->end(), [](const RuleDescription& a, const RuleDescription& b) { return a.name < b.name; });
    const auto part = slice(call.query_value("nextToken"), all->size(), static_cast<std::size_t>(limit->value_or(default_page)));
    if (!part) co_return part.error();
    json list = json::array();
    for (std::size_t i = part->begin; i < part->end; ++i) {
        const RuleDescription& rule = (*all)[i];
        list.push_back({{"ruleArn", rule.arn},
                        {"ruleName", rule.name.str()},
                        {"topicPattern", rule.topic_filter},
                        {"createdAt", epoch_seconds(rule.created_at)},
                        {"ruleDisabled", rule.disabled}});
    }
    json answer{{"rules", std::move(list)}};
    if (part->next) answer["nextToken"] = *part->next;
    co_return json_response(answer);
}

asio::awaitable<Outcome> delete_topic_rule(const Services& services, const Call& call) {
    const auto done = co_await services.rooms.rules.delete_rule(rule_name(call));
    if (!done) co_return done.error();
    const auto forgotten = co_await services.rooms.registry.tags().forget_resource(services.rooms.arns.rule(rule_name(call)));
    if (!forgotten) co_return forgotten.error();
    co_return empty_response();
}

asio::awaitable<Outcome> set_enabled(const Services& services, const Call& call, bool enabled) {
    const auto done = co_await services.rooms.rules.set_rule_enabled(rule_name(call), enabled);
    if (!done) co_return done.error();
    co_return empty_response();
}

asio::awaitable<Outcome> enable_topic_rule(const Services& services, const Call& call) {
    return set_enabled(services, call, true);
}
asio::awaitable<Outcome> disable_topic_rule(const Services& services, const Call& call) {
    return set_enabled(services, call, false);
}

constexpr std::array operations{
    Operation{"CreateTopicRule", "POST", "/rules/{ruleName}", create_topic_rule},
    Operation{"ReplaceTopicRule", "PATCH", "/rules/{ruleName}", replace_topic_rule},
    Operation{"GetTopicRule", "GET", "/rules/{ruleName}", get_topic_rule},
    Operation{"ListTopicRules", "GET", "/rules", list_topic_rules},
    Operation{"DeleteTopicRule", "DELETE", "/rules/{ruleName}", delete_topic_rule},
    Operation{"EnableTopicRule", "POST", "/rules/{ruleName}/enable", enable_topic_rule},
    Operation{"DisableTopicRule", "POST", "/rules/{ruleName}/disable", disable_topic_rule},
};

}  // namespace

std::span<const Operation> iot_rules_operations() {
    return operations;
}

}  // namespace fogbank::api
