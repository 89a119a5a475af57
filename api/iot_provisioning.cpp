/// Provisioning templates, claims and RegisterThing. Source: AWS IoT API reference (reference "registry", sections 2, 11 and 12).
#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "api/iot_new_tags.h"
#include "api/members.h"
#include "registry/certificate_registration.h"
#include "registry/device_access.h"
#include "registry/provisioning_service.h"
#include "registry/provisioning_template.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using registry::DeviceAccessState;
using registry::ProvisioningTemplate;
using registry::TemplateKind;
using Edit = UniqueFunction<Result<void>(DeviceAccessState&)>;

/// Source: AWS General Reference, AWS IoT Core provisioning limits.
constexpr std::size_t templates_max = 256, versions_max = 5;
constexpr std::int64_t page_max = 250, default_page = 25;

Error not_found(const std::string& name) {
    return Error(registry::Errc::resource_not_found, "Provisioning template " + name + " not found");
}

std::string arn_of(const Services& services, const std::string& name) {
    return services.rooms.arns.iot("provisioningtemplate/" + name);
}

Result<void> check_name(const std::string& name) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    };
    if (name.empty() || name.size() > 36 || !std::all_of(name.begin(), name.end(), fits))
        return constraint_error(name.substr(0, 100), "templateName",
                                "Member must satisfy regular expression pattern: ^[0-9A-Za-z_-]{1,36}$");
    return {};
}

TemplateKind kind_of(const std::string& type) {
    return type == "JITP" ? TemplateKind::jitp : TemplateKind::fleet;
}

/// The hook of a create or update; empty: none given. Errors: validation.
Result<std::pair<std::string, std::string>> read_hook(const json& body) {
    const json* hook = find_member(body, "preProvisioningHook");
    if (hook == nullptr) return std::pair<std::string, std::string>();
    if (!hook->is_object()) return validation_error("preProvisioningHook must be an object");
    auto target = required_string(*hook, "targetArn");
    if (!target) return target.error();
    auto version = optional_string(*hook, "payloadVersion");
    if (!version) return version.error();
    if (target->empty()) return validation_error("targetArn must not be empty");
    return std::pair(version->value_or("2020-04-01"), std::move(*target));
}

Result<ProvisioningTemplate> read_template(const json& body, WallTime now) {
    ProvisioningTemplate out;
    auto name = required_string(body, "templateName");
    if (!name) return name.error();
    if (auto valid = check_name(*name); !valid) return valid.error();
    auto text = required_string(body, "templateBody");
    if (!text) return text.error();
    auto role = required_string(body, "provisioningRoleArn");
    if (!role) return role.error();
    auto description = optional_string(body, "description");
    if (!description) return description.error();
    if (description->value_or("").size() > 500) return validation_error("description has at most 500 characters");
    auto enabled = optional_bool(body, "enabled");
    if (!enabled) return enabled.error();
    auto type = optional_string(body, "type");
    if (!type) return type.error();
    out.type = type->value_or("FLEET_PROVISIONING");
    if (out.type != "FLEET_PROVISIONING" && out.type != "JITP")
        return constraint_error(out.type, "type", "Member must satisfy enum value set: [FLEET_PROVISIONING, JITP]");
    auto hook = read_hook(body);
    if (!hook) return hook.error();
    if (out.type == "JITP" && !hook->second.empty()) return validation_error("A template of type JITP has no pre-provisioning hook");
    if (auto valid = registry::check_template(*text, kind_of(out.type)); !valid) return valid.error();
    out.name = std::move(*name);
    out.description = description->value_or("");
    out.role_arn = std::move(*role);
    out.hook_payload_version = std::move(hook->first);
    out.hook_function_arn = std::move(hook->second);
    out.enabled = enabled->value_or(false);
    out.created_at = out.modified_at = now;
    out.versions[1] = registry::TemplateVersion{std::move(*text), now};
    return out;
}

