/// Tells the world what came of a request: topics, waiting callers, counters, the activity feed. Thread-safe.
#pragma once

#include <array>
#include <memory>

#include "shadow/detail/work.h"

namespace fogbank::shadow::detail {

class Notices {
  public:
    Notices(Publisher& publisher, const Clock& clock, Metrics& metrics, ActivityRecorder* activity, Audience* audience);

    /// On a shard's thread: what is published has been delivered on return, in the order `accepted`, `delta`, `documents`. The hold of the
    /// request goes with the messages, so the publish that caused them is acknowledged after they are durable where they have to be.
    void tell(Request request, Outcome outcome) const;
    /// Which notices of an update somebody would hear now. On a shard's thread.
    Wanted wanted(const ShadowName& name) const;
    /// While it is the same, so is what `wanted` answers; 0 if nothing is known about that.
    std::uint64_t audience_generation() const { return audience_ == nullptr ? 0 : audience_->audience_generation(); }
    /// As `tell` with an error.
    void reject(Request request, Error error) const;

  private:
    void publish(const std::string& topic, const std::string& payload, const Hold& hold) const;
    void record_rejection(const Request& request, const Error& error) const;
    std::int64_t now_s() const;

    Publisher& publisher_;
    const Clock& clock_;
    ActivityRecorder* activity_;
    Audience* audience_;
    std::shared_ptr<const MessageOrigin> origin_;
    std::array<Counter*, 3> accepted_, rejected_;  ///< by operation
};

}  // namespace fogbank::shadow::detail
