#include <nlohmann/json.hpp>

#include "registry/detail/impl.h"
#include "registry/detail/keys.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {
namespace {

/// What is stored with an attachment: its kind. Source: AWS IoT API reference, AttachThingPrincipal.
std::string attachment_record(PrincipalType type) {
    return nlohmann::json{{"v", 1}, {"type", principal_type_name(type)}}.dump();
}

/// The attachment is refused if it, or one that is there, is exclusive. AWS names no error for it; InvalidRequestException is in every
/// operation's list.
Result<void> check_exclusive(Transaction& tx, const ThingName& thing, const std::string& principal_arn, PrincipalType type) {
    const Range range = keys::principal_things(principal_arn);
    const auto attached = scan_in(tx, range);
    if (!attached) return attached.error();
    for (const KeyValue& item : *attached) {
        const std::string other = keys::last_part(item.key, range);
        if (other == thing.view()) continue;
        if (attachment_type(item.value) == PrincipalType::exclusive) {
            return Error(Errc::invalid_request, "The principal is attached exclusively to thing " + other + ". Detach it first");
        }
        if (type == PrincipalType::exclusive) {
            return Error(Errc::invalid_request,
                         "The principal is attached to thing " + other + " and cannot be attached exclusively to thing " + thing.str());
        }
    }
    return {};
}

}  // namespace

std::string_view principal_type_name(PrincipalType type) {
    return type == PrincipalType::exclusive ? "EXCLUSIVE_THING" : "NON_EXCLUSIVE_THING";
}

std::optional<PrincipalType> principal_type_of(std::string_view name) {
    if (name == "EXCLUSIVE_THING") return PrincipalType::exclusive;
    if (name == "NON_EXCLUSIVE_THING") return PrincipalType::non_exclusive;
    return std::nullopt;
}

PrincipalType attachment_type(std::string_view record) {
    // Written by attachment_record only; anything else is the default.
    const bool exclusive = record.find("\"EXCLUSIVE_THING\"") != std::string_view::npos;
    return exclusive ? PrincipalType::exclusive : PrincipalType::non_exclusive;
}

Awaitable<void> RegistryImpl::attach_thing_principal(ThingName thing, std::string principal_arn, PrincipalType type) {
    if (auto valid = Validation().thing_name(thing).result(); !valid) co_return valid.error();
    const auto id = certificate_of(principal_arn);
    if (!id) co_return id.error();
    ChangeBody<void> body = [this, thing, principal_arn, type, id = *id](Transaction& tx, Affected& affected) -> Result<void> {
        if (auto stored = require_thing(tx, thing); !stored) return stored.error();
        if (auto stored = require_certificate(tx, id); !stored) return stored.error();
        if (auto free = check_exclusive(tx, thing, principal_arn, type); !free) return free.error();
        tx.put(keys::thing_principal(thing, principal_arn), attachment_record(type));
        tx.put(keys::principal_thing(principal_arn, thing), attachment_record(type));
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

Awaitable<std::vector<Attached<std::string>>> RegistryImpl::list_thing_principals(ThingName thing) {
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
    std::vector<Attached<std::string>> out;
    for (const KeyValue& item : *found) out.push_back({keys::last_part(item.key, range), attachment_type(item.value)});
    co_return out;
}

Awaitable<std::vector<Attached<ThingName>>> RegistryImpl::list_principal_things(std::string principal_arn) {
    const auto id = certificate_of(principal_arn);
    if (!id) co_return id.error();
    const auto stored = co_await read(keys::certificate(*id));
    if (!stored) co_return stored.error();
    if (!*stored) co_return not_found("Certificate", id->view());
    const Range range = keys::principal_things(principal_arn);
    auto found = co_await scan_all(range);
    if (!found) co_return found.error();
    std::vector<Attached<ThingName>> out;
    for (const KeyValue& item : *found) out.push_back({ThingName(keys::last_part(item.key, range)), attachment_type(item.value)});
    co_return out;
}

}  // namespace fogbank::registry
