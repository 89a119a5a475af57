/// Bounded JSON parsing for what comes from users. Hot paths parse with simdjson in their own room.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "common/result.h"

namespace fogbank {

struct JsonLimits {
    std::size_t bytes_max = 1024 * 1024;
    std::size_t depth_max = 64;
};

/// Parses one JSON value; nothing may follow it. Never throws.
/// Errors: CommonErrc::malformed (with position), too_large, too_deep.
Result<nlohmann::json> parse_json(std::string_view text, const JsonLimits& limits = {});

/// The member `key` of object `value` if it is a string, else `fallback`.
std::string json_string(const nlohmann::json& value, std::string_view key, std::string_view fallback = {});

}  // namespace fogbank
