/// Messages that devices publish for a rule that is not there: said, not swallowed.
#pragma once

#include <atomic>
#include <set>
#include <shared_mutex>

#include "common/activity.h"
#include "common/clock.h"
#include "common/ids.h"
#include "common/metrics.h"
#include "common/subscriber.h"

namespace fogbank::rules {

inline constexpr std::string_view basic_ingest_topics = "$aws/rules/#";

/// Subscribed to `$aws/rules/#`. A message whose rule is not there is accepted, as AWS does, counted in `fogbank_rules_not_found_total`,
/// recorded in the activity feed (kind `rule_not_found`) and logged, at most once a second. Thread-safe. Source: AWS IoT Developer Guide,
/// "RuleNotFound log entry".
class BasicIngestWatch final : public Subscriber {
  public:
    /// @param activity  may be null.
    BasicIngestWatch(const Clock& clock, Metrics& metrics, ActivityRecorder* activity);
    /// Disabled rules are there too.
    void set_known(const RuleName& rule, bool known);
    void deliver(const MessagePtr& message, const SubscriptionOptions& options, PublishContext& context) override;

  private:
    void log(const Message& message, std::string_view rule);

    const Clock& clock_;
    ActivityRecorder* activity_;
    Counter& not_found_total_;
    std::atomic<std::int64_t> log_again_ms_{0};
    std::atomic<std::uint64_t> not_logged_{0};
    std::shared_mutex mutex_;
    std::set<std::string, std::less<>> known_;
};

}  // namespace fogbank::rules
