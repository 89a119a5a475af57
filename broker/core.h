/// What all connections of one broker share.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/broker.h"
#include "broker/broker_metrics.h"
#include "broker/client_registry.h"
#include "broker/lifecycle.h"
#include "broker/rates.h"
#include "broker/retained_store.h"
#include "broker/shared_groups.h"
#include "common/topic.h"

namespace fogbank::broker {

class ShardState;

/// The quotas that packets are measured against, looked up once.
struct PacketLimits {
    explicit PacketLimits(const Quotas& quotas);

    TopicLimits topic;
    std::size_t packet_bytes, payload_bytes, client_id_bytes, filters_per_subscribe, subscriptions;
    std::size_t inflight_inbound, inflight_outbound;
    std::chrono::seconds websocket_duration;  ///< of one signed with SigV4
    std::size_t client_packet_bytes_min, content_type_bytes, correlation_data_bytes, user_properties_bytes, share_name_bytes;
    std::size_t shared_groups, shared_group_members, account_connections, account_subscriptions;
    std::uint16_t topic_aliases;
    std::int64_t session_expiry_s_max, message_expiry_s_min, message_expiry_s_max;
    std::int64_t bytes_per_second;      ///< the largest std::int64_t: not paced
    std::int64_t publishes_per_second;  ///< the largest std::int64_t: not paced
    std::chrono::seconds keep_alive_min, keep_alive_max;
    QuotaProfile profile;
};

/// Outlives the connections; the parts are thread-safe or constant once the listeners are open.
struct Core {
    Core(Broker::Dependencies dependencies, LifecycleObserver& observer);
    ~Core();

    ShardPool& shards;
    Router& router;
    Authenticator& authenticator;
    const UpgradeAuthenticator* const upgrades;  ///< null: WebSocket upgrades must bring a certificate
    CustomAuthenticator* const custom;           ///< null: there are no custom authorizers
    HttpDoor* const http;                        ///< null: HTTP is not served on the ALPN port
    const Clock& clock;
    RandomSource& random;
    LifecycleObserver& lifecycle;
    const PacketLimits limits;
    AccountRates rates;
    BrokerMetrics metrics;
    store::kv::Engine* const store;    ///< may be null
    ActivityRecorder* const activity;  ///< may be null
    std::unique_ptr<RetainedStore> retained;
    SharedGroups groups;
    ClientRegistry clients;
    std::vector<std::unique_ptr<ShardState>> states;  ///< by shard index

    std::atomic<std::size_t> handshakes{0};  ///< under way, all shards
    std::atomic<std::uint64_t> next_connection_id{1}, next_session_number{1}, next_stored_number{1};
    std::atomic<std::size_t> subscriptions{0};  ///< of all sessions
};

}  // namespace fogbank::broker
