#include "api/iot_members.h"

#include <nlohmann/json.hpp>

namespace fogbank::api {

using nlohmann::json;

Result<json> optional_object(const json& object, std::string_view member) {
    const json* found = find_member(object, member);
    if (found == nullptr) return json(json::object());
    if (!found->is_object()) return validation_error(std::string(member) + " must be an object");
    return *found;
}

Result<std::vector<std::string>> optional_strings(const json& object, std::string_view member) {
    std::vector<std::string> out;
    const json* found = find_member(object, member);
    if (found == nullptr) return out;
    if (!found->is_array()) return validation_error(std::string(member) + " must be a list");
    for (const json& one : *found) {
        if (!one.is_string()) return validation_error(std::string(member) + " must be a list of strings");
        out.push_back(one.get<std::string>());
    }
    return out;
}

Result<AttributePayload> read_attribute_payload(const json& object) {
    AttributePayload out;
    const auto payload = optional_object(object, "attributePayload");
    if (!payload) return payload.error();
    const auto merge = optional_bool(*payload, "merge");
    if (!merge) return merge.error();
    out.merge = merge->value_or(false);
    const json* attributes = find_member(*payload, "attributes");
    if (attributes == nullptr) return out;
    if (!attributes->is_object()) return validation_error("attributePayload.attributes must be an object");
    out.attributes.emplace();
    for (const auto& [name, value] : attributes->items()) {
        if (!value.is_string()) return validation_error("the value of attribute `" + name + "` must be a string");
        out.attributes->emplace(name, value.get<std::string>());
    }
    return out;
}

Result<registry::TagMap> read_tags(const json& object) {
    registry::TagMap out;
    const json* tags = find_member(object, "tags");
    if (tags == nullptr) return out;
    if (!tags->is_array()) return validation_error("tags must be a list");
    for (const json& one : *tags) {
        if (!one.is_object()) return validation_error("each of tags must be an object with Key and Value");
        const auto key = required_string(one, "Key");
        if (!key) return key.error();
        const auto value = optional_string(one, "Value");
        if (!value) return value.error();
        if (!out.emplace(*key, value->value_or("")).second) return validation_error("Duplicate tag key: " + *key);
    }
    return out;
}

Result<registry::PageRequest> read_token_page(const Call& call) {
    const auto limit = query_integer(call, "maxResults", 1, registry_page_max);
    if (!limit) return limit.error();
    auto marker = decode_token(call.query_value("nextToken"));
    if (!marker) return marker.error();
    registry::PageRequest page;
    page.marker = std::move(*marker);
    page.items_max = limit->value_or(registry_page_default);
    return page;
}

Result<registry::PageRequest> read_marker_page(const Call& call) {
    const auto limit = query_integer(call, "pageSize", 1, marker_page_max);
    if (!limit) return limit.error();
    const auto marker = decode_token(call.query_value("marker"));
    if (!marker) return marker.error();
    const auto ascending = query_bool(call, "isAscendingOrder", false);
    if (!ascending) return ascending.error();
    registry::PageRequest page;
    page.marker = *marker;
    page.items_max = limit->value_or(marker_page_default);
    page.ascending = *ascending;
    return page;
}

Result<std::string> name_or_arn(const json& object, std::string_view name_member, std::string_view arn_member, std::string_view kind,
                                const ArnFactory& arns) {
    const auto name = optional_string(object, name_member);
    if (!name) return name.error();
    const auto arn = optional_string(object, arn_member);
    if (!arn) return arn.error();
    if (*name && !(*name)->empty() && !*arn) return **name;
    if (!*arn || (*arn)->empty()) {
        return validation_error("Both " + std::string(arn_member) + " and " + std::string(name_member) +
                                " are empty. Need to specify at least one of them");
    }
    const std::string prefix = arns.iot(std::string(kind) + "/");
    if (!(*arn)->starts_with(prefix)) return validation_error("Invalid " + std::string(arn_member) + ": " + (*arn)->substr(0, 200));
    std::string from_arn = (*arn)->substr(prefix.size());
    if (*name && **name != from_arn)
        return validation_error(std::string(name_member) + " and " + std::string(arn_member) + " name different resources");
    return from_arn;
}

Outcome already_exists(const Call& call, const Error& error, const std::string& id, const std::string& arn) {
    std::map<std::string, std::string> members{{"resourceArn", arn}};
    if (!id.empty()) members.emplace("resourceId", id);
    return error_response(Family::control, error, call.request_id, members);
}

}  // namespace fogbank::api