asio::awaitable<Outcome> create_provisioning_template(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    auto fresh = read_template(*body, services.rooms.clock.now());
    if (!fresh) co_return fresh.error();
    const std::string name = fresh->name;
    auto tags = new_tags(*body);
    if (!tags) co_return tags.error();
    Edit edit = [fresh = *fresh](DeviceAccessState& state) -> Result<void> {
        if (state.templates.contains(fresh.name))
            return Error(registry::Errc::resource_already_exists, "Provisioning template " + fresh.name + " already exists");
        if (state.templates.size() >= templates_max)
            return Error(registry::Errc::limit_exceeded, "The account has the maximum number of provisioning templates (256)");
        state.templates.emplace(fresh.name, fresh);
        return {};
    };
    const auto done = co_await services.rooms.access.change(std::move(edit));
    if (!done && done.error().code == registry::Errc::resource_already_exists) {
        co_return error_response(Family::control, done.error(), call.request_id,
                                 {{"resourceId", name}, {"resourceArn", arn_of(services, name)}});
    }
    if (!done) co_return done.error();
    const auto tagged = co_await tag_new_resource(services, arn_of(services, name), std::move(*tags));
    if (!tagged) co_return tagged.error();
    co_return json_response({{"templateArn", arn_of(services, name)}, {"templateName", name}, {"defaultVersionId", 1}});
}

json summary(const Services& services, const ProvisioningTemplate& one) {
    json out{
        {"templateArn", arn_of(services, one.name)},          {"templateName", one.name}, {"creationDate", epoch_seconds(one.created_at)},
        {"lastModifiedDate", epoch_seconds(one.modified_at)}, {"enabled", one.enabled},   {"type", one.type}};
    if (!one.description.empty()) out["description"] = one.description;
    return out;
}

asio::awaitable<Outcome> describe_provisioning_template(const Services& services, const Call& call) {
    const auto state = services.rooms.access.state();
    const auto found = state->templates.find(call.label("templateName"));
    if (found == state->templates.end()) co_return not_found(call.label("templateName"));
    const ProvisioningTemplate& one = found->second;
    json out = summary(services, one);
    out["defaultVersionId"] = one.default_version;
    out["provisioningRoleArn"] = one.role_arn;
    if (const auto version = one.versions.find(one.default_version); version != one.versions.end())
        out["templateBody"] = version->second.body;
    if (!one.hook_function_arn.empty())
        out["preProvisioningHook"] = {{"payloadVersion", one.hook_payload_version}, {"targetArn", one.hook_function_arn}};
    co_return json_response(out);
}

struct TemplateUpdate {
    std::optional<std::string> description, role_arn;
    std::optional<bool> enabled;
    std::optional<std::int64_t> default_version;
    std::pair<std::string, std::string> hook;
    bool remove_hook = false;
};

Result<TemplateUpdate> read_update(const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) return body.error();
    TemplateUpdate out;
    auto description = optional_string(*body, "description");
    if (!description) return description.error();
    auto role = optional_string(*body, "provisioningRoleArn");
    if (!role) return role.error();
    auto enabled = optional_bool(*body, "enabled");
    if (!enabled) return enabled.error();
    auto version = optional_integer(*body, "defaultVersionId");
    if (!version) return version.error();
    auto hook = read_hook(*body);
    if (!hook) return hook.error();
    auto remove = optional_bool(*body, "removePreProvisioningHook");
    if (!remove) return remove.error();
    out.description = *description;
    out.role_arn = *role;
    out.enabled = *enabled;
    out.default_version = *version;
    out.hook = std::move(*hook);
    out.remove_hook = remove->value_or(false);
    if (out.remove_hook && !out.hook.second.empty())
        return validation_error("preProvisioningHook and removePreProvisioningHook must not be given together");
    return out;
}

/// Applies `change` to the template that the path names.
template <class Change>
asio::awaitable<Result<void>> change_template(const Services& services, const Call& call, Change change) {
    Edit edit = [name = call.label("templateName"), change = std::move(change)](DeviceAccessState& state) -> Result<void> {
        const auto found = state.templates.find(name);
        if (found == state.templates.end()) return not_found(name);
        return change(state, found->second);
    };
    co_return co_await services.rooms.access.change(std::move(edit));
}

asio::awaitable<Outcome> update_provisioning_template(const Services& services, const Call& call) {
    auto update = read_update(call);
    if (!update) co_return update.error();
    auto change = [update = *update, now = services.rooms.clock.now()](DeviceAccessState&, ProvisioningTemplate& one) -> Result<void> {
        if (update.default_version && !one.versions.contains(*update.default_version))
            return Error(registry::Errc::resource_not_found, "Version " + std::to_string(*update.default_version) + " not found");
        one.default_version = update.default_version.value_or(one.default_version);
        one.description = update.description.value_or(one.description);
        one.role_arn = update.role_arn.value_or(one.role_arn);
        one.enabled = update.enabled.value_or(one.enabled);
        if (!update.hook.second.empty() || update.remove_hook) {
            one.hook_payload_version = update.hook.first;
            one.hook_function_arn = update.hook.second;
        }
        one.modified_at = now;
        return {};
    };
    const auto done = co_await change_template(services, call, std::move(change));
    if (!done) co_return done.error();
    co_return empty_response();
}

