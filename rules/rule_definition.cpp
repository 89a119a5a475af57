#include "rules/rule_definition.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/json.h"
#include "common/topic.h"
#include "rules/errc.h"
#include "rules/lexer.h"

namespace fogbank::rules {
namespace {

constexpr std::size_t name_bytes_max = 128;
/// Devices and rules cannot subscribe to Basic Ingest topics (reference "rules", section 3).
constexpr std::string_view basic_ingest_prefix = "$aws/rules/";

Error invalid(std::string text) {
    return {Errc::invalid_request, std::move(text)};
}

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// Copies the string member `key` if there is one. Errors: invalid_request if it is no string.
Result<void> read_string(const nlohmann::json& object, std::string_view key, std::string& out) {
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) return {};
    if (!found->is_string()) return invalid("`" + std::string(key) + "` must be a string");
    out = found->get<std::string>();
    return {};
}

Result<void> read_actions(const nlohmann::json& object, const Quotas& quotas, RuleDefinition& out) {
    const auto actions = object.find("actions");
    if (actions == object.end() || !actions->is_array()) return invalid("`actions` must be an array");
    if (actions->size() > quotas.bytes(Quota::actions_per_rule)) {
        return invalid("a rule has at most " + std::to_string(quotas[Quota::actions_per_rule]) + " actions, this one has " +
                       std::to_string(actions->size()));
    }
    out.actions_json = actions->dump();
    const auto error_action = object.find("errorAction");
    if (error_action != object.end() && !error_action->is_null()) out.error_action_json = error_action->dump();
    return {};
}

}  // namespace

Result<void> check_topic_filter(const sql::CompiledStatement& statement, const Quotas& quotas) {
    if (!statement.topic_filter()) return {};
    TopicLimits limits;
    limits.bytes_max = quotas.bytes(Quota::topic_bytes);
    limits.slashes_max = quotas.bytes(Quota::topic_slashes);
    const std::size_t position = statement.topic_filter_position();
    if (auto valid = validate_topic_filter(*statement.topic_filter(), limits); !valid)
        return sql::sql_error(position, "FROM: " + valid.error().message);
    if (!statement.topic_filter()->starts_with(basic_ingest_prefix)) return {};
    return sql::sql_error(
        position, "FROM: rules cannot subscribe to Basic Ingest topics `$aws/rules/…`; publishing to them runs the rule that they name");
}

Result<void> validate_rule_name(const RuleName& name) {
    const std::string& text = name.str();
    if (!text.empty() && text.size() <= name_bytes_max && std::all_of(text.begin(), text.end(), is_name_character)) return {};
    return invalid("rule name `" + text.substr(0, name_bytes_max) + "` must match ^[a-zA-Z0-9_]+$ and have 1 to 128 characters");
}

Result<RuleDefinition> parse_rule_payload(std::string_view payload_json, const Quotas& quotas) {
    JsonLimits limits;
    limits.bytes_max = quotas.bytes(Quota::rule_payload_bytes);
    const auto payload = parse_json(payload_json, limits);
    if (!payload) return invalid("topic rule payload: " + payload.error().message);
    if (!payload->is_object()) return invalid("the topic rule payload must be an object");
    RuleDefinition definition;
    std::string version;
    if (auto read = read_string(*payload, "sql", definition.sql); !read) return read.error();
    if (definition.sql.empty()) return invalid("`sql` must be a non-empty string");
    if (auto read = read_string(*payload, "description", definition.description); !read) return read.error();
    if (auto read = read_string(*payload, "awsIotSqlVersion", version); !read) return read.error();
    if (!version.empty()) {
        const auto parsed = sql::parse_version(version);
        if (!parsed) return invalid("`awsIotSqlVersion` must be 2015-10-08, 2016-03-23 or beta, not `" + version.substr(0, 40) + "`");
        definition.version = *parsed;
    }
    if (const auto disabled = payload->find("ruleDisabled"); disabled != payload->end() && !disabled->is_null()) {
        if (!disabled->is_boolean()) return invalid("`ruleDisabled` must be true or false");
        definition.disabled = disabled->get<bool>();
    }
    if (auto read = read_actions(*payload, quotas, definition); !read) return read.error();
    return definition;
}

