// Trust policies: who may take a role on. Each statement's Principal is judged here; the rest of it is a statement like any other.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/json.h"
#include "policy/errc.h"
#include "registry/detail/caller_access.h"
#include "registry/detail/trust_policy.h"

namespace fogbank::registry {
namespace {

using nlohmann::json;

/// IAM quotas: a role's trust policy has at most 2,048 characters, adjustable to 4,096; a managed policy 6,144; all inline ones 10,240.
constexpr std::size_t document_bytes_max = 10'240;
constexpr std::size_t document_depth_max = 16;

std::vector<std::string> texts(const json& value) {
    std::vector<std::string> out;
    if (value.is_string()) out.push_back(value.get<std::string>());
    if (value.is_array()) {
        for (const json& one : value) {
            if (one.is_string()) out.push_back(one.get<std::string>());
        }
    }
    return out;
}

std::vector<json> statements_of(const json& document) {
    const auto found = document.find("Statement");
    if (found == document.end()) return {};
    if (found->is_array()) return std::vector<json>(found->begin(), found->end());
    return {*found};
}

/// The statement without its Principal, as a policy of its own.
Result<policy::Policy> without_principal(json statement) {
    statement.erase("Principal");
    statement["Resource"] = "*";
    const json document{{"Version", "2012-10-17"}, {"Statement", json::array({std::move(statement)})}};
    const std::string text = document.dump(-1, ' ', false, json::error_handler_t::replace);
    return policy::Policy::parse("trust policy", text, text.size());
}

bool valid_principal(const json& principal) {
    if (principal.is_string()) return principal.get<std::string>() == "*";
    if (!principal.is_object() || principal.empty()) return false;
    for (const auto& [kind, values] : principal.items()) {
        if (kind != "AWS" && kind != "Service" && kind != "Federated" && kind != "CanonicalUser") return false;
        if (texts(values).empty()) return false;
    }
    return true;
}

/// A session is also its role: `assumed-role/R/s` of `role/R`.
bool names_session_of(const std::string& value, const std::string& caller, const ArnFactory& arns) {
    const std::string sessions = "arn:aws:sts::" + arns.account().str() + ":assumed-role/";
    if (!caller.starts_with(sessions)) return false;
    const std::string role = caller.substr(sessions.size(), caller.find('/', sessions.size()) - sessions.size());
    const std::string roles = "arn:aws:iam::" + arns.account().str() + ":role/";
    return value.starts_with(roles) && value.substr(value.rfind('/') + 1) == role;
}

Trust by_principal(const json& principal, const TrustQuestion& question, const ArnFactory& arns) {
    if (principal.is_string()) return question.service.empty() ? Trust::account : Trust::directly;
    Trust best = Trust::no;
    if (!question.service.empty()) {
        for (const std::string& value : texts(principal.value("Service", json()))) {
            if (value == question.service) best = Trust::directly;
        }
        return best;
    }
    for (const std::string& value : texts(principal.value("AWS", json()))) {
        const bool account = value == "*" || value == arns.account().str() || value == arns.root_user();
        if (account) best = std::max(best, Trust::account);
        if (value == question.caller_arn || names_session_of(value, question.caller_arn, arns)) best = Trust::directly;
    }
    return best;
}

}  // namespace

Result<void> check_trust_policy(std::string_view text) {
    const auto wrong = [](const std::string& what) { return Error(Errc::malformed_policy, what); };
    const auto document = parse_json(text, {document_bytes_max, document_depth_max});
    if (!document) return wrong("This policy contains invalid Json: " + document.error().message);
    if (!document->is_object()) return wrong("Syntax errors in policy.");
    const auto statements = statements_of(*document);
    if (statements.empty()) return wrong("Syntax errors in policy.");
    for (const json& statement : statements) {
        if (!statement.is_object() || !statement.contains("Principal") || !valid_principal(statement["Principal"]))
            return wrong("Trust policy statements need a valid Principal.");
        if (statement.contains("Resource") || statement.contains("NotResource")) return wrong("Has prohibited field Resource");
        if (const auto rest = without_principal(statement); !rest) return wrong(rest.error().message);
    }
    return {};
}

Result<void> check_identity_policy(std::string_view text) {
    const auto parsed = policy::Policy::parse("policy", text, document_bytes_max);
    if (!parsed) return Error(Errc::malformed_policy, "Syntax errors in policy: " + parsed.error().message);
    return {};
}

Trust judge_trust(std::string_view trust_policy, const TrustQuestion& question, const ArnFactory& arns) {
    const auto document = parse_json(trust_policy, {document_bytes_max, document_depth_max});
    if (!document || !document->is_object()) return Trust::no;
    KeyValues keys;
    set_request_keys(question.facts, keys);
    keys.set("aws:PrincipalAccount", {arns.account().str()});
    keys.set("aws:SourceAccount", {arns.account().str()});
    if (!question.caller_arn.empty()) keys.set("aws:PrincipalArn", {question.caller_arn});
    if (!question.external_id.empty()) keys.set("sts:ExternalId", {question.external_id});
    Trust best = Trust::no;
    for (const json& statement : statements_of(*document)) {
        const Trust trust = by_principal(statement.value("Principal", json()), question, arns);
        if (trust == Trust::no) continue;
        const auto rest = without_principal(statement);
        if (!rest) return Trust::no;  // checked when it was stored; what cannot be read trusts nobody
        const policy::Evaluator evaluator({*rest}, keys);
        const auto outcome = evaluator.evaluate({question.action, "*"});
        if (outcome == policy::Decision::Outcome::explicit_deny) return Trust::no;
        if (outcome == policy::Decision::Outcome::allowed) best = std::max(best, trust);
    }
    return best;
}

}  // namespace fogbank::registry