asio::awaitable<Outcome> delete_provisioning_template(const Services& services, const Call& call) {
    auto change = [](DeviceAccessState& state, ProvisioningTemplate& one) -> Result<void> {
        if (one.versions.size() > 1)
            return Error(registry::Errc::delete_conflict,
                         "All versions but the default one must be deleted before the template " + one.name);
        const bool used = std::any_of(state.cas.begin(), state.cas.end(),
                                      [&](const auto& entry) { return entry.second.registration.template_name == one.name; });
        if (used) return Error(registry::Errc::delete_conflict, "The template " + one.name + " is used by a CA certificate");
        state.templates.erase(std::string(one.name));
        return {};
    };
    const auto done = co_await change_template(services, call, std::move(change));
    if (!done) co_return done.error();
    co_await forget_tags(services, arn_of(services, call.label("templateName")));
    co_return empty_response();
}

/// One page of `items` as `member`, with nextToken and maxResults.
Outcome page(const Call& call, const char* member, const json& items) {
    const auto limit = query_integer(call, "maxResults", 1, page_max);
    if (!limit) return limit.error();
    const auto part = slice(call.query_value("nextToken"), items.size(), static_cast<std::size_t>(limit->value_or(default_page)));
    if (!part) return part.error();
    json list = json::array();
    for (std::size_t i = part->begin; i < part->end; ++i) list.push_back(items[i]);
    json out{{member, std::move(list)}};
    if (part->next) out["nextToken"] = *part->next;
    return json_response(out);
}

asio::awaitable<Outcome> list_provisioning_templates(const Services& services, const Call& call) {
    const auto state = services.rooms.access.state();
    json items = json::array();
    for (const auto& [name, one] : state->templates) items.push_back(summary(services, one));
    co_return page(call, "templates", items);
}

asio::awaitable<Outcome> create_provisioning_template_version(const Services& services, const Call& call) {
    const auto as_default = query_bool(call, "setAsDefault", false);
    if (!as_default) co_return as_default.error();
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    const auto text = required_string(*body, "templateBody");
    if (!text) co_return text.error();
    const auto made = std::make_shared<std::pair<std::int64_t, bool>>();
    auto change = [text = *text, as_default = *as_default, now = services.rooms.clock.now(), made](
                      DeviceAccessState&, ProvisioningTemplate& one) -> Result<void> {
        if (auto valid = registry::check_template(text, kind_of(one.type)); !valid) return valid;
        if (one.versions.size() >= versions_max)
            return Error(registry::Errc::versions_limit_exceeded,
                         "The template " + one.name + " already has the maximum number of versions (5)");
        const std::int64_t number = one.next_version++;
        one.versions[number] = registry::TemplateVersion{text, now};
        if (as_default) one.default_version = number;
        one.modified_at = now;
        *made = {number, as_default};
        return {};
    };
    const auto done = co_await change_template(services, call, std::move(change));
    if (!done) co_return done.error();
    const std::string& name = call.label("templateName");
    co_return json_response(
        {{"templateArn", arn_of(services, name)}, {"templateName", name}, {"versionId", made->first}, {"isDefaultVersion", made->second}});
}

/// The number in the path. Errors: validation.
Result<std::int64_t> read_version(const Call& call) {
    const std::string& text = call.label("versionId");
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 1)
        return constraint_error(text.substr(0, 50), "versionId", "Member must be a positive number");
    return value;
}

Error no_version(std::int64_t version) {
    return Error(registry::Errc::resource_not_found, "Version " + std::to_string(version) + " not found");
}

asio::awaitable<Outcome> describe_provisioning_template_version(const Services& services, const Call& call) {
    const auto number = read_version(call);
    if (!number) co_return number.error();
    const auto state = services.rooms.access.state();
    const auto found = state->templates.find(call.label("templateName"));
    if (found == state->templates.end()) co_return not_found(call.label("templateName"));
    const auto version = found->second.versions.find(*number);
    if (version == found->second.versions.end()) co_return no_version(*number);
    co_return json_response({{"versionId", *number},
                             {"creationDate", epoch_seconds(version->second.created_at)},
                             {"templateBody", version->second.body},
                             {"isDefaultVersion", found->second.default_version == *number}});
}

