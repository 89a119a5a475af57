/// Reading members of requests (body, query, headers) with AWS's validation texts. All errors are Errc::validation or Errc::malformed_body.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "api/service.h"

namespace fogbank::api {

/// `1 validation error detected: Value '…' at '…' failed to satisfy constraint: …`; no `value`: null.
Error constraint_error(const std::optional<std::string>& value, std::string_view member, std::string_view constraint);
Error missing_member(std::string_view member);
Error validation_error(std::string message);

/// The body as a JSON object; an empty body is an empty object. Errors: malformed_body.
Result<nlohmann::json> json_object_body(const Call& call, std::size_t bytes_max);
/// The bound on rest-json bodies of the control plane: the largest member of its model is a policy document of 404,600 characters.
inline constexpr std::size_t control_body_bytes_max = 1024 * 1024;

// Members of a JSON object. `null` counts as absent. A wrong JSON type is Errc::validation.

Result<std::optional<std::string>> optional_string(const nlohmann::json& object, std::string_view member);
Result<std::string> required_string(const nlohmann::json& object, std::string_view member);
Result<std::optional<bool>> optional_bool(const nlohmann::json& object, std::string_view member);
Result<std::optional<std::int64_t>> optional_integer(const nlohmann::json& object, std::string_view member);
/// The member if it is there and not null, else null.
const nlohmann::json* find_member(const nlohmann::json& object, std::string_view member);

// Query parameters and headers.

/// `true` or `false` in any case.
Result<bool> query_bool(const Call& call, std::string_view name, bool fallback);
/// A whole number within [low, high].
Result<std::optional<std::int64_t>> query_integer(const Call& call, std::string_view name, std::int64_t low, std::int64_t high);
Result<std::string> required_header(const Call& call, std::string_view header, std::string_view member);

// Answers.

Response json_response(const nlohmann::json& body, unsigned status = 200);
/// 200 without a body, for operations that answer no members.
Response empty_response(unsigned status = 200);
/// Seconds since 1970 as AWS puts them into JSON bodies.
double epoch_seconds(WallTime time);

// Pages. Tokens are base64 so that they fit AWS's pattern for markers, and opaque.

/// Errors: validation if the token is not one of ours.
Result<std::optional<std::string>> decode_token(const std::string* token);
std::string encode_token(std::string_view position);

/// A part of a list that a room answers whole.
struct Slice {
    std::size_t begin = 0, end = 0;
    std::optional<std::string> next;  ///< encoded token
};
/// Errors: validation if the token is not one of ours.
Result<Slice> slice(const std::string* token, std::size_t size, std::size_t items_max);

}  // namespace fogbank::api
