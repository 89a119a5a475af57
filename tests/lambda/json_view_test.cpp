#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "common/json.h"
#include "fogbank/json.h"
#include "tests/support/cases.h"

namespace fogbank::lambda {
namespace {

using testing::Case;

class JsonText : public ::testing::TestWithParam<Case> {};

TEST_P(JsonText, IsJsonOrNot) {
    const auto text = GetParam().data["text"].get<std::string>();
    const bool valid = GetParam().data["valid"].get<bool>();
    EXPECT_EQ(detail::JsonChecker(text).document(), valid);
    EXPECT_EQ(parse_json(text).has_value(), valid) << "the server's library disagrees";
    if (!valid) {
        EXPECT_THROW(JsonView{text}, JsonError);
    }
}
INSTANTIATE_TEST_SUITE_P(Cases, JsonText, ::testing::ValuesIn(testing::load_cases("lambda/json.json")), testing::NameOfCase());

TEST(JsonView, ReadsFieldsInEveryForm) {
    const std::string text =
        R"( {"name":"press \u00e4 \ud83d\ude00\n","pressure":4.2500,"count":-17,"on":true,"off":false,"none":null,"inner":{ "x" : [1, 2] }} )";
    const JsonView view(text);
    EXPECT_TRUE(view.is_object());
    EXPECT_EQ(view.at("name").string(), "press \xC3\xA4 \xF0\x9F\x98\x80\n");
    EXPECT_EQ(view.at("name").raw(), R"("press \u00e4 \ud83d\ude00\n")");
    EXPECT_EQ(view.at("pressure").number_text(), "4.2500");  // every digit as it was sent
    EXPECT_EQ(view.at("pressure").number(), 4.25);
    EXPECT_EQ(view.at("count").integer(), -17);
    EXPECT_TRUE(view.at("on").boolean());
    EXPECT_FALSE(view.at("off").boolean());
    EXPECT_TRUE(view.at("none").is_null());
    EXPECT_EQ(view.at("inner").raw(), R"({ "x" : [1, 2] })");  // verbatim
    EXPECT_EQ(view.at("count").text(), "-17");
    EXPECT_FALSE(view.find("missing"));
    EXPECT_FALSE(view.find("x"));  // not of an inner object
}

TEST(JsonView, SaysWhatIsWrong) {
    const auto message = [](auto call) -> std::string {
        try {
            call();
        } catch (const JsonError& e) {
            return e.what();
        }
        return "nothing thrown";
    };
    EXPECT_EQ(message([] { JsonView(R"({"a":1,})"); }), "not JSON at byte 7: a member's name should be here");
    EXPECT_EQ(message([] { JsonView("{}").at("pres\"sure"); }), R"(the member "pres\"sure" is missing)");
    EXPECT_EQ(message([] { JsonView("[]").find("a"); }), "expected an object, got an array");
    EXPECT_EQ(message([] { JsonView("1").string(); }), "expected a string, got a number");
    EXPECT_EQ(message([] { JsonView("null").elements(); }), "expected an array, got null");
    EXPECT_EQ(message([] { JsonView("true").number(); }), "expected a number, got a boolean");
    EXPECT_EQ(message([] { JsonView("1.5").integer(); }), "1.5 is not an integer of 64 bits");
    EXPECT_EQ(message([] { JsonView("9223372036854775808").integer(); }), "9223372036854775808 is not an integer of 64 bits");
    EXPECT_EQ(message([] { JsonView("1e999").number(); }), "the number 1e999 is out of range");
}

TEST(JsonView, FindsEscapedNamesAndTheLastOfTwo) {
    const std::string text = R"({"\u0061b":1,"c":{"ab":9},"ab":2,"q\"":3})";
    EXPECT_EQ(JsonView(text).at("ab").integer(), 2);
    EXPECT_EQ(JsonView(text).at("q\"").integer(), 3);
}

TEST(JsonView, WalksArraysOfObjects) {
    const std::string text = R"([ {"Device":"a]","Data":{"x":[1,{"y":2}],"z":"}"}} , {"Device":"b","Data":{}} ])";
    std::vector<std::string> seen;
    for (const JsonView element : JsonView(text).elements()) {
        seen.push_back(element.at("Device").string());
        for (const auto& [name, value] : element.at("Data").members()) seen.push_back(name + "=" + std::string(value.raw()));
    }
    EXPECT_EQ(seen, (std::vector<std::string>{"a]", "x=[1,{\"y\":2}]", "z=\"}\"", "b"}));
    for (const JsonView element : JsonView(" [ ] ").elements()) ADD_FAILURE() << element.raw();
    for (const auto& member : JsonView("{ }").members()) ADD_FAILURE() << member.name;
}

TEST(JsonView, NestingIsBounded) {
    const std::string fits = std::string(json_depth_max, '[') + std::string(json_depth_max, ']');
    EXPECT_NO_THROW(JsonView{fits});
    const std::string too_deep = "[" + fits + "]";
    EXPECT_THROW(JsonView{too_deep}, JsonError);
    EXPECT_FALSE(detail::JsonChecker(std::string(1'000'000, '[')).document());
}

TEST(JsonObject, BuildsJson) {
    JsonObject object;
    object.set("text", "a\"b\\\n\x01").set("number", 4.25).set("count", 12).set("big", std::numeric_limits<std::uint64_t>::max());
    object.set("flag", true)
        .set("none", nullptr)
        .set("list", JsonView("[1, 2]"))
        .set("inner", JsonObject().set("x", 1))
        .set_json("raw", "{\"k\":1.00}");
    object.set("count", 13);  // keeps its place
    EXPECT_EQ(object.str(), R"({"text":"a\"b\\\u000a\u0001","number":4.25,"count":13,"big":18446744073709551615,"flag":true,"none":null,)"
                            R"("list":[1, 2],"inner":{"x":1},"raw":{"k":1.00}})");
    EXPECT_EQ(JsonObject().str(), "{}");
    EXPECT_THROW(object.set("x", std::numeric_limits<double>::quiet_NaN()), JsonError);
    EXPECT_THROW(object.set("x", std::numeric_limits<double>::infinity()), JsonError);
    EXPECT_THROW(object.set_json("x", "{"), JsonError);
}

TEST(JsonObject, TextThatIsNotUtf8StillMakesJson) {
    const std::string made = JsonObject().set("what", "a\xFF\xC3").str();
    EXPECT_EQ(JsonView(made).at("what").string(), "a\xEF\xBF\xBD\xEF\xBF\xBD");
}

/// Whatever bytes a string has, writing and reading it gives it back.
TEST(JsonObject, StringsSurviveTheRoundTrip) {
    std::mt19937 engine(7);
    const auto random = [&engine] { return static_cast<std::uint32_t>(engine()); };
    for (int i = 0; i < 2000; ++i) {
        std::string text;
        for (unsigned length = random() % 12; length > 0; --length) {
            std::uint32_t code = random() % 3 == 0 ? random() % 0x110000 : random() % 0x80;
            if (code >= 0xD800 && code < 0xE000) code = 'x';
            detail::append_utf8(text, code);
        }
        const std::string made = JsonObject().set(text, text).str();
        EXPECT_EQ(JsonView(made).at(text).string(), text) << made;
        EXPECT_EQ(parse_json(made)->at(text).get<std::string>(), text);
    }
}

}  // namespace
}  // namespace fogbank::lambda
