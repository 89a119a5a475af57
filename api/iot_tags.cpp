/// Tags. Source: AWS IoT API reference (reference "registry", section 5).
#include <array>
#include <nlohmann/json.hpp>

#include "api/iot_members.h"
#include "jobs/job_service.h"
#include "registry/device_access.h"
#include "registry/tags.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

/// Whether a resource of that kind and name exists, of the kinds that are not in the registry's own tables. Nothing: of another kind.
asio::awaitable<std::optional<bool>> exists_elsewhere(const Services& services, const std::string& kind, const std::string& name) {
    const auto access = services.rooms.access.state();
    if (kind == "cacert") co_return access->cas.contains(name);
    if (kind == "provisioningtemplate") co_return access->templates.contains(name);
    if (kind == "rolealias") co_return access->role_aliases.contains(name);
    if (kind == "authorizer") co_return access->authorizers.contains(name);
    if (kind == "rule") {
        const auto rule = co_await services.rooms.rules.get_rule(RuleName(name));
        co_return rule.has_value();
    }
    if (kind == "job" && services.rooms.jobs != nullptr) {
        const auto job = co_await services.rooms.jobs->describe_job(name);
        co_return job.has_value();
    }
    co_return std::nullopt;
}

/// Other rooms' resources are asked for there; what the registry does not know of the rest it says itself.
asio::awaitable<Result<void>> check_foreign(const Services& services, const std::string& arn) {
    const std::string prefix = services.rooms.arns.iot("");
    const std::size_t slash = arn.find('/', prefix.size());
    if (!arn.starts_with(prefix) || slash == std::string::npos) co_return Result<void>();
    const std::string kind = arn.substr(prefix.size(), slash - prefix.size());
    const std::string name = arn.substr(slash + 1);
    const auto exists = co_await exists_elsewhere(services, kind, name);
    if (exists.value_or(true)) co_return Result<void>();
    co_return Error(registry::Errc::resource_not_found, "Resource " + arn + " not found");
}

asio::awaitable<Outcome> tag_resource(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    const auto arn = required_string(*body, "resourceArn");
    if (!arn) co_return arn.error();
    if (find_member(*body, "tags") == nullptr) co_return missing_member("tags");
    auto tags = read_tags(*body);
    if (!tags) co_return tags.error();
    const auto known = co_await check_foreign(services, *arn);
    if (!known) co_return known.error();
    const auto done = co_await services.rooms.registry.tags().tag_resource(*arn, std::move(*tags));
    if (!done) co_return done.error();
    co_return json_response(json::object());
}

asio::awaitable<Outcome> untag_resource(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    const auto arn = required_string(*body, "resourceArn");
    if (!arn) co_return arn.error();
    if (find_member(*body, "tagKeys") == nullptr) co_return missing_member("tagKeys");
    auto keys = optional_strings(*body, "tagKeys");
    if (!keys) co_return keys.error();
    const auto known = co_await check_foreign(services, *arn);
    if (!known) co_return known.error();
    const auto done = co_await services.rooms.registry.tags().untag_resource(*arn, std::move(*keys));
    if (!done) co_return done.error();
    co_return json_response(json::object());
}

asio::awaitable<Outcome> list_tags(const Services& services, const Call& call) {
    const auto* arn = call.query_value("resourceArn");
    if (arn == nullptr) co_return missing_member("resourceArn");
    const auto known = co_await check_foreign(services, *arn);
    if (!known) co_return known.error();
    const auto tags = co_await services.rooms.registry.tags().list_tags(*arn);
    if (!tags) co_return tags.error();
    json list = json::array();
    for (const auto& [key, value] : *tags) list.push_back({{"Key", key}, {"Value", value}});  // at most 50: one page
    co_return json_response({{"tags", std::move(list)}});
}

constexpr std::array operations{
    Operation{"TagResource", "POST", "/tags", tag_resource},
    Operation{"UntagResource", "POST", "/untag", untag_resource},
    Operation{"ListTagsForResource", "GET", "/tags", list_tags},
};

}  // namespace

std::span<const Operation> iot_tags_operations() {
    return operations;
}

}  // namespace fogbank::api
