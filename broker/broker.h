/// The MQTT broker: listeners, connections, sessions and the router. Knows packets, not rules or shadows.
///
/// Source: OASIS MQTT 3.1.1 and AWS's deviations (reference "broker").
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "common/activity.h"
#include "common/audience.h"
#include "common/authenticator.h"
#include "common/clock.h"
#include "common/connections.h"
#include "common/direct_publisher.h"
#include "common/door_authentication.h"
#include "common/metrics.h"
#include "common/publisher.h"
#include "common/quotas.h"
#include "common/random.h"
#include "common/result.h"
#include "common/retained_messages.h"
#include "common/shard.h"
#include "common/subscriber.h"
#include "common/tls_policy.h"

namespace fogbank::store::kv {
class Engine;
}

namespace fogbank::broker {

class HttpDoor;
class RetainedStore;

/// The topic index and the fan-out; usable before and after the listeners are open.
class Router : public TopicIndex, public Publisher, public Audience {
  public:
    /// Where messages with the retain flag are kept besides being delivered; null: nowhere. Outlives the publishes that follow, or is taken
    /// back before it goes.
    virtual void keep_retained_in(RetainedStore* store) = 0;
};
std::unique_ptr<Router> make_router(ShardPool& shards, const Clock& clock, Metrics& metrics, const Quotas& quotas);

struct ListenerOptions {
    std::string bind = "0.0.0.0";
    std::int32_t mqtts_port = 8883;  ///< 0: any free one, -1: none
    std::int32_t alpn_port = 8444;
    std::int32_t mqtt_port = -1;  ///< plain, on loopback only, no authentication; for benches and local tools
    std::string certificate_chain_pem, private_key_pem;
    std::string security_policy = std::string(default_tls_policy_name);  ///< a name of common/tls_policy.h
    /// A client that names another host than the certificate (SNI) is refused; addresses and no name at all are let pass.
    bool strict_server_name = false;
    bool proxy_protocol = false;  ///< every connection of the TLS ports begins with a PROXY protocol v2 header
};

/// The ports in use, for endpoints.json; -1 where there is no listener.
struct Ports {
    std::int32_t mqtts = -1, alpn = -1, mqtt = -1;
};

class Broker {
  public:
    struct Dependencies {
        ShardPool& shards;
        Router& router;
        Authenticator& authenticator;
        const Clock& clock;
        RandomSource& random;
        Metrics& metrics;
        Quotas quotas;
        store::kv::Engine* store = nullptr;    ///< sessions and retained messages; null: they last as long as the process
        ActivityRecorder* activity = nullptr;  ///< may be null
        // Each may be null: then that door refuses with a reason.
        const UpgradeAuthenticator* upgrades = nullptr;
        CustomAuthenticator* custom = nullptr;
        HttpDoor* http = nullptr;
    };
    virtual ~Broker() = default;

    /// Brings back the sessions and retained messages of the store. Once, before `listen`. Errors: store::kv::Errc.
    virtual boost::asio::awaitable<Result<void>> restore() = 0;

    virtual RetainedMessages& retained() = 0;
    virtual Connections& connections() = 0;
    /// For Authenticator::observe_revocations; to be taken back before the broker goes.
    virtual RevocationObserver& revocations() = 0;

    /// Opens the listeners. Errors: CommonErrc::io_error naming the address that could not be bound; crypto_failure for a bad certificate.
    virtual Result<Ports> listen(const ListenerOptions& options) = 0;

    /// Stops accepting, sends what is acknowledged already, closes all connections; returns when they are gone or `grace` is over.
    /// Not from a shard's thread; the shards must be running.
    virtual void stop(std::chrono::milliseconds grace) = 0;

    /// Lives as long as the broker.
    virtual DirectPublisher& direct() = 0;
};

std::unique_ptr<Broker> make_broker(Broker::Dependencies dependencies);

}  // namespace fogbank::broker
