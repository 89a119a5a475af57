/// How services publish into the broker without knowing it; implemented by the broker's router.
#pragma once

#include "common/acknowledgement.h"
#include "common/message.h"

namespace fogbank {

class Publisher {
  public:
    virtual ~Publisher() = default;

    /// Matches `message` against the topic index and hands it to every subscriber. The caller has already been authorized and the topic
    /// validated.
    ///
    /// Any thread; from a shard's thread the delivery happens before the return, from any other it is posted to a shard.
    /// @param done  called once, on any thread, when every subscriber that had to make the message durable has done so, or with the first
    /// failure.
    ///              May be empty for QoS 0.
    virtual void publish(MessagePtr message, Acknowledgement::Callback done) = 0;
};

}  // namespace fogbank
