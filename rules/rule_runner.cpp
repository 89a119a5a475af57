#include "rules/rule_runner.h"

#include <spdlog/spdlog.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/system_executor.hpp>

#include "common/encoding.h"
#include "common/logging.h"
#include "common/shard.h"
#include "rules/errc.h"

namespace fogbank::rules {

namespace asio = boost::asio;

namespace {

using sql::Object;
using sql::Text;
using sql::Value;

Value text(std::string_view view) {
    return Value::string(std::string(view));
}

/// Source: reference "rules", section 5.
Value error_payload(const CompiledRule& rule, const Message& message, std::string_view trace_id, const std::vector<JobFailure>& failures) {
    sql::Array list;
    for (const JobFailure& failure : failures) {
        Object entry;
        entry.append(Text::borrowed("failedAction"), text(failure.action));
        entry.append(Text::borrowed("failedResource"), text(failure.resource));
        entry.append(Text::borrowed("errorMessage"), text(failure.message));
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

RuleState::RuleState(const RuleName& name, Metrics& metrics, const Clock& clock)
    : matched_total_(metrics.counter("fogbank_rules_matched_total", "Messages whose topic matched a rule.", label(name))),
      filtered_total_(metrics.counter("fogbank_rules_filtered_total", "Messages for which WHERE was not true.", label(name))),
      failed_total_(metrics.counter("fogbank_rules_failed_total", "Messages whose evaluation or an action of which failed.", label(name))),
      succeeded_total_(metrics.counter("fogbank_rules_succeeded_total", "Messages whose actions were all done.", label(name))),
      clock_(clock) {}

RuleCounters RuleState::counters() const {
    RuleCounters counters;
    counters.matched = matched_.load(std::memory_order_relaxed);
    counters.filtered = filtered_.load(std::memory_order_relaxed);
    counters.failed = failed_.load(std::memory_order_relaxed);
    counters.succeeded = succeeded_.load(std::memory_order_relaxed);
    const std::lock_guard lock(mutex_);
    counters.last_error = last_error_;
    counters.last_error_at = last_error_at_;
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
    last_error_at_ = clock_.now();
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
    Execution(std::shared_ptr<const RuleRunner> runner, MessagePtr message, sql::ExternalCalls::Answers answers, Hold hold,
              std::string trace_id)
        : runner_(std::move(runner)),
          answers_(std::move(answers)),
          message_(std::move(message)),
          hold_(std::move(hold)),
          home_(Shard::current()),
          trace_id_(std::move(trace_id)) {}
    ~Execution() { runner_->state_->leave(message_->payload().size()); }
    Execution(const Execution&) = delete;
    Execution& operator=(const Execution&) = delete;

    void start(sql::MessageContext& message, const sql::Outcome& outcome) {
        const ActionInput input{outcome.output, message, runner_->surroundings_->environment(), outcome.variables, answers_, work_};
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
        for (const ActionFailure& failure : failures_) {
            if (!failure.store || !hold_) continue;
            // The publisher will send the message again, so this is not the end of it and the error action stays quiet.
            runner_->state_->failed(failure.failed_action + ": " + failure.error.message);
            log_failures(failed());
            hold_.fail(failure.error);
            return;
        }
        if (work_.empty() || runner_->surroundings_->outbox() == nullptr) return finish(failed());
        OutboxJob job;
        job.rule = runner_->rule_->name.str();
        job.trace_id = trace_id_;
        job.message = message_;
        job.work = std::move(work_);
        job.failures = failed();
        auto refused = job.failures;
        for (const OutboundWork& work : job.work) refused.push_back({work.action, work.resource, work.failure + " "});
        runner_->surroundings_->outbox()->add(std::move(job),
                                              [self = shared_from_this(), refused = std::move(refused)](Result<void> added) mutable {
                                                  // What is in the outbox counts when it is sent.
                                                  if (added) return;
                                                  for (JobFailure& failure : refused) {
                                                      if (failure.message.ends_with(' ')) failure.message += added.error().message;
                                                  }
                                                  self->finish(std::move(refused));
                                              });
    }

    std::vector<JobFailure> failed() const {
        std::vector<JobFailure> out;
        for (const ActionFailure& failure : failures_)
            out.push_back({failure.failed_action, failure.failed_resource, failure.error.message});
        return out;
    }

    void log_failures(const std::vector<JobFailure>& failures) const {
        for (const JobFailure& failure : failures) {
            logger("rules").error("action failed rule={} action={} resource={} topic={} reason={}", runner_->rule_->name.str(),
                                  failure.action, log_value(failure.resource), log_value(message_->topic_name()),
                                  log_value(failure.message));
        }
    }

    void finish(std::vector<JobFailure> failures) {
        if (failures.empty()) return runner_->state_->succeeded();
        log_failures(failures);
        runner_->state_->failed(failures[0].action + ": " + failures[0].message);
        if (!runner_->rule_->error_action || runner_->surroundings_->stopped()) return;
        if (home_ == nullptr || home_ == Shard::current()) return tell(std::move(failures));
        home_->post([self = shared_from_this(), failures = std::move(failures)]() mutable { self->tell(std::move(failures)); });
    }

    void tell(std::vector<JobFailure> failures) {
        run_error_action(runner_->rule_, runner_->surroundings_, message_, failures, trace_id_, std::move(answers_),
                         [self = shared_from_this()](std::optional<Error> store_failure) {
                             if (store_failure) self->hold_.fail(*store_failure);
                         });
    }

    std::shared_ptr<const RuleRunner> runner_;
    sql::ExternalCalls::Answers answers_;
    MessagePtr message_;
    Hold hold_;
    Shard* home_;
    std::string trace_id_;
    std::atomic<std::size_t> pending_{0};
    std::mutex mutex_;
    std::vector<ActionFailure> failures_;
    std::vector<OutboundWork> work_;  ///< filled while the actions are started
};

/// Keeps what an error action reads until it is done.
class ErrorActionRun : public std::enable_shared_from_this<ErrorActionRun> {
  public:
    using Done = UniqueFunction<void(std::optional<Error>)>;
    ErrorActionRun(std::shared_ptr<const CompiledRule> rule, std::shared_ptr<RuleSurroundings> surroundings, MessagePtr message,
                   sql::ExternalCalls::Answers answers, Done done)
        : rule_(std::move(rule)),
          surroundings_(std::move(surroundings)),
          answers_(std::move(answers)),
          message_(message),
          context_(std::move(message)),
          done_(std::move(done)) {}

    void start(const std::vector<JobFailure>& failures, std::string trace_id) {
        const sql::Environment& environment = surroundings_->environment();
        sql::CallContext call;
        call.message = &context_;
        call.environment = &environment;
        trace_id_ = trace_id.empty() ? context_.trace_id(environment.random) : std::move(trace_id);
        // Without the answers of other services, variables that need them are Undefined here.
        const auto variables = sql::Evaluator(rule_->statement.program(), call).assign();
        const sql::Variables none;
        const sql::Output output(error_payload(*rule_, *message_, trace_id_, failures));
        const ActionInput input{output, context_, environment, variables ? *variables : none, answers_, work_};
        rule_->error_action->run(input,
                                 [self = shared_from_this()](std::optional<ActionFailure> failure) { self->ran(std::move(failure)); });
    }

  private:
    void ran(std::optional<ActionFailure> failure) {
        if (failure) {
            log(failure->failed_action, failure->failed_resource, failure->error.message);
            return done_(failure->store ? std::optional<Error>(failure->error) : std::nullopt);
        }
        if (work_.empty() || surroundings_->outbox() == nullptr) return done_(std::nullopt);
        OutboxJob job;
        job.rule = rule_->name.str();
        job.for_error_action = true;
        job.trace_id = trace_id_;
        job.message = message_;
        job.work = std::move(work_);
        const std::string action = job.work[0].action;
        surroundings_->outbox()->add(std::move(job), [self = shared_from_this(), action](Result<void> added) {
            if (!added) self->log(action, "", added.error().message);
            self->done_(std::nullopt);
        });
    }

    void log(const std::string& action, const std::string& resource, const std::string& why) const {
        logger("rules").error("error action failed rule={} action={} resource={} reason={}", rule_->name.str(), action, log_value(resource),
                              log_value(why));
    }

    std::shared_ptr<const CompiledRule> rule_;
    std::shared_ptr<RuleSurroundings> surroundings_;
    sql::ExternalCalls::Answers answers_;
    MessagePtr message_;
    sql::MessageContext context_;
    Done done_;
    std::string trace_id_;
    std::vector<OutboundWork> work_;
};

void run_error_action(const std::shared_ptr<const CompiledRule>& rule, const std::shared_ptr<RuleSurroundings>& surroundings,
                      const MessagePtr& message, const std::vector<JobFailure>& failures, std::string trace_id,
                      sql::ExternalCalls::Answers answers, UniqueFunction<void(std::optional<Error>)> done) {
    std::make_shared<ErrorActionRun>(rule, surroundings, message, std::move(answers), std::move(done))
        ->start(failures, std::move(trace_id));
}

RuleRunner::RuleRunner(std::shared_ptr<const CompiledRule> rule, std::shared_ptr<RuleState> state,
                       std::shared_ptr<RuleSurroundings> surroundings)
    : rule_(std::move(rule)), state_(std::move(state)), surroundings_(std::move(surroundings)) {}

/// One message on its way through a rule that asks other services. Lives on the publisher's shard.
class RuleRunner::Asking : public std::enable_shared_from_this<Asking> {
  public:
    Asking(std::shared_ptr<RuleRunner> runner, MessagePtr message, Hold hold)
        : runner_(std::move(runner)), message_(message), context_(std::move(message)), hold_(std::move(hold)), home_(Shard::current()) {}
    /// Dropped on the way (the server stops): the publisher must send again.
    ~Asking() {
        if (finished_) return;
        hold_.fail(Error(Errc::unavailable, "the server stopped before the rule had run"));
        runner_->state_->leave(message_->payload().size());
    }
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;

    std::string topic() const { return std::string(message_->topic_name()); }

    void start() {
        const asio::any_io_executor executor =
            home_ != nullptr ? asio::any_io_executor(home_->io().get_executor()) : asio::any_io_executor(asio::system_executor());
        asio::co_spawn(executor, run(shared_from_this()), asio::detached);
    }

  private:
    static asio::awaitable<void> run(std::shared_ptr<Asking> self) {
        co_await self->evaluate();
        self->runner_->next(self->topic());
    }

    asio::awaitable<void> evaluate() {
        const sql::Environment& environment = runner_->surroundings_->environment();
        sql::ExternalSession session(environment);
        while (true) {
            session.restart();
            const auto outcome = runner_->rule_->statement.run(context_, environment, &session);
            if (session.calls().wanted()) {
                sql::ExternalRequest question = *session.calls().wanted();
                auto answer = co_await runner_->surroundings_->externals().ask(std::move(question));
                session.calls().answer(std::move(answer));
                continue;
            }
            if (!outcome || !outcome->matched) {
                give_up(outcome);
                co_return;
            }
            sql::ExternalCalls::Answers answers;
            for (const sql::Template& text : runner_->rule_->asking) co_await ask_for(text, outcome->variables, answers);
            finished_ = true;
            runner_->start(context_, *outcome, std::move(answers), std::move(hold_));
            co_return;
        }
    }

    /// Collects the answers that expanding `text` needs. A failure is an answer too: the action that uses it fails.
    asio::awaitable<void> ask_for(const sql::Template& text, const sql::Variables& variables, sql::ExternalCalls::Answers& answers) {
        const sql::Environment& environment = runner_->surroundings_->environment();
        sql::ExternalSession session(environment);
        while (true) {
            session.restart();
            const auto expanded = text.expand(context_, environment, variables, &session);
            if (!session.calls().wanted()) break;
            sql::ExternalRequest question = *session.calls().wanted();
            auto answer = co_await runner_->surroundings_->externals().ask(std::move(question));
            session.calls().answer(std::move(answer));
        }
        session.calls().take(answers);
    }

    void give_up(const Result<sql::Outcome>& outcome) {
        finished_ = true;
        runner_->state_->leave(message_->payload().size());
        runner_->not_started(*message_, outcome);
        hold_ = Hold();
    }

    std::shared_ptr<RuleRunner> runner_;
    MessagePtr message_;
    sql::MessageContext context_;
    Hold hold_;
    Shard* home_;
    bool finished_ = false;
};

void RuleRunner::enqueue(std::shared_ptr<Asking> asking) {
    {
        const std::lock_guard lock(waiting_mutex_);
        auto& queue = waiting_[asking->topic()];
        queue.push_back(asking);
        if (queue.size() > 1) return;
    }
    asking->start();
}

void RuleRunner::next(const std::string& topic) {
    std::shared_ptr<Asking> following;
    std::shared_ptr<Asking> over;  // destroyed outside of the lock
    {
        const std::lock_guard lock(waiting_mutex_);
        const auto found = waiting_.find(topic);
        over = std::move(found->second.front());
        found->second.pop_front();
        if (found->second.empty()) {
            waiting_.erase(found);
        } else {
            following = found->second.front();
        }
    }
    if (following) following->start();
}

/// Counts a message whose actions do not run.
void RuleRunner::not_started(const Message& message, const Result<sql::Outcome>& outcome) const {
    if (outcome) return state_->filtered();
    logger("rules").error("evaluation failed rule={} topic={} reason={}", rule_->name.str(), log_value(message.topic_name()),
                          log_value(outcome.error().message));
    state_->failed(outcome.error().message);
}

void RuleRunner::deliver(const MessagePtr& message, const SubscriptionOptions&, PublishContext& context) {
    state_->matched();
    if (rule_->asks()) {
        Hold hold = context.hold();
        if (!enter(*message, hold)) return;
        return enqueue(std::make_shared<Asking>(shared_from_this(), message, std::move(hold)));
    }
    const std::shared_ptr<sql::MessageContext> shared = surroundings_->context(message);
    const auto outcome = rule_->statement.run(*shared, surroundings_->environment());
    if (!outcome || !outcome->matched) return not_started(*message, outcome);
    Hold hold = context.hold();
    if (enter(*message, hold)) start(*shared, *outcome, {}, std::move(hold));
}

bool RuleRunner::enter(const Message& message, Hold& hold) const {
    if (state_->enter(message.payload().size())) return true;
    const Error full(Errc::unavailable, "rule `" + rule_->name.str() + "` has too many messages under way");
    hold.fail(full);
    state_->failed(full.message);
    return false;
}

void RuleRunner::start(sql::MessageContext& message, const sql::Outcome& outcome, sql::ExternalCalls::Answers answers, Hold hold) const {
    std::make_shared<Execution>(shared_from_this(), message.shared_message(), std::move(answers), std::move(hold), message.known_trace_id())
        ->start(message, outcome);
}

}  // namespace fogbank::rules
