/// What all records share: JSON objects with a version `v`. For the files that encode and decode them.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "registry/certificates.h"
#include "registry/errc.h"

namespace fogbank::registry::record_json {

using nlohmann::json;

inline constexpr int format_version = 1;

inline std::int64_t ms(WallTime at) {
    return at.time_since_epoch().count();
}
inline WallTime time_at(const json& value, const char* key) {
    return WallTime(std::chrono::milliseconds(value.at(key).get<std::int64_t>()));
}

/// Invalid UTF-8 cannot get here through a validated name; a certificate's odd bytes are replaced rather than refused.
inline std::string dump(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Reads a record with `read`; whatever is wrong with the bytes is one error.
template <class T, class Read>
Result<T> decode(std::string_view what, std::string_view name, std::string_view bytes, Read read) {
    try {
        const json value = json::parse(bytes);
        if (value.at("v").get<int>() == format_version) return read(value);
    } catch (const json::exception&) {
        // falls through: damaged bytes and a record of a later version are the same to the caller
    }
    return Error(Errc::store_unavailable, "the stored record of " + std::string(what) + " `" + std::string(name) + "` cannot be read");
}

}  // namespace fogbank::registry::record_json