std::string stored_rule(const RuleDefinition& definition) {
    nlohmann::json record{{"sql", definition.sql},
                          {"description", definition.description},
                          {"awsIotSqlVersion", sql::version_text(definition.version)},
                          {"ruleDisabled", definition.disabled},
                          {"actions", definition.actions_json},
                          {"errorAction", definition.error_action_json},
                          {"createdAt", definition.created_at.time_since_epoch().count()},
                          {"topicFilter", definition.topic_filter}};
    return record.dump();
}

Result<RuleDefinition> rule_from_store(std::string_view record) {
    const auto stored = nlohmann::json::parse(record, nullptr, false);
    const auto version = sql::parse_version(json_string(stored, "awsIotSqlVersion"));
    if (!stored.is_object() || !version || !stored.contains("createdAt") || !stored["createdAt"].is_number_integer() ||
        !stored.contains("ruleDisabled") || !stored["ruleDisabled"].is_boolean()) {
        return Error(Errc::unavailable, "the stored rule cannot be read");
    }
    RuleDefinition definition;
    definition.sql = json_string(stored, "sql");
    definition.description = json_string(stored, "description");
    definition.version = *version;
    definition.disabled = stored["ruleDisabled"].get<bool>();
    definition.actions_json = json_string(stored, "actions");
    definition.error_action_json = json_string(stored, "errorAction");
    definition.created_at = WallTime(std::chrono::milliseconds(stored["createdAt"].get<std::int64_t>()));
    definition.topic_filter = json_string(stored, "topicFilter");
    return definition;
}

RuleDescription describe(const RuleName& name, const RuleDefinition& definition, const ArnFactory& arns) {
    RuleDescription description;
    description.name = name;
    description.arn = arns.rule(name);
    description.sql = definition.sql;
    description.description = definition.description;
    description.aws_iot_sql_version = sql::version_text(definition.version);
    description.actions_json = definition.actions_json;
    description.error_action_json = definition.error_action_json;
    description.disabled = definition.disabled;
    description.created_at = definition.created_at;
    description.topic_filter = definition.topic_filter;
    return description;
}

Result<std::shared_ptr<const CompiledRule>> compile_rule(const RuleName& name, RuleDefinition& definition, const ActionServices& services) {
    sql::StatementOptions options;
    options.why_not = services.why_no_external;
    auto statement =
        sql::CompiledStatement::create(definition.sql, definition.version, services.quotas.bytes(Quota::rule_payload_bytes), options);
    if (!statement) return statement.error();
    if (auto valid = check_topic_filter(*statement, services.quotas); !valid) return valid.error();
    auto rule = std::make_shared<CompiledRule>();
    rule->name = name;
    rule->statement = std::move(*statement);
    const auto actions = nlohmann::json::parse(definition.actions_json, nullptr, false);
    if (!actions.is_array()) return invalid("`actions` must be an array");
    for (const auto& action : actions) {
        auto made = make_action(action, rule->statement, services, rule->asking, rule->destinations);
        if (!made) return made.error();
        rule->actions.push_back(std::move(*made));
    }
    if (!definition.error_action_json.empty()) {
        auto made = make_action(nlohmann::json::parse(definition.error_action_json, nullptr, false), rule->statement, services,
                                rule->asking, rule->destinations);
        if (!made) return in_context("errorAction", made.error());
        rule->error_action = std::move(*made);
    }
    definition.topic_filter = rule->statement.topic_filter().value_or("");
    return std::shared_ptr<const CompiledRule>(std::move(rule));
}

}  // namespace fogbank::rules
