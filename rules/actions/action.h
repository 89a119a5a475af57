/// What a rule does with the result of its SELECT. One file per action; action_table.cpp names them all.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "common/function.h"
#include "common/log_sink.h"
#include "common/publisher.h"
#include "common/quotas.h"
#include "common/result.h"
#include "lambda/function_service.h"
#include "rules/statement.h"
#include "store/table/table_service.h"

namespace fogbank::rules {

class DestinationService;
class Outbox;
class KafkaSender;
struct OutboundWork;
struct SinkDirectory;

/// What actions act on. The references must outlive every action.
struct ActionServices {
    Publisher& publisher;
    store::table::TableService& tables;
    lambda::FunctionService& functions;
    const Clock& clock;
    Quotas quotas;
    const SinkDirectory* sinks = nullptr;  ///< set whenever `outbox` is
    Outbox* outbox = nullptr;              ///< null: this server sends nothing to others
    KafkaSender* kafka = nullptr;
    DestinationService* destinations = nullptr;
    sql::WhyNoExternal why_no_external;  ///< the services that statements cannot ask
    LogSink* logs = nullptr;             ///< CloudWatch Logs of this server
};

/// One message's turn. Valid until `run` returns.
struct ActionInput {
    const sql::Output& output;
    sql::MessageContext& message;
    const sql::Environment& environment;
    const sql::Variables& variables;
    /// What the rule's templates asked other services beforehand.
    const sql::ExternalCalls::Answers& answers;
    /// Receives what is to be sent to other servers.
    std::vector<OutboundWork>& outbox;
};

struct ActionFailure {
    std::string failed_action;    ///< `LambdaAction`: as AWS logs it
    std::string failed_resource;  ///< table, function ARN, topic
    Error error;
    /// The store could not take the effect now (as opposed to a mistake in the data): the publisher must not be acknowledged.
    bool store = false;
};
/// Called once, on any thread, possibly before `run` returns: nothing for success, which means that the effect is durable.
using ActionDone = UniqueFunction<void(std::optional<ActionFailure>)>;

/// Immutable; `run` on any thread, must not block.
class Action {
  public:
    virtual ~Action() = default;
    virtual void run(const ActionInput& input, ActionDone done) const = 0;
};

/// What a factory makes an action from.
struct ActionDefinition {
    const nlohmann::json& parameters;  ///< the object under the action's key
    const sql::CompiledStatement& statement;
    const ActionServices& services;
    std::vector<sql::Template>& asking;      ///< receives copies of the templates that ask other services
    std::vector<std::string>& destinations;  ///< receives the URLs whose owners must confirm
};
using MadeAction = Result<std::unique_ptr<Action>>;

/// One member of `actions`: an object with exactly one key, such as `{"lambda": {"functionArn": …}}`.
/// Errors: invalid_request for a malformed action or one that this server does not have; sql_parse for a template.
/// @param asking  receives copies of the templates that ask other services: they are answered before the actions run.
/// @param destinations  receives the confirmation URLs of http actions.
MadeAction make_action(const nlohmann::json& action, const sql::CompiledStatement& statement, const ActionServices& services,
                       std::vector<sql::Template>& asking, std::vector<std::string>& destinations);

MadeAction make_lambda_action(const ActionDefinition& definition);
MadeAction make_dynamodb_action(const ActionDefinition& definition);
MadeAction make_dynamodb_v2_action(const ActionDefinition& definition);
MadeAction make_republish_action(const ActionDefinition& definition);
MadeAction make_s3_action(const ActionDefinition& definition);
MadeAction make_sqs_action(const ActionDefinition& definition);
MadeAction make_sns_action(const ActionDefinition& definition);
MadeAction make_http_action(const ActionDefinition& definition);
MadeAction make_kafka_action(const ActionDefinition& definition);
MadeAction make_kinesis_action(const ActionDefinition& definition);
MadeAction make_firehose_action(const ActionDefinition& definition);
MadeAction make_cloudwatch_metric_action(const ActionDefinition& definition);
MadeAction make_cloudwatch_alarm_action(const ActionDefinition& definition);
MadeAction make_cloudwatch_logs_action(const ActionDefinition& definition);
MadeAction make_opensearch_action(const ActionDefinition& definition);
MadeAction make_elasticsearch_action(const ActionDefinition& definition);
MadeAction make_timestream_action(const ActionDefinition& definition);

// What several actions share.

/// The text parameter `name` as a template. Errors: invalid_request if it is missing or no string; sql_parse.
Result<sql::Template> template_parameter(const ActionDefinition& definition, std::string_view action, std::string_view name);
/// The template's text for this message. Errors: evaluation.
Result<std::string> expand(const sql::Template& text, const ActionInput& input);
/// Whether `error` says that a store or queue could not take the work now.
bool is_store_failure(const Error& error);

}  // namespace fogbank::rules
