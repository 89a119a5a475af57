// Any bytes as a stored item: an error, or an item that survives its own encoding.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "store/table/detail/item_codec.h"
#include "store/table/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace fogbank::store::table;
    const auto item = decode_item(std::string_view(reinterpret_cast<const char*>(data), size));
    if (!item) return 0;
    const auto again = decode_item(encode_item(*item, item_size_bytes(*item)));
    if (!again || !(*again == *item)) std::abort();
    return 0;
}
