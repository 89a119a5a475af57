/// A topic rule as the client sends it and as it is stored; no I/O.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/quotas.h"
#include "rules/actions/action.h"
#include "rules/rule_service.h"
#include "rules/statement.h"

namespace fogbank::rules {

/// The TopicRulePayload with its defaults filled in.
struct RuleDefinition {
    std::string sql, description;
    sql::Version version = sql::Version::v2015_10_08;  ///< the API's default (reference "rules", section 8)
    bool disabled = false;
    std::string actions_json, error_action_json;
    WallTime created_at{};
    std::string topic_filter;
};

/// `^[a-zA-Z0-9_]{1,128}$`. Errors: invalid_request.
Result<void> validate_rule_name(const RuleName& name);

/// Errors: invalid_request. The SQL and the actions are checked by `compile_rule`.
Result<RuleDefinition> parse_rule_payload(std::string_view payload_json, const Quotas& quotas);

/// FROM as a filter that this server's topics can match. Errors: sql_parse.
Result<void> check_topic_filter(const sql::CompiledStatement& statement, const Quotas& quotas);

/// The stored form and back. Errors of reading: unavailable (the record is not what this version wrote).
std::string stored_rule(const RuleDefinition& definition);
Result<RuleDefinition> rule_from_store(std::string_view record);

RuleDescription describe(const RuleName& name, const RuleDefinition& definition, const ArnFactory& arns);

/// Everything that runs for a message; immutable.
struct CompiledRule {
    RuleName name;
    sql::CompiledStatement statement;
    std::vector<std::unique_ptr<Action>> actions;
    std::unique_ptr<Action> error_action;   ///< may be null
    std::vector<std::string> destinations;  ///< confirmation URLs of the http actions
    std::vector<sql::Template> asking;      ///< templates of the actions that ask other services

    /// Whether a message must wait for other services before the actions can start.
    bool asks() const { return statement.program().asks || !asking.empty(); }
};

/// Errors: sql_parse, invalid_request. On success `definition.topic_filter` is set from FROM.
Result<std::shared_ptr<const CompiledRule>> compile_rule(const RuleName& name, RuleDefinition& definition, const ActionServices& services);

}  // namespace fogbank::rules
