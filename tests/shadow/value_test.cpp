#include "shadow/value.h"

#include <gtest/gtest.h>

#include "shadow/errc.h"
#include "shadow/shadow_name.h"
#include "shadow/update.h"

namespace fogbank::shadow {
namespace {

std::string round_trip(std::string_view json) {
    const auto value = parse_value(json, ValueLimits());
    return value ? to_json(*value) : "error: " + value.error().message;
}

// Numbers are the sender's: nothing is rounded, nothing is reformatted.
TEST(ShadowValue, NumbersComeBackAsSent) {
    for (const char* number : {"0", "-0", "1", "1.0", "1.50", "-1e5", "1E+5", "0.1e-7", "12345678901234567890123456789",
                               "3.14159265358979323846264338", "1e400", "-0.0"}) {
        EXPECT_EQ(round_trip(number), number);
    }
}

TEST(ShadowValue, NumbersAreEqualByValue) {
    const auto same = [](const char* a, const char* b) { return equal(*parse_value(a, ValueLimits()), *parse_value(b, ValueLimits())); };
    EXPECT_TRUE(same("1", "1.0"));
    EXPECT_TRUE(same("100", "1e2"));
    EXPECT_TRUE(same("-0", "0.000"));
    EXPECT_TRUE(same("0.00120", "12e-4"));
    EXPECT_FALSE(same("1", "-1"));
    EXPECT_FALSE(same("12345678901234567890", "12345678901234567891"));
    EXPECT_FALSE(same("1e99999999999999999999", "1e99999999999999999998"));
    EXPECT_TRUE(same("1e99999999999999999999", "1e99999999999999999999"));
    EXPECT_FALSE(same("1", "\"1\""));
}

TEST(ShadowValue, TextIsDecodedAndWrittenAgain) {
    EXPECT_EQ(round_trip(R"("a\u0041\n\t\"\\\/\u00e4\ud83d\ude00")"), "\"aA\\n\\t\\\"\\\\/ä😀\"");
    EXPECT_EQ(round_trip(R"("\u0000\u001f")"), R"("\u0000\u001f")");
    EXPECT_EQ(round_trip(" { \"b\" : [ 1 , true , null ] , \"a\" : { } } "), R"({"b":[1,true,null],"a":{}})");
}

TEST(ShadowValue, TheLastOfTwoMembersOfOneNameCounts) {
    EXPECT_EQ(round_trip(R"({"a":1,"b":2,"a":3})"), R"({"b":2,"a":3})");
    std::string many = "{";
    for (int i = 0; i < 40; ++i) many += (i == 0 ? "\"k" : ",\"k") + std::to_string(i % 20) + "\":" + std::to_string(i);
    const auto value = parse_value(many + "}", ValueLimits());
    ASSERT_TRUE(value.has_value());
    EXPECT_EQ(value->members.size(), 20U);
    EXPECT_EQ(value->find("k3")->text, "23");
}

TEST(ShadowValue, WhatIsNotUtf8HasItsOwnCode) {
    for (const char* bytes : {"{\"state\":{\"desired\":{\"a\":\"\xff\"}}}", "\xc3\x28", "\xed\xa0\x80"}) {
        const auto value = parse_value(bytes, ValueLimits());
        ASSERT_FALSE(value.has_value());
        EXPECT_EQ(value.error().code, Errc::unsupported_encoding);
        EXPECT_EQ(value.error().message, "Unsupported documented encoding; supported encoding is UTF-8");
    }
}

TEST(ShadowValue, SizeAndDepthAreBounded) {
    const auto large = parse_value(std::string(200, ' ') + "1", ValueLimits{100, 5});
    ASSERT_FALSE(large.has_value());
    EXPECT_EQ(large.error().code, Errc::document_too_large);
    EXPECT_TRUE(parse_value("[[[[[]]]]]", ValueLimits{100, 5}).has_value());
    EXPECT_FALSE(parse_value("[[[[[[]]]]]]", ValueLimits{100, 5}).has_value());
    const auto deep = parse_value(std::string(100'000, '['), ValueLimits());
    ASSERT_FALSE(deep.has_value());
    EXPECT_EQ(deep.error().message, "JSON contains too many levels of nesting; maximum is 6");
}

TEST(ShadowUpdate, EightLevelsAreAccepted) {
    const auto parsed = parse_update(R"({"state":{"desired":{"1":{"2":{"3":{"4":{"5":{"6":{"7":{"8":{}}}}}}}}}}})", Limits());
    EXPECT_TRUE(parsed.update.has_value());
}

TEST(ShadowUpdate, ATokenOf64BytesIsAccepted) {
    const auto parsed = parse_update(R"({"state":{},"clientToken":")" + std::string(64, 'x') + "\"}", Limits());
    EXPECT_TRUE(parsed.update.has_value());
    EXPECT_EQ(parsed.client_token, std::string(64, 'x'));
}

TEST(ShadowUpdate, TokensOfGetAndDeleteAreReadWhereTheyAre) {
    EXPECT_EQ(client_token_of(R"({"clientToken":"t"})", Limits()), "t");
    for (const char* none : {"", "{}", "not json", "[]", R"({"clientToken":1})"})
        EXPECT_FALSE(client_token_of(none, Limits()).has_value()) << none;
}

TEST(ShadowName, TopicsAreTakenApart) {
    const auto classic = parse_request_topic("$aws/things/t:1/shadow/update");
    ASSERT_TRUE(classic.has_value());
    EXPECT_EQ(classic->name, (ShadowName{ThingName("t:1"), ""}));
    EXPECT_EQ(classic->operation, Operation::update);
    const auto named = parse_request_topic("$aws/things/t/shadow/name/n/delete");
    ASSERT_TRUE(named.has_value());
    EXPECT_EQ(named->name, (ShadowName{ThingName("t"), "n"}));
    EXPECT_EQ(named->operation, Operation::remove);
    EXPECT_EQ(topic_prefix(named->name), "$aws/things/t/shadow/name/n");
    for (const char* other : {"$aws/things/t/shadow/update/accepted", "$aws/things/t/shadow/name/get", "$aws/things/t/shadow/name//get",
                              "$aws/things/t/shadow/list", "$aws/things/t/jobs/get", "x/t/shadow/get", "$aws/things/t/shadow"}) {
        EXPECT_FALSE(parse_request_topic(other).has_value()) << other;
    }
}

TEST(ShadowName, PatternsAreChecked) {
    EXPECT_TRUE(validate({ThingName(std::string(128, 'a')), std::string(64, '$')}).has_value());
    EXPECT_FALSE(validate({ThingName(std::string(129, 'a')), ""}).has_value());
    EXPECT_FALSE(validate({ThingName(""), ""}).has_value());
    EXPECT_FALSE(validate({ThingName("a b"), ""}).has_value());
    EXPECT_FALSE(validate({ThingName("a$"), ""}).has_value());
    EXPECT_FALSE(validate({ThingName("a"), std::string(65, 'a')}).has_value());
    EXPECT_FALSE(validate({ThingName("a"), "ä"}).has_value());
}

TEST(ShadowName, KeysKeepTheNames) {
    const ShadowName name{ThingName("thing"), "cfg"};
    EXPECT_EQ(name_in_key(record_key(name)), name);
    EXPECT_EQ(name_in_deleted_key(deleted_key(5, name)), name);
    EXPECT_FALSE(name_in_key(deleted_key(5, name)).has_value());
    EXPECT_LT(deleted_key(5, name), deleted_before(6).end);
    EXPECT_GE(deleted_key(6, name), deleted_before(6).end);
}

}  // namespace
}  // namespace fogbank::shadow
