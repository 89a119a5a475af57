// Any bytes as a date's pattern and text, in both dialects. Input: the pattern, a NUL, the text.

#include <cstdint>
#include <string_view>

#include "rules/time_zone.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace fogbank::rules::sql;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t split = input.find('\0');
    const std::string_view pattern = input.substr(0, split);
    const std::string_view text = split == std::string_view::npos ? std::string_view() : input.substr(split + 1);
    format_joda(pattern, 1'585'903'518'592, TimeZone::utc());
    format_joda(pattern, -62'198'755'200'000, TimeZone::fixed(-34'200));
    parse_java_time(text, pattern);
    return 0;
}