asio::awaitable<Outcome> delete_provisioning_template_version(const Services& services, const Call& call) {
    const auto number = read_version(call);
    if (!number) co_return number.error();
    auto change = [number = *number](DeviceAccessState&, ProvisioningTemplate& one) -> Result<void> {
        if (!one.versions.contains(number)) return no_version(number);
        if (one.default_version == number) return Error(registry::Errc::delete_conflict, "The default version cannot be deleted");
        one.versions.erase(number);
        return {};
    };
    const auto done = co_await change_template(services, call, std::move(change));
    if (!done) co_return done.error();
    co_return empty_response();
}

asio::awaitable<Outcome> list_provisioning_template_versions(const Services& services, const Call& call) {
    const auto state = services.rooms.access.state();
    const auto found = state->templates.find(call.label("templateName"));
    if (found == state->templates.end()) co_return not_found(call.label("templateName"));
    json items = json::array();
    for (const auto& [number, version] : found->second.versions) {
        items.push_back({{"versionId", number},
                         {"creationDate", epoch_seconds(version.created_at)},
                         {"isDefaultVersion", number == found->second.default_version}});
    }
    co_return page(call, "versions", items);
}

asio::awaitable<Outcome> create_provisioning_claim(const Services& services, const Call& call) {
    const auto state = services.rooms.access.state();
    const std::string& name = call.label("templateName");
    const auto found = state->templates.find(name);
    if (found == state->templates.end()) co_return not_found(name);
    if (!found->second.enabled) co_return validation_error("The template " + name + " is not enabled");
    const auto made = co_await services.rooms.registry.certificate_registration().create_claim(name);
    if (!made) co_return made.error();
    co_return json_response({{"certificateId", made->certificate.id.str()},
                             {"certificatePem", made->certificate.pem},
                             {"keyPair", {{"PublicKey", made->public_key_pem}, {"PrivateKey", made->private_key_pem}}},
                             {"expiration", epoch_seconds(made->certificate.not_after)}});
}

asio::awaitable<Outcome> register_thing(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    auto text = required_string(*body, "templateBody");
    if (!text) co_return text.error();
    registry::TemplateParameters parameters;
    if (const json* given = find_member(*body, "parameters")) {
        if (!given->is_object()) co_return validation_error("parameters must be an object");
        for (const auto& [name, value] : given->items()) {
            if (!value.is_string()) co_return validation_error("parameter " + name + " must be a string");
            parameters[name] = value.get<std::string>();
        }
    }
    if (services.rooms.provisioning == nullptr) co_return Error(Errc::unavailable, "provisioning is not running");
    const auto made = co_await services.rooms.provisioning->register_thing(std::move(*text), std::move(parameters));
    if (!made) co_return made.error();
    json out{{"resourceArns", made->resource_arns}};
    if (!made->certificate_pem.empty()) out["certificatePem"] = made->certificate_pem;
    co_return json_response(out);
}

constexpr std::array operations{
    Operation{"CreateProvisioningTemplate", "POST", "/provisioning-templates", create_provisioning_template},
    Operation{"DescribeProvisioningTemplate", "GET", "/provisioning-templates/{templateName}", describe_provisioning_template},
    Operation{"UpdateProvisioningTemplate", "PATCH", "/provisioning-templates/{templateName}", update_provisioning_template},
    Operation{"DeleteProvisioningTemplate", "DELETE", "/provisioning-templates/{templateName}", delete_provisioning_template},
    Operation{"ListProvisioningTemplates", "GET", "/provisioning-templates", list_provisioning_templates},
    Operation{"CreateProvisioningTemplateVersion", "POST", "/provisioning-templates/{templateName}/versions",
              create_provisioning_template_version},
    Operation{"DescribeProvisioningTemplateVersion", "GET", "/provisioning-templates/{templateName}/versions/{versionId}",
              describe_provisioning_template_version},
    Operation{"DeleteProvisioningTemplateVersion", "DELETE", "/provisioning-templates/{templateName}/versions/{versionId}",
              delete_provisioning_template_version},
    Operation{"ListProvisioningTemplateVersions", "GET", "/provisioning-templates/{templateName}/versions",
              list_provisioning_template_versions},
    Operation{"CreateProvisioningClaim", "POST", "/provisioning-templates/{templateName}/provisioning-claim", create_provisioning_claim},
    Operation{"RegisterThing", "POST", "/things", register_thing},
};

}  // namespace

std::span<const Operation> iot_provisioning_operations() {
    return operations;
}

}  // namespace fogbank::api
