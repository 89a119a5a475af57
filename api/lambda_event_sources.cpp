/// Lambda's operations on event source mappings.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/lambda.h"
#include "api/members.h"
#include "common/arn.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using lambda::EventSourceMapping;
using lambda::EventSourceSettings;
using nlohmann::json;

constexpr std::size_t body_bytes_max = 64 * 1024;
constexpr std::int64_t page_max = 10'000;   // model: MaxListItems
constexpr std::int64_t default_page = 100;  // API reference, ListEventSourceMappings

Error parameter_error(std::string message) {
    return Error(lambda::Errc::invalid_parameter, std::move(message));
}

json mapping_json(const EventSourceMapping& mapping) {
    json destination{{"OnFailure", json::object()}};
    if (!mapping.on_failure.empty()) destination["OnFailure"]["Destination"] = mapping.on_failure;
    json out{{"UUID", mapping.id},
             {"StartingPosition", mapping.from_latest ? "LATEST" : "TRIM_HORIZON"},
             {"BatchSize", mapping.batch_size},
             {"MaximumBatchingWindowInSeconds", mapping.batching_window_s},
             {"ParallelizationFactor", mapping.parallelization},
             {"EventSourceArn", mapping.stream_arn},
             {"FunctionArn", mapping.function_arn},
             {"LastModified", epoch_seconds(mapping.modified_at)},
             {"LastProcessingResult", mapping.last_result},
             {"State", mapping.state},
             {"StateTransitionReason", "User action"},
             {"DestinationConfig", std::move(destination)},
             {"MaximumRecordAgeInSeconds", mapping.record_age_max_s},
             {"BisectBatchOnFunctionError", mapping.bisect},
             {"MaximumRetryAttempts", mapping.retries_max},
             {"TumblingWindowInSeconds", 0},
             {"FunctionResponseTypes", json::array()}};
    if (mapping.report_item_failures) out["FunctionResponseTypes"].push_back("ReportBatchItemFailures");
    if (!mapping.filters.empty()) {
        json filters = json::array();
        for (const auto& pattern : mapping.filters) filters.push_back({{"Pattern", pattern}});
        out["FilterCriteria"] = {{"Filters", std::move(filters)}};
    }
    return out;
}

/// Members for sources that this server does not have, and windows of state: refused when they ask for something, never ignored.
Result<void> refuse_options(const json& body) {
    for (const char* name : {"Topics", "Queues", "SourceAccessConfigurations", "SelfManagedEventSource",
                             "AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig", "DocumentDBEventSourceConfig",
                             "ScalingConfig", "KMSKeyArn", "ProvisionedPollerConfig", "MetricsConfig"}) {
        const json* value = find_member(body, name);
        if (value != nullptr && !value->empty()) return parameter_error(std::string(name) + " is not for a table's stream");
    }
    const auto tumbling = optional_integer(body, "TumblingWindowInSeconds");
    if (!tumbling) return tumbling.error();
    if (tumbling->value_or(0) != 0) return parameter_error("TumblingWindowInSeconds is not supported by this server");
    return {};
}

/// Absent: nothing; empty or null: none.
Result<std::optional<std::string>> read_on_failure(const json& body) {
    const json* config = find_member(body, "DestinationConfig");
    if (config == nullptr) return std::optional<std::string>();
    if (!config->is_object()) return validation_error("DestinationConfig must be an object");
    if (const json* success = find_member(*config, "OnSuccess"); success != nullptr && !success->empty())
        return parameter_error("Unsupported destination OnSuccess: streams have a destination for failures only");
    const json* failure = find_member(*config, "OnFailure");
    if (failure == nullptr) return std::optional<std::string>("");
    if (!failure->is_object()) return validation_error("OnFailure must be an object");
    auto arn = optional_string(*failure, "Destination");
    if (!arn) return arn.error();
    return std::optional(arn->value_or(std::string()));
}

Result<std::optional<std::vector<std::string>>> read_filters(const json& body) {
    const json* criteria = find_member(body, "FilterCriteria");
    if (criteria == nullptr) return std::optional<std::vector<std::string>>();
    if (!criteria->is_object()) return validation_error("FilterCriteria must be an object");
    std::vector<std::string> out;
    const json* filters = find_member(*criteria, "Filters");
    if (filters == nullptr) return std::optional(out);
    if (!filters->is_array()) return validation_error("Filters must be an array");
    for (const auto& filter : *filters) {
        if (!filter.is_object()) return validation_error("a filter must be an object");
        auto pattern = optional_string(filter, "Pattern");
        if (!pattern) return pattern.error();
        // A filter without a pattern wants everything.
        out.push_back(pattern->value_or("{}"));
    }
    return std::optional(std::move(out));
}

Result<std::optional<bool>> read_response_types(const json& body) {
    const json* types = find_member(body, "FunctionResponseTypes");
    if (types == nullptr) return std::optional<bool>();
    if (!types->is_array()) return validation_error("FunctionResponseTypes must be an array");
    for (const auto& type : *types) {
        if (type != "ReportBatchItemFailures")
            return constraint_error(type.dump(), "functionResponseTypes", "Member must satisfy enum value set: [ReportBatchItemFailures]");
    }
    return std::optional(!types->empty());
}

