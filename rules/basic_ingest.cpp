#include "rules/basic_ingest.h"

#include <spdlog/spdlog.h>

#include <mutex>

#include "common/logging.h"

namespace fogbank::rules {
namespace {

/// A device that publishes to nowhere must not fill the disk with log lines.
constexpr std::int64_t log_pause_ms = 1000;

/// The level after `$aws/rules/`.
std::string_view rule_in(std::string_view topic) {
    topic.remove_prefix(basic_ingest_topics.size() - 1);
    return topic.substr(0, topic.find('/'));
}

}  // namespace

BasicIngestWatch::BasicIngestWatch(const Clock& clock, Metrics& metrics, ActivityRecorder* activity)
    : clock_(clock),
      activity_(activity),
      not_found_total_(metrics.counter("fogbank_rules_not_found_total", "Basic Ingest messages for rules that are not there.", "")) {}

void BasicIngestWatch::set_known(const RuleName& rule, bool known) {
    const std::unique_lock lock(mutex_);
    if (known) {
        known_.insert(rule.str());
    } else {
        known_.erase(rule.str());
    }
}

void BasicIngestWatch::deliver(const MessagePtr& message, const SubscriptionOptions&, PublishContext&) {
    if (message->topic_name().size() < basic_ingest_topics.size()) return;  // `$aws/rules` itself names no rule
    const std::string_view rule = rule_in(message->topic_name());
    {
        const std::shared_lock lock(mutex_);
        if (known_.contains(rule)) return;
    }
    not_found_total_.add();
    if (activity_ != nullptr) {
        Activity activity;
        activity.at = clock_.now();
        activity.kind = "rule_not_found";
        activity.client_id = message->origin().client_id;
        activity.principal_id = message->origin().principal_id;
        activity.topic = message->topic_name();
        activity.detail = "there is no rule `" + std::string(rule) + "`: the message has no effect";
        activity_->record(std::move(activity));
    }
    log(*message, rule);
}

void BasicIngestWatch::log(const Message& message, std::string_view rule) {
    const std::int64_t now = clock_.now().time_since_epoch().count();
    std::int64_t again = log_again_ms_.load();
    if (now < again || !log_again_ms_.compare_exchange_strong(again, now + log_pause_ms)) {
        not_logged_.fetch_add(1);
        return;
    }
    logger("rules").error("rule not found rule={} topic={} client={} principal={} more={}", log_value(std::string(rule)),
                          log_value(message.topic_name()), log_value(message.origin().client_id), message.origin().principal_id,
                          not_logged_.exchange(0));
}

}  // namespace fogbank::rules
