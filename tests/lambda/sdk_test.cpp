// The helpers of the public header.

#include <gtest/gtest.h>

#include <ctime>
#include <random>

#include "fogbank/lambda.h"

namespace fogbank::lambda {
namespace {

TEST(Iso8601, KnownTimes) {
    EXPECT_EQ(iso8601(0), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(iso8601(1'767'323'045'678), "2026-01-02T03:04:05.678Z");
    EXPECT_EQ(iso8601(951'782'400'000), "2000-02-29T00:00:00.000Z");
    EXPECT_EQ(iso8601(-1), "1969-12-31T23:59:59.999Z");
    EXPECT_EQ(iso8601(253'402'300'799'999), "9999-12-31T23:59:59.999Z");
}

TEST(Iso8601, AgreesWithTheCLibrary) {
    std::mt19937_64 random(11);
    for (int i = 0; i < 5000; ++i) {
        const auto seconds = static_cast<std::time_t>(random() % 250'000'000'000);
        std::tm parts{};
        gmtime_r(&seconds, &parts);
        char text[64];
        std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.000Z", &parts);
        EXPECT_EQ(iso8601(static_cast<std::int64_t>(seconds) * 1000), text);
    }
}

TEST(ErrorObject, IsJsonWhateverTheMessage) {
    EXPECT_EQ(detail::error_object("E", "a\"b\xFF"), "{\"errorType\":\"E\",\"errorMessage\":\"a\\\"b\\ufffd\"}");
}

}  // namespace
}  // namespace fogbank::lambda
