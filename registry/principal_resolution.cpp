// From a presented certificate to a principal, and from a principal to what it may do.

#include "policy/errc.h"
#include "registry/detail/impl.h"
#include "registry/detail/keys.h"
#include "registry/detail/permissions.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {
namespace {

Error state_error(Errc code, const CertificateId& id, std::string_view what) {
    return {code, "certificate " + id.str() + " " + std::string(what)};
}

/// Whether a certificate in this state may connect now. Order: registered, then its status, then its dates.
Result<void> check_state(const CertificateId& id, const CertificateState& state, WallTime now) {
    switch (state.status) {
        case CertificateStatus::active:
            break;
        case CertificateStatus::revoked:
            return state_error(Errc::certificate_revoked, id, "is REVOKED");
        case CertificateStatus::pending_activation:
            return state_error(Errc::certificate_pending, id, "is PENDING_ACTIVATION");
        case CertificateStatus::pending_transfer:
            return state_error(Errc::certificate_pending, id, "is PENDING_TRANSFER");
        case CertificateStatus::inactive:
        case CertificateStatus::register_inactive:
            return state_error(Errc::certificate_inactive, id, "is INACTIVE");
    }
    if (now > state.not_after) return state_error(Errc::certificate_expired, id, "has expired");
    if (now < state.not_before) return state_error(Errc::certificate_expired, id, "is not valid yet");
    return {};
}

}  // namespace

Awaitable<CertificateState> RegistryImpl::certificate_state(CertificateId id) {
    if (const auto cached = certificates_.find(id)) co_return *cached;
    const std::uint64_t generation = certificates_.generation();
    const auto bytes = co_await read(keys::certificate(id));
    if (!bytes) co_return bytes.error();
    if (!*bytes) co_return state_error(Errc::certificate_not_registered, id, "is not registered");
    const auto stored = decode_certificate(id, **bytes, deps_.arns);
    if (!stored) co_return stored.error();
    CertificateState state;
    state.status = stored->record.status;
    state.not_before = stored->record.not_before;
    state.not_after = stored->record.not_after;
    certificates_.insert(generation, id, state);
    co_return state;
}

Awaitable<Principal> RegistryImpl::authenticate_certificate(std::string certificate_der) {
    // The fingerprint is enough: TLS has proved that the peer holds the key, and what is registered was parsed when it was registered.
    CertificateId id(x509::certificate_id(certificate_der));
    const auto state = co_await certificate_state(id);
    if (!state && state.error().code == Errc::certificate_not_registered)
        co_return co_await certificate_part_.meet_newcomer(std::move(certificate_der));
    if (!state) co_return state.error();
    if (state->status == CertificateStatus::pending_activation) co_await certificate_part_.meet_again(id);
    if (auto good = check_state(id, *state, deps_.clock.now()); !good) co_return good.error();
    Principal out;
    out.kind = Principal::Kind::certificate;
    out.arn = deps_.arns.certificate(id);
    out.id = id.str();
    co_return out;
}

Awaitable<std::unique_ptr<Permissions>> RegistryImpl::permissions(Principal principal, ConnectionFacts facts) {
    if (principal.kind == Principal::Kind::iam_user && deps_.iam != nullptr) {
        co_return std::unique_ptr<Permissions>(
            std::make_unique<IamPermissions>(std::move(principal), std::move(facts), *deps_.iam, deps_.clock, deps_.arns));
    }
    if (principal.kind == Principal::Kind::iam_user) {
        co_return std::unique_ptr<Permissions>(std::make_unique<ApiCallerPermissions>(std::move(principal), deps_.arns));
    }
    auto cell = principals_.obtain(principal.id);
    // Loaded for another connection of this certificate, it has been kept up to date since; a null is a load that failed and is tried
    // again.
    const bool loaded = cell->get().value != nullptr;
    if (!loaded) {
        const Result<void> done = co_await load_principal(cell, CertificateId(principal.id));
        if (!done) co_return done.error();
    }
    // Loaded only if the thing is attached: an attachment that comes later loads it then (read_principal), because the cell is in its table
    // before we look.
    std::shared_ptr<ThingCell> named;
    if (const ThingName name(facts.client_id.view()); Validation().thing_name(name).result()) {
        named = live_things_.obtain(name.str());
        const auto known = cell->get().value;
        if (known && known->has(name.view()) && named->get().value == nullptr) {
            const Result<void> done = co_await load_thing(named, name);
            if (!done) co_return done.error();
        }
    }
    co_return std::unique_ptr<Permissions>(std::make_unique<CertificatePermissions>(std::move(principal), std::move(facts), std::move(cell),
                                                                                    std::move(named), epoch_, deps_.arns));
}

