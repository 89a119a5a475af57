#include "rules/rule_runner.h"

#include <spdlog/spdlog.h>

#include "common/encoding.h"
#include "common/logging.h"
#include "common/shard.h"
#include "rules/errc.h"

namespace fogbank::rules {
namespace {

using sql::Object;
using sql::Text;
using sql::Value;

Value text(std::string_view view) {
    return Value::string(std::string(view));
}

/// Source: reference "rules", section 5.
Value error_payload(const CompiledRule& rule, const Message& message, std::string_view trace_id,
                    const std::vector<ActionFailure>& failures) {
    sql::Array list;
    for (const ActionFailure& failure : failures) {
        Object entry;
        entry.append(Text::borrowed("failedAction"), text(failure.failed_action));
        entry.append(Text::borrowed("failedResource"), text(failure.failed_resource));
        entry.append(Text::borrowed("errorMessage"), text(failure.error.message));
        list.push_back(Value::object(std::move(entry)));
    }
    const MessageOrigin& origin = message.origin();
    Object payload;
    payload.append(Text::borrowed("ruleName"), text(rule.name.view()));
    payload.append(Text::borrowed("topic"), text(message.topic_name()));
    payload.append(Text::borrowed("cloudwatchTraceId"), text(trace_id));
    payload.append(Text::borrowed("clientId"),
                   text(origin.protocol == MessageOrigin::Protocol::mqtt ? std::string_view(origin.client_id) : "n/a"));
    if (!origin.source_ip.empty()) payload.append(Text::borrowed("sourceIp"), text(origin.source_ip));
    payload.append(Text::borrowed("base64OriginalPayload"), text(base64_encode(message.payload())));
    payload.append(Text::borrowed("failures"), Value::array(std::move(list)));
    return Value::object(std::move(payload));
}

std::string label(const RuleName& name) {
    return "rule=\"" + name.str() + "\"";
}

}  // namespace

RuleState::RuleState(const RuleName& name, Metrics& metrics)
    : matched_total_(metrics.counter("fogbank_rules_matched_total", "Messages whose topic matched a rule.", label(name))),
      filtered_total_(metrics.counter("fogbank_rules_filtered_total", "Messages for which WHERE was not true.", label(name))),
      failed_total_(metrics.counter("fogbank_rules_failed_total", "Messages whose evaluation or an action of which failed.", label(name))),
      succeeded_total_(metrics.counter("fogbank_rules_succeeded_total", "Messages whose actions were all done.", label(name))) {}

RuleCounters RuleState::counters() const {
    RuleCounters counters;
    counters.matched = matched_.load(std::memory_order_relaxed);
    counters.filtered = filtered_.load(std::memory_order_relaxed);
    counters.failed = failed_.load(std::memory_order_relaxed);
    counters.succeeded = succeeded_.load(std::memory_order_relaxed);
    const std::lock_guard lock(mutex_);
    counters.last_error = last_error_;
    return counters;
}

void RuleState::matched() {
    matched_.fetch_add(1, std::memory_order_relaxed);
    matched_total_.add();
}

void RuleState::filtered() {
    filtered_.fetch_add(1, std::memory_order_relaxed);
    filtered_total_.add();
}

void RuleState::succeeded() {
    succeeded_.fetch_add(1, std::memory_order_relaxed);
    succeeded_total_.add();
}

void RuleState::failed(std::string error) {
    failed_.fetch_add(1, std::memory_order_relaxed);
    failed_total_.add();
    const std::lock_guard lock(mutex_);
    last_error_ = std::move(error);
}

bool RuleState::enter(std::size_t bytes) {
    const std::size_t messages = messages_.fetch_add(1, std::memory_order_relaxed) + 1;
    const std::size_t total = bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    if (messages <= messages_under_way_max && total <= bytes_under_way_max) return true;
    leave(bytes);
    return false;
}

void RuleState::leave(std::size_t bytes) {
    messages_.fetch_sub(1, std::memory_order_relaxed);
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
}

std::shared_ptr<sql::MessageContext> RuleSurroundings::context(const MessagePtr& message) {
    const Shard* shard = Shard::current();
    if (shard == nullptr || shard->index() >= shards_max) return std::make_shared<sql::MessageContext>(message);
    std::shared_ptr<sql::MessageContext>& latest = latest_[shard->index()];
    if (latest && latest->shared_message() == message) return latest;
    // A context that is in use belongs to a message further up this stack, whose rule republished.
    if (latest && latest.use_count() == 1) {
        latest->reset(message);
    } else {
        latest = std::make_shared<sql::MessageContext>(message);
    }
    return latest;
}

/// The actions of one rule for one message, from start to the release of the hold. Shared by the completions, which come on any thread.
class RuleRunner::Execution : public std::enable_shared_from_this<Execution> {
  public:
    Execution(std::shared_ptr<const RuleRunner> runner, MessagePtr message, Hold hold, std::string trace_id)
        : runner_(std::move(runner)),
          message_(std::move(message)),
          hold_(std::move(hold)),
          home_(Shard::current()),
          trace_id_(std::move(trace_id)) {}
    ~Execution() { runner_->state_->leave(message_->payload().size()); }
    Execution(const Execution&) = delete;
    Execution& operator=(const Execution&) = delete;

