/// What happened, told to the user: connects, refusals, disconnects, rule failures, shadow rejections. The feed keeps a bounded number per
/// thing and per client and serves them over HTTP; anybody may record.
#pragma once

#include <string>
#include <string_view>

#include "common/clock.h"

namespace fogbank {

/// One line of the feed. `kind` is one of a small fixed set in snake_case: connected, disconnected, connect_refused, publish_refused,
/// subscribe_refused, receive_refused, subscribed, rule_failed, shadow_rejected, function_failed, request_refused, …
struct Activity {
    WallTime at{};
    std::string_view kind;     ///< static storage
    std::string client_id;     ///< may be empty
    std::string thing_name;    ///< may be empty
    std::string principal_id;  ///< may be empty
    std::string topic;         ///< topic, filter or resource; may be empty
    std::string detail;        ///< the plain reason, one sentence; never a secret
};

class ActivityRecorder {
  public:
    virtual ~ActivityRecorder() = default;
    /// Any thread; does not block and does not throw. Not for every publish: for what a person would want to read.
    virtual void record(Activity activity) = 0;
};

}  // namespace fogbank
