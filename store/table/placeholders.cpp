#include "store/table/detail/placeholders.h"

#include <algorithm>

#include "store/table/detail/errors.h"
#include "store/table/detail/limits.h"
#include "store/table/detail/value_check.h"

namespace fogbank::store::table {
namespace {

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_placeholder(std::string_view key, char mark) {
    return key.size() >= 2 && key.size() <= placeholder_bytes_max && key.front() == mark &&
           std::all_of(key.begin() + 1, key.end(), is_word);
}

bool none_given(std::initializer_list<ExpressionParameter> parameters) {
    return std::none_of(parameters.begin(), parameters.end(), [](const auto& one) { return is_given(one.expression); });
}

/// `FilterExpression is null`, `FilterExpression and KeyConditionExpression are null`.
std::string all_null(std::initializer_list<ExpressionParameter> parameters) {
    std::string names;
    for (const auto& one : parameters) names += (names.empty() ? "" : " and ") + std::string(one.name);
    return names + (parameters.size() == 1 ? " is null" : " are null");
}

template <class Map>
Result<void> check_keys(const Map& map, std::string_view member, char mark) {
    if (map.empty()) return validation(std::string(member) + " must not be empty");
    for (const auto& [key, value] : map) {
        if (!is_placeholder(key, mark))
            return validation(std::string(member) + " contains invalid key: Syntax error; key: \"" + key + "\"");
    }
    return {};
}

template <class Map>
std::string unused_keys(const Map& map, const std::set<std::string, std::less<>>& used) {
    std::string out;
    for (const auto& [key, value] : map) {
        if (!used.contains(key)) out += (out.empty() ? "" : ", ") + key;
    }
    return out;
}

Result<void> check_names(const Placeholders& placeholders, bool no_expression) {
    if (!placeholders.names_given && placeholders.names.empty()) return {};
    if (no_expression) return validation("ExpressionAttributeNames can only be specified when using expressions");
    if (auto checked = check_keys(placeholders.names, "ExpressionAttributeNames", '#'); !checked) return checked;
    for (const auto& [key, name] : placeholders.names) {
        if (name.empty() || name.size() > attribute_name_bytes_max) {
            return validation("ExpressionAttributeNames contains invalid value: Invalid attribute name for key " + key);
        }
    }
    return {};
}

Result<void> check_values(const Placeholders& placeholders, std::initializer_list<ExpressionParameter> with_values) {
    if (!placeholders.values_given && placeholders.values.empty()) return {};
    if (none_given(with_values))
        return validation("ExpressionAttributeValues can only be specified when using expressions: " + all_null(with_values));
    if (auto checked = check_keys(placeholders.values, "ExpressionAttributeValues", ':'); !checked) return checked;
    for (const auto& [key, value] : placeholders.values) {
        if (auto checked = check_value(value); !checked) {
            return validation("ExpressionAttributeValues contains invalid value: " + checked.error().message + " for key " + key);
        }
    }
    if (item_size_bytes(placeholders.values) > placeholder_values_bytes_max) {
        return validation("Expression attribute values have exceeded the maximum allowed size");
    }
    return {};
}

}  // namespace

Result<void> PlaceholderScope::check(std::initializer_list<ExpressionParameter> expressions,
                                     std::initializer_list<ExpressionParameter> with_values) const {
    if (auto checked = check_names(placeholders_, none_given(expressions)); !checked) return checked;
    return with_values.size() == 0 ? Result<void>() : check_values(placeholders_, with_values);
}

Result<std::string> PlaceholderScope::name(std::string_view written) {
    if (!written.starts_with('#')) return std::string(written);
    const auto found = placeholders_.names.find(written);
    if (found == placeholders_.names.end()) {
        return validation("An expression attribute name used in the document path is not defined; attribute name: " + std::string(written));
    }
    used_.emplace(written);
    return found->second;
}

Result<const AttributeValue*> PlaceholderScope::value(std::string_view placeholder) {
    const auto found = placeholders_.values.find(placeholder);
    if (found == placeholders_.values.end()) {
        return validation("An expression attribute value used in expression is not defined; attribute value: " + std::string(placeholder));
    }
    used_.emplace(placeholder);
    return &found->second;
}

Result<void> PlaceholderScope::check_all_used() const {
    if (const auto keys = unused_keys(placeholders_.names, used_); !keys.empty()) {
        return validation("Value provided in ExpressionAttributeNames unused in expressions: keys: {" + keys + "}");
    }
    if (const auto keys = unused_keys(placeholders_.values, used_); !keys.empty()) {
        return validation("Value provided in ExpressionAttributeValues unused in expressions: keys: {" + keys + "}");
    }
    return {};
}

}  // namespace fogbank::store::table
