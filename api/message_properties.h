/// MQTT 5 properties of messages that come in over HTTP. Source: AWS IoT Data Plane API reference (reference "broker", section 5).
#pragma once

#include <memory>

#include "api/service.h"
#include "common/message.h"
#include "common/topic.h"

namespace fogbank::api {

TopicLimits topic_limits(const Quotas& quotas);

/// From query parameters and headers; null if the request carries none. Errors: Errc::validation.
Result<std::unique_ptr<MessageProperties>> read_message_properties(const Call& call, const Quotas& quotas);

}  // namespace fogbank::api
