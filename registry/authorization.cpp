#include "registry/authorization.h"

#include <algorithm>

#include "registry/detail/connection_context.h"
#include "registry/detail/impl.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {
namespace {

using Outcome = policy::Decision::Outcome;

/// One policy's say on all resources of a question: a deny of any wins, an allow must cover all.
struct Say {
    bool denies = false, allows_some = false;
};

AuthAnswer judge(const AuthQuestion& question, const std::vector<policy::Policy>& policies, const policy::Context& context) {
    AuthAnswer out;
    const policy::Evaluator together(policies, context);
    bool denied = false;
    bool all_allowed = true;
    for (const std::string& resource : question.resources) {
        const auto decision = together.evaluate({question.action, resource});
        denied = denied || decision == Outcome::explicit_deny;
        all_allowed = all_allowed && decision == Outcome::allowed;
    }
    out.outcome = denied        ? AccessDecision::Outcome::explicit_deny
                  : all_allowed ? AccessDecision::Outcome::allowed
                                : AccessDecision::Outcome::implicit_deny;
    for (const policy::Policy& one : policies) {
        const policy::Evaluator alone({one}, context);
        Say say;
        for (const std::string& resource : question.resources) {
            const auto decision = alone.evaluate({question.action, resource});
            say.denies = say.denies || decision == Outcome::explicit_deny;
            say.allows_some = say.allows_some || decision == Outcome::allowed;
        }
        (say.denies ? out.denied_by : say.allows_some ? out.allowed_by : out.silent).emplace_back(one.name());
    }
    out.missing_context = policy::missing_context(policies, question.action, context);
    return out;
}

}  // namespace

/// The principal's policies, those of its thing's groups, and those to add, without those to skip.
Awaitable<std::vector<policy::Policy>> RegistryImpl::policies_to_test(const AuthTest& test, std::optional<ThingName> thing) {
    auto records = co_await effective_policies(test.principal, std::move(thing));
    if (!records) co_return records.error();
    for (const PolicyName& name : test.add) {
        auto one = co_await get_policy(name);
        if (!one) co_return one.error();
        records->push_back(std::move(*one));
    }
    std::vector<policy::Policy> out;
    for (const PolicyRecord& record : *records) {
        const bool skipped = std::find(test.skip.begin(), test.skip.end(), record.name) != test.skip.end();
        const bool twice = std::any_of(out.begin(), out.end(), [&](const policy::Policy& one) { return one.name() == record.name.str(); });
        if (skipped || twice) continue;
        auto parsed = policy::Policy::parse(record.name.str(), record.document, record.document.size());
        if (!parsed) co_return parsed.error();
        out.push_back(std::move(*parsed));
    }
    co_return out;
}

Awaitable<std::vector<AuthAnswer>> RegistryImpl::test_authorization(AuthTest test) {
    for (const PolicyName& name : test.skip) {
        const auto known = co_await get_policy(name);
        if (!known) co_return known.error();
    }
    PrincipalFacts facts;
    CertificateId id;
    std::optional<Thing> thing;
    if (const auto certificate = certificate_of(test.principal); certificate) {
        auto read = co_await read_principal(*certificate);
        if (!read) co_return read.error();
        if (!read->registered) co_return not_found("Certificate", certificate->view());
        facts = std::move(*read);
        id = *certificate;
        std::string name = facts.has(test.client_id.view()) ? test.client_id.str() : "";
        if (const auto exclusive = facts.exclusive_thing ? facts.exclusive_thing->get().value : nullptr) name = exclusive->thing.name.str();
        if (!name.empty()) {
            auto found = co_await describe_thing(ThingName(name));
            if (!found) co_return found.error();
            thing = std::move(*found);
        }
    }
    std::optional<ThingName> thing_name;
    if (thing) thing_name = thing->name;
    const auto policies = co_await policies_to_test(test, std::move(thing_name));
    if (!policies) co_return policies.error();
    ConnectionFacts connection;
    connection.client_id = test.client_id;
    const ConnectionContext context(id, facts, thing ? &*thing : nullptr, connection, deps_.arns);
    std::vector<AuthAnswer> out;
    for (const AuthQuestion& question : test.questions) out.push_back(judge(question, *policies, context));
    co_return out;
}

Awaitable<std::vector<Explanation>> RegistryImpl::explain(ExplainRequest request) {
    std::vector<std::string> principals;
    if (!request.principal.empty()) {
        const auto id = certificate_of(request.principal);
        if (!id) co_return id.error();
        principals.push_back(request.principal);
    } else {
        const auto attached = co_await list_thing_principals(request.thing);
        if (!attached) co_return attached.error();
        for (const auto& one : *attached) principals.push_back(one.what);
    }
    std::vector<Explanation> out;
    for (const std::string& arn : principals) {
        const auto id = certificate_of(arn);
        if (!id) co_return id.error();
        Principal principal;
        principal.id = id->str();
        principal.arn = arn;
        ConnectionFacts facts;
        facts.client_id = request.client_id.empty() ? ClientId(request.thing.view()) : request.client_id;
        auto judge_of = co_await permissions(std::move(principal), std::move(facts));
        if (!judge_of) co_return judge_of.error();
        out.push_back({arn, (*judge_of)->explain(request.action, request.resource_name)});
    }
    co_return out;
}

}  // namespace fogbank::registry
