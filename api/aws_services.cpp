/// The table of services.
#include "api/aws_service.h"
#include "api/dynamodb_access.h"
#include "api/dynamodb_operations.h"
#include "api/own_operations.h"

#include <array>

namespace fogbank::api {
namespace {

AwsService iot() {
    AwsService out;
    out.name = out.iam_prefix = out.family = "iot";
    out.signing_names = {"iot", "execute-api"};  // old SDKs sign the control plane as `execute-api`
    out.errors.family = Family::control;
    out.operations = {iot_things_operations(),
                      iot_thing_types_operations(),
                      iot_thing_groups_operations(),
                      iot_billing_groups_operations(),
                      iot_tags_operations(),
                      iot_events_operations(),
                      iot_authorization_operations(),
                      iot_logging_operations(),
                      iot_indexing_operations(),
                      iot_certificates_operations(),
                      iot_policies_operations(),
                      iot_rules_operations(),
                      iot_endpoint_operations(),
                      iot_ca_certificates_operations(),
                      iot_provisioning_operations(),
                      iot_role_aliases_operations(),
                      iot_authorizers_operations(),
                      iot_jobs_operations(),
                      iot_rule_destinations_operations(),
                      fogbank_rules_operations()};
    return out;
}

AwsService iot_data() {
    AwsService out;
    out.name = "iot-data";
    out.iam_prefix = out.family = "iot";
    out.signing_names = {"iotdata", "iotdevicegateway"};
    out.errors.family = Family::data;
    out.operations = {iot_data_operations(), iot_data_retained_operations(), iot_data_connections_operations(),
                      iot_data_shadow_operations(), credentials_provider_operations()};
    out.path_prefixes = {"/topics/", "/retainedMessage", "/connections/", "/api/things/shadow/"};
    out.for_certificates = true;
    return out;
}

/// Its paths are the control plane's too: only the signing name tells.
AwsService iot_jobs_data() {
    AwsService out;
    out.name = "iot-jobs-data";
    out.iam_prefix = "iotjobsdata";
    out.family = "iot";
    out.signing_names = {"iot-jobs-data"};
    out.errors.family = Family::data;
    out.operations = {iot_jobs_data_operations()};
    return out;
}

AwsService dynamodb() {
    AwsService out;
    out.name = out.iam_prefix = "dynamodb";
    out.protocol = Protocol::json;
    out.signing_names = {"dynamodb"};
    out.errors.family = Family::dynamodb;
    out.errors.type_namespace = "com.amazonaws.dynamodb.v20120810#";
    out.operations = {dynamodb_item_operations(),  dynamodb_batch_operations(),  dynamodb_statement_operations(),
                      dynamodb_table_operations(), dynamodb_backup_operations(), dynamodb_files_operations()};
    out.target_prefix = "DynamoDB_20120810.";
    out.access = dynamodb_access;
    return out;
}

/// Signed as `dynamodb` too: the target tells it apart.
AwsService dynamodb_streams() {
    AwsService out;
    out.name = "dynamodbstreams";
    out.iam_prefix = "dynamodb";
    out.protocol = Protocol::json;
    out.signing_names = {"dynamodb"};
    out.errors.family = Family::dynamodb;
    out.errors.type_namespace = "com.amazonaws.dynamodb.v20120810#";
    out.operations = {dynamodb_streams_operations()};
    out.access = dynamodb_access;
    out.target_prefix = "DynamoDBStreams_20120810.";
    return out;
}

AwsService lambda() {
    AwsService out;
    out.name = out.iam_prefix = "lambda";
    out.signing_names = {"lambda"};
    out.errors.family = Family::lambda;
    out.operations = {lambda_operations()};
    out.path_prefixes = {"/2015-03-31/functions", "/2014-11-13/functions", "/2017-10-31/functions",       "/2019-09-30/functions",
                         "/2019-09-25/functions", "/2017-03-31/tags",      "/2016-08-19/account-settings"};
    return out;
}

AwsService cloudwatch_logs() {
    static constexpr std::array renames{ErrorStyle::Rename{"ValidationException", "InvalidParameterException"}};
    AwsService out;
    out.name = out.iam_prefix = "logs";
    out.protocol = Protocol::json;
    out.signing_names = {"logs"};
    out.errors.family = Family::json;
    out.errors.json_version = "1.1";
    out.errors.renames = renames;
    out.operations = {cloudwatch_logs_operations()};
    out.target_prefix = "Logs_20140328.";
    return out;
}

AwsService iam_service() {
    AwsService out;
    out.name = out.iam_prefix = "iam";
    out.protocol = Protocol::query;
    out.signing_names = {"iam"};
    out.errors.family = Family::query;
    out.errors.xml_namespace = "https://iam.amazonaws.com/doc/2010-05-08/";
    out.operations = {iam::identity_operations(), iam::policy_operations()};
    out.version = "2010-05-08";
    out.access = access_by_iam_names;
    return out;
}

AwsService sts() {
    AwsService out;
    out.name = out.iam_prefix = "sts";
    out.protocol = Protocol::query;
    out.signing_names = {"sts"};
    out.errors.family = Family::query;
    out.errors.xml_namespace = "https://sts.amazonaws.com/doc/2011-06-15/";
    out.operations = {sts_operations()};
    out.version = "2011-06-15";
    out.access = access_by_handler;
    return out;
}

}  // namespace

std::span<const AwsService> aws_services() {
    static const std::vector<AwsService> table{
        iot(), iot_data(), iot_jobs_data(), dynamodb(), dynamodb_streams(), lambda(), cloudwatch_logs(), iam_service(), sts(),
    };
    return table;
}

}  // namespace fogbank::api
