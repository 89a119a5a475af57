// What the elements of a policy may say. AWS does not publish which faults make a document malformed: what can never do what its author
// meant is refused, the shape of ARNs is not judged strictly (the official examples would not pass).

#include "policy/detail/model.h"

namespace fogbank::policy {
namespace {

using Strings = std::optional<std::vector<std::string>>;

Result<void> exactly_one(std::size_t at, const char* name, const Strings& one, const char* other_name, const Strings& other) {
    if (one && other) return statement_error(at, std::string(name) + " and " + other_name + " must not stand together");
    if (!one && !other) return statement_error(at, std::string(name) + " is missing");
    if ((one ? one : other)->empty()) return statement_error(at, std::string(one ? name : other_name) + " must not be empty");
    return {};
}

Result<void> check_actions(std::size_t at, const Strings& actions) {
    for (const std::string& action : actions ? *actions : std::vector<std::string>()) {
        const std::size_t colon = action.find(':');
        if (action == "*" || (colon != std::string::npos && colon > 0 && colon + 1 < action.size())) continue;
        return statement_error(at, "action `" + action + "` must be `*` or begin with its service, as iot:Publish");
    }
    return {};
}

Result<void> check_resources(std::size_t at, const Strings& resources) {
    for (const std::string& resource : resources ? *resources : std::vector<std::string>()) {
        if (resource.starts_with("arn:") || resource.starts_with('*') || resource.starts_with("${")) continue;
        return statement_error(at, "resource `" + resource + "` must be an ARN or `*`");
    }
    return {};
}

Result<void> check_condition(std::size_t at, Condition& condition, bool has_variables) {
    const auto op = parse_operator(condition.operator_text);
    if (!op) return statement_error(at, "unknown Condition operator " + condition.operator_text);
    condition.op = *op;
    if (condition.key.empty()) return statement_error(at, "Condition " + condition.operator_text + ": a key must not be empty");
    for (const std::string& value : condition.values) {
        if (has_variables && value.find("${") != std::string::npos) continue;  // known when the variable is resolved
        if (value_fits(op->comparison, value)) continue;
        return statement_error(
            at, "Condition " + condition.operator_text + " " + condition.key + ": `" + value + "` is not a value of this operator's type");
    }
    return {};
}

Result<void> check_statement(std::size_t at, Statement& statement, bool has_variables) {
    if (statement.effect_text != "Allow" && statement.effect_text != "Deny") return statement_error(at, "Effect must be Allow or Deny");
    statement.effect = *statement.effect_text == "Allow" ? Effect::allow : Effect::deny;
    if (auto done = exactly_one(at, "Action", statement.action, "NotAction", statement.not_action); !done) return done;
    if (auto done = exactly_one(at, "Resource", statement.resource, "NotResource", statement.not_resource); !done) return done;
    if (auto done = check_actions(at, statement.action ? statement.action : statement.not_action); !done) return done;
    statement.actions = statement.action ? ActionSet(*statement.action, false) : ActionSet(*statement.not_action, true);
    if (auto done = check_resources(at, statement.resource ? statement.resource : statement.not_resource); !done) return done;
    for (Condition& condition : statement.conditions) {
        if (auto done = check_condition(at, condition, has_variables); !done) return done;
    }
    return {};
}

}  // namespace

Result<void> validate(Document& document) {
    if (document.version && document.version != "2012-10-17" && document.version != "2008-10-17") {
        return Error(Errc::malformed_document, "Version must be 2012-10-17 or 2008-10-17, not `" + *document.version + "`");
    }
    if (document.statements.empty()) return Error(Errc::malformed_document, "Statement must not be empty");
    for (std::size_t at = 0; at < document.statements.size(); ++at) {
        if (auto done = check_statement(at, document.statements[at], document.has_variables()); !done) return done;
    }
    return {};
}

}  // namespace fogbank::policy
