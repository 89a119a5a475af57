/// Which registry events are published. Source: AWS IoT API reference (reference "registry", section 13).
#include <array>
#include <nlohmann/json.hpp>

#include "api/iot_members.h"
#include "registry/events.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using registry::EventType;

Result<std::map<EventType, bool>> read_changes(const json& body) {
    std::map<EventType, bool> out;
    const auto configurations = optional_object(body, "eventConfigurations");
    if (!configurations) return configurations.error();
    for (const auto& [name, configuration] : configurations->items()) {
        const auto type = registry::event_type_of(name);
        if (!type) return constraint_error(name, "eventConfigurations", "Map keys must be event types");
        if (!configuration.is_object()) return validation_error("eventConfigurations." + name + " must be an object");
        const auto enabled = optional_bool(configuration, "Enabled");
        if (!enabled) return enabled.error();
        out[*type] = enabled->value_or(false);
    }
    return out;
}

asio::awaitable<Outcome> update_event_configurations(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    auto changes = read_changes(*body);
    if (!changes) co_return changes.error();
    const auto done = co_await services.rooms.registry.events().update_event_configurations(std::move(*changes));
    if (!done) co_return done.error();
    co_return json_response(json::object());
}

asio::awaitable<Outcome> describe_event_configurations(const Services& services, const Call&) {
    const auto found = co_await services.rooms.registry.events().describe_event_configurations();
    if (!found) co_return found.error();
    json configurations = json::object();
    for (std::size_t i = 0; i < found->enabled.size(); ++i) {
        const auto name = registry::event_type_name(static_cast<EventType>(i));
        configurations[std::string(name)] = {{"Enabled", static_cast<bool>(found->enabled[i])}};
    }
    json answer{{"eventConfigurations", std::move(configurations)}};
    if (found->created_at) answer["creationDate"] = epoch_seconds(*found->created_at);
    if (found->modified_at) answer["lastModifiedDate"] = epoch_seconds(*found->modified_at);
    co_return json_response(answer);
}

constexpr std::array operations{
    Operation{"UpdateEventConfigurations", "PATCH", "/event-configurations", update_event_configurations},
    Operation{"DescribeEventConfigurations", "GET", "/event-configurations", describe_event_configurations},
};

}  // namespace

std::span<const Operation> iot_events_operations() {
    return operations;
}

}  // namespace fogbank::api
