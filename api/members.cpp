#include "api/members.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "common/json.h"

namespace fogbank::api {
namespace {

constexpr std::size_t echoed_value_bytes_max = 1024;  // Fogbank: how much of a refused value an error repeats

std::optional<std::int64_t> parse_integer(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

bool equals_ignoring_case(std::string_view a, std::string_view lower) {
    return a.size() == lower.size() && std::equal(a.begin(), a.end(), lower.begin(), [](char x, char y) {
               return (x >= 'A' && x <= 'Z' ? static_cast<char>(x - 'A' + 'a') : x) == y;
           });
}

Error wrong_type(std::string_view member, std::string_view wanted) {
    return validation_error("1 validation error detected: Value at '" + std::string(member) +
                            "' failed to satisfy constraint: Member must be of type " + std::string(wanted));
}

}  // namespace

const std::string& Call::label(std::string_view name) const {
    static const std::string none;
    for (const auto& [key, value] : labels) {
        if (key == name) return value;
    }
    return none;
}

const std::string* Call::query_value(std::string_view name) const {
    for (const auto& [key, value] : query) {
        if (key == name) return &value;
    }
    return nullptr;
}

Error validation_error(std::string message) {
    return Error(Errc::validation, std::move(message));
}

Error constraint_error(const std::optional<std::string>& value, std::string_view member, std::string_view constraint) {
    const std::string shown = value ? "'" + value->substr(0, echoed_value_bytes_max) + "'" : "null";
    return validation_error("1 validation error detected: Value " + shown + " at '" + std::string(member) +
                            "' failed to satisfy constraint: " + std::string(constraint));
}

Error missing_member(std::string_view member) {
    return constraint_error(std::nullopt, member, "Member must not be null");
}

Result<nlohmann::json> json_object_body(const Call& call, std::size_t bytes_max) {
    if (call.request.body.empty()) return nlohmann::json(nlohmann::json::object());
    auto parsed = parse_json(call.request.body, JsonLimits{bytes_max, 64});
    if (!parsed) return Error(Errc::malformed_body, parsed.error().message);
    if (!parsed->is_object()) return Error(Errc::malformed_body, "the request body must be a JSON object");
    return parsed;
}

const nlohmann::json* find_member(const nlohmann::json& object, std::string_view member) {
    const auto found = object.find(member);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

Result<std::optional<std::string>> optional_string(const nlohmann::json& object, std::string_view member) {
    const auto* value = find_member(object, member);
    if (value == nullptr) return std::optional<std::string>();
    if (!value->is_string()) return wrong_type(member, "string");
    return std::optional<std::string>(value->get<std::string>());
}

Result<std::string> required_string(const nlohmann::json& object, std::string_view member) {
    auto value = optional_string(object, member);
    if (!value) return value.error();
    if (!*value) return missing_member(member);
    return std::move(**value);
}

Result<std::optional<bool>> optional_bool(const nlohmann::json& object, std::string_view member) {
    const auto* value = find_member(object, member);
    if (value == nullptr) return std::optional<bool>();
    if (!value->is_boolean()) return wrong_type(member, "boolean");
    return std::optional<bool>(value->get<bool>());
}

Result<std::optional<std::int64_t>> optional_integer(const nlohmann::json& object, std::string_view member) {
    const auto* value = find_member(object, member);
    if (value == nullptr) return std::optional<std::int64_t>();
    const bool fits = value->is_number_integer() && !(value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX);
    if (!fits) return wrong_type(member, "integer");
    return std::optional<std::int64_t>(value->get<std::int64_t>());
}

Result<bool> query_bool(const Call& call, std::string_view name, bool fallback) {
    const std::string* text = call.query_value(name);
    if (text == nullptr || text->empty()) return fallback;
    if (equals_ignoring_case(*text, "true")) return true;
    if (equals_ignoring_case(*text, "false")) return false;
    return constraint_error(*text, name, "Member must be a boolean");
}

Result<std::optional<std::int64_t>> query_integer(const Call& call, std::string_view name, std::int64_t low, std::int64_t high) {
    const std::string* text = call.query_value(name);
    if (text == nullptr || text->empty()) return std::optional<std::int64_t>();
    const auto value = parse_integer(*text);
    if (!value) return constraint_error(*text, name, "Member must be an integer");
    if (*value < low) return constraint_error(*text, name, "Member must have value greater than or equal to " + std::to_string(low));
    if (*value > high) return constraint_error(*text, name, "Member must have value less than or equal to " + std::to_string(high));
    return value;
}

Result<std::string> required_header(const Call& call, std::string_view header, std::string_view member) {
    const auto value = call.request.header(header);
    if (!value || value->empty()) return missing_member(member);
    return std::string(*value);
}

Response json_response(const nlohmann::json& body, unsigned status) {
    Response response(status);
    response.content_type = "application/json";
    response.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return response;
}

Response empty_response(unsigned status) {
    return Response(status);
}

double epoch_seconds(WallTime time) {
    return static_cast<double>(time.time_since_epoch().count()) / 1000.0;
}

Result<std::optional<std::string>> decode_token(const std::string* token) {
    if (token == nullptr || token->empty()) return std::optional<std::string>();
    auto decoded = base64_decode(*token);
    if (!decoded) return validation_error("the pagination token is not valid");
    return decoded;
}

std::string encode_token(std::string_view position) {
    return base64_encode(position);
}

Result<Slice> slice(const std::string* token, std::size_t size, std::size_t items_max) {
    const auto position = decode_token(token);
    if (!position) return position.error();
    Slice out;
    if (*position) {
        const auto begin = parse_integer(**position);
        if (!begin || *begin < 0) return validation_error("the pagination token is not valid");
        out.begin = std::min(static_cast<std::size_t>(*begin), size);
    }
    out.end = std::min(size, out.begin + items_max);
    if (out.end < size) out.next = encode_token(std::to_string(out.end));
    return out;
}

}  // namespace fogbank::api
