#include "api/query_protocol.h"

#include <charconv>
#include <ctime>
#include <nlohmann/json.hpp>

#include "api/members.h"
#include "api/xml.h"

namespace fogbank::api {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t tags_max = 50, tag_key_max = 128, tag_value_max = 256;

void append(const ordered_json& value, std::string& out);

void append_element(std::string_view name, const ordered_json& value, std::string& out) {
    out.append("<").append(name).append(">");
    append(value, out);
    out.append("</").append(name).append(">");
}

void append(const ordered_json& value, std::string& out) {
    if (value.is_object()) {
        for (const auto& [name, one] : value.items()) append_element(name, one, out);
    } else if (value.is_array()) {
        for (const ordered_json& one : value) append_element("member", one, out);
    } else if (value.is_string()) {
        out += xml_text(value.get_ref<const std::string&>());
    } else if (!value.is_null()) {
        out += value.dump();
    }
}

}  // namespace

Result<std::string> required_form(const Call& call, std::string_view member) {
    const std::string* value = call.query_value(member);
    if (value == nullptr || value->empty()) {
        return validation_error("1 validation error detected: Value null at '" + std::string(member) +
                                "' failed to satisfy constraint: Member must not be null");
    }
    return *value;
}

std::string optional_form(const Call& call, std::string_view member, std::string_view fallback) {
    const std::string* value = call.query_value(member);
    return value == nullptr ? std::string(fallback) : *value;
}

Result<std::int64_t> form_integer(const Call& call, std::string_view member, std::int64_t low, std::int64_t high, std::int64_t fallback) {
    const std::string* text = call.query_value(member);
    if (text == nullptr) return fallback;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    const bool whole = error == std::errc() && end == text->data() + text->size();
    if (whole && value >= low && value <= high) return value;
    return constraint_error(*text, member, "Member must have value between " + std::to_string(low) + " and " + std::to_string(high));
}

Result<std::map<std::string, std::string>> form_tags(const Call& call) {
    std::map<std::string, std::string> out;
    for (std::size_t i = 1; i <= tags_max + 1; ++i) {
        const std::string at = "Tags.member." + std::to_string(i);
        const std::string* key = call.query_value(at + ".Key");
        if (key == nullptr) return out;
        const std::string value = optional_form(call, at + ".Value");
        if (i > tags_max || key->empty() || key->size() > tag_key_max || value.size() > tag_value_max)
            return validation_error("tags: at most 50, keys of 1 to 128 characters, values of at most 256");
        out[*key] = value;
    }
    return out;
}

std::vector<std::string> form_list(const Call& call, std::string_view member) {
    std::vector<std::string> out;
    for (std::size_t i = 1; i <= tags_max; ++i) {
        const std::string* value = call.query_value(std::string(member) + ".member." + std::to_string(i));
        if (value == nullptr) break;
        out.push_back(*value);
    }
    return out;
}

Result<void> check_form(std::string_view member, const std::string& value, std::size_t size_min, std::size_t size_max,
                        std::string_view extra_characters) {
    if (value.size() > size_max || value.size() < size_min) {
        return constraint_error(value.substr(0, 200), member,
                                "Member must have length between " + std::to_string(size_min) + " and " + std::to_string(size_max));
    }
    for (const char c : value) {
        const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!word && extra_characters.find(c) == std::string_view::npos)
            return validation_error(
                "The specified value for " + std::string(member) +
                " is invalid. It must contain only alphanumeric characters and/or the following: " + std::string(extra_characters) + "_");
    }
    return {};
}

Response xml_response(std::string_view operation, std::string_view xml_namespace, const ordered_json& result, std::string_view request_id) {
    Response response;
    response.content_type = "text/xml";
    std::string& out = response.body;
    out.append("<").append(operation).append("Response xmlns=\"").append(xml_namespace).append("\">");
    if (!result.is_null()) append_element(std::string(operation) + "Result", result, out);
    out.append("<ResponseMetadata><RequestId>").append(request_id).append("</RequestId></ResponseMetadata></");
    out.append(operation).append("Response>");
    return response;
}

std::string xml_time(WallTime at) {
    const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[32];
    return std::string(text, std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts));
}

}  // namespace fogbank::api
