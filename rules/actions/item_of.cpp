#include "rules/actions/item_of.h"

#include "store/table/errc.h"

namespace fogbank::rules {
namespace {

namespace table = store::table;

/// DynamoDB Developer Guide, quotas: "nested attributes up to 32 levels deep".
constexpr std::size_t levels_max = 32;
/// DynamoDB API reference, data types: numbers from 1E-130 to 9.99E125.
constexpr int magnitude_max = 125, magnitude_min = -130;

using Converted = Result<table::AttributeValue>;

Error invalid(std::string text) {
    return {table::Errc::validation, std::move(text)};
}

Converted attribute(const sql::Value& value, std::size_t level);

Converted number_attribute(const Decimal& number) {
    if (number.magnitude() > magnitude_max)
        return invalid("Number overflow. Attempting to store a number with magnitude larger than supported range");
    if (number.magnitude() < magnitude_min)
        return invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range");
    return table::AttributeValue(number);
}

Converted list_attribute(const sql::Array& items, std::size_t level) {
    table::List list;
    list.reserve(items.size());
    for (const sql::Value& item : items) {
        auto converted = attribute(item, level + 1);
        if (!converted) return converted;
        list.push_back(std::move(*converted));
    }
    return table::AttributeValue(std::move(list));
}

Result<table::Item> members_of(const sql::Object& members, std::size_t level) {
    table::Item item;
    for (const auto& [name, value] : members) {
        if (value.is_undefined()) continue;
        auto converted = attribute(value, level);
        if (!converted) return converted.error();
        item.insert_or_assign(std::string(name.view()), std::move(*converted));
    }
    return item;
}

/// string→S, Int and Decimal→N, Boolean→BOOL, Null→NULL, Object→M, Array→L.
Converted attribute(const sql::Value& value, std::size_t level) {
    if (level > levels_max) return invalid("Nesting Levels have exceeded supported limits");
    switch (value.kind()) {
        case sql::Value::Kind::boolean:
            return table::AttributeValue(value.as_boolean());
        case sql::Value::Kind::integer:
        case sql::Value::Kind::decimal:
            return number_attribute(value.number());
        case sql::Value::Kind::string:
            return table::AttributeValue(value.text());
        case sql::Value::Kind::array:
            return list_attribute(value.items(), level);
        case sql::Value::Kind::object: {
            auto map = members_of(value.members(), level + 1);
            if (!map) return map.error();
            return table::AttributeValue(std::move(*map));
        }
        default:
            return table::AttributeValue(table::Null());
    }
}

}  // namespace

Result<table::AttributeValue> attribute_of(const sql::Value& value) {
    return attribute(value, 1);
}
Result<table::Item> item_of(const sql::Object& members) {
    return members_of(members, 1);
}

}  // namespace fogbank::rules
