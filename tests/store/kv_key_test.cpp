#include "store/kv/key.h"

#include <gtest/gtest.h>

#include <random>

namespace fogbank::store::kv {
namespace {

const std::string zero(1, '\0');

TEST(KvKey, PartsComeBackAsTheyWentIn) {
    const std::string key = KeyBuilder("itm").text("a" + zero + "b").number(0x0102030405060708).text("").raw("rest").str();
    KeyReader reader(key);
    EXPECT_EQ(reader.text(), "itm");
    EXPECT_EQ(reader.text(), "a" + zero + "b");
    EXPECT_EQ(reader.number(), 0x0102030405060708U);
    EXPECT_EQ(reader.text(), "");
    EXPECT_EQ(reader.rest(), "rest");
    reader.skip(1);
    EXPECT_EQ(reader.rest(), "est");
}

TEST(KvKey, BytesThatAreNoPartAreRefused) {
    for (const std::string& bad : {std::string(), std::string("abc"), "abc" + zero, "a" + zero + "\x02", zero + "\xFF"})
        EXPECT_EQ(KeyReader(bad).text(), std::nullopt) << bad;
    EXPECT_EQ(KeyReader("1234567").number(), std::nullopt);
}

TEST(KvKey, AFailedReadTakesNothingOff) {
    KeyReader reader("abc");
    EXPECT_FALSE(reader.text());
    EXPECT_FALSE(reader.number());
    EXPECT_EQ(reader.rest(), "abc");
}

TEST(KvKey, PrefixEndIsTheNextKeyAfterAllWithThePrefix) {
    EXPECT_EQ(prefix_end("ab"), "ac");
    EXPECT_EQ(prefix_end("a\xFF\xFF"), "b");
    EXPECT_EQ(prefix_end("\xFF"), "");
    EXPECT_EQ(prefix_end(""), "");
}

/// Comparing keys bytewise must be comparing their parts in order, or ranges are wrong.
TEST(KvKey, KeysSortAsTheirPartsDo) {
    std::mt19937 random(3);
    const auto text = [&] {
        std::string out;
        for (auto length = random() % 4; length-- > 0;) out.push_back(std::string_view("\x00\x01\xFF", 3)[random() % 3]);
        return out;
    };
    for (int i = 0; i < 20'000; ++i) {
        const std::string a1 = text(), a2 = text(), b1 = text(), b2 = text();
        const std::uint64_t an = random() % 3 * 200, bn = random() % 3 * 200;
        const std::string a = KeyBuilder(a1).number(an).text(a2).str(), b = KeyBuilder(b1).number(bn).text(b2).str();
        ASSERT_EQ(a < b, std::tie(a1, an, a2) < std::tie(b1, bn, b2));
        const Range with_a1 = KeyBuilder(a1).prefix_range();
        ASSERT_EQ(b >= with_a1.begin && b < with_a1.end, a1 == b1);
    }
}

}  // namespace
}  // namespace fogbank::store::kv
