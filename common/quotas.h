/// The quota table: every limit that a client can run into is one row here, with its value in each profile. Source: reference "broker",
/// section 19.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace fogbank {

/// `aws`: AWS's limits with AWS's consequence. `relaxed`: on-prem, raised or lifted.
enum class QuotaProfile : std::uint8_t { aws, relaxed };

enum class Quota : std::uint8_t {
    client_id_bytes,
    keep_alive_s_min,
    keep_alive_s_max,
    publishes_per_second_per_connection,
    inflight_qos1_inbound,
    inflight_qos1_outbound,
    mqtt_payload_bytes,
    mqtt_packet_bytes,
    topic_bytes,
    topic_slashes,
    subscriptions_per_connection,
    filters_per_subscribe,
    session_expiry_s_max,
    topic_aliases_per_connection,
    message_expiry_s_min,
    message_expiry_s_max,
    client_maximum_packet_bytes_min,
    content_type_bytes,
    correlation_data_bytes,
    user_properties_bytes,
    retained_messages,
    retained_publishes_per_second,
    retained_publishes_per_second_per_topic,
    shared_groups,
    shared_group_members,
    share_name_bytes,
    connections_per_account,
    subscriptions_per_account,
    received_bytes_per_second_per_connection,
    connection_requests_per_second,
    websocket_duration_s,
    connection_requests_per_second_per_client_id,
    publishes_per_second,
    deliveries_per_second,
    subscriptions_per_second,
    queued_messages_per_second,
    shared_group_changes_per_second,
    connection_calls_per_second,
    connection_calls_per_second_per_client_id,
    direct_messages_per_second,
    shared_group_queued_messages,
    rule_payload_bytes,
    actions_per_rule,
    rules_per_account,
    rule_destinations_per_account,
    policy_document_bytes,
    policies_per_principal,
    policies_per_thing_group,
    groups_per_thing,
    thing_group_depth,
    thing_group_children,
    dynamic_thing_groups,
    tags_per_resource,
    index_query_characters,
    index_query_terms,
    item_bytes,
    http_body_bytes,
    shadow_document_bytes,
    shadow_levels,
    shadow_client_token_bytes,
    shadow_inflight_per_thing,
    job_document_bytes,
    job_targets,
    job_status_detail_bytes,
    count_,
};

struct QuotaRow {
    Quota quota;
    std::string_view name;         ///< snake_case, as in logs
    std::int64_t aws, relaxed;     ///< -1: no limit
    std::string_view consequence;  ///< what happens over the limit
    std::string_view source;
};
std::span<const QuotaRow> quota_table();

/// The quotas in force. Immutable, freely copied.
class Quotas {
  public:
    explicit Quotas(QuotaProfile profile);
    QuotaProfile profile() const { return profile_; }
    /// The limit; a lifted one is the largest std::int64_t, so comparisons need no special case.
    std::int64_t operator[](Quota quota) const { return limits_[static_cast<std::size_t>(quota)]; }
    std::size_t bytes(Quota quota) const { return static_cast<std::size_t>((*this)[quota]); }
    /// The same quotas but for one. @param limit  -1: none
    Quotas with(Quota quota, std::int64_t limit) const;

  private:
    QuotaProfile profile_;
    std::array<std::int64_t, static_cast<std::size_t>(Quota::count_)> limits_{};
};

}  // namespace fogbank
