#include "api/dynamodb_legacy.h"

#include <array>

#include "api/dynamodb_item_requests.h"
#include "store/table/errc.h"

namespace fogbank::api::dynamodb {
namespace {

namespace table = store::table;
using table::LegacyCondition;
using table::LegacyConditions;
using table::LegacyOperator;

/// In the order of LegacyOperator.
constexpr std::array<std::string_view, 13> operators{"EQ",      "NE",       "IN",   "LE",       "LT",           "GE",         "GT",
                                                     "BETWEEN", "NOT_NULL", "NULL", "CONTAINS", "NOT_CONTAINS", "BEGINS_WITH"};

std::optional<LegacyOperator> read_operator(const Reader& one, bool required) {
    const std::initializer_list<std::string_view> allowed{"IN", "NULL", "BETWEEN", "LT",          "NOT_CONTAINS", "EQ",      "GT",
                                                              "NE", "LE",   "GE",      "BEGINS_WITH", "CONTAINS",     "NOT_NULL"};
    const auto name = required ? one.required_one_of("ComparisonOperator", allowed) : one.one_of("ComparisonOperator", allowed);
    if (!name) return std::nullopt;
    for (std::size_t i = 0; i < operators.size(); ++i) {
        if (operators[i] == *name) return static_cast<LegacyOperator>(i);
    }
    return std::nullopt;
}

std::vector<table::AttributeValue> read_values(const Reader& one) {
    std::vector<table::AttributeValue> out;
    one.each_element("AttributeValueList", [&](table::DomView value, std::size_t) {
        auto read = table::attribute_value_from_dom(value);
        read ? out.push_back(std::move(*read)) : one.problems().value(read.error());
    });
    return out;
}

/// Calls `f` with each entry of a map of structures.
void each_condition(const Reader& root, std::string_view member, const std::function<void(std::string, const Reader&)>& f) {
    root.each_entry(member, [&](std::string_view name, table::DomView value) {
        if (value.kind() != table::JsonKind::object) return root.problems().serialization(table::unexpected_json(value, "Structure"));
        f(std::string(name), Reader(value, root.path_of(member) + "." + std::string(name) + ".member.", root.problems()));
    });
}

void complain(const Reader& root, const std::string& why, const std::string& attribute) {
    root.problems().value(invalid("One or more parameter values were invalid: " + why + " for Attribute: " + attribute));
}

void read_expectation(const Reader& one, const std::string& attribute, LegacyConditions& out) {
    LegacyCondition condition;
    condition.attribute = attribute;
    const auto operation = read_operator(one, false);
    const bool has_list = one.has("AttributeValueList"), has_value = one.has("Value");
    auto value = one.attribute_value("Value");
    const auto exists = one.boolean("Exists");
    condition.values = read_values(one);
    if (has_list && has_value) return complain(one, "Value and AttributeValueList cannot be used together", attribute);
    if (operation) {
        if (exists) return complain(one, "Exists and ComparisonOperator cannot be used together", attribute);
        const bool takes_none = *operation == LegacyOperator::null || *operation == LegacyOperator::not_null;
        if (!takes_none && !has_list && !has_value) {
            return complain(one,
                            "Value or AttributeValueList must be used with ComparisonOperator: " +
                                std::string(operators[static_cast<std::size_t>(*operation)]),
                            attribute);
        }
        condition.operation = *operation;
        if (value) condition.values.push_back(std::move(*value));
    } else {
        if (has_list) return complain(one, "AttributeValueList can only be used with a ComparisonOperator", attribute);
        const bool must_exist = exists.value_or(true);
        if (must_exist && !has_value)
            return complain(one, std::string("Value must be provided when Exists is ") + (exists ? "true" : "null"), attribute);
        if (!must_exist && has_value) return complain(one, "Value cannot be used when Exists is false", attribute);
        condition.operation = must_exist ? LegacyOperator::eq : LegacyOperator::null;
        if (value) condition.values.push_back(std::move(*value));
    }
    out.conditions.push_back(std::move(condition));
}

void read_conditional_operator(const Reader& root, LegacyConditions& out) {
    const auto name = root.one_of("ConditionalOperator", {"OR", "AND"});
    if (!name) return;
    if (out.conditions.empty()) return root.problems().value(invalid("ConditionalOperator cannot be used without Filter or Expected"));
    if (out.conditions.size() == 1)
        return root.problems().value(invalid("ConditionalOperator can only be used when Filter or Expected has two or more elements"));
    out.any = *name == "OR";
}

std::string joined(const Reader& root, std::initializer_list<std::string_view> names) {
    std::string out;
    for (const auto name : names) {
        if (root.has(name)) out.append(out.empty() ? "" : ", ").append(name);
    }
    return out;
}

std::vector<LegacyCondition> read_conditions(const Reader& root, std::string_view member) {
    std::vector<LegacyCondition> out;
    each_condition(root, member, [&](std::string name, const Reader& one) {
        LegacyCondition condition;
        condition.attribute = std::move(name);
        if (const auto operation = read_operator(one, true)) condition.operation = *operation;
        condition.values = read_values(one);
        out.push_back(std::move(condition));
    });
    return out;
}

}  // namespace

void check_forms(const Reader& root, std::initializer_list<std::string_view> legacy, std::initializer_list<std::string_view> expressions) {
    const std::string old = joined(root, legacy);
    if (old.empty()) return;
    const std::string now = joined(root, expressions);
    if (now.empty()) return;
    root.problems().value(
        invalid("Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {" + old +
                "} Expression parameters: {" + now + "}"));
}

LegacyConditions read_expected(const Reader& root) {
    LegacyConditions out;
    each_condition(root, "Expected", [&](std::string name, const Reader& one) { read_expectation(one, name, out); });
    read_conditional_operator(root, out);
    return out;
}

LegacyConditions read_filter(const Reader& root, std::string_view member) {
    LegacyConditions out;
    out.conditions = read_conditions(root, member);
    read_conditional_operator(root, out);
    return out;
}

std::vector<LegacyCondition> read_key_conditions(const Reader& root) {
    return read_conditions(root, "KeyConditions");
}

std::vector<table::LegacyUpdate> read_attribute_updates(const Reader& root) {
    std::vector<table::LegacyUpdate> out;
    each_condition(root, "AttributeUpdates", [&](std::string name, const Reader& one) {
        table::LegacyUpdate update;
        update.attribute = std::move(name);
        const auto action = one.one_of("Action", {"ADD", "DELETE", "PUT"});
        if (action == "ADD") update.action = table::LegacyUpdate::Action::add;
        if (action == "DELETE") update.action = table::LegacyUpdate::Action::remove;
        update.value = one.attribute_value("Value");
        out.push_back(std::move(update));
    });
    return out;
}

std::vector<std::string> read_attributes_to_get(const Reader& root) {
    std::vector<std::string> out;
    const bool given = root.each_text("AttributesToGet", [&](std::string name) { out.push_back(std::move(name)); });
    if (given && root.size("AttributesToGet") == 0)
        root.violated("[]", "AttributesToGet", "Member must have length greater than or equal to 1");
    return out;
}

}  // namespace fogbank::api::dynamodb
