/// The query protocol of IAM and STS: members of the form, answers in XML. Source: reference "auth", section 5; IAM API reference,
/// "Making query requests".
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/service.h"

namespace fogbank::api {

/// The form's member. Errors: validation, in IAM's words.
Result<std::string> required_form(const Call& call, std::string_view member);
std::string optional_form(const Call& call, std::string_view member, std::string_view fallback = {});
/// A whole number within [low, high]. Errors: validation.
Result<std::int64_t> form_integer(const Call& call, std::string_view member, std::int64_t low, std::int64_t high, std::int64_t fallback);
/// `<member>.member.1.Key`, `<member>.member.1.Value` … Errors: validation for more than IAM's 50 tags or one out of bounds.
Result<std::map<std::string, std::string>> form_tags(const Call& call);
/// `<member>.member.1` …
std::vector<std::string> form_list(const Call& call, std::string_view member);

/// Checks against a set of characters and lengths. Errors: validation.
Result<void> check_form(std::string_view member, const std::string& value, std::size_t size_min, std::size_t size_max,
                        std::string_view extra_characters);

/// `<OpResponse><OpResult>…</OpResult><ResponseMetadata>…`: objects become elements, arrays elements named `member`, strings text, booleans
/// and numbers their JSON text. A null result leaves the OpResult element out.
Response xml_response(std::string_view operation, std::string_view xml_namespace, const nlohmann::ordered_json& result,
                      std::string_view request_id);
/// `2026-01-02T03:04:05Z`.
std::string xml_time(WallTime at);

}  // namespace fogbank::api