Awaitable<void> RegistryImpl::load_principal(std::shared_ptr<PrincipalCell> cell, CertificateId id) {
    const std::uint64_t ticket = cell->begin_load();
    auto facts = co_await read_principal(std::move(id));
    if (!facts) {
        cell->install(ticket, nullptr);
        co_return facts.error();
    }
    cell->install(ticket, std::make_shared<const PrincipalFacts>(std::move(*facts)));
    co_return Result<void>();
}

Awaitable<PrincipalFacts> RegistryImpl::read_principal(CertificateId id) {
    PrincipalFacts out;
    const auto bytes = co_await read(keys::certificate(id));
    if (!bytes) co_return bytes.error();
    out.registered = bytes->has_value();
    if (!out.registered) co_return out;
    auto certificate = decode_certificate(id, **bytes, deps_.arns);
    if (!certificate) co_return certificate.error();
    out.status = certificate->record.status;
    out.variables = std::move(certificate->variables);

    const Range range = keys::principal_things(deps_.arns.certificate(id));
    const auto things = co_await scan_all(range);
    if (!things) co_return things.error();
    for (const KeyValue& item : *things) {
        out.things.push_back(keys::last_part(item.key, range));
        auto live = live_things_.find(out.things.back());
        const bool awaited = live && live->get().value == nullptr;  // a connection that is about to have this thing
        if (awaited) static_cast<void>(co_await load_thing(std::move(live), ThingName(out.things.back())));
        if (attachment_type(item.value) != PrincipalType::exclusive) continue;
        auto cell = co_await obtain_thing(ThingName(out.things.back()));
        if (!cell) co_return cell.error();
        out.exclusive_thing = std::move(*cell);
    }
    std::sort(out.things.begin(), out.things.end());

    auto policies = co_await read_attached_policies(deps_.arns.certificate(id));
    if (!policies) co_return policies.error();
    out.policies = std::move(*policies);
    if (!certificate->claim_template.empty()) {
        const std::string document = claim_policy(certificate->claim_template, deps_.arns);
        auto policy = policy::Policy::parse("provisioning claim", document, document.size());
        if (!policy) co_return policy.error();
        auto cell = std::make_shared<PolicyCell>(epoch_);
        cell->install(cell->begin_load(), std::make_shared<const policy::Policy>(std::move(*policy)));
        out.policies.emplace_back(PolicyName("provisioning claim"), std::move(cell));
    }
    co_return out;
}

Awaitable<AttachedPolicies> RegistryImpl::read_attached_policies(std::string target) {
    const Range range = keys::target_policies(target);
    const auto attached = co_await scan_all(range);
    if (!attached) co_return attached.error();
    AttachedPolicies out;
    for (const KeyValue& item : *attached) {
        PolicyName name(keys::last_part(item.key, range));
        auto policy = policies_.obtain(name.str());
        const bool loaded = policy->get().value != nullptr;
        if (!loaded) {
            // One that cannot be loaded stays in the list and blocks the principal.
            static_cast<void>(co_await load_policy(policy, name));
        }
        out.emplace_back(std::move(name), std::move(policy));
    }
    co_return out;
}

Awaitable<std::shared_ptr<ThingCell>> RegistryImpl::obtain_thing(ThingName name) {
    auto cell = live_things_.obtain(name.str());
    const bool loaded = cell->get().value != nullptr;
    if (!loaded) {
        const Result<void> done = co_await load_thing(cell, std::move(name));
        if (!done) co_return done.error();
    }
    co_return cell;
}

Awaitable<void> RegistryImpl::load_thing(std::shared_ptr<ThingCell> cell, ThingName name) {
    const std::uint64_t ticket = cell->begin_load();
    auto facts = co_await read_thing_facts(std::move(name));
    if (!facts) {
        cell->install(ticket, nullptr);
        co_return facts.error();
    }
    cell->install(ticket, std::make_shared<const ThingFacts>(std::move(*facts)));
    co_return Result<void>();
}

