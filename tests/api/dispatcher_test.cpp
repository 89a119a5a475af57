// Requests through the whole front without a socket: signature, routing, members, answers and errors, with fake rooms behind.
#include "api/dispatcher.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "tests/api/fakes.h"
#include "tests/api/signing.h"

namespace fogbank::api {
namespace {

using nlohmann::json;
using testing::make_request;

class Dispatch : public ::testing::Test {
  protected:
    Response send(Request request, const std::string& service) {
        testing::sign(request, service);
        return unsigned_send(std::move(request));
    }
    Response unsigned_send(Request request) { return fogbank::testing::run(handler_->handle(std::move(request))); }
    Response dynamodb(const std::string& operation, const std::string& body) {
        Request request = make_request("POST", "/", body);
        request.headers.emplace_back("x-amz-target", "DynamoDB_20120810." + operation);
        return send(std::move(request), "dynamodb");
    }
    static std::string header(const Response& response, std::string_view name) {
        for (const Header& one : response.headers) {
            if (one.name == name) return one.value;
        }
        return {};
    }
    static std::string error(const Response& response) { return header(response, "x-amzn-ErrorType"); }
    static std::string error_type(const Response& response) {
        const std::string type = json::parse(response.body).at("__type").get<std::string>();
        return type.substr(type.find('#') + 1);
    }

