#include "policy/policy_set.h"

#include <algorithm>

#include "policy/detail/compiled.h"
#include "policy/detail/variables.h"

namespace fogbank::policy {
namespace {

/// A statement whose meaning depends on the request.
struct OpenStatement {
    std::uint32_t policy = 0, statement = 0;
};

bool is_fixed(const Document& document, const Statement& statement, const Context& principal) {
    if (names_connect_keys(statement)) return false;
    const auto resolved = [&](const std::vector<std::string>& texts) {
        return !document.has_variables() ||
               std::all_of(texts.begin(), texts.end(), [&](const std::string& text) { return all_variables_are(text, principal); });
    };
    return resolved(statement.resource ? *statement.resource : *statement.not_resource) &&
           std::all_of(statement.conditions.begin(), statement.conditions.end(),
                       [&](const Condition& one) { return principal.find(one.key) != nullptr && resolved(one.values); });
}

bool covers(const Statement& statement, std::optional<std::size_t> known_action, std::string_view action) {
    return known_action ? (statement.actions.known() >> *known_action & 1U) != 0 : statement.actions.contains_unknown(action);
}

bool covers(const CompiledStatement& compiled, const Statement& source, std::optional<std::size_t> known_action, std::string_view action) {
    if (known_action) return (compiled.actions >> *known_action & 1U) != 0;
    return compiled.unknown_actions && source.actions.contains_unknown(action);
}

}  // namespace

struct PolicySet::Parts {
    Evaluator::Compiled fixed;                  ///< and all the policies
    std::vector<OpenStatement> denies, allows;  ///< that depend on the request

    bool any_matches(const std::vector<OpenStatement>& statements, std::optional<std::size_t> known_action, const Request& request,
                     const Context& context) const {
        std::vector<CompiledStatement> compiled;
        for (const OpenStatement& one : statements) {
            const Document& document = fixed.policies[one.policy].document();
            const Statement& source = document.statements[one.statement];
            if (!covers(source, known_action, request.action)) continue;
            compiled.clear();
            compile_statement(document, one.policy, one.statement, context, compiled);
            for (const CompiledStatement& form : compiled) {
                if (form.live() && covers(form, source, known_action, request.action) && form.matches_resource(request.resource))
                    return true;
            }
        }
        return false;
    }
};

PolicySet::PolicySet(std::vector<Policy> policies, const Context& principal) {
    auto parts = std::make_unique<Parts>();
    parts->fixed.policies = std::move(policies);
    for (std::uint32_t p = 0; p < parts->fixed.policies.size(); ++p) {
        const Document& document = parts->fixed.policies[p].document();
        for (std::uint32_t s = 0; s < document.statements.size(); ++s) {
            const Statement& statement = document.statements[s];
            if (is_fixed(document, statement, principal)) {
                compile_statement(document, p, s, principal, parts->fixed.statements);
            } else {
                (statement.effect == Effect::deny ? parts->denies : parts->allows).push_back({p, s});
            }
        }
    }
    parts->fixed.make_slices();
    parts_ = std::move(parts);
}

PolicySet::~PolicySet() = default;
PolicySet::PolicySet(PolicySet&&) noexcept = default;
PolicySet& PolicySet::operator=(PolicySet&&) noexcept = default;

Decision::Outcome PolicySet::evaluate(const Request& request, const Context& context) const {
    const auto known_action = known_action_index(request.action);
    const Decision::Outcome fixed = parts_->fixed.evaluate(request);
    if (fixed == Decision::Outcome::explicit_deny) return fixed;
    if (parts_->any_matches(parts_->denies, known_action, request, context)) return Decision::Outcome::explicit_deny;
    if (fixed == Decision::Outcome::allowed) return fixed;
    return parts_->any_matches(parts_->allows, known_action, request, context) ? Decision::Outcome::allowed
                                                                               : Decision::Outcome::implicit_deny;
}

Decision PolicySet::explain(const Request& request, const Context& context) const {
    return Evaluator(parts_->fixed.policies, context).explain(request);
}

}  // namespace fogbank::policy
