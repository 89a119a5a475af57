/// How services answer one client and nobody else: keys and tokens of provisioning must not reach whoever subscribes. Implemented by the
/// broker.
#pragma once

#include "common/ids.h"
#include "common/message.h"

namespace fogbank {

class DirectPublisher {
  public:
    virtual ~DirectPublisher() = default;
    /// Hands `message` to the client, subscribed or not; no subscriber and no rule sees it. Any thread; does not wait. Dropped if the
    /// client is not connected.
    virtual void publish_to(const ClientId& client_id, MessagePtr message) = 0;
};

}  // namespace fogbank
