#include "api/sigv4.h"

#include <gtest/gtest.h>

#include "common/encoding.h"
#include "tests/api/fakes.h"
#include "tests/api/signing.h"
#include "tests/support/cases.h"

namespace fogbank::api {
namespace {

using fogbank::testing::Case;
using fogbank::testing::load_cases;
using fogbank::testing::NameOfCase;

constexpr const char* vector_date = "20240102T030405Z";
const WallTime vector_time{std::chrono::milliseconds(1'704'164'645'000)};

Request vector_request(const nlohmann::json& c) {
    Request request;
    request.method = c.at("method").get<std::string>();
    request.path = c.at("path").get<std::string>();
    request.query = c.at("query").get<std::string>();
    request.body = c.at("body").get<std::string>();
    for (const auto& [name, value] : c.at("headers").items()) request.headers.emplace_back(name, value.get<std::string>());
    request.headers.emplace_back("x-amz-date", vector_date);
    request.headers.emplace_back("authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240102/us-east-1/" +
                                                      c.at("service").get<std::string>() +
                                                      "/aws4_request, SignedHeaders=" + c.at("signed_headers").get<std::string>() +
                                                      ", Signature=" + c.at("signature").get<std::string>());
    return request;
}

class Sigv4Vector : public ::testing::TestWithParam<Case> {};

TEST_P(Sigv4Vector, CanonicalRequestAndSignatureAreBotocores) {
    const auto& c = GetParam().data;
    const Request request = vector_request(c);
    const auto claim = sigv4::parse_claim(request);
    ASSERT_TRUE(claim) << claim.error().message;
    const sigv4::CanonicalOptions options{c.at("headers").at("host").get<std::string>(), false, {}};
    const std::string canonical = sigv4::canonical_request(request, *claim, options);
    EXPECT_EQ(hex_encode(sha256(canonical)), c.at("canonical_sha256").get<std::string>()) << canonical;
    const testing::FakeAccessKeys keys;
    const auto caller = sigv4::verify(request, keys, vector_time);
    ASSERT_TRUE(caller) << caller.error().message;
    EXPECT_EQ(caller->service, c.at("service").get<std::string>());
    EXPECT_EQ(caller->region, "us-east-1");
}

TEST_P(Sigv4Vector, AnyChangeIsRefused) {
    const testing::FakeAccessKeys keys;
    const Request good = vector_request(GetParam().data);
    std::vector<Request> changed(5, good);
    changed[0].body += "x";
    changed[1].path += "x";
    changed[2].query += "&x=1";
    changed[3].method = "DELETE";
    changed[4].headers[0].value += "x";
    for (const Request& request : changed) {
        const auto caller = sigv4::verify(request, keys, vector_time);
        ASSERT_FALSE(caller) << request.method << " " << request.path << "?" << request.query;
        EXPECT_EQ(caller.error().code, Errc::invalid_signature);
    }
}
INSTANTIATE_TEST_SUITE_P(Cases, Sigv4Vector, ::testing::ValuesIn(load_cases("api/sigv4.json")), NameOfCase());

class CanonicalPath : public ::testing::TestWithParam<Case> {};
TEST_P(CanonicalPath, AgreesWithTheCase) {
    Request request;
    request.path = GetParam().data["path"].get<std::string>();
    const std::string text = sigv4::canonical_request(request, sigv4::Claim(), sigv4::CanonicalOptions());
    EXPECT_EQ(text.substr(1, text.find('\n', 1) - 1), GetParam().data["expect"].get<std::string>());
}
INSTANTIATE_TEST_SUITE_P(Cases, CanonicalPath, ::testing::ValuesIn(load_cases("api/canonical_path.json")), NameOfCase());

class CanonicalQuery : public ::testing::TestWithParam<Case> {};
TEST_P(CanonicalQuery, AgreesWithTheCase) {
    Request request;
    request.path = "/";
    request.query = GetParam().data["query"].get<std::string>();
    const std::string text = sigv4::canonical_request(request, sigv4::Claim(), sigv4::CanonicalOptions());
    const std::size_t begin = text.find("\n/\n") + 3;
    EXPECT_EQ(text.substr(begin, text.find('\n', begin) - begin), GetParam().data["expect"].get<std::string>());
}
INSTANTIATE_TEST_SUITE_P(Cases, CanonicalQuery, ::testing::ValuesIn(load_cases("api/canonical_query.json")), NameOfCase());

class Sigv4Refusal : public ::testing::TestWithParam<Case> {};
TEST_P(Sigv4Refusal, NamesTheReason) {
    const auto& c = GetParam().data;
    Request request;
    request.method = "GET";
    request.path = "/things";
    request.query = c.value("query", "");
    request.headers.emplace_back("host", "localhost");
    request.headers.emplace_back("x-amz-date", c.value("date", vector_date));
    if (c.contains("authorization")) request.headers.emplace_back("authorization", c["authorization"].get<std::string>());
    const testing::FakeAccessKeys keys;
    const auto caller = sigv4::verify(request, keys, vector_time);
    ASSERT_FALSE(caller);
    EXPECT_EQ(caller.error().code.message(), c["expect"].get<std::string>()) << caller.error().message;
}
INSTANTIATE_TEST_SUITE_P(Cases, Sigv4Refusal, ::testing::ValuesIn(load_cases("api/sigv4_refusals.json")), NameOfCase());

// Clients sign the Host with the port, without it, or with the port they believe the server has (reference clients, section 3).
TEST(Sigv4Host, BareReceivedAndListenersPortAreAllTaken) {
    const testing::FakeAccessKeys keys;
    for (const char* signed_host : {"gateway.example:8883", "gateway.example", "gateway.example:4566"}) {
        Request request;
        request.method = "GET";
        request.path = "/things";
        request.local_port = 4566;
        request.headers.emplace_back("host", signed_host);
        testing::sign(request, "iot", vector_date);
        request.headers[0].value = "gateway.example:8883";
        EXPECT_TRUE(sigv4::verify(request, keys, vector_time)) << signed_host;
        request.headers[0].value = "other.example:8883";
        EXPECT_FALSE(sigv4::verify(request, keys, vector_time)) << signed_host;
    }
}

TEST(Sigv4Clock, FifteenMinutesEitherWay) {
    const testing::FakeAccessKeys keys;
    Request request = testing::make_request("GET", "/things");
    testing::sign(request, "iot", vector_date);
    using std::chrono::seconds;
    for (const int offset : {-900, -1, 0, 899, 900}) EXPECT_TRUE(sigv4::verify(request, keys, vector_time + seconds(offset))) << offset;
    for (const int offset : {-901, 901, 86'400}) {
        const auto caller = sigv4::verify(request, keys, vector_time + seconds(offset));
        ASSERT_FALSE(caller) << offset;
        EXPECT_EQ(caller.error().code, Errc::signature_expired);
    }
    EXPECT_EQ(sigv4::verify(request, keys, vector_time + seconds(901)).error().message,
              "Signature expired: 20240102T030405Z is now earlier than 20240102T030406Z (20240102T031906Z - 15 min.)");
}

constexpr const char* presigned_query =
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20240102%2Fus-east-1%2Fiotdevicegateway%2Faws4_request&X-Amz-Date="
    "20240102T030405Z"
    "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=65f7bfdf721d0b916dfdb0c89d311d9bfebb291f1913f7d2993e3756ca018418";

Request presigned() {
    Request request;
    request.method = "GET";
    request.path = "/mqtt";
    request.query = presigned_query;
    request.headers.emplace_back("host", "example.iot.us-east-1.amazonaws.com");
    return request;
}

// Vector 5 of reference auth, section 2.1.
TEST(Sigv4Presigned, VectorHoldsUntilItExpires) {
    const testing::FakeAccessKeys keys;
    const auto caller = sigv4::verify(presigned(), keys, vector_time + std::chrono::seconds(86'400));
    ASSERT_TRUE(caller) << caller.error().message;
    EXPECT_EQ(caller->service, "iotdevicegateway");
    EXPECT_EQ(sigv4::verify(presigned(), keys, vector_time + std::chrono::seconds(86'401)).error().code, Errc::signature_expired);
}

// IoT's WebSocket URLs get the token after signing.
TEST(Sigv4Presigned, TokenAddedAfterSigningIsNotSigned) {
    const testing::FakeAccessKeys keys;
    Request request = presigned();
    request.query += "&X-Amz-Security-Token=TOKEN%2F%2B%3D";
    EXPECT_TRUE(sigv4::verify(request, keys, vector_time));
    request.query += "&other=1";
    EXPECT_FALSE(sigv4::verify(request, keys, vector_time));
}

// Otherwise a presigned GET could be used to send any body.
TEST(Sigv4Presigned, BodyIsPartOfTheSignature) {
    const testing::FakeAccessKeys keys;
    Request request = presigned();
    request.body = "x";
    EXPECT_FALSE(sigv4::verify(request, keys, vector_time));
}

TEST(Sigv4Precheck, DoesNotNeedTheBody) {
    const testing::FakeAccessKeys keys;
    Request request = testing::make_request("POST", "/topics/a", "body");
    testing::sign(request, "iotdata", vector_date);
    request.body.clear();
    EXPECT_TRUE(sigv4::precheck(request, keys, vector_time));
    EXPECT_FALSE(sigv4::verify(request, keys, vector_time));
}

}  // namespace
}  // namespace fogbank::api
