#include "registry/detail/caller_access.h"

#include <algorithm>
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

/// The keys of one question on top of those of its request and principal.
class QuestionContext final : public policy::Context {
  public:
    QuestionContext(const KeyValues& principal, const KeyValues& request, const AccessRequest& question)
        : principal_(principal), request_(request) {
        for (const auto& [key, values] : question.context) own_.set(key, values);
    }
    const std::vector<std::string>* find(std::string_view key) const override {
        if (const auto* values = own_.find(key)) return values;
        if (const auto* values = request_.find(key)) return values;
        return principal_.find(key);
    }

  private:
    const KeyValues& principal_;
    const KeyValues& request_;
    KeyValues own_;
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
    IdentityAccess(std::shared_ptr<const IdentityPolicies> given, const CallerFacts& facts) : given_(std::move(given)) {
        set_request_keys(facts, request_);
    }

    AccessDecision check(const AccessRequest& request) const override {
        const QuestionContext context(given_->keys, request_, request);
        AccessDecision by_identity = judge(given_->policies, context, request, "an identity-based");
        if (!by_identity.allowed() || !given_->session_policies) return by_identity;
        return judge(*given_->session_policies, context, request, "a session");
    }

  private:
    AccessDecision judge(const std::vector<policy::Policy>& policies, const policy::Context& context, const AccessRequest& request,
                         std::string_view kind) const {
        const policy::Evaluator evaluator(policies, context);
        const policy::Request question{request.action, request.resource};
        AccessDecision out;
        const policy::Decision::Outcome outcome = evaluator.evaluate(question);
        if (outcome == policy::Decision::Outcome::allowed) {
            out.outcome = AccessDecision::Outcome::allowed;
            return out;
        }
        if (outcome == policy::Decision::Outcome::explicit_deny) out.outcome = AccessDecision::Outcome::explicit_deny;
        out.reason = refusal(given_->principal_arn, request, outcome, kind) + nearest(evaluator.explain(question));
        return out;
    }

    std::shared_ptr<const IdentityPolicies> given_;
    KeyValues request_;
};

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

std::unique_ptr<CallerAccess> IdentityGrants::for_request(CallerFacts facts) const {
    return std::make_unique<IdentityAccess>(given_, facts);
}

}  // namespace fogbank::registry
