/// What a rejected request is told: the number and the document of AWS's "Error response document".
#pragma once

#include <optional>
#include <string>

#include "common/result.h"

namespace fogbank::shadow {

/// The `code` member, which is also the HTTP status: 400 for Errc::invalid_request and so on; 500 for what is not of this room.
unsigned rejection_code(const boost::system::error_code& code);

/// `{"code":409,"message":"Version conflict","timestamp":…,"clientToken":"…"}`.
/// @param timestamp_s  whole seconds since 1970.
std::string rejection_json(const Error& error, std::int64_t timestamp_s, const std::optional<std::string>& client_token);

}  // namespace fogbank::shadow
