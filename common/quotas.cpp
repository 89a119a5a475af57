#include "common/quotas.h"

#include <array>
#include <limits>

namespace fogbank {
namespace {

constexpr std::string_view general_reference = "AWS General Reference, AWS IoT Core endpoints and quotas";

constexpr std::string_view developer_guide = "AWS IoT Core Developer Guide, MQTT";
constexpr std::string_view device_management = "AWS General Reference, AWS IoT Device Management endpoints and quotas";

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
    {Quota::session_expiry_s_max, "session_expiry_s_max", 3600, -1, "lowered to it; MQTT 5 is told in CONNACK", general_reference},
    {Quota::topic_aliases_per_connection, "topic_aliases_per_connection", 8, 1000, "disconnect, 0x94", general_reference},
    {Quota::message_expiry_s_min, "message_expiry_s_min", 1, 0, "raised to it", developer_guide},
    {Quota::message_expiry_s_max, "message_expiry_s_max", 604'800, -1, "lowered to it", general_reference},
    {Quota::client_maximum_packet_bytes_min, "client_maximum_packet_bytes_min", 512, 1, "CONNECT refused, 0x95", general_reference},
    {Quota::content_type_bytes, "content_type_bytes", 256, 65535, "refused, 0x97", general_reference},
    {Quota::correlation_data_bytes, "correlation_data_bytes", 8 * 1024, 65535, "refused, 0x97", general_reference},
    {Quota::user_properties_bytes, "user_properties_bytes", 8 * 1024, 1024 * 1024, "refused, 0x97", general_reference},
    {Quota::retained_messages, "retained_messages", 500'000, -1, "not retained; PUBACK 0x97", general_reference},
    {Quota::retained_publishes_per_second, "retained_publishes_per_second", 500, -1, "not retained; PUBACK 0x97", general_reference},
    {Quota::retained_publishes_per_second_per_topic, "retained_publishes_per_second_per_topic", 1, -1,
     "not retained; PUBACK 0x97. Bursts of ten are let pass", general_reference},
    {Quota::shared_groups, "shared_groups", 100, -1, "SUBACK failure for the filter", general_reference},
    {Quota::shared_group_members, "shared_group_members", 100, -1, "SUBACK failure for the filter", general_reference},
    {Quota::share_name_bytes, "share_name_bytes", 128, 65535, "SUBACK failure for the filter", developer_guide},
    {Quota::connections_per_account, "connections_per_account", 500'000, -1, "CONNECT refused, 3 or 0x97", general_reference},
    {Quota::subscriptions_per_account, "subscriptions_per_account", 500'000, -1, "SUBACK failure for the filter", general_reference},
    {Quota::received_bytes_per_second_per_connection, "received_bytes_per_second_per_connection", 512 * 1024, -1,
     "the excess waits: the connection is not read", general_reference},
    {Quota::connection_requests_per_second, "connection_requests_per_second", 3000, -1, "CONNECT refused, 3 or 0x97", general_reference},
    {Quota::websocket_duration_s, "websocket_duration_s", 86'400, -1, "disconnect, WEBSOCKET_TTL_EXPIRATION", general_reference},
    {Quota::connection_requests_per_second_per_client_id, "connection_requests_per_second_per_client_id", 1, -1,
     "CONNECT refused, 3 or 0x97. Bursts of ten are let pass", general_reference},
    {Quota::publishes_per_second, "publishes_per_second", 20'000, -1, "the excess waits: connections are not read", general_reference},
    {Quota::deliveries_per_second, "deliveries_per_second", 20'000, -1, "QoS 0 is dropped; QoS 1 is sent and counts", general_reference},
    {Quota::subscriptions_per_second, "subscriptions_per_second", 3000, -1, "SUBACK failure for the filter", general_reference},
    {Quota::queued_messages_per_second, "queued_messages_per_second", 500, -1,
     "messages for sessions that are away are dropped. Bursts of ten seconds are let pass", general_reference},
    {Quota::shared_group_changes_per_second, "shared_group_changes_per_second", 100, -1, "SUBACK failure for the filter",
     general_reference},
    {Quota::connection_calls_per_second, "connection_calls_per_second", 100, -1,
     "ThrottlingException; DeleteConnection, GetConnection and ListSubscriptions each", general_reference},
    {Quota::connection_calls_per_second_per_client_id, "connection_calls_per_second_per_client_id", 1, -1,
     "ThrottlingException; each. Bursts of ten are let pass", general_reference},
    {Quota::direct_messages_per_second, "direct_messages_per_second", 20'000, -1, "ThrottlingException", general_reference},
    {Quota::shared_group_queued_messages, "shared_group_queued_messages", 500'000, -1, "the newest is dropped", general_reference},
    {Quota::rule_payload_bytes, "rule_payload_bytes", 128 * 1024, 1024 * 1024, "InvalidRequestException", general_reference},
    {Quota::actions_per_rule, "actions_per_rule", 10, 100, "InvalidRequestException", general_reference},
    {Quota::rules_per_account, "rules_per_account", 1000, 100'000, "LimitExceededException", general_reference},
    {Quota::rule_destinations_per_account, "rule_destinations_per_account", 1000, 10'000, "InvalidRequestException", general_reference},
    {Quota::policy_document_bytes, "policy_document_bytes", 2048, 64 * 1024, "MalformedPolicyException; white space is not counted",
     general_reference},
    {Quota::policies_per_principal, "policies_per_principal", 10, 100, "LimitExceededException", general_reference},
    {Quota::policies_per_thing_group, "policies_per_thing_group", 2, 100, "LimitExceededException",
     "AWS IoT Core Developer Guide, thing groups"},
    {Quota::groups_per_thing, "groups_per_thing", 10, 1000, "InvalidRequestException", device_management},
    {Quota::thing_group_depth, "thing_group_depth", 7, 64, "InvalidRequestException", device_management},
    {Quota::thing_group_children, "thing_group_children", 100, 100'000, "InvalidRequestException", device_management},
    {Quota::dynamic_thing_groups, "dynamic_thing_groups", 100, 1000, "LimitExceededException", device_management},
    {Quota::tags_per_resource, "tags_per_resource", 50, 50, "LimitExceededException", general_reference},
    {Quota::index_query_characters, "index_query_characters", 1000, 10'000, "InvalidQueryException", device_management},
    {Quota::index_query_terms, "index_query_terms", 12, 100, "InvalidQueryException", device_management},
    {Quota::item_bytes, "item_bytes", 400 * 1024, 400 * 1024, "ValidationException", "Amazon DynamoDB Developer Guide, quotas"},
    {Quota::http_body_bytes, "http_body_bytes", 64 * 1024 * 1024, 64 * 1024 * 1024, "HTTP 413", "Fogbank; AWS publishes one per service"},
    {Quota::shadow_document_bytes, "shadow_document_bytes", 8 * 1024, 1024 * 1024,
     "rejected with 413; desired and reported after the merge, without metadata and white space", general_reference},
    {Quota::shadow_levels, "shadow_levels", 8, 32, "rejected with 400; below desired or reported", general_reference},
    {Quota::shadow_client_token_bytes, "shadow_client_token_bytes", 64, 1024, "rejected with 400", general_reference},
    {Quota::shadow_inflight_per_thing, "shadow_inflight_per_thing", 10, -1,
     "rejected with 429; unanswered requests of one connection for one thing", general_reference},
    {Quota::job_document_bytes, "job_document_bytes", 32 * 1024, 1024 * 1024, "InvalidRequestException", general_reference},
    {Quota::job_targets, "job_targets", 100, 10'000, "LimitExceededException", general_reference},
    {Quota::job_status_detail_bytes, "job_status_detail_bytes", 1024, 64 * 1024, "InvalidRequest; a value of statusDetails",
     general_reference},
}};

}  // namespace

std::span<const QuotaRow> quota_table() {
    return table;
}

namespace {

std::int64_t limit_of(std::int64_t value) {
    return value < 0 ? std::numeric_limits<std::int64_t>::max() : value;
}

}  // namespace

Quotas::Quotas(QuotaProfile profile) : profile_(profile) {
    for (const QuotaRow& row : table)
        limits_[static_cast<std::size_t>(row.quota)] = limit_of(profile == QuotaProfile::aws ? row.aws : row.relaxed);
}

Quotas Quotas::with(Quota quota, std::int64_t limit) const {
    Quotas out = *this;
    out.limits_[static_cast<std::size_t>(quota)] = limit_of(limit);
    return out;
}

}  // namespace fogbank
