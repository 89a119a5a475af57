/// The quota table: every limit that a client can run into is one row here, with its value in each profile. Source: reference "broker",
/// section 19.
#pragma once

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
    rule_payload_bytes,
    actions_per_rule,
    rules_per_account,
    rule_destinations_per_account,
    policy_document_bytes,
    policies_per_principal,
    item_bytes,
    http_body_bytes,
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
    explicit Quotas(QuotaProfile profile) : profile_(profile) {}
    QuotaProfile profile() const { return profile_; }
    /// The limit; a lifted one is the largest std::int64_t, so comparisons need no special case.
    std::int64_t operator[](Quota quota) const;
    std::size_t bytes(Quota quota) const { return static_cast<std::size_t>((*this)[quota]); }

  private:
    QuotaProfile profile_;
};

}  // namespace fogbank