Result<EventSourceSettings> read_settings(const json& body) {
    if (auto plain = refuse_options(body); !plain) return plain.error();
    EventSourceSettings out;
    const auto name = optional_string(body, "FunctionName");
    if (!name) return name.error();
    if (*name) {
        auto function = lambda::parse_function_reference(**name);
        if (!function) return function.error();
        out.function = std::move(*function);
    }
    for (const auto& [member, field] : {std::pair<const char*, std::optional<std::int64_t>*>("BatchSize", &out.batch_size),
                                        {"MaximumBatchingWindowInSeconds", &out.batching_window_s},
                                        {"ParallelizationFactor", &out.parallelization},
                                        {"MaximumRecordAgeInSeconds", &out.record_age_max_s},
                                        {"MaximumRetryAttempts", &out.retries_max}}) {
        const auto value = optional_integer(body, member);
        if (!value) return value.error();
        *field = *value;
    }
    for (const auto& [member, field] :
         {std::pair<const char*, std::optional<bool>*>("Enabled", &out.enabled), {"BisectBatchOnFunctionError", &out.bisect}}) {
        const auto value = optional_bool(body, member);
        if (!value) return value.error();
        *field = *value;
    }
    auto types = read_response_types(body);
    if (!types) return types.error();
    out.report_item_failures = *types;
    auto destination = read_on_failure(body);
    if (!destination) return destination.error();
    out.on_failure = std::move(*destination);
    auto filters = read_filters(body);
    if (!filters) return filters.error();
    out.filters = std::move(*filters);
    return out;
}

Result<bool> read_starting_position(const json& body) {
    const auto position = optional_string(body, "StartingPosition");
    if (!position) return position.error();
    if (!*position) return constraint_error(std::nullopt, "startingPosition", "Member must not be null");
    if (**position == "AT_TIMESTAMP") return parameter_error("Unsupported starting position for stream type: AT_TIMESTAMP");
    if (**position != "LATEST" && **position != "TRIM_HORIZON")
        return constraint_error(**position, "startingPosition", "Member must satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]");
    return **position == "LATEST";
}

Outcome no_event_sources() {
    return Error(lambda::Errc::unavailable, "this server has no event sources");
}

}  // namespace

asio::awaitable<Outcome> create_event_source_mapping(const Services& services, const Call& call) {
    lambda::EventSources* sources = services.rooms.functions.event_sources();
    if (sources == nullptr) co_return no_event_sources();
    const auto body = json_object_body(call, body_bytes_max);
    if (!body) co_return body.error();
    auto settings = read_settings(*body);
    if (!settings) co_return settings.error();
    if (!settings->function) co_return missing_member("functionName");
    auto source = optional_string(*body, "EventSourceArn");
    if (!source) co_return source.error();
    const auto arn = Arn::parse(source->value_or(std::string()));
    if (!arn || arn->service != "dynamodb") {
        co_return parameter_error("Unrecognized event source: `" + source->value_or(std::string()) +
                                  "`; this server has streams of tables");
    }
    const auto latest = read_starting_position(*body);
    if (!latest) co_return latest.error();
    lambda::CreateEventSourceRequest request;
    request.stream_arn = std::move(**source);
    request.from_latest = *latest;
    request.settings = std::move(*settings);
    const auto made = co_await sources->create(std::move(request));
    if (!made) co_return made.error();
    co_return json_response(mapping_json(*made), 202);
}

asio::awaitable<Outcome> get_event_source_mapping(const Services& services, const Call& call) {
    lambda::EventSources* sources = services.rooms.functions.event_sources();
    if (sources == nullptr) co_return no_event_sources();
    std::string id = call.label("UUID");
    const auto found = co_await sources->get(std::move(id));
    if (!found) co_return found.error();
    co_return json_response(mapping_json(*found));
}

asio::awaitable<Outcome> list_event_source_mappings(const Services& services, const Call& call) {
    lambda::EventSources* sources = services.rooms.functions.event_sources();
    if (sources == nullptr) co_return no_event_sources();
    const auto limit = query_integer(call, "MaxItems", 1, page_max);
    if (!limit) co_return limit.error();
    const std::string* source = call.query_value("EventSourceArn");
    const std::string* name = call.query_value("FunctionName");
    std::optional<lambda::FunctionReference> function;
    if (name != nullptr) {
        auto reference = lambda::parse_function_reference(*name);
        if (!reference) co_return reference.error();
        function = std::move(*reference);
    }
    auto all = co_await sources->list();
    if (!all) co_return all.error();
    std::erase_if(*all, [&](const EventSourceMapping& mapping) {
        if (source != nullptr && mapping.stream_arn != *source) return true;
        return function && (mapping.function.name != function->name || mapping.function.qualifier != function->qualifier);
    });
    const auto part = slice(call.query_value("Marker"), all->size(), static_cast<std::size_t>(limit->value_or(default_page)));
    if (!part) co_return part.error();
    json mappings = json::array();
    for (std::size_t i = part->begin; i < part->end; ++i) mappings.push_back(mapping_json((*all)[i]));
    json answer{{"EventSourceMappings", std::move(mappings)}};
    if (part->next) answer["NextMarker"] = *part->next;
    co_return json_response(answer);
}

asio::awaitable<Outcome> update_event_source_mapping(const Services& services, const Call& call) {
    lambda::EventSources* sources = services.rooms.functions.event_sources();
    if (sources == nullptr) co_return no_event_sources();
    const auto body = json_object_body(call, body_bytes_max);
    if (!body) co_return body.error();
    auto settings = read_settings(*body);
    if (!settings) co_return settings.error();
    std::string id = call.label("UUID");
    const auto changed = co_await sources->update(std::move(id), std::move(*settings));
    if (!changed) co_return changed.error();
    co_return json_response(mapping_json(*changed), 202);
}

asio::awaitable<Outcome> delete_event_source_mapping(const Services& services, const Call& call) {
    lambda::EventSources* sources = services.rooms.functions.event_sources();
    if (sources == nullptr) co_return no_event_sources();
    std::string id = call.label("UUID");
    const auto removed = co_await sources->remove(std::move(id));
    if (!removed) co_return removed.error();
    co_return json_response(mapping_json(*removed), 202);
}

}  // namespace fogbank::api
