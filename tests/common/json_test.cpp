#include "common/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "common/encoding.h"

namespace fogbank {
namespace {

TEST(Json, WhyATextIsRefusedCanBeWrittenInAnAnswer) {
    const std::string long_string = "{\"a\": \"" + std::string(100'000, 'x') + "\n\"}";
    for (const std::string& text :
         {std::string("{\"a\":\xA0}"), std::string("\xFF"), std::string("{\"\xC3"), std::string("[1,\x01]"), long_string}) {
        const auto parsed = parse_json(text, JsonLimits());
        ASSERT_FALSE(parsed);
        const std::string& why = parsed.error().message;
        EXPECT_TRUE(is_valid_utf8(why));
        EXPECT_LT(why.size(), 600U);
        EXPECT_NE(why.find("malformed json: "), std::string::npos) << why;
    }
    EXPECT_NE(parse_json("{\"a\": x}", JsonLimits()).error().message.find("last read"), std::string::npos);
}

}  // namespace
}  // namespace fogbank
