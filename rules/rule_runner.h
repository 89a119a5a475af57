/// A compiled rule as a subscriber: evaluates each message on the publisher's shard and starts its actions.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/metrics.h"
#include "common/subscriber.h"
#include "rules/rule_definition.h"
#include "rules/rule_service.h"

namespace fogbank::rules {

/// Messages of one rule whose actions are under way, and their payload bytes, at the same time. Above either bound a message is refused: a
/// QoS 1 publisher gets no PUBACK and sends again, a QoS 0 message is dropped and counted. Fogbank's own bounds.
inline constexpr std::size_t messages_under_way_max = 10'000;
inline constexpr std::size_t bytes_under_way_max = 64 << 20;

/// What the versions of one rule share. Thread-safe.
class RuleState {
  public:
    RuleState(const RuleName& name, Metrics& metrics);
    RuleCounters counters() const;
    void matched();
    void filtered();
    void succeeded();
    void failed(std::string error);
    /// Takes a place among the messages under way; false if there is none.
    bool enter(std::size_t bytes);
    void leave(std::size_t bytes);

  private:
    std::atomic<std::uint64_t> matched_{0}, filtered_{0}, failed_{0}, succeeded_{0};
    std::atomic<std::size_t> messages_{0}, bytes_{0};
    Counter &matched_total_, &filtered_total_, &failed_total_, &succeeded_total_;
    mutable std::mutex mutex_;
    std::string last_error_;
};

/// What all rules of one service share: the last message of each shard, so that it is parsed once for all the rules that it feeds.
/// Thread-safe.
class RuleSurroundings {
  public:
    explicit RuleSurroundings(sql::Environment environment) : environment_(std::move(environment)) {}
    const sql::Environment& environment() const { return environment_; }
    std::shared_ptr<sql::MessageContext> context(const MessagePtr& message);
    void stop() { stopped_ = true; }
    bool stopped() const { return stopped_; }

  private:
    /// Shards beyond this number parse once per rule.
    static constexpr std::size_t shards_max = 256;
    sql::Environment environment_;
    std::atomic<bool> stopped_{false};
    std::array<std::shared_ptr<sql::MessageContext>, shards_max> latest_;  ///< each touched by its shard's thread only
};

class RuleRunner final : public Subscriber, public std::enable_shared_from_this<RuleRunner> {
  public:
    RuleRunner(std::shared_ptr<const CompiledRule> rule, std::shared_ptr<RuleState> state, std::shared_ptr<RuleSurroundings> surroundings);

    /// The hold is kept until every action is durable or has failed for good; a failure of the store fails the hold.
    void deliver(const MessagePtr& message, const SubscriptionOptions& options, PublishContext& context) override;

  private:
    class Execution;
    void start(sql::MessageContext& message, const sql::Outcome& outcome, Hold hold) const;

    std::shared_ptr<const CompiledRule> rule_;
    std::shared_ptr<RuleState> state_;
    std::shared_ptr<RuleSurroundings> surroundings_;
};

}  // namespace fogbank::rules
