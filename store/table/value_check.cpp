#include "store/table/detail/value_check.h"

#include "store/table/detail/errors.h"
#include "store/table/detail/limits.h"
#include "store/table/detail/number.h"

namespace fogbank::store::table {
namespace {

Result<void> check_map(const Item& map, int depth);
Result<void> check_at(const AttributeValue& value, int depth);

Error too_deep() {
    return validation("Nesting Levels have exceeded supported limits");
}

struct Checker {
    int depth;

    Result<void> operator()(const std::string&) const { return {}; }
    Result<void> operator()(const Binary&) const { return {}; }
    Result<void> operator()(bool) const { return {}; }
    Result<void> operator()(Null) const { return {}; }
    Result<void> operator()(const Decimal& number) const { return check_number(number); }
    Result<void> operator()(const std::unique_ptr<Item>& map) const {
        if (depth >= nesting_levels_max) return too_deep();
        return map ? check_map(*map, depth + 1) : Result<void>();
    }
    Result<void> operator()(const List& list) const {
        if (depth >= nesting_levels_max) return too_deep();
        for (const auto& value : list) {
            if (auto checked = check_at(value, depth + 1); !checked) return checked;
        }
        return {};
    }
    Result<void> operator()(const StringSet& set) const {
        if (set.empty()) return invalid_parameter("An string set  may not be empty");
        if (set.begin()->empty()) return invalid_parameter("An string set may not have a empty string as a member");
        return {};
    }
    Result<void> operator()(const NumberSet& set) const {
        if (set.empty()) return invalid_parameter("An number set  may not be empty");
        for (const auto& number : set) {
            if (auto checked = check_number(number); !checked) return checked;
        }
        return {};
    }
    Result<void> operator()(const BinarySet& set) const {
        if (set.empty()) return invalid_parameter("Binary sets should not be empty");
        if (set.begin()->bytes.empty()) return invalid_parameter("Binary sets may not contain empty values");
        return {};
    }
};

Result<void> check_at(const AttributeValue& value, int depth) {
    return std::visit(Checker{depth}, value.storage());
}

Result<void> check_map(const Item& map, int depth) {
    for (const auto& [name, value] : map) {
        if (name.empty()) return invalid_parameter("Attribute name cannot be empty");
        if (name.size() > attribute_name_bytes_max) return invalid_parameter("Attribute name is too large, must be less than 65536 bytes");
        if (auto checked = check_at(value, depth); !checked) return checked;
    }
    return {};
}

}  // namespace

Result<void> check_attributes(const Item& item) {
    return check_map(item, 0);
}

Result<void> check_value(const AttributeValue& value) {
    return check_at(value, 0);
}

Result<std::size_t> check_item(const Item& item, std::size_t bytes_max) {
    if (auto checked = check_attributes(item); !checked) return checked.error();
    const std::size_t bytes = item_size_bytes(item);
    if (bytes > bytes_max) return validation("Item size has exceeded the maximum allowed size");
    return bytes;
}

}  // namespace fogbank::store::table
