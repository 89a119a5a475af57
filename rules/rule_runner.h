/// A compiled rule as a subscriber: evaluates each message on the publisher's shard and starts its actions.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/metrics.h"
#include "common/subscriber.h"
#include "rules/external_services.h"
#include "rules/outbox.h"
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
    RuleState(const RuleName& name, Metrics& metrics, const Clock& clock);
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
    const Clock& clock_;
    mutable std::mutex mutex_;
    std::string last_error_;
    WallTime last_error_at_{};
};

/// What all rules of one service share: the last message of each shard, so that it is parsed once for all the rules that it feeds.
/// Thread-safe.
class RuleSurroundings {
  public:
    RuleSurroundings(sql::Environment environment, std::shared_ptr<ExternalServices> externals, Outbox* outbox)
        : environment_(std::move(environment)), externals_(std::move(externals)), outbox_(outbox) {}
    ExternalServices& externals() const { return *externals_; }
    /// Null: actions send nothing to other servers.
    Outbox* outbox() const { return outbox_; }
    const sql::Environment& environment() const { return environment_; }
    std::shared_ptr<sql::MessageContext> context(const MessagePtr& message);
    void stop() { stopped_ = true; }
    bool stopped() const { return stopped_; }

  private:
    /// Shards beyond this number parse once per rule.
    static constexpr std::size_t shards_max = 256;
    sql::Environment environment_;
    std::shared_ptr<ExternalServices> externals_;
    Outbox* outbox_;
    std::atomic<bool> stopped_{false};
    std::array<std::shared_ptr<sql::MessageContext>, shards_max> latest_;  ///< each touched by its shard's thread only
};

/// An error action: told once per rule and message of what failed. Runs on the shard or thread that calls it.
/// @param done  called once when the error action is durable or has failed (which is logged); any thread.
void run_error_action(const std::shared_ptr<const CompiledRule>& rule, const std::shared_ptr<RuleSurroundings>& surroundings,
                      const MessagePtr& message, const std::vector<JobFailure>& failures, std::string trace_id,
                      sql::ExternalCalls::Answers answers, UniqueFunction<void(std::optional<Error> store_failure)> done);

class RuleRunner final : public Subscriber, public std::enable_shared_from_this<RuleRunner> {
  public:
    RuleRunner(std::shared_ptr<const CompiledRule> rule, std::shared_ptr<RuleState> state, std::shared_ptr<RuleSurroundings> surroundings);

    /// The hold is kept until every action is durable or has failed for good; a failure of the store fails the hold.
    void deliver(const MessagePtr& message, const SubscriptionOptions& options, PublishContext& context) override;

  private:
    class Execution;
    class Asking;
    void start(sql::MessageContext& message, const sql::Outcome& outcome, sql::ExternalCalls::Answers answers, Hold hold) const;
    /// Messages of one topic wait for each other, so that actions start in the order of publishing.
    void enqueue(std::shared_ptr<Asking> asking);
    void next(const std::string& topic);
    /// Takes a place among the messages under way, or fails the hold.
    bool enter(const Message& message, Hold& hold) const;
    void not_started(const Message& message, const Result<sql::Outcome>& outcome) const;

    std::shared_ptr<const CompiledRule> rule_;
    std::shared_ptr<RuleState> state_;
    std::shared_ptr<RuleSurroundings> surroundings_;
    std::mutex waiting_mutex_;
    std::map<std::string, std::deque<std::shared_ptr<Asking>>> waiting_;  ///< by topic; the first of each is running
};

}  // namespace fogbank::rules
