/// Destinations of topic rules. Source: AWS IoT API reference (reference "rules", section 8).
#include <array>
#include <nlohmann/json.hpp>

#include "api/members.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using rules::Destination;

constexpr std::int64_t page_max = 1000;  // model: TopicRuleDestinationMaxResults
constexpr std::int64_t default_page = 100;

rules::DestinationService& destinations(const Services& services) {
    return services.rooms.rules.destinations();
}

/// @param summary  the form of ListTopicRuleDestinations, whose members have other names.
json destination_json(const Services& services, const Destination& destination, bool summary) {
    json out{{"arn", destinations(services).arn(destination)},
             {"status", rules::status_text(destination.status)},
             {"createdAt", epoch_seconds(destination.created_at)},
             {"lastUpdatedAt", epoch_seconds(destination.updated_at)}};
    if (!destination.status_reason.empty()) out["statusReason"] = destination.status_reason;
    if (destination.vpc_json.empty()) {
        out[summary ? "httpUrlSummary" : "httpUrlProperties"] = {{"confirmationUrl", destination.confirmation_url}};
    } else {
        out[summary ? "vpcDestinationSummary" : "vpcProperties"] = json::parse(destination.vpc_json, nullptr, false);
    }
    return out;
}

Result<std::string> vpc_configuration(const json& vpc) {
    for (const char* name : {"vpcId", "roleArn"}) {
        if (const auto given = required_string(vpc, name); !given) return given.error();
    }
    const json* subnets = find_member(vpc, "subnetIds");
    if (subnets == nullptr || !subnets->is_array()) return missing_member("destinationConfiguration.vpcConfiguration.subnetIds");
    json kept{{"subnetIds", *subnets}, {"vpcId", vpc["vpcId"]}, {"roleArn", vpc["roleArn"]}};
    if (const json* groups = find_member(vpc, "securityGroups")) kept["securityGroups"] = *groups;
    return kept.dump();
}

asio::awaitable<Outcome> create_destination(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    const json* configuration = find_member(*body, "destinationConfiguration");
    if (configuration == nullptr || !configuration->is_object()) co_return missing_member("destinationConfiguration");
    const json* http = find_member(*configuration, "httpUrlConfiguration");
    const json* vpc = find_member(*configuration, "vpcConfiguration");
    if ((http == nullptr) == (vpc == nullptr))
        co_return validation_error("destinationConfiguration must have exactly one of httpUrlConfiguration and vpcConfiguration");
    Result<Destination> made = Error(Errc::validation, "");
    if (http != nullptr) {
        auto url = required_string(*http, "confirmationUrl");
        if (!url) co_return url.error();
        made = co_await destinations(services).create_http(std::move(*url));
    } else {
        auto kept = vpc_configuration(*vpc);
        if (!kept) co_return kept.error();
        made = co_await destinations(services).create_vpc(std::move(*kept));
    }
    if (!made) co_return made.error();
    co_return json_response({{"topicRuleDestination", destination_json(services, *made, false)}});
}

asio::awaitable<Outcome> get_destination(const Services& services, const Call& call) {
    const auto found = destinations(services).get(call.label("arn"));
    if (!found) co_return found.error();
    co_return json_response({{"topicRuleDestination", destination_json(services, *found, false)}});
}

asio::awaitable<Outcome> list_destinations(const Services& services, const Call& call) {
    const auto limit = query_integer(call, "maxResults", 1, page_max);
    if (!limit) co_return limit.error();
    const auto all = destinations(services).list();
    const auto part = slice(call.query_value("nextToken"), all.size(), static_cast<std::size_t>(limit->value_or(default_page)));
    if (!part) co_return part.error();
    json list = json::array();
    for (std::size_t i = part->begin; i < part->end; ++i) list.push_back(destination_json(services, all[i], true));
    json answer{{"destinationSummaries", std::move(list)}};
    if (part->next) answer["nextToken"] = *part->next;
    co_return json_response(answer);
}

asio::awaitable<Outcome> update_destination(const Services& services, const Call& call) {
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) co_return body.error();
    auto arn = required_string(*body, "arn");
    if (!arn) co_return arn.error();
    const auto text = required_string(*body, "status");
    if (!text) co_return text.error();
    const auto status = rules::parse_status(*text);
    if (!status || *status == rules::DestinationStatus::error)
        co_return constraint_error(*text, "status", "Member must satisfy enum value set: [ENABLED, IN_PROGRESS, DISABLED]");
    const auto done = co_await destinations(services).update(std::move(*arn), *status);
    if (!done) co_return done.error();
    co_return empty_response();
}

asio::awaitable<Outcome> delete_destination(const Services& services, const Call& call) {
    std::string arn = call.label("arn");
    const auto done = co_await destinations(services).remove(std::move(arn));
    if (!done) co_return done.error();
    co_return empty_response();
}

asio::awaitable<Outcome> confirm_destination(const Services& services, const Call& call) {
    std::string token = call.label("confirmationToken");
    const auto done = co_await destinations(services).confirm(std::move(token));
    if (!done) co_return done.error();
    co_return empty_response();
}

constexpr std::array operations{
    Operation{"CreateTopicRuleDestination", "POST", "/destinations", create_destination},
    Operation{"GetTopicRuleDestination", "GET", "/destinations/{arn+}", get_destination},
    Operation{"ListTopicRuleDestinations", "GET", "/destinations", list_destinations},
    Operation{"UpdateTopicRuleDestination", "PATCH", "/destinations", update_destination},
    Operation{"DeleteTopicRuleDestination", "DELETE", "/destinations/{arn+}", delete_destination},
    Operation{"ConfirmTopicRuleDestination", "GET", "/confirmdestination/{confirmationToken+}", confirm_destination},
};

}  // namespace

std::span<const Operation> iot_rule_destinations_operations() {
    return operations;
}

}  // namespace fogbank::api
