#include "common/quotas.h"

#include <array>
#include <limits>

namespace fogbank {
namespace {

constexpr std::string_view general_reference = "AWS General Reference, AWS IoT Core endpoints and quotas";

constexpr std::array<QuotaRow, static_cast<std::size_t>(Quota::count_)> table{{
    {Quota::client_id_bytes, "client_id_bytes", 128, 65535, "CONNECT refused: identifier rejected", general_reference},
    {Quota::keep_alive_s_min, "keep_alive_s_min", 30, 1, "raised to the minimum", general_reference},
    {Quota::keep_alive_s_max, "keep_alive_s_max", 1200, 65535, "lowered to the maximum; 0 means the maximum", general_reference},
    {Quota::publishes_per_second_per_connection, "publishes_per_second_per_connection", 100, -1,
     "the excess waits: the connection is not read", general_reference},
    {Quota::inflight_qos1_inbound, "inflight_qos1_inbound", 100, 65535, "not read until PUBACKs have left", general_reference},
    {Quota::inflight_qos1_outbound, "inflight_qos1_outbound", 100, 65535, "not sent until PUBACKs have come", general_reference},
    {Quota::mqtt_payload_bytes, "mqtt_payload_bytes", 128 * 1024, 16 * 1024 * 1024, "disconnect, CLIENT_ERROR", general_reference},
    {Quota::mqtt_packet_bytes, "mqtt_packet_bytes", 146 * 1024, 17 * 1024 * 1024, "disconnect, CLIENT_ERROR", general_reference},
    {Quota::topic_bytes, "topic_bytes", 256, 65535, "disconnect, CLIENT_ERROR", general_reference},
    {Quota::topic_slashes, "topic_slashes", 7, -1, "disconnect, CLIENT_ERROR", general_reference},
    {Quota::subscriptions_per_connection, "subscriptions_per_connection", 50, 100'000, "SUBACK failure for the filter", general_reference},
    {Quota::filters_per_subscribe, "filters_per_subscribe", 8, 10'000, "disconnect, CLIENT_ERROR", general_reference},
    {Quota::rule_payload_bytes, "rule_payload_bytes", 128 * 1024, 1024 * 1024, "InvalidRequestException", general_reference},
    {Quota::actions_per_rule, "actions_per_rule", 10, 100, "InvalidRequestException", general_reference},
    {Quota::rules_per_account, "rules_per_account", 1000, 100'000, "LimitExceededException", general_reference},
    {Quota::rule_destinations_per_account, "rule_destinations_per_account", 1000, 10'000, "InvalidRequestException", general_reference},
    {Quota::policy_document_bytes, "policy_document_bytes", 2048, 64 * 1024, "MalformedPolicyException; white space is not counted",
     general_reference},
    {Quota::policies_per_principal, "policies_per_principal", 10, 100, "LimitExceededException", general_reference},
    {Quota::item_bytes, "item_bytes", 400 * 1024, 400 * 1024, "ValidationException", "Amazon DynamoDB Developer Guide, quotas"},
    {Quota::http_body_bytes, "http_body_bytes", 64 * 1024 * 1024, 64 * 1024 * 1024, "HTTP 413", "Fogbank; AWS publishes one per service"},
}};

}  // namespace

std::span<const QuotaRow> quota_table() {
    return table;
}

std::int64_t Quotas::operator[](Quota quota) const {
    const QuotaRow& row = table[static_cast<std::size_t>(quota)];
    const std::int64_t value = profile_ == QuotaProfile::aws ? row.aws : row.relaxed;
    return value < 0 ? std::numeric_limits<std::int64_t>::max() : value;
}

}  // namespace fogbank
