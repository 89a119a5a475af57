// Filter patterns: whatever comes, an error or a filter that judges without a crash.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "lambda/event_filter.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto filter = fogbank::lambda::EventFilter::parse({reinterpret_cast<const char*>(data), size});
    if (!filter) return 0;
    const nlohmann::json record{{"eventName", "INSERT"}, {"a", {1, "x", nullptr}}, {"dynamodb", {{"Keys", {{"id", {{"S", "x"}}}}}}}};
    (void)filter->matches(record);
    return 0;
}
