#include "registry/detail/provisioner.h"

#include <algorithm>

#include "common/encoding.h"
#include "registry/thing_groups.h"

namespace fogbank::registry {
namespace {

Error failed(const std::string& logical_name, const Error& cause) {
    if (cause.code == Errc::store_unavailable) return cause;
    return Error(Errc::resource_registration_failure, "Resource " + logical_name + ": " + cause.message);
}

Error conflicts(const std::string& logical_name, const std::string& what) {
    return Error(Errc::resource_registration_failure, "Resource " + logical_name + ": ResourceConflictsException, " + what + " differs");
}

}  // namespace

boost::asio::awaitable<Result<Provisioned>> Provisioner::run() {
    if (plan_.certificate) {
        auto found = co_await certificate();
        if (!found) co_return failed(plan_.certificate->logical_name, found.error());
        certificate_ = std::move(*found);
        out_.certificate_pem = certificate_.pem;
        out_.resource_arns[plan_.certificate->logical_name] = certificate_.arn;
    }
    if (plan_.thing) {
        const auto made = co_await thing();
        if (!made) co_return failed(plan_.thing->logical_name, made.error());
    }
    const auto with_policies = co_await policies();
    if (!with_policies) co_return with_policies.error();
    const auto attached = co_await attach();
    if (!attached) co_return attached.error();
    out_.device_configuration = plan_.device_configuration;
    co_return std::move(out_);
}

Awaitable<CertificateRecord> Provisioner::certificate() {
    const CertificatePlan& plan = *plan_.certificate;
    if (!plan.csr.empty()) co_return co_await registry_.create_certificate_from_csr(plan.csr, false);
    if (!plan.certificate_id.empty()) co_return co_await registry_.describe_certificate(CertificateId(plan.certificate_id));
    RegisterCertificateRequest request;
    request.pem = plan.pem;
    request.ca_pem = plan.ca_pem;
    auto made = co_await registry_.certificate_registration().register_certificate(std::move(request));
    if (made || made.error().code != Errc::resource_already_exists) co_return made;
    const auto parsed = x509::read_certificate_pem(plan.pem);
    const auto der = parsed ? x509::certificate_der(*parsed) : Result<std::string>(parsed.error());
    if (!der) co_return der.error();
    CertificateId id(x509::certificate_id(*der));
    co_return co_await registry_.describe_certificate(std::move(id));
}

Awaitable<void> Provisioner::thing() {
    const ThingPlan& plan = *plan_.thing;
    const ThingName name(plan.name);
    const auto exists = co_await registry_.thing_exists(name);
    if (!exists) co_return exists.error();
    if (*exists) {
        auto found = co_await registry_.describe_thing(name);
        if (!found) co_return found.error();
        out_.resource_arns[plan.logical_name] = found->arn;
        const auto changed = co_await existing_thing(*found);
        if (!changed) co_return changed.error();
    } else {
        CreateThingRequest request;
        request.name = name;
        request.type_name = plan.type_name;
        request.attributes = plan.attributes;
        request.billing_group_name = plan.billing_group;
        auto made = co_await registry_.create_thing(std::move(request));
        if (!made) co_return made.error();
        out_.resource_arns[plan.logical_name] = made->arn;
    }
    out_.thing_name = plan.name;
    co_return co_await groups(!*exists);
}

Awaitable<void> Provisioner::existing_thing(const Thing& found) {
    const ThingPlan& plan = *plan_.thing;
    UpdateThingRequest request;
    request.name = found.name;
    bool needed = false;
    if (!plan.attributes.empty() && plan.attributes != found.attributes) {
        if (plan.attributes_override == Override::fail) co_return conflicts(plan.logical_name, "AttributePayload");
        if (plan.attributes_override != Override::do_nothing) {
            request.attributes = plan.attributes;
            request.merge = plan.attributes_override == Override::merge;
            needed = true;
        }
    }
    if (!plan.type_name.empty() && plan.type_name != found.type_name) {
        if (plan.type_override == Override::fail) co_return conflicts(plan.logical_name, "ThingTypeName");
        if (plan.type_override == Override::replace) {
            request.type_name = plan.type_name;
            needed = true;
        }
    }
    if (!needed) co_return Result<void>();
    co_return co_await registry_.update_thing(std::move(request));
}

Awaitable<void> Provisioner::groups(bool thing_is_new) {
    const ThingPlan& plan = *plan_.thing;
    const ThingName name(plan.name);
    if (plan.groups.empty() || (!thing_is_new && plan.groups_override == Override::do_nothing)) co_return Result<void>();
    ThingGroups& groups = registry_.thing_groups();
    std::vector<std::string> surplus;
    if (!thing_is_new && plan.groups_override != Override::merge) {
        PageRequest page;
        page.items_max = 250;
        const auto present = co_await groups.list_groups_of_thing(name, page);
        if (!present) co_return present.error();
        for (const std::string& group : present->items) {
            if (std::find(plan.groups.begin(), plan.groups.end(), group) == plan.groups.end()) surplus.push_back(group);
        }
        const bool differ = !surplus.empty() || present->items.size() != plan.groups.size();
        if (differ && plan.groups_override == Override::fail) co_return conflicts(plan.logical_name, "ThingGroups");
    }
    for (const std::string& group : surplus) {
        const auto removed = co_await groups.remove_thing_from_group(group, name);
        if (!removed) co_return removed.error();
    }
    for (const std::string& group : plan.groups) {
        const auto added = co_await groups.add_thing_to_group(group, name, false);
        if (!added) co_return added.error();
    }
    co_return Result<void>();
}

Awaitable<void> Provisioner::policies() {
    for (const PolicyPlan& plan : plan_.policies) {
        // A policy that is given by its text gets the text's hash as its name, so that it is made once.
        const PolicyName name(plan.name.empty() ? hex_encode(sha256(plan.document)) : plan.name);
        if (plan.name.empty()) {
            TagMap no_tags;
            const auto made = co_await registry_.create_policy(name, plan.document, std::move(no_tags));
            if (!made && made.error().code != Errc::resource_already_exists) co_return failed(plan.logical_name, made.error());
        }
        const auto found = co_await registry_.get_policy(name);
        if (!found) co_return failed(plan.logical_name, found.error());
        out_.resource_arns[plan.logical_name] = found->arn;
        const auto attached = co_await registry_.attach_policy(name, certificate_.arn);
        if (!attached) co_return failed(plan.logical_name, attached.error());
    }
    co_return Result<void>();
}

Awaitable<void> Provisioner::attach() {
    if (!plan_.certificate) co_return Result<void>();
    const CertificatePlan& plan = *plan_.certificate;
    if (plan_.thing) {
        const auto attached =
            co_await registry_.attach_thing_principal(ThingName(plan_.thing->name), certificate_.arn, PrincipalType::non_exclusive);
        if (!attached) co_return failed(plan.logical_name, attached.error());
    }
    const bool changes = certificate_.status == CertificateStatus::pending_activation || plan.status_override == Override::replace;
    if (!changes) co_return Result<void>();
    const auto done = co_await registry_.certificate_registration().finish_provisioning(certificate_.id, plan.active);
    if (!done) co_return failed(plan.logical_name, done.error());
    co_return Result<void>();
}

}  // namespace fogbank::registry
