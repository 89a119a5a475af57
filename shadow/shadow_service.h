/// The Device Shadow service: answers the reserved topics `$aws/things/<thing>/shadow/…`, and the REST API through api/. Source: AWS IoT
/// Core Developer Guide, "AWS IoT Device Shadow service" (reference "shadow").
///
/// Every shadow has a home shard, where its requests are carried out one after the other. Requests that wait for one shadow are committed
/// together; what is said about an update (`accepted`, then `delta`, then `documents`) leaves after its commit, and only then is a QoS 1
/// publish acknowledged. Writes carry what they rest on as a precondition, so another writer of the same store loses no update either.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/activity.h"
#include "common/audience.h"
#include "common/clock.h"
#include "common/message.h"
#include "common/metrics.h"
#include "common/publisher.h"
#include "common/quotas.h"
#include "common/shadows.h"
#include "common/shard.h"
#include "common/subscriber.h"
#include "shadow/errc.h"
#include "shadow/shadow_name.h"
#include "store/kv/engine.h"

namespace fogbank::shadow {

/// A deleted shadow's version is remembered this long. Source: AWS IoT Core Developer Guide, "Device Shadow data flow".
inline constexpr std::chrono::hours deleted_version_kept{48};

/// What a request is answered with; the client token of the request also stands in the document.
struct Answer {
    Result<std::string> document;  ///< the JSON of the accepted document, or why not
    std::optional<std::string> client_token;
    Answer(Result<std::string> answered, std::optional<std::string> token)
        : document(std::move(answered)), client_token(std::move(token)) {}
};

struct NamedShadows {
    std::vector<std::string> names;  ///< in bytewise order
    bool more = false;
};

/// All functions from any thread; awaitables resume on the caller's executor. Callers have been authorized.
class ShadowService : public Shadows {
  public:
    struct Dependencies {
        store::kv::Engine& engine;
        TopicIndex& topics;
        Publisher& publisher;
        ShardPool& shards;
        const Clock& clock;
        Metrics& metrics;
        Quotas quotas;
        ActivityRecorder* activity = nullptr;  ///< may be null; told of rejections
        Audience* audience = nullptr;          ///< may be null; spares notices that nobody would hear
    };

    /// The REST operations. An accepted update or delete is published to the shadow's topics, a failure is not. `payload` as received.
    /// @param origin  who asks, for the activity feed; never null.
    virtual boost::asio::awaitable<Answer> request(ShadowName name, Operation operation, std::string payload,
                                                   std::shared_ptr<const MessageOrigin> origin) = 0;

    /// Names after `start_after` of the thing's named shadows. An unknown thing has none. Errors: invalid_request, unavailable.
    virtual boost::asio::awaitable<Result<NamedShadows>> list_named(ThingName thing, std::optional<std::string> start_after,
                                                                    std::size_t items_max) = 0;

    /// No further request is taken: those over MQTT are not heard, others are refused. What is under way finishes with the engine.
    virtual void stop() = 0;
};

/// Subscribes to the reserved topics. The dependencies outlive the service; the shards must not run any more when it is destroyed.
std::unique_ptr<ShadowService> make_shadow_service(ShadowService::Dependencies dependencies);

}  // namespace fogbank::shadow
