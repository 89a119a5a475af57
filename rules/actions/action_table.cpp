#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "common/common_errc.h"
#include "lambda/errc.h"
#include "rules/actions/action.h"
#include "rules/errc.h"
#include "store/kv/errc.h"
#include "store/table/errc.h"

namespace fogbank::rules {
namespace {

struct ActionRow {
    std::string_view key;
    MadeAction (*make)(const ActionDefinition& definition);
};
/// Action keys are case-sensitive, as AWS's are (reference "rules", section 8).
constexpr std::array table{
    ActionRow{"cloudwatchAlarm", make_cloudwatch_alarm_action},
    ActionRow{"cloudwatchLogs", make_cloudwatch_logs_action},
    ActionRow{"cloudwatchMetric", make_cloudwatch_metric_action},
    ActionRow{"dynamoDB", make_dynamodb_action},
    ActionRow{"dynamoDBv2", make_dynamodb_v2_action},
    ActionRow{"elasticsearch", make_elasticsearch_action},
    ActionRow{"firehose", make_firehose_action},
    ActionRow{"http", make_http_action},
    ActionRow{"kafka", make_kafka_action},
    ActionRow{"kinesis", make_kinesis_action},
    ActionRow{"lambda", make_lambda_action},
    ActionRow{"openSearch", make_opensearch_action},
    ActionRow{"republish", make_republish_action},
    ActionRow{"s3", make_s3_action},
    ActionRow{"sns", make_sns_action},
    ActionRow{"sqs", make_sqs_action},
    ActionRow{"timestream", make_timestream_action},
};

std::string known_keys() {
    std::string keys;
    for (const ActionRow& row : table) keys += (keys.empty() ? "`" : ", `") + std::string(row.key) + "`";
    return keys;
}

}  // namespace

MadeAction make_action(const nlohmann::json& action, const sql::CompiledStatement& statement, const ActionServices& services,
                       std::vector<sql::Template>& asking, std::vector<std::string>& destinations) {
    if (!action.is_object() || action.size() != 1) return Error(Errc::invalid_request, "an action is an object with exactly one member");
    const std::string& key = action.begin().key();
    const auto found = std::find_if(table.begin(), table.end(), [&](const ActionRow& row) { return row.key == key; });
    if (found == table.end()) return Error(Errc::invalid_request, "action `" + key + "` is not available: this server has " + known_keys());
    if (!action.begin()->is_object()) return Error(Errc::invalid_request, "action `" + key + "` must be an object");
    const ActionDefinition definition{*action.begin(), statement, services, asking, destinations};
    return found->make(definition);
}

Result<sql::Template> template_parameter(const ActionDefinition& definition, std::string_view action, std::string_view name) {
    const auto found = definition.parameters.find(name);
    const std::string what = std::string(action) + " action: `" + std::string(name) + "`";
    if (found == definition.parameters.end() || !found->is_string() || found->get_ref<const std::string&>().empty()) {
        return Error(Errc::invalid_request, what + " must be a non-empty string");
    }
    auto made = sql::Template::create(found->get_ref<const std::string&>(), definition.statement);
    if (!made) return in_context(what, made.error());
    if (made->asks()) definition.asking.push_back(*made);
    return made;
}

Result<std::string> expand(const sql::Template& text, const ActionInput& input) {
    if (!text.asks()) return text.expand(input.message, input.environment, input.variables);
    sql::ExternalSession session(input.environment);
    session.calls().prime(&input.answers);
    return text.expand(input.message, input.environment, input.variables, &session);
}

bool is_store_failure(const Error& error) {
    const auto& code = error.code;
    return code.category() == store::kv::category() || code == store::table::Errc::throttled || code == store::table::Errc::unavailable ||
           code == lambda::Errc::too_many_requests || code == lambda::Errc::unavailable || code == Errc::unavailable ||
           code == CommonErrc::stopped;
}

}  // namespace fogbank::rules