Awaitable<ThingFacts> RegistryImpl::read_thing_facts(ThingName name) {
    ThingFacts out;
    const auto bytes = co_await read(keys::thing(name));
    if (!bytes) co_return bytes.error();
    out.exists = bytes->has_value();
    if (!out.exists) co_return out;
    auto thing = decode_thing(name, **bytes, deps_.arns);
    if (!thing) co_return thing.error();
    out.thing = std::move(*thing);

    const Range range = keys::thing_memberships(name);
    const auto direct = co_await scan_all(range);
    if (!direct) co_return direct.error();
    std::vector<std::string> names;
    for (const KeyValue& item : *direct) names.push_back(keys::last_part(item.key, range));
    // Ancestors are in each group's own record; two groups of one hierarchy never hold the same thing, so none comes twice.
    for (std::size_t at = 0; at < names.size(); ++at) {
        const auto record = co_await read(keys::thing_group(names[at]));
        if (!record) co_return record.error();
        if (!*record) continue;  // deleted since the scan; the thing is about to be loaded again
        const auto group = decode_thing_group(names[at], **record, deps_.arns);
        if (!group) co_return group.error();
        if (at < direct->size()) names.insert(names.end(), group->ancestors.begin(), group->ancestors.end());
        auto cell = live_groups_.obtain(group->name);
        const bool loaded = cell->get().value != nullptr;
        if (!loaded) static_cast<void>(co_await load_group(cell, group->name));
        out.groups.push_back({group->id, std::move(cell)});
    }
    co_return out;
}

Awaitable<void> RegistryImpl::load_group(std::shared_ptr<GroupCell> cell, std::string name) {
    const std::uint64_t ticket = cell->begin_load();
    auto facts = co_await read_group_facts(std::move(name));
    if (!facts) {
        cell->install(ticket, nullptr);
        co_return facts.error();
    }
    cell->install(ticket, std::make_shared<const GroupFacts>(std::move(*facts)));
    co_return Result<void>();
}

Awaitable<GroupFacts> RegistryImpl::read_group_facts(std::string name) {
    GroupFacts out;
    const auto record = co_await read(keys::thing_group(name));
    if (!record) co_return record.error();
    if (!*record) co_return out;
    const auto group = decode_thing_group(name, **record, deps_.arns);
    if (!group) co_return group.error();
    out.id = group->id;
    auto policies = co_await read_attached_policies(group->arn);
    if (!policies) co_return policies.error();
    out.policies = std::move(*policies);
    co_return out;
}

/// Not for live connections: the records of those that exist.
Awaitable<std::vector<Thing>> Core::read_things(std::vector<ThingName> names) {
    std::vector<std::string> wanted;
    for (const ThingName& name : names) wanted.push_back(keys::thing(name));
    const auto records = co_await read_all(std::move(wanted));
    if (!records) co_return records.error();
    std::vector<Thing> out;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (!(*records)[i]) continue;  // deleted since the scan
        auto thing = decode_thing(names[i], *(*records)[i], deps_.arns);
        if (!thing) co_return thing.error();
        out.push_back(std::move(*thing));
    }
    co_return out;
}

Awaitable<void> RegistryImpl::load_policy(std::shared_ptr<PolicyCell> cell, PolicyName name) {
    const std::uint64_t ticket = cell->begin_load();
    auto loaded = co_await read_policy(std::move(name));
    if (!loaded) {
        cell->install(ticket, nullptr);
        co_return loaded.error();
    }
    cell->install(ticket, std::make_shared<const policy::Policy>(std::move(*loaded)));
    co_return Result<void>();
}

Awaitable<policy::Policy> RegistryImpl::read_policy(PolicyName name) {
    // The default may move and the old version go between the two reads; then they are repeated.
    constexpr int attempts_max = 3;
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
        const auto record = co_await read(keys::policy(name));
        if (!record) co_return record.error();
        if (!*record) break;
        const auto stored = decode_policy(name, **record);
        if (!stored) co_return stored.error();
        const auto bytes = co_await read(keys::policy_version(name, stored->default_version));
        if (!bytes) co_return bytes.error();
        if (!*bytes) continue;
        const auto version = decode_policy_version(name, **bytes);
        if (!version) co_return version.error();
        // Its size was checked against the quota in force when it was created; a profile that was changed since must not lock devices out.
        co_return policy::Policy::parse(name.str(), version->document, version->document.size());
    }
    co_return not_found("Policy", name.view());
}

}  // namespace fogbank::registry
