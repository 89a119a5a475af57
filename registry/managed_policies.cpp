#include <array>

#include "registry/iam.h"

namespace fogbank::registry {
namespace {

constexpr std::string_view all_of_iot = R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]})";

constexpr std::array policies{
    ManagedPolicy{"AdministratorAccess", "/", R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})"},
    ManagedPolicy{"AmazonDynamoDBFullAccess", "/",
                  R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:*","lambda:ListFunctions",)"
                  R"("lambda:GetFunctionConfiguration"],"Resource":"*"}]})"},
    ManagedPolicy{"AmazonDynamoDBReadOnlyAccess", "/",
                  R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:BatchGetItem","dynamodb:Describe*",)"
                  R"("dynamodb:GetItem","dynamodb:List*","dynamodb:PartiQLSelect","dynamodb:Query","dynamodb:Scan",)"
                  R"("dynamodb:GetRecords","dynamodb:GetShardIterator"],"Resource":"*"}]})"},
    ManagedPolicy{"AWSIoTFullAccess", "/", all_of_iot},
    ManagedPolicy{"AWSIoTDataAccess", "/",
                  R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iot:Connect","iot:Publish","iot:Subscribe",)"
                  R"("iot:Receive","iot:GetThingShadow","iot:UpdateThingShadow","iot:DeleteThingShadow",)"
                  R"("iot:ListNamedShadowsForThing"],"Resource":"*"}]})"},
    ManagedPolicy{"AWSIoTConfigReadOnlyAccess", "/",
                  R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iot:Describe*","iot:Get*","iot:List*"],)"
                  R"("Resource":"*"}]})"},
    ManagedPolicy{"AWSIoTRuleActions", "/service-role/",
                  R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:PutItem","kinesis:PutRecord",)"
                  R"("iot:Publish","s3:PutObject","sns:Publish","sqs:SendMessage*","firehose:PutRecord"],"Resource":"*"}]})"},
    ManagedPolicy{"AWSIoTThingsRegistration", "/service-role/",
                  R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iot:AddThingToThingGroup",)"
                  R"("iot:AttachPolicy","iot:AttachPrincipalPolicy","iot:AttachThingPrincipal","iot:CreateCertificateFromCsr",)"
                  R"("iot:CreatePolicy","iot:CreateThing","iot:Describe*","iot:Detach*","iot:Get*","iot:List*","iot:Register*",)"
                  R"("iot:RemoveThingFromThingGroup","iot:Update*","iot:AddThingToBillingGroup",)"
                  R"("iot:RemoveThingFromBillingGroup"],"Resource":"*"}]})"},
    ManagedPolicy{"AWSIoTLogging", "/service-role/",
                  R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream",)"
                  R"("logs:PutLogEvents","logs:PutMetricFilter","logs:PutRetentionPolicy"],"Resource":"*"}]})"},
    ManagedPolicy{"AWSLambdaBasicExecutionRole", "/service-role/",
                  R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream",)"
                  R"("logs:PutLogEvents"],"Resource":"*"}]})"},
    ManagedPolicy{"AWSLambdaDynamoDBExecutionRole", "/service-role/",
                  R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:DescribeStream",)"
                  R"("dynamodb:GetRecords","dynamodb:GetShardIterator","dynamodb:ListStreams","logs:CreateLogGroup",)"
                  R"("logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]})"},
    ManagedPolicy{
        "AWSLambdaInvocation-DynamoDB", "/",
        R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["lambda:InvokeFunction",)"
        R"("dynamodb:DescribeStream","dynamodb:GetRecords","dynamodb:GetShardIterator","dynamodb:ListStreams"],"Resource":"*"}]})"},
    ManagedPolicy{"AWSLambda_FullAccess", "/",
                  R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["lambda:*","logs:*","iam:GetRole","iam:ListRoles",)"
                  R"("iam:PassRole"],"Resource":"*"}]})"},
    ManagedPolicy{"AWSLambdaRole", "/service-role/",
                  R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"*"}]})"},
};

}  // namespace

const ManagedPolicy* managed_policy(std::string_view arn) {
    constexpr std::string_view prefix = "arn:aws:iam::aws:policy";
    if (!arn.starts_with(prefix)) return nullptr;
    arn.remove_prefix(prefix.size());
    for (const ManagedPolicy& one : policies) {
        if (arn.starts_with(one.path) && arn.substr(one.path.size()) == one.name) return &one;
    }
    return nullptr;
}

}  // namespace fogbank::registry
