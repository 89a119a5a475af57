// Whatever JsonView accepts can be walked to the end, written again, and is accepted by the library that the rest of the server uses;
// whatever that library accepts within the depth bound, JsonView accepts too.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "common/json.h"
#include "fogbank/json.h"

namespace {

using namespace fogbank::lambda;

std::string rebuilt(const JsonView& value) {
    if (value.is_array()) {
        std::string out = "[";
        for (const JsonView element : value.elements()) out += (out.size() > 1 ? "," : "") + rebuilt(element);
        return out + "]";
    }
    if (value.is_object()) {
        JsonObject out;
        for (const auto& [name, member] : value.members()) out.set_json(name, rebuilt(member));
        return out.str();
    }
    return value.is_string() ? detail::quoted(value.string()) : std::string(value.raw());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    // The library takes a NUL for the end of the text and skips a byte order mark; neither is JSON.
    if (text.find('\0') != std::string_view::npos || text.substr(0, 3) == "\xEF\xBB\xBF") return 0;
    const auto expected = fogbank::parse_json(text, {1 << 20, json_depth_max});
    const bool accepted = detail::JsonChecker(text).document();
    // Numbers beyond a double's range are JSON by the grammar; the library refuses them.
    if (!accepted && expected) std::abort();
    if (!accepted) return 0;
    const std::string again = rebuilt(JsonView(text));
    if (!detail::JsonChecker(again).document()) std::abort();
    if (expected && *fogbank::parse_json(again, {16 << 20, json_depth_max}) != *expected) std::abort();
    return 0;
}
