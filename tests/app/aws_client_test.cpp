#include "app/aws_client.h"

#include <gtest/gtest.h>

namespace fogbank::app {
namespace {

const ClientOptions example{"localhost", 0, "us-east-1", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};

// Signatures made by botocore for the same requests (reference "auth", section 2.1, vectors 1 and 3).
TEST(SignRequest, AgreesWithBotocore) {
    const std::string publish = sign_request(example, "iotdata", "POST", "/topics/%24aws%2Fa%20b", "qos=1",
                                             {{"host", "localhost:8080"}, {"x-amz-date", "20240102T030405Z"}}, "hi", "20240102T030405Z");
    EXPECT_NE(publish.find("Signature=12b0876c5b35ed064f97b8fa3ed7ef8e2da1a566d3464357c4d70c316dc9eb8c"), std::string::npos) << publish;
    const std::string jobs = sign_request(example, "iot-jobs-data", "PUT", "/things/t/jobs/$next", "",
                                          {{"content-type", "application/json"}, {"host", "localhost"}, {"x-amz-date", "20240102T030405Z"}},
                                          "{}", "20240102T030405Z");
    EXPECT_NE(jobs.find("Signature=497696484e5a5d514c7850544ec3046fa923d2b72ce46d927456e5e75d9eeeee"), std::string::npos) << jobs;
}

TEST(AwsClient, SaysWhereItCouldNotConnect) {
    const SystemClock clock;
    ClientOptions nowhere = example;
    nowhere.host = "127.0.0.1";
    nowhere.port = 1;
    AwsClient client(nowhere, clock);
    const auto answer = client.call("iot", "GET", "/things", "", "");
    ASSERT_FALSE(answer);
    EXPECT_NE(answer.error().message.find("127.0.0.1:1"), std::string::npos);
}

}  // namespace
}  // namespace fogbank::app