    testing::World world_;
    std::shared_ptr<RequestHandler> handler_ = make_api_dispatcher(world_.services());
};

TEST_F(Dispatch, EveryAnswerHasARequestId) {
    EXPECT_FALSE(header(send(make_request("GET", "/things"), "iot"), "x-amzn-RequestId").empty());
    EXPECT_FALSE(header(unsigned_send(make_request("GET", "/things")), "x-amzn-RequestId").empty());
    EXPECT_FALSE(header(unsigned_send(make_request("GET", "/_fogbank/healthz")), "x-amzn-RequestId").empty());
}

TEST_F(Dispatch, OnlyTheReservedPrefixIsOpenWithoutCredentials) {
    EXPECT_EQ(unsigned_send(make_request("GET", "/_fogbank/healthz")).body, "ok\n");
    EXPECT_EQ(unsigned_send(make_request("GET", "/_fogbank/metrics")).status, 200U);
    EXPECT_EQ(unsigned_send(make_request("GET", "/_fogbank/other")).status, 404U);
    EXPECT_EQ(unsigned_send(make_request("POST", "/_fogbank/healthz")).status, 405U);
    EXPECT_EQ(unsigned_send(make_request("OPTIONS", "/_fogbank/healthz")).status, 204U);
    EXPECT_TRUE(unsigned_send(make_request("GET", "/")).body.starts_with("healthy: dynamodb."));  // load balancers ask it
    for (const char* path : {"/things", "/topics/a", "/2015-03-31/functions", "/_fogbank", "/_fogbankx/healthz"}) {
        const Response response = unsigned_send(make_request("GET", path));
        EXPECT_EQ(response.status, 403U) << path;
        EXPECT_EQ(error(response), "MissingAuthenticationTokenException") << path;
    }
}

TEST_F(Dispatch, AuthenticationFailuresInEachServicesWords) {
    Request request = make_request("POST", "/topics/a");
    testing::sign(request, "iotdata", testing::fake_now, testing::access_key_id, "wrong");
    Response response = unsigned_send(request);
    EXPECT_EQ(response.status, 403U);
    EXPECT_EQ(error(response), "ForbiddenException");

    request = make_request("GET", "/things");
    testing::sign(request, "execute-api", testing::fake_now, "AKIDUNKNOWN");
    response = unsigned_send(request);
    EXPECT_EQ(response.status, 403U);
    EXPECT_EQ(error(response), "UnrecognizedClientException");

    request = make_request("POST", "/", "{}");
    request.headers.emplace_back("x-amz-target", "DynamoDB_20120810.ListTables");
    testing::sign(request, "dynamodb", "20260102T040405Z");
    response = unsigned_send(request);
    EXPECT_EQ(response.status, 400U);
    EXPECT_EQ(error_type(response), "InvalidSignatureException");

    request = make_request("POST", "/", "{}");
    request.headers.emplace_back("x-amz-target", "DynamoDB_20120810.ListTables");
    response = unsigned_send(request);
    EXPECT_EQ(response.status, 400U);
    EXPECT_EQ(error_type(response), "MissingAuthenticationTokenException");
}

TEST_F(Dispatch, UnknownOperations) {
    Response response = send(make_request("GET", "/streams"), "iot");
    EXPECT_EQ(response.status, 403U);
    EXPECT_EQ(error(response), "MissingAuthenticationTokenException");
    response = send(make_request("GET", "/retainedMessage"), "iotdata");
    EXPECT_EQ(response.status, 405U);
    EXPECT_EQ(error(response), "MethodNotAllowedException");
    response = dynamodb("CreateGlobalTable", "{}");
    EXPECT_EQ(response.status, 400U);
    EXPECT_EQ(json::parse(response.body)["__type"], "com.amazon.coral.service#UnknownOperationException");
    response = send(make_request("GET", "/2018-10-31/layers"), "lambda");
    EXPECT_EQ(response.status, 403U);
    EXPECT_EQ(error(response), "AccessDeniedException");
    EXPECT_EQ(send(make_request("GET", "/bucket/key"), "s3").status, 403U);
}

// Hand-written clients sign the data plane as `iotdevicegateway`, old SDKs the control plane as `execute-api`.
TEST_F(Dispatch, IotNamesAreTakenAlike) {
    for (const char* service : {"iot", "execute-api", "iotdata", "iotdevicegateway"}) {
        EXPECT_EQ(send(make_request("GET", "/things"), service).status, 200U) << service;
        EXPECT_EQ(send(make_request("POST", "/topics/a", "x"), service).status, 200U) << service;
    }
}

TEST_F(Dispatch, CreateThing) {
    const Response response = send(make_request("POST", "/things/t%3A1", R"({"attributePayload":{"attributes":{"k":"v"}}})"), "iot");
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(json::parse(response.body),
              (json{{"thingName", "t:1"}, {"thingId", "id-t:1"}, {"thingArn", "arn:aws:iot:us-east-1:000000000000:thing/t:1"}}));
    EXPECT_EQ(world_.registry.things.at("t:1").attributes.at("k"), "v");
}

TEST_F(Dispatch, ExistingThingIsNamedInTheError) {
    send(make_request("POST", "/things/t"), "iot");
    const Response response = send(make_request("POST", "/things/t", R"({"attributePayload":{"attributes":{"k":"v"}}})"), "iot");
    EXPECT_EQ(response.status, 409U);
    EXPECT_EQ(error(response), "ResourceAlreadyExistsException");
    const json body = json::parse(response.body);
    EXPECT_EQ(body["resourceId"], "id-t");
    EXPECT_EQ(body["resourceArn"], "arn:aws:iot:us-east-1:000000000000:thing/t");
}

TEST_F(Dispatch, BodiesThatAreNotJsonObjects) {
    for (const char* body : {"{", "[]", "1", "\"x\"", "{\"a\":1}x", "\xff"}) {
        const Response response = send(make_request("POST", "/things/t", body), "iot");
        EXPECT_EQ(response.status, 400U) << body;
        EXPECT_EQ(error(response), "InvalidRequestException") << body;
    }
    for (const char* body : {R"({"attributePayload":1})", R"({"attributePayload":{"attributes":[]}})",
                             R"({"attributePayload":{"attributes":{"a":1}}})", R"({"thingTypeName":1})"}) {
        EXPECT_EQ(send(make_request("POST", "/things/t", body), "iot").status, 400U) << body;
    }
}

TEST_F(Dispatch, ListThingsPagesAndFilters) {
    for (const char* name : {"a", "b", "c", "d"}) {
        registry::Thing thing;
        thing.name = ThingName(name);
        if (*name > 'b') thing.attributes["plant"] = "north";
        world_.registry.things.emplace(name, thing);
    }
    json page = json::parse(send(make_request("GET", "/things?maxResults=3"), "iot").body);
    EXPECT_EQ(page["things"].size(), 3U);
    const std::string token = percent_encode(page["nextToken"].get<std::string>());
    page = json::parse(send(make_request("GET", "/things?maxResults=3&nextToken=" + token), "iot").body);
    ASSERT_EQ(page["things"].size(), 1U);
    EXPECT_EQ(page["things"][0]["thingName"], "d");
    EXPECT_FALSE(page.contains("nextToken"));
    page = json::parse(send(make_request("GET", "/things?maxResults=1&attributeName=plant&attributeValue=north"), "iot").body);
    ASSERT_EQ(page["things"].size(), 1U);
    EXPECT_EQ(page["things"][0]["thingName"], "c");
    page = json::parse(send(make_request("GET", "/things?attributeName=plant&attributeValue=no&usePrefixAttributeValue=TRUE"), "iot").body);
    EXPECT_EQ(page["things"].size(), 2U);
}

TEST_F(Dispatch, QueryParametersOutOfRange) {
    for (const char* query :
         {"maxResults=0", "maxResults=251", "maxResults=x", "maxResults=1.5", "nextToken=%21", "usePrefixAttributeValue=perhaps"}) {
        const Response response = send(make_request("GET", std::string("/things?") + query), "iot");
        EXPECT_EQ(response.status, 400U) << query;
        EXPECT_EQ(error(response), "InvalidRequestException") << query;
    }
    EXPECT_EQ(json::parse(send(make_request("GET", "/things?maxResults=251"), "iot").body)["message"],
              "1 validation error detected: Value '251' at 'maxResults' failed to satisfy constraint: Member must have value less than or "
              "equal to 250");
}

TEST_F(Dispatch, PrincipalTravelsInAHeader) {
    EXPECT_EQ(send(make_request("PUT", "/things/t/principals"), "iot").status, 400U);
    Request request = make_request("PUT", "/things/t/principals");
    request.headers.emplace_back("x-amzn-principal", "arn:aws:iot:us-east-1:000000000000:cert/ab");
    EXPECT_EQ(send(request, "iot").status, 200U);
    EXPECT_EQ(world_.registry.log.back(), "attach_thing_principal t arn:aws:iot:us-east-1:000000000000:cert/ab");
}

TEST_F(Dispatch, BothFormsOfAttachPolicy) {
    EXPECT_EQ(send(make_request("PUT", "/target-policies/p", R"({"target":"arn"})"), "iot").status, 200U);
    EXPECT_EQ(world_.registry.log.back(), "attach_policy p arn");
    Request request = make_request("PUT", "/principal-policies/q");
    request.headers.emplace_back("x-amzn-iot-principal", "arn2");
    EXPECT_EQ(send(request, "iot").status, 200U);
    EXPECT_EQ(world_.registry.log.back(), "attach_policy q arn2");
    const Response missing = send(make_request("PUT", "/target-policies/p", "{}"), "iot");
    EXPECT_EQ(missing.status, 400U);
    EXPECT_EQ(json::parse(missing.body)["message"],
              "1 validation error detected: Value null at 'target' failed to satisfy constraint: Member must not be null");
}

TEST_F(Dispatch, ListsOfARoomArePaged) {
    json page = json::parse(send(make_request("GET", "/things/t/principals?maxResults=2"), "iot").body);
    EXPECT_EQ(page["principals"], (json::array({"a", "b"})));
    page = json::parse(
        send(make_request("GET", "/things/t/principals?nextToken=" + percent_encode(page["nextToken"].get<std::string>())), "iot").body);
    EXPECT_EQ(page["principals"], json::array({"c"}));
    EXPECT_EQ(send(make_request("GET", "/things/t/principals?nextToken=" + percent_encode(base64_encode("-1"))), "iot").status, 400U);
}

TEST_F(Dispatch, DescribeEndpointIsABareName) {
    EXPECT_EQ(json::parse(send(make_request("GET", "/endpoint?endpointType=iot%3AData-ATS"), "iot").body),
              (json{{"endpointAddress", "gateway.example"}}));
    const Response response = send(make_request("GET", "/endpoint?endpointType=x"), "iot");
    EXPECT_EQ(response.status, 400U);
    EXPECT_EQ(json::parse(response.body)["message"], "Endpoint type x not recognized.");
}

TEST_F(Dispatch, RulesKeepTheirPayload) {
    const std::string payload = R"({"sql":"SELECT * FROM 'a'","actions":[]})";
    EXPECT_EQ(send(make_request("POST", "/rules/r", payload), "iot").status, 200U);
    EXPECT_EQ(world_.rules.log.back(), "create r " + payload);
    world_.rules.failure = Error(rules::Errc::sql_parse, "at byte 3");
    Response response = send(make_request("POST", "/rules/r", payload), "iot");
    EXPECT_EQ(response.status, 400U);
    EXPECT_EQ(error(response), "SqlParseException");
    response = send(make_request("GET", "/rules/none"), "iot");
    EXPECT_EQ(response.status, 401U);
    EXPECT_EQ(error(response), "UnauthorizedException");
}

TEST_F(Dispatch, GetAndListTopicRules) {
    rules::RuleDescription rule;
    rule.name = RuleName("r");
    rule.arn = "arn:r";
    rule.sql = "SELECT * FROM 'plant/+'";
    rule.topic_filter = "plant/+";
    rule.actions_json = R"([{"republish":{"topic":"x"}}])";
    rule.aws_iot_sql_version = "2016-03-23";
    rule.created_at = WallTime(std::chrono::milliseconds(1500));
    world_.rules.stored.push_back(rule);
    const json got = json::parse(send(make_request("GET", "/rules/r"), "iot").body);
    EXPECT_EQ(got["rule"]["actions"][0]["republish"]["topic"], "x");
    EXPECT_EQ(got["rule"]["createdAt"], 1.5);
    EXPECT_FALSE(got["rule"].contains("errorAction"));
    EXPECT_EQ(json::parse(send(make_request("GET", "/rules?topic=plant%2F1"), "iot").body)["rules"].size(), 1U);
    EXPECT_EQ(json::parse(send(make_request("GET", "/rules?topic=other"), "iot").body)["rules"].size(), 0U);
    EXPECT_EQ(json::parse(send(make_request("GET", "/rules?ruleDisabled=true"), "iot").body)["rules"].size(), 0U);
}

TEST_F(Dispatch, PublishReachesThePublisher) {
    Request request =
        make_request("POST", "/topics/%24aws%2Frules%2Fr?qos=1&retain=true&contentType=text%2Fplain&messageExpiry=60", "payload");
    request.remote_ip = "10.0.0.1";
    request.headers.emplace_back("x-amz-mqtt5-user-properties", base64_encode(R"([{"a":"1"},{"b":"2"}])"));
    request.headers.emplace_back("x-amz-mqtt5-payload-format-indicator", "UTF8_DATA");
    request.headers.emplace_back("x-amz-mqtt5-correlation-data", base64_encode("corr"));
    const Response response = send(request, "iotdata");
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(json::parse(response.body)["message"], "OK");
    EXPECT_TRUE(json::parse(response.body).contains("traceId"));
    ASSERT_EQ(world_.publisher.messages.size(), 1U);
    const Message& message = *world_.publisher.messages[0];
    EXPECT_EQ(message.topic_name(), "$aws/rules/r");
    EXPECT_EQ(message.payload(), "payload");
    EXPECT_EQ(message.qos(), Qos::at_least_once);
    EXPECT_TRUE(message.retain());
    EXPECT_EQ(message.origin().protocol, MessageOrigin::Protocol::http);
    EXPECT_EQ(message.origin().principal_id, "000000000000");
    EXPECT_EQ(message.origin().source_ip, "10.0.0.1");
    ASSERT_NE(message.properties(), nullptr);
    EXPECT_EQ(message.properties()->content_type, "text/plain");
    EXPECT_EQ(message.properties()->correlation_data, "corr");
    EXPECT_EQ(message.properties()->payload_format_indicator, 1);
    EXPECT_EQ(message.properties()->message_expiry_interval_s, 60U);
    ASSERT_EQ(message.properties()->user_properties.size(), 2U);
}

// boto3 given a str encodes the JSON text once more (reference broker, section 5).
TEST_F(Dispatch, UserPropertiesAsAJsonString) {
    Request request = make_request("POST", "/topics/a", "x");
    request.headers.emplace_back("x-amz-mqtt5-user-properties", base64_encode(R"("[{\"a\":\"1\"}]")"));
    EXPECT_EQ(send(request, "iotdata").status, 200U);
    EXPECT_EQ(world_.publisher.messages.back()->properties()->user_properties[0].second, "1");
}

TEST_F(Dispatch, PublishRefusals) {
    for (const char* target :
         {"/topics/a%2B", "/topics/a%2F%23", "/topics/a%00b", "/topics/1%2F2%2F3%2F4%2F5%2F6%2F7%2F8%2F9", "/topics/a?qos=2",
          "/topics/a?qos=x", "/topics/a?retain=maybe", "/topics/a?messageExpiry=-1", "/topics/a?responseTopic=%23"}) {
        const Response response = send(make_request("POST", target, "x"), "iotdata");
        EXPECT_EQ(response.status, 400U) << target;
        EXPECT_EQ(error(response), "InvalidRequestException") << target;
    }
    EXPECT_EQ(send(make_request("POST", "/topics/a", std::string(128 * 1024 + 1, 'x')), "iotdata").status, 413U);
    EXPECT_EQ(send(make_request("POST", "/topics/a", std::string(128 * 1024, 'x')), "iotdata").status, 200U);
    EXPECT_EQ(world_.publisher.messages.size(), 1U);
}

// A QoS 1 publish that could not be made durable must not be answered with 200.
TEST_F(Dispatch, FailedDurabilityIs503) {
    world_.publisher.failure = Error(store::kv::Errc::unavailable, "disk full");
    const Response response = send(make_request("POST", "/topics/a?qos=1", "x"), "iotdata");
    EXPECT_EQ(response.status, 503U);
    EXPECT_EQ(error(response), "ServiceUnavailableException");
    EXPECT_EQ(send(make_request("POST", "/topics/a", "x"), "iotdata").status, 200U);
}

TEST_F(Dispatch, CreateTable) {
    const Response response = dynamodb(
        "CreateTable", R"({"TableName":"Tab","KeySchema":[{"AttributeName":"p","KeyType":"HASH"},{"AttributeName":"s","KeyType":"RANGE"}],
        "AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"},{"AttributeName":"s","AttributeType":"N"}],"BillingMode":"PAY_PER_REQUEST"})");
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(response.content_type, "application/x-amz-json-1.0");
    const json table = json::parse(response.body)["TableDescription"];
    EXPECT_EQ(table["KeySchema"][1], (json{{"AttributeName", "s"}, {"KeyType", "RANGE"}}));
    EXPECT_EQ(table["AttributeDefinitions"][1], (json{{"AttributeName", "s"}, {"AttributeType", "N"}}));
    EXPECT_EQ(table["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
}

TEST_F(Dispatch, DynamoDbMissesAndWrongTypes) {
    Response response = dynamodb("PutItem", R"({"Item":{"p":{"S":"a"}}})");
    EXPECT_EQ(error_type(response), "ValidationException");
    EXPECT_EQ(json::parse(response.body)["message"],
              "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null");
    response = dynamodb("PutItem", R"({"TableName":1,"Item":{}})");
    EXPECT_EQ(error_type(response), "SerializationException");
    EXPECT_EQ(json::parse(response.body)["message"], "NUMBER_VALUE cannot be converted to String");
    EXPECT_EQ(error_type(dynamodb("PutItem", "{")), "SerializationException");
    EXPECT_EQ(error_type(dynamodb("PutItem", "")), "SerializationException");
    EXPECT_EQ(error_type(dynamodb("ListTables", R"({"Limit":101})")), "ValidationException");
    EXPECT_EQ(error_type(dynamodb("ListTables", R"({"Limit":"1"})")), "SerializationException");
}

const std::string simple_table =
    R"("TableName":"Tab","KeySchema":[{"AttributeName":"p","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST")";

TEST_F(Dispatch, DynamoDbRefusesWhatDoesNotFit) {
    for (const char* more : {R"("GlobalSecondaryIndexes":[{"IndexName":"i"}])", R"("StreamSpecification":{"StreamEnabled":true})",
                             R"("Tags":[{"Key":"a"}])", R"("TableClass":"COLD")", R"("ResourcePolicy":"{}")"}) {
        EXPECT_EQ(error_type(dynamodb("CreateTable", "{" + simple_table + "," + more + "}")), "ValidationException") << more;
    }
    EXPECT_EQ(dynamodb("CreateTable", "{" + simple_table + R"(,"StreamSpecification":{"StreamEnabled":false},"Tags":[]})").status, 200U);
    EXPECT_EQ(error_type(dynamodb("Query", R"({"TableName":"Tab","KeyConditions":{"p":{}}})")), "ValidationException");
    EXPECT_EQ(error_type(dynamodb("Scan", R"({"TableName":"Tab","IndexName":"iii"})")), "ValidationException");
    EXPECT_EQ(error_type(dynamodb("GetItem", R"({"TableName":"Tab","Key":{"p":{"S":"a"}},"ReturnConsumedCapacity":"ALL"})")),
              "ValidationException");
}

TEST_F(Dispatch, DynamoDbErrorsOfTheTableRoom) {
    ASSERT_EQ(dynamodb("CreateTable", "{" + simple_table + "}").status, 200U);
    const Response response =
        dynamodb("PutItem", R"json({"TableName":"Tab","Item":{"p":{"S":"a"}},"ConditionExpression":"attribute_exists(p)"})json");
    EXPECT_EQ(response.status, 400U);
    EXPECT_EQ(json::parse(response.body), (json{{"__type", "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"},
                                                {"message", "The conditional request failed"}}));
}

TEST_F(Dispatch, ListTables) {
    for (const char* name : {"aaa", "bbb"}) {
        const std::string table = "{\"TableName\":\"" + std::string(name) + "\"" + simple_table.substr(simple_table.find(',')) + "}";
        ASSERT_EQ(dynamodb("CreateTable", table).status, 200U);
    }
    EXPECT_EQ(json::parse(dynamodb("ListTables", "{}").body), (json{{"TableNames", {"aaa", "bbb"}}}));
    EXPECT_EQ(json::parse(dynamodb("ListTables", R"({"Limit":1})").body),
              (json{{"TableNames", json::array({"aaa"})}, {"LastEvaluatedTableName", "aaa"}}));
}

TEST_F(Dispatch, LambdaInvocations) {
    world_.functions.result = lambda::InvocationResult{R"({"errorMessage":"x"})", "Unhandled", "tail"};
    Request request = make_request("POST", "/2015-03-31/functions/f/invocations", "{\"a\":1}");
    request.headers.emplace_back("x-amz-log-type", "Tail");
    Response response = send(request, "lambda");
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(response.body, R"({"errorMessage":"x"})");
    EXPECT_EQ(header(response, "X-Amz-Function-Error"), "Unhandled");
    EXPECT_EQ(header(response, "X-Amz-Log-Result"), base64_encode("tail"));
    EXPECT_EQ(world_.functions.log.back(), "invoke f {\"a\":1}");

    request =
        make_request("POST", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af%3A%24LATEST/invocations");
    request.headers.emplace_back("x-amz-invocation-type", "Event");
    EXPECT_EQ(send(request, "lambda").status, 202U);
    EXPECT_EQ(world_.functions.log.back(), "async f {}");

    request = make_request("POST", "/2015-03-31/functions/f/invocations");
    request.headers.emplace_back("x-amz-invocation-type", "DryRun");
    EXPECT_EQ(send(request, "lambda").status, 204U);
    request.path = "/2015-03-31/functions/missing/invocations";
    request.headers.resize(2, Header("", ""));
    response = send(request, "lambda");
    EXPECT_EQ(response.status, 404U);
    EXPECT_EQ(error(response), "ResourceNotFoundException");
    EXPECT_EQ(send(make_request("POST", "/2015-03-31/functions/f/invocations?Qualifier=2"), "lambda").status, 404U);
}

TEST_F(Dispatch, LambdaCreateFunction) {
    const std::string body =
        R"({"FunctionName":"f","Role":"r","Runtime":"fogbank-cpp","Handler":"h.so","Environment":{"Variables":{"A":"1"}},"Code":{)";
    Response response =
        send(make_request("POST", "/2015-03-31/functions", body + R"("S3Bucket":"fogbank-local-path","S3Key":"/opt/h.so"}})"), "lambda");
    EXPECT_EQ(response.status, 201U);
    EXPECT_EQ(json::parse(response.body)["State"], "Active");
    EXPECT_EQ(world_.functions.created->code.file, "/opt/h.so");
    EXPECT_EQ(world_.functions.created->environment.at("A"), "1");
    response = send(make_request("POST", "/2015-03-31/functions", body + R"("ZipFile":")" + base64_encode("PK") + "\"}}"), "lambda");
    EXPECT_EQ(response.status, 201U);
    EXPECT_EQ(world_.functions.created->code.zip, "PK");
    for (const char* code :
         {"}}", R"("ZipFile":"%"}})", R"("S3Bucket":"b","S3Key":"k"}})", R"("S3Bucket":"fogbank-local-path","S3Key":"relative"}})",
          R"("ZipFile":"UEs="},"Timeout":901})", R"("ZipFile":"UEs="},"Layers":["l"]})"}) {
        response = send(make_request("POST", "/2015-03-31/functions", body + code), "lambda");
        EXPECT_EQ(response.status, 400U) << code;
        EXPECT_EQ(error(response), "InvalidParameterValueException") << code;
    }
}

TEST_F(Dispatch, LambdaConfigurationAndLists) {
    const json configuration = json::parse(send(make_request("GET", "/2015-03-31/functions/f/configuration"), "lambda").body);
    EXPECT_EQ(configuration["LastModified"], "2023-01-01T00:00:00.007+0000");
    const json page = json::parse(send(make_request("GET", "/2015-03-31/functions/?MaxItems=2"), "lambda").body);
    EXPECT_EQ(page["Functions"].size(), 2U);
    EXPECT_TRUE(page.contains("NextMarker"));
}

TEST_F(Dispatch, RequestsAreCounted) {
    send(make_request("GET", "/things"), "iot");
    EXPECT_NE(world_.metrics.text().find("fogbank_api_requests_total{service=\"iot\",operation=\"ListThings\",status=\"200\"} 1"),
              std::string::npos);
}

// Refused before a byte of the body is read.
TEST_F(Dispatch, StrangersMayNotSendLargeBodies) {
    Request request = make_request("POST", "/things/t");
    EXPECT_EQ(handler_->body_bytes_max(request), 64U * 1024);
    EXPECT_EQ(handler_->refuse_body(request).status, 403U);
    testing::sign(request, "iot");
    EXPECT_EQ(handler_->body_bytes_max(request), 64U * 1024 * 1024);
    EXPECT_EQ(handler_->refuse_body(request).status, 413U);
}

TEST(CertificateDispatch, PublishIsJudgedByTheCertificatesPolicies) {
    testing::World world;
    const auto handler = make_certificate_dispatcher(world.services());
    const auto send = [&](const char* method, const char* target) {
        Request request = make_request(method, target, "x");
        request.client_certificate_der = "der";
        return fogbank::testing::run(handler->handle(std::move(request)));
    };
    EXPECT_EQ(send("POST", "/topics/mine").status, 403U);
    EXPECT_EQ(world.registry.last_der, "der");
    world.registry.certificates["*"] = "mine";
    EXPECT_EQ(send("POST", "/topics/mine").status, 200U);
    ASSERT_EQ(world.publisher.messages.size(), 1U);
    EXPECT_EQ(world.publisher.messages[0]->origin().principal_id, "cert-id");
    const Response refused = send("POST", "/topics/other");
    EXPECT_EQ(refused.status, 403U);
    EXPECT_NE(refused.body.find("no statement allows iot:Publish on other"), std::string::npos);
    EXPECT_EQ(send("POST", "/topics/mine?retain=true").status, 403U);
    EXPECT_EQ(send("GET", "/things/t/shadow").status, 403U);  // judged by iot:GetThingShadow
    EXPECT_EQ(send("PUT", "/things/t/shadow").status, 405U);
    EXPECT_EQ(send("GET", "/things").status, 405U);
    EXPECT_EQ(send("POST", "/topics/mine?qos=%zz").status, 400U);
    EXPECT_EQ(world.publisher.messages.size(), 1U);
}

}  // namespace
}  // namespace fogbank::api
