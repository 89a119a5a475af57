/// Everything that receives messages is a Subscriber in the one TopicIndex: sessions, rules, services on reserved topics.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "common/acknowledgement.h"
#include "common/message.h"
#include "common/result.h"

namespace fogbank {

/// How one subscription wants its messages (OASIS MQTT 5, section 3.8.3.1).
struct SubscriptionOptions {
    Qos qos = Qos::at_most_once;  ///< maximum granted
    bool no_local = false;
    bool retain_as_published = false;
    std::uint32_t subscription_identifier = 0;  ///< 0: none

    friend bool operator==(const SubscriptionOptions&, const SubscriptionOptions&) = default;
};

class Subscriber {
  public:
    virtual ~Subscriber() = default;

    /// One message for one matching subscription.
    ///
    /// Called on the thread of the publisher's shard, while no lock of the index is held; must not block and must not throw. A subscriber
    /// that lives elsewhere posts to its own executor. `context` is valid during the call only. May still be called once or twice after
    /// `unsubscribe` returned, from publishes already under way: the index keeps the subscriber alive until then.
    virtual void deliver(const MessagePtr& message, const SubscriptionOptions& options, PublishContext& context) = 0;
};

/// Where subscriptions are entered; implemented by the broker's router. Thread-safe.
class TopicIndex {
  public:
    virtual ~TopicIndex() = default;

    /// Adds, or replaces the options of, the subscription of `subscriber` to `topic_filter` (valid, without `$share/`).
    /// Takes effect for every publish that begins after the return.
    virtual void subscribe(std::string_view topic_filter, std::shared_ptr<Subscriber> subscriber, const SubscriptionOptions& options) = 0;

    /// @return false if there was no such subscription.
    virtual bool unsubscribe(std::string_view topic_filter, const Subscriber& subscriber) = 0;
};

}  // namespace fogbank
