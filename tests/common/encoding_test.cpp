#include "common/encoding.h"

#include <gtest/gtest.h>

namespace fogbank {
namespace {

TEST(Base64, RoundTripsEveryLength) {
    std::string bytes;
    for (int i = 0; i < 70; ++i) {
        EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
        bytes.push_back(static_cast<char>(i * 7));
    }
}

TEST(Base64, RefusesWhatRfc4648Refuses) {
    for (const char* bad : {"a", "ab", "abc", "ab c", "a===", "=aaa", "ab=c", "a\nbc", "ab==ab=="}) EXPECT_FALSE(base64_decode(bad)) << bad;
    EXPECT_EQ(base64_decode(""), "");
    EXPECT_EQ(base64_decode("aGk="), "hi");
}

TEST(Hex, DecodesEitherCase) {
    EXPECT_EQ(hex_decode("00fFA5"), std::string("\x00\xff\xa5", 3));
    EXPECT_FALSE(hex_decode("0"));
    EXPECT_FALSE(hex_decode("0g"));
    EXPECT_EQ(hex_encode(std::string("\x00\xff\xa5", 3)), "00ffa5");
}

TEST(Percent, EncodesAsSigV4Wants) {
    EXPECT_EQ(percent_encode("a/b c~%"), "a%2Fb%20c~%25");
    EXPECT_EQ(percent_encode("a/b", true), "a/b");
    EXPECT_EQ(percent_decode("a%2fb%20c"), "a/b c");
    EXPECT_EQ(percent_decode("a+b"), "a+b");
    EXPECT_EQ(percent_decode("a+b", true), "a b");
    EXPECT_FALSE(percent_decode("a%2"));
    EXPECT_FALSE(percent_decode("a%zz"));
}

// RFC 4231, test case 2.
TEST(Hmac, AgreesWithRfc4231) {
    EXPECT_EQ(hex_encode(hmac_sha256("Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Utf8, AcceptsWellFormedAndRefusesTheRest) {
    EXPECT_TRUE(is_valid_utf8("plain"));
    EXPECT_TRUE(is_valid_utf8("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x8C\xAB"));
    for (const char* bad : {"\x80", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xC3", "\xFF"})
        EXPECT_FALSE(is_valid_utf8(bad)) << bad;
}

}  // namespace
}  // namespace fogbank
