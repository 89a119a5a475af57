#include "common/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/common_errc.h"
#include "common/encoding.h"

namespace fogbank {
namespace {

/// Nesting depth by counting brackets outside strings; cheap, and before the recursive parser sees the text.
bool deeper_than(std::string_view text, std::size_t depth_max) {
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > depth_max) return true;
        } else if ((c == '}' || c == ']') && depth > 0) {
            --depth;
        }
    }
    return false;
}

/// Why it is no JSON. The parser quotes the text that it has read last, which may be long and of any bytes.
std::string reason_of(const nlohmann::json::exception& error) {
    constexpr std::size_t bytes_max = 500;
    std::string why = error.what();
    if (why.size() > bytes_max || !is_valid_utf8(why)) why.resize(std::min(why.find("; last read"), bytes_max));
    return is_valid_utf8(why) ? why : "it is not UTF-8";
}

}  // namespace

Result<nlohmann::json> parse_json(std::string_view text, const JsonLimits& limits) {
    if (text.size() > limits.bytes_max) {
        return Error(CommonErrc::too_large,
                     "json of " + std::to_string(text.size()) + " bytes, at most " + std::to_string(limits.bytes_max));
    }
    if (deeper_than(text, limits.depth_max))
        return Error(CommonErrc::too_deep, "json nested deeper than " + std::to_string(limits.depth_max));
    try {
        return nlohmann::json::parse(text);
    } catch (const nlohmann::json::exception& e) {
        return Error(CommonErrc::malformed, "malformed json: " + reason_of(e));
    }
}

std::string json_string(const nlohmann::json& value, std::string_view key, std::string_view fallback) {
    if (value.is_object()) {
        if (const auto found = value.find(key); found != value.end() && found->is_string()) return found->get<std::string>();
    }
    return std::string(fallback);
}

}  // namespace fogbank
