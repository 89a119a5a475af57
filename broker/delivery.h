/// One message on its way to one session.
#pragma once

#include <cstdint>
#include <memory>

#include "common/acknowledgement.h"
#include "common/message.h"

namespace fogbank::broker {

class SharedGroup;

struct Delivery {
    MessagePtr message;
    Qos qos = Qos::at_most_once;  ///< the lower of the publish and of the subscription (MQTT-3.8.4-6)
    bool retain = false;          ///< the flag as it is to be sent
    std::uint32_t subscription_identifier = 0;
    Hold hold;                           ///< of the publisher's acknowledgement; empty where nothing is made durable
    std::shared_ptr<SharedGroup> group;  ///< which shared subscription chose this session; null for its own subscriptions
};

}  // namespace fogbank::broker
