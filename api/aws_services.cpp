/// The table of services.
#include "api/aws_service.h"

namespace fogbank::api {
namespace {

AwsService iot() {
    AwsService out;
    out.name = out.iam_prefix = out.family = "iot";
    out.signing_names = {"iot", "execute-api"};  // old SDKs sign the control plane as `execute-api`
    out.errors.family = Family::control;
    out.operations = {iot_things_operations(),   iot_certificates_operations(),      iot_policies_operations(), iot_rules_operations(),
                      iot_endpoint_operations(), iot_rule_destinations_operations(), fogbank_rules_operations()};
    return out;
}

AwsService iot_data() {
    AwsService out;
    out.name = "iot-data";
    out.iam_prefix = out.family = "iot";
    out.signing_names = {"iotdata", "iotdevicegateway", "iot-jobs-data"};
    out.errors.family = Family::data;
    out.operations = {iot_data_operations()};
    out.path_prefixes = {"/topics/"};
    out.for_certificates = true;
    return out;
}

AwsService dynamodb() {
    AwsService out;
    out.name = out.iam_prefix = "dynamodb";
    out.protocol = Protocol::json;
    out.signing_names = {"dynamodb"};
    out.errors.family = Family::dynamodb;
    out.errors.type_namespace = "com.amazonaws.dynamodb.v20120810#";
    out.operations = {dynamodb_operations()};
    out.target_prefix = "DynamoDB_20120810.";
    out.access = access_by_tables;
    return out;
}

AwsService lambda() {
    AwsService out;
    out.name = out.iam_prefix = "lambda";
    out.signing_names = {"lambda"};
    out.errors.family = Family::lambda;
    out.operations = {lambda_operations()};
    out.path_prefixes = {"/2015-03-31/functions"};
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
        iot(), iot_data(), dynamodb(), lambda(), iam_service(), sts(),
    };
    return table;
}

}  // namespace fogbank::api
