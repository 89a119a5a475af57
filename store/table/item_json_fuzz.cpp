// Any text as an item in plain and in typed JSON: an error, or an item that survives being written.

#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "common/json.h"
#include "store/table/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace fogbank::store::table;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto item = item_from_plain_json(text)) {
        const auto again = item_from_plain_json(plain_json(*item));
        if (!again || !(*again == *item)) std::abort();
    }
    if (const auto typed = fogbank::parse_json(text)) {
        if (const auto item = item_from_typed_json(*typed)) {
            const auto again = item_from_typed_json(typed_json(*item));
            if (!again || !(*again == *item)) std::abort();
        }
    }
    return 0;
}
