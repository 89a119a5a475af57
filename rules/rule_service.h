/// Topic rules: stored, subscribed in the topic index, run for each matching message. Source: AWS IoT Developer Guide, "Rules for AWS IoT"
/// (reference "rules", "rules-sql", "rules-actions").
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/activity.h"
#include "common/arn.h"
#include "common/clock.h"
#include "common/ids.h"
#include "common/log_sink.h"
#include "common/metrics.h"
#include "common/publisher.h"
#include "common/quotas.h"
#include "common/random.h"
#include "common/result.h"
#include "common/shadows.h"
#include "common/subscriber.h"
#include "common/things.h"
#include "lambda/function_service.h"
#include "rules/destinations.h"
#include "rules/errc.h"
#include "store/kv/engine.h"
#include "store/table/table_service.h"

namespace fogbank::rules {

template <class T>
using Awaitable = boost::asio::awaitable<Result<T>>;

/// As stored and as GetTopicRule answers.
struct RuleDescription {
    RuleName name;
    std::string arn;
    std::string sql, description;
    std::string aws_iot_sql_version;  ///< `2015-10-08`, `2016-03-23` or `beta`
    std::string actions_json;         ///< the `actions` array as given
    std::string error_action_json;    ///< empty: none
    bool disabled = false;
    WallTime created_at{};
    std::string topic_filter;  ///< from FROM; empty for Basic Ingest only
};

/// Running totals since start, per rule.
struct RuleCounters {
    std::uint64_t matched = 0;   ///< messages whose topic matched FROM
    std::uint64_t filtered = 0;  ///< WHERE was not true
    std::uint64_t failed = 0;    ///< evaluation or at least one action failed
    std::uint64_t succeeded = 0;
    std::string last_error;
    WallTime last_error_at{};  ///< when `last_error` is not empty
};

/// What rules may use beyond the rooms that rules/ links. What is null or empty is not there, and rules that need it are refused.
struct Outside {
    Shadows* shadows = nullptr;
    ThingDirectory* things = nullptr;
    LogSink* logs = nullptr;               ///< for cloudwatchLogs without a sink
    ActivityRecorder* activity = nullptr;  ///< hears of messages for rules that are not there
    std::filesystem::path secrets_file;    ///< for get_secret: a JSON object of secret id to text, or to an object
    std::vector<std::string> sinks;        ///< `<service>=<url>`
    std::string sink_region;               ///< empty: the server's
    std::string sink_access_key_id, sink_secret_access_key;
    std::filesystem::path sink_ca_file;
    std::string confirm_url;  ///< of this server's API, for the links that confirm HTTP destinations: `https://host:4566`
};

/// What waits to be sent to other servers.
struct OutboxCounters {
    std::size_t jobs = 0, bytes = 0;
    std::uint64_t retries = 0, given_up = 0;
};

class RuleService {
  public:
    struct Dependencies {
        store::kv::Engine& engine;
        TopicIndex& topics;
        Publisher& publisher;
        store::table::TableService& tables;
        lambda::FunctionService& functions;
        const Clock& clock;
        RandomSource& random;
        Metrics& metrics;
        ArnFactory arns;
        Quotas quotas;
        Outside outside = {};
    };
    virtual ~RuleService() = default;

    /// `payload_json` is the TopicRulePayload: sql, actions, description, ruleDisabled, awsIotSqlVersion, errorAction. The rule sees the
    /// next message published after the return. What cannot run is refused here: SQL with position and reason, actions that this server
    /// does not have. Errors: sql_parse, invalid_request, resource_already_exists, limit_exceeded.
    virtual Awaitable<void> create_rule(RuleName name, std::string payload_json) = 0;
    virtual Awaitable<void> replace_rule(RuleName name, std::string payload_json) = 0;
    /// Errors: access_denied when there is no such rule, as AWS answers.
    virtual Awaitable<RuleDescription> get_rule(RuleName name) = 0;
    virtual Awaitable<std::vector<RuleDescription>> list_rules() = 0;
    virtual Awaitable<void> delete_rule(RuleName name) = 0;
    virtual Awaitable<void> set_rule_enabled(RuleName name, bool enabled) = 0;
    /// Nothing if there is no such rule.
    virtual std::optional<RuleCounters> counters(const RuleName& name) const = 0;

    virtual OutboxCounters outbox() const = 0;
    virtual DestinationService& destinations() = 0;

    /// Drops all subscriptions; messages under way are finished, what waits for other servers stays in the store.
    virtual void stop() = 0;
};

/// Loads the stored rules and subscribes the enabled ones. A stored rule that no longer compiles is logged and left disabled, never
/// dropped.
Awaitable<std::unique_ptr<RuleService>> open_rule_service(RuleService::Dependencies dependencies);

}  // namespace fogbank::rules
