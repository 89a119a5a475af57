// Random documents, whole and damaged, beside nlohmann::json: the parser must accept the same texts, and every path must lead to the same
// value. Names come again at other levels, in the same object and in arrays, because that is what looking for a name could mix up.

#include "rules/payload.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

namespace fogbank::rules::sql {
namespace {

using nlohmann::json;

/// Writes documents with white space and escapes where JSON allows them.
class Writer {
  public:
    explicit Writer(unsigned seed, bool escapes) : random_(seed), escapes_(escapes) {}

    std::string document() { return space() + container(0) + space(); }
    std::size_t pick(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_); }

  private:
    std::string space() {
        constexpr const char* spaces[] = {"", "", "", " ", "\n", "\t \r"};
        return spaces[pick(std::size(spaces))];
    }
    std::string name() {
        constexpr const char* names[] = {"a", "b", "ab", "ba", "temperature", "", "a name of more than sixteen bytes", "\xC3\xA4"};
        return string(names[pick(std::size(names))]);
    }
    std::string string(std::string text) {
        if (escapes_ && pick(3) == 0) text += pick(2) == 0 ? "\\n" : "\\u00e4\\\"";
        return '"' + text + '"';
    }
    std::string scalar() {
        constexpr const char* scalars[] = {"0", "-0", "1.5", "-12.250", "1e3", "17", "true", "false", "null", "123456789012345678901"};
        return pick(3) == 0 ? string("text") : scalars[pick(std::size(scalars))];
    }
    std::string container(int depth) {
        const bool object = pick(3) != 0;
        const std::size_t count = pick(depth == 0 ? 12 : 5);
        std::string text(1, object ? '{' : '[');
        for (std::size_t i = 0; i < count; ++i) {
            if (i != 0) text += space() + ",";
            text += space();
            if (object) text += name() + space() + ":" + space();
            text += depth < 4 && pick(3) == 0 ? container(depth + 1) : scalar();
        }
        return text + space() + (object ? '}' : ']');
    }

    std::mt19937 random_;
    bool escapes_;
};

std::string text_of(const Value& value) {
    std::string text;
    append_json(text, value, value_bytes_max);
    return text;
}

/// How SQL writes what nlohmann::json has read: numbers as doubles, so that both write the same.
json numbers_as_doubles(const json& value) {
    json out = value;
    if (out.is_number()) return out.get<double>();
    if (out.is_structured()) {
        for (json& item : out) item = numbers_as_doubles(item);
    }
    return out;
}

/// Every path through objects.
void expect_paths(const Payload& payload, const json& value, std::vector<std::string>& path) {
    std::size_t looked_at = 0;
    const std::uint32_t node = payload.locate(path, looked_at);
    ASSERT_NE(node, Payload::no_node);
    const Value found = payload.value(node, Version::v2016_03_23);
    ASSERT_FALSE(found.is_undefined());
    EXPECT_EQ(numbers_as_doubles(json::parse(text_of(found))), numbers_as_doubles(value));
    if (const std::string_view same = payload.json(node); !same.empty()) {
        EXPECT_EQ(same, text_of(found));
    }
    if (!value.is_object()) return;
    path.emplace_back("no such name");
    EXPECT_EQ(payload.locate(path, looked_at), Payload::no_node);
    for (const auto& [name, member] : value.items()) {
        path.back() = name;
        expect_paths(payload, member, path);
    }
    path.pop_back();
}

class RandomPayloads : public testing::TestWithParam<bool> {};

TEST_P(RandomPayloads, EveryPathLeadsToWhatAnotherParserFinds) {
    Payload payload;  // the same for all: nothing may be left over from the one before
    for (unsigned seed = 0; seed < 3000; ++seed) {
        const std::string text = Writer(seed, GetParam()).document();
        ASSERT_TRUE(payload.parse(text)) << text;
        std::vector<std::string> path;
        expect_paths(payload, json::parse(text), path);
        if (HasFailure()) FAIL() << text;
    }
}

TEST_P(RandomPayloads, DamagedOnesAreRefusedAsByAnotherParser) {
    constexpr std::string_view bytes = "{}[],:\"\\ 0-.\x01tn\xFF/";  // no `e`: nlohmann refuses numbers that no double holds
    Payload payload;
    std::size_t refused = 0;
    for (unsigned seed = 0; seed < 20000; ++seed) {
        Writer writer(seed, GetParam());
        std::string text = writer.document();
        const std::size_t at = writer.pick(text.size());
        if (writer.pick(2) == 0) {
            text[at] = bytes[writer.pick(bytes.size())];
        } else {
            text.erase(at, 1);
        }
        const bool valid = json::accept(text);
        const json value = valid ? json::parse(text) : json();
        EXPECT_EQ(payload.parse(text), valid && value.is_structured()) << text;
        if (!valid) ++refused;
        if (HasFailure()) FAIL() << seed;
    }
    EXPECT_GT(refused, 5000U);
}

INSTANTIATE_TEST_SUITE_P(Payload, RandomPayloads, testing::Bool(),
                         [](const auto& which) { return which.param ? "with_escapes" : "without_escapes"; });

TEST(Payload, ScalarsCountOnlyWhereAskedFor) {
    Payload payload;
    for (const std::string text : {"1", " \"x\" ", "true", "null", "-1.5e3"}) {
        EXPECT_FALSE(payload.parse(text)) << text;
        EXPECT_TRUE(payload.parse(text, true)) << text;
    }
    for (const std::string text : {"", " ", "1 2", "\"x", "tru", "truex", "1]", "}", "\"", "[", "{", "{\"a\":", "nul"}) {
        EXPECT_FALSE(payload.parse(text, true)) << text;
    }
}

TEST(Payload, ObjectsWithFarMoreBelowThanMembersAreSearchedMemberByMember) {
    std::string inner = "{";
    for (int i = 0; i < 500; ++i) inner += (i == 0 ? "\"a" : ",\"a") + std::to_string(i) + "\":{\"b\":" + std::to_string(i) + "}";
    const std::string text = R"({"a":)" + inner + R"(},"b":"first","c":[{"b":2}],"b":"second"})";
    Payload payload;
    ASSERT_TRUE(payload.parse(text));
    std::size_t looked_at = 0;
    const std::vector<std::string> outer{"b"};
    EXPECT_EQ(text_of(payload.value(payload.locate(outer, looked_at), Version::beta)), "\"second\"");
    EXPECT_EQ(looked_at, 4U);
    const std::vector<std::string> deep{"a", "a499", "b"};
    EXPECT_EQ(text_of(payload.value(payload.locate(deep, looked_at), Version::beta)), "499");
}

}  // namespace
}  // namespace fogbank::rules::sql
