#include "api/aws_errors.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/common_errc.h"
#include "lambda/errc.h"
#include "registry/errc.h"
#include "rules/errc.h"
#include "store/table/errc.h"

namespace fogbank::api {
namespace {

constexpr std::array families{Family::control, Family::data, Family::dynamodb, Family::lambda, Family::json, Family::query};

// A room that adds a code without a row here would answer 500 for it.
TEST(AwsErrors, EveryCodeOfEveryRoomHasItsRow) {
    for (const ErrorTable& table : error_tables()) {
        for (std::size_t i = 0; i < table.rows.size(); ++i) {
            EXPECT_EQ(table.rows[i].code, static_cast<int>(i) + 1) << table.category->name();
            EXPECT_FALSE(table.category->message(table.rows[i].code).starts_with("unknown error"))
                << table.category->name() << " " << i + 1;
        }
        EXPECT_TRUE(table.category->message(static_cast<int>(table.rows.size()) + 1).starts_with("unknown error"))
            << table.category->name() << " has a code without a row";
    }
}

TEST(AwsErrors, EveryRowHasANameAndAnErrorStatusInEveryFamily) {
    for (const ErrorTable& table : error_tables()) {
        for (const ErrorRow& row : table.rows) {
            for (const Family family : families) {
                const AwsException exception = aws_exception(family, {row.code, *table.category});
                EXPECT_FALSE(exception.name.empty());
                EXPECT_GE(exception.status, 400U);
                EXPECT_LT(exception.status, 600U);
            }
        }
    }
}

TEST(AwsErrors, DynamoDbClientErrorsAre400) {
    for (const ErrorTable& table : error_tables()) {
        for (const ErrorRow& row : table.rows) {
            const bool expected = row.dynamodb.status == 400 || row.dynamodb.status == 413 || row.dynamodb.status == 500;
            EXPECT_TRUE(expected) << row.dynamodb.name;
        }
    }
}

// boto3 tries these names again several times (reference auth, section 5): a permanent refusal must not bear them.
TEST(AwsErrors, PermanentRefusalsOfTheFrontAreNotRetried) {
    for (const Errc code :
         {Errc::missing_authentication_token, Errc::incomplete_signature, Errc::unrecognized_client, Errc::invalid_signature,
          Errc::forbidden, Errc::unknown_operation, Errc::validation, Errc::malformed_body, Errc::body_too_large}) {
        for (const Family family : families) {
            const AwsException exception = aws_exception(family, code);
            EXPECT_LT(exception.status, 500U);
            EXPECT_NE(exception.name, "ThrottlingException");
            EXPECT_NE(exception.name, "LimitExceededException");
        }
    }
}

TEST(AwsErrors, RestJsonShape) {
    const Response response =
        error_response(Family::control, Error(registry::Errc::resource_already_exists, "exists"), "id", {{"resourceId", "x"}});
    EXPECT_EQ(response.status, 409U);
    ASSERT_EQ(response.headers.size(), 1U);
    EXPECT_EQ(response.headers[0].name, "x-amzn-ErrorType");
    EXPECT_EQ(response.headers[0].value, "ResourceAlreadyExistsException");
    EXPECT_EQ(nlohmann::json::parse(response.body), (nlohmann::json{{"message", "exists"}, {"resourceId", "x"}}));
}

TEST(AwsErrors, DynamoDbShape) {
    const Response response = error_response(Family::dynamodb, Error(store::table::Errc::resource_not_found, "gone"), "id");
    EXPECT_EQ(response.status, 400U);
    EXPECT_EQ(response.content_type, "application/x-amz-json-1.0");
    EXPECT_EQ(nlohmann::json::parse(response.body),
              (nlohmann::json{{"__type", "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"}, {"message", "gone"}}));
}

TEST(AwsErrors, LambdaShape) {
    const Response response = error_response(Family::lambda, Error(lambda::Errc::resource_not_found, "gone"), "id");
    EXPECT_EQ(response.status, 404U);
    EXPECT_EQ(nlohmann::json::parse(response.body), (nlohmann::json{{"Type", "User"}, {"Message", "gone"}}));
}

TEST(AwsErrors, DataPlaneSaysForbiddenAndWhy) {
    const Response response = error_response(Family::data, Error(Errc::forbidden, "no statement allows it"), "id");
    EXPECT_EQ(response.status, 403U);
    EXPECT_EQ(nlohmann::json::parse(response.body), (nlohmann::json{{"message", "Forbidden: no statement allows it"}, {"traceId", "id"}}));
}

TEST(AwsErrors, BytesThatAreNotUtf8DoNotThrow) {
    const Response response = error_response(Family::control, Error(Errc::validation, "bad \xff byte"), "id");
    EXPECT_TRUE(nlohmann::json::accept(response.body));
}

}  // namespace
}  // namespace fogbank::api
