#include <nlohmann/json.hpp>

#include "registry/detail/impl.h"
#include "registry/detail/keys.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {
namespace {

/// What is stored with an attachment: its kind. Source: AWS IoT API reference, AttachThingPrincipal.
std::string attachment_record() {
    return nlohmann::json{{"v", 1}, {"type", "NON_EXCLUSIVE_THING"}}.dump();
}

}  // namespace

Awaitable<void> RegistryImpl::attach_thing_principal(ThingName thing, std::string principal_arn) {
    if (auto valid = Validation().thing_name(thing).result(); !valid) co_return valid.error();
    const auto id = certificate_of(principal_arn);
    if (!id) co_return id.error();
    ChangeBody<void> body = [this, thing, principal_arn, id = *id](Transaction& tx, Affected& affected) -> Result<void> {
        if (auto stored = require_thing(tx, thing); !stored) return stored.error();
        if (auto stored = require_certificate(tx, id); !stored) return stored.error();
        tx.put(keys::thing_principal(thing, principal_arn), attachment_record());
        tx.put(keys::principal_thing(principal_arn, thing), attachment_record());
        affected.certificates = {id};
        return {};
    };
    co_return co_await change<void>(std::move(body));
}

Awaitable<void> RegistryImpl::detach_thing_principal(ThingName thing, std::string principal_arn) {
    if (auto valid = Validation().thing_name(thing).result(); !valid) co_return valid.error();
    const auto id = certificate_of(principal_arn);
    if (!id) co_return id.error();
    ChangeBody<void> body = [this, thing, principal_arn, id = *id](Transaction& tx, Affected& affected) -> Result<void> {
        if (auto stored = require_thing(tx, thing); !stored) return stored.error();
        tx.erase(keys::thing_principal(thing, principal_arn));
        tx.erase(keys::principal_thing(principal_arn, thing));
        affected.certificates = {id};
        return {};
    };
    co_return co_await change<void>(std::move(body));
}

Awaitable<std::vector<std::string>> RegistryImpl::list_thing_principals(ThingName thing) {
    if (auto valid = Validation().thing_name(thing).result(); !valid) co_return valid.error();
    const auto stored = co_await read(keys::thing(thing));
    if (!stored) co_return stored.error();
    if (!*stored) {
        co_return Error(Errc::resource_not_found,
                        "Failed to list principals for thing " + thing.str() + " because the thing does not exist in your account");
    }
    const Range range = keys::thing_principals(thing);
    auto found = co_await scan_all(range);
    if (!found) co_return found.error();
    std::vector<std::string> out;
    for (const KeyValue& item : *found) out.push_back(keys::last_part(item.key, range));
    co_return out;
}

Awaitable<std::vector<ThingName>> RegistryImpl::list_principal_things(std::string principal_arn) {
    const auto id = certificate_of(principal_arn);
    if (!id) co_return id.error();
    const auto stored = co_await read(keys::certificate(*id));
    if (!stored) co_return stored.error();
    if (!*stored) co_return not_found("Certificate", id->view());
    const Range range = keys::principal_things(principal_arn);
    auto found = co_await scan_all(range);
    if (!found) co_return found.error();
    std::vector<ThingName> out;
    for (const KeyValue& item : *found) out.emplace_back(keys::last_part(item.key, range));
    co_return out;
}

}  // namespace fogbank::registry
