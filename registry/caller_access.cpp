#include "registry/detail/caller_access.h"

#include <algorithm>
#include <array>
#include <ctime>

namespace fogbank::registry {
namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

std::string iso_time(WallTime at) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(std::chrono::time_point_cast<std::chrono::system_clock::duration>(at));
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[32];
    return std::string(text, std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts));
}

/// What set_request_keys sets.
constexpr std::array<std::string_view, 6> request_keys{"aws:SourceIp",        "aws:UserAgent",   "aws:RequestedRegion",
                                                       "aws:SecureTransport", "aws:CurrentTime", "aws:EpochTime"};

bool same(std::string_view a, std::string_view b) {
    return a.size() == b.size() && lower(a) == lower(b);
}

/// The keys of one question, above those of its request, above those of the principal. Most policies ask for none: nothing is made
/// beforehand.
class QuestionContext final : public policy::Context {
  public:
    QuestionContext(const KeyValues& principal, const CallerFacts& facts, const AccessRequest& question)
        : principal_(principal), facts_(facts), question_(question) {}
    const std::vector<std::string>* find(std::string_view key) const override {
        const auto& own = question_.context;
        // Of a key that was given twice the last one counts.
        const auto found = std::find_if(own.rbegin(), own.rend(), [&](const auto& one) { return same(one.first, key); });
        if (found != own.rend()) return &found->second;
        if (!request_) set_request_keys(facts_, request_.emplace());
        if (const auto* values = request_->find(key)) return values;
        return principal_.find(key);
    }

  private:
    const KeyValues& principal_;
    const CallerFacts& facts_;
    const AccessRequest& question_;
    mutable std::optional<KeyValues> request_;  ///< the context belongs to one check, on one thread
};

/// What is the same in every question: the principal's keys, but for those that a request may hide.
class PrincipalContext final : public policy::Context {
  public:
    explicit PrincipalContext(const KeyValues& keys) : keys_(keys) {}
    const std::vector<std::string>* find(std::string_view key) const override {
        const bool of_request = std::any_of(request_keys.begin(), request_keys.end(), [&](std::string_view one) { return same(one, key); });
        // What a service knows of a request has that service's prefix.
        const std::string prefix = lower(key.substr(0, key.find(':')));
        return !of_request && (prefix == "aws" || prefix == "credentials-iot") ? keys_.find(key) : nullptr;
    }

  private:
    const KeyValues& keys_;
};

/// AWS's wording. Source: IAM User Guide, "Troubleshoot access denied error messages".
std::string refusal(const std::string& arn, const AccessRequest& request, policy::Decision::Outcome outcome, std::string_view kind) {
    std::string out = "User: " + arn + " is not authorized to perform: " + request.action;
    if (request.resource != "*") out += " on resource: " + request.resource;
    if (outcome == policy::Decision::Outcome::explicit_deny) return out + " with an explicit deny in " + std::string(kind) + " policy";
    return out + " because no " + std::string(kind.substr(kind.find(' ') + 1)) + " policy allows the " + request.action + " action";
}

/// Which statement it was, for whoever wrote the policy.
std::string nearest(const policy::Decision& decision) {
    if (decision.statements.empty()) return {};
    const policy::StatementReport& one = decision.statements.front();
    return " (policy `" + one.policy + "` statement " + std::to_string(one.statement) + ": " + one.why + ")";
}

class IdentityAccess final : public CallerAccess {
  public:
    IdentityAccess(std::shared_ptr<const CompiledIdentity> given, CallerFacts facts) : given_(std::move(given)), facts_(std::move(facts)) {}

    AccessDecision check(const AccessRequest& request) const override {
        const QuestionContext context(given_->keys, facts_, request);
        AccessDecision by_identity = judge(given_->policies, context, request, "an identity-based");
        if (!by_identity.allowed() || !given_->session_policies) return by_identity;
        return judge(*given_->session_policies, context, request, "a session");
    }

  private:
    AccessDecision judge(const policy::PolicySet& policies, const policy::Context& context, const AccessRequest& request,
                         std::string_view kind) const {
        const policy::Request question{request.action, request.resource};
        AccessDecision out;
        const policy::Decision::Outcome outcome = policies.evaluate(question, context);
        if (outcome == policy::Decision::Outcome::allowed) {
            out.outcome = AccessDecision::Outcome::allowed;
            return out;
        }
        if (outcome == policy::Decision::Outcome::explicit_deny) out.outcome = AccessDecision::Outcome::explicit_deny;
        out.reason = refusal(given_->principal_arn, request, outcome, kind) + nearest(policies.explain(question, context));
        return out;
    }

    std::shared_ptr<const CompiledIdentity> given_;
    CallerFacts facts_;
};

std::shared_ptr<const CompiledIdentity> compile(IdentityPolicies given) {
    const PrincipalContext principal(given.keys);
    policy::PolicySet policies(std::move(given.policies), principal);
    std::optional<policy::PolicySet> session;
    if (given.session_policies) session.emplace(std::move(*given.session_policies), principal);
    CompiledIdentity out{std::move(given.principal_arn), std::move(policies), std::move(session), std::move(given.keys)};
    return std::make_shared<const CompiledIdentity>(std::move(out));
}

}  // namespace

const std::vector<std::string>* KeyValues::find(std::string_view key) const {
    const auto found = values_.find(lower(key));
    return found == values_.end() ? nullptr : &found->second;
}

void KeyValues::set(std::string_view key, std::vector<std::string> values) {
    values_[lower(key)] = std::move(values);
}

void set_request_keys(const CallerFacts& facts, KeyValues& out) {
    if (!facts.source_ip.empty()) out.set("aws:SourceIp", {facts.source_ip});
    if (!facts.user_agent.empty()) out.set("aws:UserAgent", {facts.user_agent});
    if (!facts.region.empty()) out.set("aws:RequestedRegion", {facts.region});
    out.set("aws:SecureTransport", {facts.secure_transport ? "true" : "false"});
    out.set("aws:CurrentTime", {iso_time(facts.now)});
    out.set("aws:EpochTime", {std::to_string(std::chrono::duration_cast<std::chrono::seconds>(facts.now.time_since_epoch()).count())});
}

IdentityGrants::IdentityGrants(IdentityPolicies given) : given_(compile(std::move(given))) {}

std::unique_ptr<CallerAccess> IdentityGrants::for_request(CallerFacts facts) const {
    return std::make_unique<IdentityAccess>(given_, std::move(facts));
}

}  // namespace fogbank::registry
