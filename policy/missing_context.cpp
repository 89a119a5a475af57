// Which values a decision would have needed. For TestAuthorization.

#include <set>

#include "policy/detail/compiled.h"
#include "policy/detail/model.h"

namespace fogbank::policy {
namespace {

void add_missing(std::string_view text, const Context& context, std::set<std::string>& out) {
    for (std::size_t at = text.find("${"); at != std::string_view::npos; at = text.find("${", at + 2)) {
        const std::size_t end = text.find('}', at);
        if (end == std::string_view::npos) return;
        const std::string_view name = text.substr(at + 2, end - at - 2);
        if (name == "*" || name == "?" || name == "$") continue;
        if (context.find(name) == nullptr) out.emplace(name);
    }
}

bool covers(const Statement& statement, std::string_view action) {
    const auto known = known_action_index(action);
    return known ? (statement.actions.known() >> *known & 1U) != 0 : statement.actions.contains_unknown(action);
}

}  // namespace

std::vector<std::string> missing_context(const std::vector<Policy>& policies, std::string_view action, const Context& context) {
    std::set<std::string> out;
    for (const Policy& policy : policies) {
        const Document& document = policy.document();
        for (const Statement& statement : document.statements) {
            if (!covers(statement, action)) continue;
            for (const Condition& condition : statement.conditions) {
                if (context.find(condition.key) == nullptr) out.insert(condition.key);
                if (!document.has_variables()) continue;
                for (const std::string& value : condition.values) add_missing(value, context, out);
            }
            if (!document.has_variables()) continue;
            for (const std::string& resource : statement.resource ? *statement.resource : *statement.not_resource)
                add_missing(resource, context, out);
        }
    }
    return {out.begin(), out.end()};
}

}  // namespace fogbank::policy
