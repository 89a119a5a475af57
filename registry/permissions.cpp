#include "registry/detail/permissions.h"

#include <algorithm>

#include "registry/detail/connection_context.h"

namespace fogbank::registry {
namespace {

AccessDecision::Outcome outcome_of(policy::Decision::Outcome outcome) {
    switch (outcome) {
        case policy::Decision::Outcome::allowed:
            return AccessDecision::Outcome::allowed;
        case policy::Decision::Outcome::explicit_deny:
            return AccessDecision::Outcome::explicit_deny;
        case policy::Decision::Outcome::implicit_deny:
            break;
    }
    return AccessDecision::Outcome::implicit_deny;
}

std::string question(IotAction action, std::string_view arn, const Principal& principal) {
    return std::string(iot_action_name(action)) + " on " + std::string(arn) + " by " + principal.arn;
}

}  // namespace

void append_resource(IotAction action, std::string_view name, std::string_view arn_prefix, std::string& out) {
    if (action == IotAction::list_retained_messages) {
        out.append("*");  // AWS: the resource of ListRetainedMessages must be `*`
        return;
    }
    out.append(arn_prefix).append(iot_resource_type(action)).append("/").append(name);
}

CertificatePermissions::CertificatePermissions(Principal principal, ConnectionFacts facts, std::shared_ptr<PrincipalCell> cell,
                                               std::shared_ptr<ThingCell> named_thing, std::shared_ptr<const Epoch> epoch, ArnFactory arns)
    : principal_(std::move(principal)),
      facts_(std::move(facts)),
      cell_(std::move(cell)),
      named_thing_(std::move(named_thing)),
      epoch_(std::move(epoch)),
      arns_(std::move(arns)),
      arn_prefix_(arns_.iot("")) {
    seen_epoch_ = epoch_->load(std::memory_order_acquire);
    compile();
}

bool CertificatePermissions::is_stale() const {
    return std::any_of(seen_.begin(), seen_.end(), [](const auto& seen) { return seen.first->version() != seen.second; });
}

void CertificatePermissions::refresh() {
    // The epoch is read before the versions: what changes after this line is seen by the next question.
    const std::uint64_t epoch = epoch_->load(std::memory_order_acquire);
    if (epoch == seen_epoch_) return;
    seen_epoch_ = epoch;
    if (is_stale()) compile();
}

std::uint64_t CertificatePermissions::versions_now() const {
    std::uint64_t sum = 0;
    for (const auto& [cell, seen] : seen_) sum += cell->version();
    return sum;
}

std::uint64_t CertificatePermissions::version() const {
    const bool unchanged = epoch_->load(std::memory_order_acquire) == seen_epoch_;
    return unchanged ? version_ : version_offset_ + versions_now();
}

template <class T>
std::shared_ptr<const T> CertificatePermissions::see(const std::shared_ptr<LiveCell<T>>& cell) {
    auto seen = cell->get();
    seen_.emplace_back(cell, seen.version);
    return std::move(seen.value);
}

void CertificatePermissions::collect_attached(const AttachedPolicies& attached, std::vector<policy::Policy>& out) {
    for (const auto& [name, cell] : attached) {
        const bool known = std::any_of(seen_.begin(), seen_.end(), [&one = cell](const auto& seen) { return seen.first == one; });
        if (known) continue;  // attached to the certificate and to a group: its statements count once
        const auto policy = see(cell);
        // Without one of its policies, perhaps the one that denies, a principal may do nothing.
        if (!policy) blocked_ = "policy `" + name.str() + "` could not be loaded";
        if (policy) out.push_back(*policy);
    }
}

void CertificatePermissions::collect_groups(const ThingFacts& thing, std::vector<policy::Policy>& out) {
    for (const ThingFacts::Membership& membership : thing.groups) {
        const auto group = see(membership.group);
        if (!group) blocked_ = "a thing group's policies could not be loaded";
        if (group && group->id == membership.group_id) collect_attached(group->policies, out);
    }
}

std::optional<std::vector<policy::Policy>> CertificatePermissions::collect(const PrincipalFacts& facts, const ThingFacts* thing) {
    std::vector<policy::Policy> out;
    collect_attached(facts.policies, out);
    if (thing != nullptr) collect_groups(*thing, out);
    policies_ = out.size();
    if (facts.status != CertificateStatus::active) blocked_ = "the certificate is " + std::string(certificate_status_name(facts.status));
    if (!facts.registered) blocked_ = "the certificate is not registered";
    if (!blocked_.empty()) return std::nullopt;
    return out;
}

void CertificatePermissions::compile() {
    // What version() says goes on from here, whatever cells come and go: a caller that has seen the change already need not drop its cache
    // again.
    if (!seen_.empty()) version_ = version_offset_ + versions_now();
    load();
    std::uint64_t seen = 0;
    for (const auto& one : seen_) seen += one.second;
    version_offset_ = version_ - seen;
}

/// Whether the name of a thing that is registered but not attached would do is documented both ways; this is the stricter reading.
std::shared_ptr<const ThingFacts> CertificatePermissions::find_thing(const PrincipalFacts& facts) {
    const auto& cell = facts.exclusive_thing ? facts.exclusive_thing : named_thing_;
    if (!cell || !(facts.exclusive_thing || facts.has(facts_.client_id.view()))) return nullptr;
    auto thing = see(cell);
    // Its groups may hold the policy that denies.
    if (!thing) blocked_ = "the thing of the connection could not be loaded";
    return thing && thing->exists ? thing : nullptr;
}

void CertificatePermissions::load() {
    blocked_.clear();
    seen_.clear();
    evaluator_.reset();
    const auto principal = see(cell_);
    if (!principal) {
        blocked_ = "the certificate's policies could not be loaded";
        return;
    }
    const auto thing = find_thing(*principal);
    exclusive_thing_name_ = principal->exclusive_thing && thing ? thing->thing.name.str() : std::string();
    auto policies = collect(*principal, thing.get());
    if (!policies) return;
    const ConnectionContext context(CertificateId(principal_.id), *principal, thing ? &thing->thing : nullptr, facts_, arns_);
    evaluator_.emplace(std::move(*policies), context);
}

std::string_view CertificatePermissions::resource(IotAction action, std::string_view resource_name) {
    scratch_.clear();
    append_resource(action, resource_name, arn_prefix_, scratch_);
    return scratch_;
}

bool CertificatePermissions::allows(IotAction action, std::string_view resource_name) {
    refresh();
    return evaluator_ &&
           evaluator_->evaluate({iot_action_name(action), resource(action, resource_name)}) == policy::Decision::Outcome::allowed;
}

AccessDecision CertificatePermissions::explain(IotAction action, std::string_view resource_name) {
    refresh();
    const std::string_view arn = resource(action, resource_name);
    AccessDecision out;
    if (!evaluator_) {
        out.reason = question(action, arn, principal_) + ": denied, " + blocked_;
        return out;
    }
    const policy::Request request{iot_action_name(action), arn};
    const policy::Decision decision = evaluator_->explain(request);
    out.outcome = outcome_of(decision.outcome);
    out.reason = policies_ == 0
                     ? question(action, arn, principal_) + ": denied, no policy is attached to the certificate or its thing's groups"
                     : decision.text(request, principal_.arn);
    return out;
}

IamPermissions::IamPermissions(Principal principal, ConnectionFacts facts, const Iam& iam, const Clock& clock, ArnFactory arns)
    : principal_(std::move(principal)), facts_(std::move(facts)), iam_(iam), clock_(clock), arns_(std::move(arns)) {
    refresh();
}

void IamPermissions::refresh() {
    auto state = iam_.state();
    if (state == seen_) return;
    if (seen_) ++version_;
    seen_ = std::move(state);
    access_.reset();
    const auto grants = iam_.grants_of(principal_);
    everything_ = grants && *grants == nullptr;
    if (!grants || everything_) return;
    CallerFacts facts;
    facts.source_ip = facts_.source_ip;
    facts.secure_transport = true;  // the doors that IAM callers come through are TLS
    facts.region = arns_.region().str();
    facts.now = clock_.now();
    access_ = (*grants)->for_request(std::move(facts));
}

std::uint64_t IamPermissions::version() const {
    return iam_.state() == seen_ ? version_ : version_ + 1;
}

bool IamPermissions::allows(IotAction action, std::string_view resource_name) {
    return explain(action, resource_name).allowed();
}

AccessDecision IamPermissions::explain(IotAction action, std::string_view resource_name) {
    refresh();
    AccessRequest request;
    request.action = iot_action_name(action);
    append_resource(action, resource_name, arns_.iot(""), request.resource);
    if (!facts_.client_id.empty()) request.context.emplace_back("iot:ClientId", std::vector<std::string>{facts_.client_id.str()});
    if (access_) return access_->check(request);
    AccessDecision out;
    if (everything_) out.outcome = AccessDecision::Outcome::allowed;
    out.reason = question(action, request.resource, principal_) + (everything_ ? ": allowed" : ": denied, the caller is gone");
    return out;
}

bool ApiCallerPermissions::allows(IotAction, std::string_view) {
    return principal_.arn == arns_.root_user();
}

AccessDecision ApiCallerPermissions::explain(IotAction action, std::string_view resource_name) {
    std::string arn;
    append_resource(action, resource_name, arns_.iot(""), arn);
    AccessDecision out;
    const bool allowed = allows(action, resource_name);
    out.outcome = allowed ? AccessDecision::Outcome::allowed : AccessDecision::Outcome::implicit_deny;
    out.reason =
        question(action, arn, principal_) + (allowed ? ": allowed, the account's root user" : ": denied, the caller has no policy");
    return out;
}

}  // namespace fogbank::registry