    void start(const ActionInput& input) {
        const auto& actions = runner_->rule_->actions;
        pending_ = actions.size() + 1;  // one for this loop, so that the last action cannot finish before all have begun
        for (const auto& action : actions) {
            action->run(input, [self = shared_from_this()](std::optional<ActionFailure> failure) { self->finished(std::move(failure)); });
        }
        finished(std::nullopt);
    }

  private:
    void finished(std::optional<ActionFailure> failure) {
        if (failure) {
            const std::lock_guard lock(mutex_);
            failures_.push_back(std::move(*failure));
        }
        if (pending_.fetch_sub(1, std::memory_order_acq_rel) == 1) complete();
    }

    /// After the last action; nobody else touches the members any more.
    void complete() {
        if (failures_.empty()) return runner_->state_->succeeded();
        for (const ActionFailure& failure : failures_) {
            logger("rules").error("action failed rule={} action={} resource={} topic={} reason={}", runner_->rule_->name.str(),
                                  failure.failed_action, log_value(failure.failed_resource), log_value(message_->topic_name()),
                                  log_value(failure.error.message));
        }
        runner_->state_->failed(failures_[0].failed_action + ": " + failures_[0].error.message);
        for (const ActionFailure& failure : failures_) {
            if (!failure.store || !hold_) continue;
            // The publisher will send the message again, so this is not the end of it and the error action stays quiet.
            hold_.fail(failure.error);
            return;
        }
        if (!runner_->rule_->error_action || runner_->surroundings_->stopped()) return;
        if (home_ == nullptr || home_ == Shard::current()) return run_error_action();
        home_->post([self = shared_from_this()] { self->run_error_action(); });
    }

    void run_error_action() {
        const sql::Environment& environment = runner_->surroundings_->environment();
        sql::MessageContext context(message_);
        sql::CallContext call;
        call.message = &context;
        call.environment = &environment;
        const auto variables = sql::Evaluator(runner_->rule_->statement.program(), call).assign();
        sql::Output output;
        if (trace_id_.empty()) trace_id_ = context.trace_id(environment.random);
        output.value = error_payload(*runner_->rule_, *message_, trace_id_, failures_);
        const sql::Variables none;
        const ActionInput input{output, context, environment, variables ? *variables : none};
        runner_->rule_->error_action->run(input, [self = shared_from_this()](std::optional<ActionFailure> failure) {
            if (!failure) return;
            logger("rules").error("error action failed rule={} action={} resource={} reason={}", self->runner_->rule_->name.str(),
                                  failure->failed_action, log_value(failure->failed_resource), log_value(failure->error.message));
            if (failure->store) self->hold_.fail(failure->error);
        });
    }

    std::shared_ptr<const RuleRunner> runner_;
    MessagePtr message_;
    Hold hold_;
    Shard* home_;
    std::string trace_id_;
    std::atomic<std::size_t> pending_{0};
    std::mutex mutex_;
    std::vector<ActionFailure> failures_;
};

RuleRunner::RuleRunner(std::shared_ptr<const CompiledRule> rule, std::shared_ptr<RuleState> state,
                       std::shared_ptr<RuleSurroundings> surroundings)
    : rule_(std::move(rule)), state_(std::move(state)), surroundings_(std::move(surroundings)) {}

void RuleRunner::deliver(const MessagePtr& message, const SubscriptionOptions&, PublishContext& context) {
    state_->matched();
    const std::shared_ptr<sql::MessageContext> shared = surroundings_->context(message);
    const auto outcome = rule_->statement.run(*shared, surroundings_->environment());
    if (!outcome) {
        logger("rules").error("evaluation failed rule={} topic={} reason={}", rule_->name.str(), log_value(message->topic_name()),
                              log_value(outcome.error().message));
        return state_->failed(outcome.error().message);
    }
    if (!outcome->matched) return state_->filtered();
    Hold hold = context.hold();
    if (!state_->enter(message->payload().size())) {
        const Error full(Errc::unavailable, "rule `" + rule_->name.str() + "` has too many messages under way");
        hold.fail(full);
        return state_->failed(full.message);
    }
    start(*shared, *outcome, std::move(hold));
}

void RuleRunner::start(sql::MessageContext& message, const sql::Outcome& outcome, Hold hold) const {
    const ActionInput input{outcome.output, message, surroundings_->environment(), outcome.variables};
    std::make_shared<Execution>(shared_from_this(), message.shared_message(), std::move(hold), message.known_trace_id())->start(input);
}

}  // namespace fogbank::rules
