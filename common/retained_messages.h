/// Retained messages as the HTTP data plane sees them. Implemented by broker/, used by api/.
/// Source: AWS IoT data plane API, GetRetainedMessage and ListRetainedMessages; reference "broker", sections 5 and 12.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/message.h"
#include "common/result.h"

namespace fogbank {

struct RetainedSummary {
    std::string topic_name;
    std::size_t payload_bytes = 0;
    Qos qos = Qos::at_most_once;
    WallTime last_modified{};
};

struct RetainedPage {
    std::vector<RetainedSummary> topics;  ///< in the order of their names
    bool more = false;
};

class RetainedMessages {
  public:
    virtual ~RetainedMessages() = default;
    /// The message, or null if none is retained or it has expired. Errors: the store is unavailable.
    virtual boost::asio::awaitable<Result<MessagePtr>> find_retained(std::string topic_name) = 0;
    /// Up to `items_max` summaries after topic `after` (empty: from the first).
    virtual RetainedPage list_retained(const std::string& after, std::size_t items_max) const = 0;
};

}  // namespace fogbank
