#include "broker/core.h"

#include "broker/shard_state.h"

namespace fogbank::broker {

PacketLimits::PacketLimits(const Quotas& quotas)
    : topic{quotas.bytes(Quota::topic_bytes), quotas.bytes(Quota::topic_slashes)},
      packet_bytes(quotas.bytes(Quota::mqtt_packet_bytes)),
      payload_bytes(quotas.bytes(Quota::mqtt_payload_bytes)),
      client_id_bytes(quotas.bytes(Quota::client_id_bytes)),
      filters_per_subscribe(quotas.bytes(Quota::filters_per_subscribe)),
      subscriptions(quotas.bytes(Quota::subscriptions_per_connection)),
      inflight_inbound(quotas.bytes(Quota::inflight_qos1_inbound)),
      // One less than there are packet ids, so that a free one is always found.
      inflight_outbound(std::min<std::size_t>(quotas.bytes(Quota::inflight_qos1_outbound), 65534)),
      websocket_duration(quotas[Quota::websocket_duration_s]),
      client_packet_bytes_min(quotas.bytes(Quota::client_maximum_packet_bytes_min)),
      content_type_bytes(quotas.bytes(Quota::content_type_bytes)),
      correlation_data_bytes(quotas.bytes(Quota::correlation_data_bytes)),
      user_properties_bytes(quotas.bytes(Quota::user_properties_bytes)),
      share_name_bytes(quotas.bytes(Quota::share_name_bytes)),
      shared_groups(quotas.bytes(Quota::shared_groups)),
      shared_group_members(quotas.bytes(Quota::shared_group_members)),
      account_connections(quotas.bytes(Quota::connections_per_account)),
      account_subscriptions(quotas.bytes(Quota::subscriptions_per_account)),
      topic_aliases(static_cast<std::uint16_t>(quotas[Quota::topic_aliases_per_connection])),
      session_expiry_s_max(quotas[Quota::session_expiry_s_max]),
      message_expiry_s_min(quotas[Quota::message_expiry_s_min]),
      message_expiry_s_max(quotas[Quota::message_expiry_s_max]),
      bytes_per_second(quotas[Quota::received_bytes_per_second_per_connection]),
      publishes_per_second(quotas[Quota::publishes_per_second_per_connection]),
      keep_alive_min(quotas[Quota::keep_alive_s_min]),
      keep_alive_max(quotas[Quota::keep_alive_s_max]),
      profile(quotas.profile()) {}

Core::Core(Broker::Dependencies dependencies, LifecycleObserver& observer)
    : shards(dependencies.shards),
      router(dependencies.router),
      authenticator(dependencies.authenticator),
      upgrades(dependencies.upgrades),
      custom(dependencies.custom),
      http(dependencies.http),
      clock(dependencies.clock),
      random(dependencies.random),
      lifecycle(observer),
      limits(dependencies.quotas),
      rates(dependencies.quotas),
      metrics(dependencies.metrics),
      store(dependencies.store),
      activity(dependencies.activity),
      retained(std::make_unique<RetainedStore>(dependencies.store, dependencies.clock, dependencies.quotas)),
      groups(dependencies.router, dependencies.quotas.bytes(Quota::shared_group_queued_messages), metrics.dropped_queue_full) {
    for (std::size_t i = 0; i < shards.size(); ++i) states.push_back(std::make_unique<ShardState>(*this, shards[i]));
}

Core::~Core() = default;

}  // namespace fogbank::broker
