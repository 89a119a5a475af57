// Why: for people, not for speed.

#include <algorithm>

#include "policy/detail/compiled.h"

namespace fogbank::policy {
namespace {

/// More statements than these help nobody.
constexpr std::size_t nearest_max = 3;

/// How near an Allow that did not match came; the higher the nearer.
struct Candidate {
    const CompiledStatement* statement;
    std::size_t nearness;
};

std::size_t common_prefix(std::string_view a, std::string_view b) {
    return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

std::size_t nearness(const CompiledStatement& s, std::string_view arn) {
    constexpr std::size_t condition_only = std::size_t{1} << 20;
    if (s.matches_resource(arn) && !s.failed_condition.empty()) return condition_only;
    std::size_t best = 0;
    for (const Pattern& pattern : s.resources) best = std::max(best, common_prefix(pattern.text(), arn));
    return best;
}

std::string resource_text(const CompiledStatement& s) {
    std::string out;
    for (const Pattern& pattern : s.resources) out.append(out.empty() ? "`" : ", `").append(pattern.text()).append("`");
    for (const std::string& name : s.unresolved)
        out.append(out.empty() ? "" : ", ").append("${").append(name).append("} has no value here");
    return (s.resource_negated ? "resource: is or may be one of NotResource " : "resource: is not ") + out;
}

std::string why_not(const CompiledStatement& s, std::string_view arn) {
    const bool resource_is_unknown = s.resource_negated && !s.unresolved.empty();
    if (resource_is_unknown || !s.matches_resource(arn)) return resource_text(s);
    return s.failed_condition;
}

StatementReport report(const CompiledStatement& s, const Policy& policy, std::string why) {
    StatementReport out;
    out.policy = policy.name();
    out.statement = s.statement;
    out.sid = policy.document().statements[s.statement].sid;
    out.effect = s.effect;
    out.why = std::move(why);
    return out;
}

std::string statement_text(const StatementReport& one) {
    std::string out = "policy `" + one.policy + "` statement " + std::to_string(one.statement);
    if (!one.sid.empty()) out += " (" + one.sid + ")";
    return out;
}

}  // namespace

Decision Evaluator::explain(const Request& request) const {
    const Compiled& c = *compiled_;
    const std::size_t slot = known_action_index(request.action).value_or(Compiled::unknown_slot);
    const Compiled::Slice& slice = c.slices[slot];
    Decision out;
    const auto decided = [&](std::uint32_t at, Decision::Outcome outcome) {
        const CompiledStatement& s = c.statements[c.probes[at].statement];
        out.outcome = outcome;
        out.statements.push_back(report(s, c.policies[s.policy], "matched"));
        return out;
    };
    const std::uint32_t deny = c.first_match(slice.begin, slice.allows, slot, request);
    if (deny != slice.allows) return decided(deny, Decision::Outcome::explicit_deny);
    const std::uint32_t allow = c.first_match(slice.allows, slice.end, slot, request);
    if (allow != slice.end) return decided(allow, Decision::Outcome::allowed);

    std::vector<Candidate> candidates;
    for (const CompiledStatement& s : c.statements) {
        if (s.effect == Effect::allow && c.covers(s, slot, request.action)) candidates.push_back({&s, nearness(s, request.resource)});
    }
    std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) { return a.nearness > b.nearness; });
    if (candidates.size() > nearest_max) candidates.resize(nearest_max);
    for (const Candidate& one : candidates) {
        out.statements.push_back(report(*one.statement, c.policies[one.statement->policy], why_not(*one.statement, request.resource)));
    }
    return out;
}

std::string Decision::text(const Request& request, std::string_view principal) const {
    std::string out(request.action);
    out.append(" on ").append(request.resource).append(" by ").append(principal);
    if (outcome == Outcome::allowed) return out + ": allowed by " + statement_text(statements.front());
    if (outcome == Outcome::explicit_deny) return out + ": denied by " + statement_text(statements.front());
    if (statements.empty()) return out + ": denied, no statement allows this action";
    out += ": denied, no statement allows it; nearest: ";
    for (std::size_t i = 0; i < statements.size(); ++i) {
        if (i > 0) out += "; ";
        out += statement_text(statements[i]) + ": " + statements[i].why;
    }
    return out;
}

}  // namespace fogbank::policy
