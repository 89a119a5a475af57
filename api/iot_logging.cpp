/// Logging options, V2 and the older form. Source: AWS IoT API reference (reference "registry", section 14).
#include <array>
#include <nlohmann/json.hpp>

#include "api/iot_members.h"
#include "common/logging.h"
#include "registry/logging_options.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

/// The default level is the level of this server's own log from now on; per-target levels are kept.
asio::awaitable<Outcome> apply(const Services& services, registry::LoggingSettings settings) {
    const std::string level = registry::server_log_level(settings);
    const bool given = settings.disable_all || !settings.default_level.empty();
    const auto done = co_await services.rooms.registry.logging().set_logging_options(std::move(settings));
    if (!done) co_return done.error();
    if (given) configure_logging(level);
    co_return json_response(json::object());
}

Result<std::vector<registry::EventLogging>> read_event_configurations(const json& body) {
    std::vector<registry::EventLogging> out;
    const json* list = find_member(body, "eventConfigurations");
    if (list == nullptr) return out;
    if (!list->is_array()) return validation_error("eventConfigurations must be a list");
    for (const json& one : *list) {
        if (!one.is_object()) return validation_error("each of eventConfigurations must be an object");
        const auto type = required_string(one, "eventType");
        if (!type) return type.error();
        const auto level = optional_string(one, "logLevel");
        if (!level) return level.error();
        const auto destination = optional_string(one, "logDestination");
        if (!destination) return destination.error();
        out.push_back({*type, level->value_or(""), destination->value_or("")});
    }
    return out;
}

asio::awaitable<Outcome> set_v2_logging_options(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    const auto role = optional_string(*body, "roleArn");
    if (!role) co_return role.error();
    const auto level = optional_string(*body, "defaultLogLevel");
    if (!level) co_return level.error();
    const auto disable = optional_bool(*body, "disableAllLogs");
    if (!disable) co_return disable.error();
    auto events = read_event_configurations(*body);
    if (!events) co_return events.error();
    registry::LoggingSettings settings{role->value_or(""), level->value_or(""), disable->value_or(false), std::move(*events)};
    co_return co_await apply(services, std::move(settings));
}

asio::awaitable<Outcome> get_v2_logging_options(const Services& services, const Call&) {
    const auto found = co_await services.rooms.registry.logging().logging_options();
    if (!found) co_return found.error();
    json answer{{"disableAllLogs", found->disable_all}};
    if (!found->role_arn.empty()) answer["roleArn"] = found->role_arn;
    if (!found->default_level.empty()) answer["defaultLogLevel"] = found->default_level;
    for (const registry::EventLogging& one : found->events) {
        json event{{"eventType", one.event_type}};
        if (!one.level.empty()) event["logLevel"] = one.level;
        if (!one.destination.empty()) event["logDestination"] = one.destination;
        answer["eventConfigurations"].push_back(std::move(event));
    }
    co_return json_response(answer);
}

asio::awaitable<Outcome> set_v2_logging_level(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    if (find_member(*body, "logTarget") == nullptr) co_return missing_member("logTarget");
    const auto target = optional_object(*body, "logTarget");
    if (!target) co_return target.error();
    const auto type = required_string(*target, "targetType");
    if (!type) co_return type.error();
    const auto name = optional_string(*target, "targetName");
    if (!name) co_return name.error();
    const auto level = required_string(*body, "logLevel");
    if (!level) co_return level.error();
    registry::LogTarget named{*type, name->value_or("")};
    const auto done = co_await services.rooms.registry.logging().set_logging_level(std::move(named), *level);
    if (!done) co_return done.error();
    co_return json_response(json::object());
}

asio::awaitable<Outcome> delete_v2_logging_level(const Services& services, const Call& call) {
    const auto* type = call.query_value("targetType");
    if (type == nullptr) co_return missing_member("targetType");
    const auto* name = call.query_value("targetName");
    registry::LogTarget named{*type, name == nullptr ? std::string() : *name};
    const auto done = co_await services.rooms.registry.logging().delete_logging_level(std::move(named));
    if (!done) co_return done.error();
    co_return json_response(json::object());
}

asio::awaitable<Outcome> list_v2_logging_levels(const Services& services, const Call& call) {
    auto page = read_token_page(call);
    if (!page) co_return page.error();
    const auto* type = call.query_value("targetType");
    std::string wanted = type == nullptr ? std::string() : *type;
    const auto found = co_await services.rooms.registry.logging().list_logging_levels(std::move(wanted), std::move(*page));
    if (!found) co_return found.error();
    json list = json::array();
    for (const auto& one : found->items) {
        json target{{"targetType", one.target.type}};
        if (!one.target.name.empty()) target["targetName"] = one.target.name;
        list.push_back({{"logTarget", std::move(target)}, {"logLevel", one.level}});
    }
    json answer{{"logTargetConfigurations", std::move(list)}};
    if (found->next) answer["nextToken"] = encode_token(*found->next);
    co_return json_response(answer);
}

asio::awaitable<Outcome> set_logging_options(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    const auto role = required_string(*body, "roleArn");
    if (!role) co_return role.error();
    const auto level = optional_string(*body, "logLevel");
    if (!level) co_return level.error();
    registry::LoggingSettings settings{*role, level->value_or(""), false, {}};
    co_return co_await apply(services, std::move(settings));
}

asio::awaitable<Outcome> get_logging_options(const Services& services, const Call&) {
    const auto found = co_await services.rooms.registry.logging().logging_options();
    if (!found && found.error().code != registry::Errc::not_configured) co_return found.error();
    json answer = json::object();
    if (found && !found->role_arn.empty()) answer["roleArn"] = found->role_arn;
    if (found && !found->default_level.empty()) answer["logLevel"] = found->disable_all ? "DISABLED" : found->default_level;
    co_return json_response(answer);
}

constexpr std::array operations{
    Operation{"SetV2LoggingOptions", "POST", "/v2LoggingOptions", set_v2_logging_options},
    Operation{"GetV2LoggingOptions", "GET", "/v2LoggingOptions", get_v2_logging_options},
    Operation{"SetV2LoggingLevel", "POST", "/v2LoggingLevel", set_v2_logging_level},
    Operation{"DeleteV2LoggingLevel", "DELETE", "/v2LoggingLevel", delete_v2_logging_level},
    Operation{"ListV2LoggingLevels", "GET", "/v2LoggingLevel", list_v2_logging_levels},
    Operation{"SetLoggingOptions", "POST", "/loggingOptions", set_logging_options},
    Operation{"GetLoggingOptions", "GET", "/loggingOptions", get_logging_options},
};

}  // namespace

std::span<const Operation> iot_logging_operations() {
    return operations;
}

}  // namespace fogbank::api
