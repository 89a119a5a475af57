// How a request finds its service and operation, over a table of services that share names.
#include "api/aws_service.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "tests/api/signing.h"

namespace fogbank::api {
namespace {

constexpr std::array table_operations{Operation{"GetItem", "", "", nullptr}};
constexpr std::array stream_operations{Operation{"GetRecords", "", "", nullptr}};
constexpr std::array query_operations{Operation{"GetUser", "", "", nullptr}};
constexpr std::array control_operations{Operation{"ListJobExecutions", "GET", "/things/{thingName}/jobs", nullptr}};
constexpr std::array data_operations{Operation{"GetPendingJobExecutions", "GET", "/things/{thingName}/jobs", nullptr},
                                     Operation{"Publish", "POST", "/topics/{topic+}", nullptr}};

std::vector<AwsService> make_services() {
    std::vector<AwsService> out(5);
    out[0].name = "control";
    out[0].signing_names = {"iot"};
    out[0].family = "iot";
    out[0].operations = {control_operations};
    out[1].name = "data";
    out[1].signing_names = {"iotdata"};
    out[1].family = "iot";
    out[1].errors.family = Family::data;
    out[1].operations = {data_operations};
    out[1].path_prefixes = {"/topics/"};
    out[1].for_certificates = true;
    out[2].name = "tables";
    out[2].protocol = Protocol::json;
    out[2].signing_names = {"dynamodb"};
    out[2].target_prefix = "T1.";
    out[2].operations = {table_operations};
    out[3] = out[2];
    out[3].name = "streams";
    out[3].target_prefix = "T2.";
    out[3].operations = {stream_operations};
    out[4].name = "iam";
    out[4].protocol = Protocol::query;
    out[4].signing_names = {"iam"};
    out[4].version = "2010-05-08";
    out[4].operations = {query_operations};
    return out;
}

class Services5 : public ::testing::Test {
  protected:
    std::string choose(std::string_view signing_name, const Request& request, const QueryParameters& form = {}) const {
        const ChosenOperation chosen = index_.choose(signing_name, request, form);
        return std::string(chosen.service->name) + ":" + (chosen.operation ? std::string(chosen.operation->name) : "-");
    }
    static Request target(std::string_view value) {
        Request request = testing::make_request("POST", "/", "{}");
        request.headers.emplace_back("x-amz-target", std::string(value));
        return request;
    }

    std::vector<AwsService> services_ = make_services();
    ServiceIndex index_{services_};
};

TEST_F(Services5, ServicesThatShareASigningNameAreToldApartByTarget) {
    EXPECT_EQ(choose("dynamodb", target("T1.GetItem")), "tables:GetItem");
    EXPECT_EQ(choose("dynamodb", target("T2.GetRecords")), "streams:GetRecords");
    EXPECT_EQ(choose("dynamodb", target("T2.GetItem")), "streams:-");
    EXPECT_EQ(choose("dynamodb", target("T3.GetItem")), "tables:-");
    EXPECT_EQ(choose("", target("T2.GetRecords")), "streams:GetRecords");
}

TEST_F(Services5, OnePathOfTwoServicesBelongsToTheOneSignedFor) {
    EXPECT_EQ(choose("iot", testing::make_request("GET", "/things/t/jobs")), "control:ListJobExecutions");
    EXPECT_EQ(choose("iotdata", testing::make_request("GET", "/things/t/jobs")), "data:GetPendingJobExecutions");
    EXPECT_EQ(choose("iot", testing::make_request("POST", "/topics/a/b")), "data:Publish");
    EXPECT_EQ(choose("iot", testing::make_request("GET", "/nothing")), "control:-");
    EXPECT_EQ(choose("unknown", testing::make_request("POST", "/topics/a/b")), "data:Publish");
}

TEST_F(Services5, QueryProtocolGoesByActionAndVersion) {
    const Request request = testing::make_request("POST", "/", "Action=GetUser&Version=2010-05-08");
    EXPECT_EQ(choose("iam", request, {{"Action", "GetUser"}, {"Version", "2010-05-08"}}), "iam:GetUser");
    EXPECT_EQ(choose("", request, {{"Action", "GetUser"}, {"Version", "2010-05-08"}}), "iam:GetUser");
    EXPECT_EQ(choose("iam", request, {{"Action", "GetUser"}, {"Version", "2011-01-01"}}), "iam:-");
    EXPECT_EQ(choose("iam", request, {{"Action", "Other"}, {"Version", "2010-05-08"}}), "iam:-");
}

TEST_F(Services5, CertificatesReachTheDataPlaneOnly) {
    EXPECT_EQ(index_.choose_for_certificate(testing::make_request("POST", "/topics/a")).operation->name, "Publish");
    EXPECT_EQ(index_.choose_for_certificate(testing::make_request("GET", "/nothing")).operation, nullptr);
    EXPECT_EQ(index_.choose_for_certificate(testing::make_request("GET", "/nothing")).service->name, "data");
}

TEST(AwsServices, RowsAreWhole) {
    std::set<std::string_view> names;
    for (const AwsService& service : aws_services()) {
        EXPECT_TRUE(names.insert(service.name).second) << service.name;
        EXPECT_FALSE(service.iam_prefix.empty()) << service.name;
        EXPECT_FALSE(service.signing_names.empty()) << service.name;
        EXPECT_FALSE(service.operations.empty()) << service.name;
        EXPECT_EQ(service.target_prefix.empty(), service.protocol != Protocol::json) << service.name;
        EXPECT_EQ(service.version.empty(), service.protocol != Protocol::query) << service.name;
        for (const auto& table : service.operations) {
            for (const Operation& operation : table) {
                EXPECT_EQ(operation.path.empty(), service.protocol != Protocol::rest_json) << operation.name;
            }
        }
    }
}

TEST(AwsServices, QueryErrorsAreXml) {
    ErrorStyle style;
    style.family = Family::query;
    style.xml_namespace = "https://iam.amazonaws.com/doc/2010-05-08/";
    const Response response = error_response(style, Error(Errc::invalid_signature, "a < b & c"), "id-1");
    EXPECT_EQ(response.status, 403U);
    EXPECT_EQ(
        response.body,
        "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code>"
        "<Message>a &lt; b &amp; c</Message></Error><RequestId>id-1</RequestId></ErrorResponse>");
}

TEST(AwsServices, AServiceRenamesItsExceptions) {
    static constexpr std::array renames{ErrorStyle::Rename{"ValidationException", "InvalidParameterException"}};
    ErrorStyle style;
    style.family = Family::json;
    style.json_version = "1.1";
    style.renames = renames;
    const Response response = error_response(style, Error(Errc::validation, "no"), "id");
    EXPECT_EQ(response.content_type, "application/x-amz-json-1.1");
    EXPECT_EQ(response.body, R"({"__type":"InvalidParameterException","message":"no"})");
}

}  // namespace
}  // namespace fogbank::api
