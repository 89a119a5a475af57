// dynamoDBv2: each member of the SELECT result becomes an attribute of one item. Source: reference "rules-actions", section 4.

#include <nlohmann/json.hpp>

#include "rules/actions/action.h"
#include "rules/errc.h"
#include "store/table/errc.h"

namespace fogbank::rules {
namespace {

namespace table = store::table;

constexpr std::string_view failed_action = "DynamoDBv2Action";
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

Result<table::Item> item_of(const sql::Object& members, std::size_t level) {
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
            auto map = item_of(value.members(), level + 1);
            if (!map) return map.error();
            return table::AttributeValue(std::move(*map));
        }
        default:
            return table::AttributeValue(table::Null());
    }
}

class DynamoDbV2Action final : public Action {
  public:
    DynamoDbV2Action(sql::Template table_name, table::TableService& tables) : table_name_(std::move(table_name)), tables_(tables) {}

    void run(const ActionInput& input, ActionDone done) const override {
        auto name = table_name_.expand(input.message, input.environment, input.variables);
        if (!name) return fail(done, "", name.error());
        if (input.output.raw || input.output.value.kind() != sql::Value::Kind::object) {
            return fail(done, *name, invalid("the result of SELECT is not an object: each of its members becomes an attribute"));
        }
        auto item = item_of(input.output.value.members(), 1);
        if (!item) return fail(done, *name, item.error());
        tables_.put_item(TableName(*name), std::move(*item), [resource = *name, done = std::move(done)](Result<void> result) mutable {
            if (result) return done(std::nullopt);
            fail(done, resource, result.error());
        });
    }

  private:
    static void fail(ActionDone& done, std::string resource, Error error) {
        const bool store = is_store_failure(error);
        error.message = "Failed to put item into table. " + error.message;
        done(ActionFailure{std::string(failed_action), std::move(resource), std::move(error), store});
    }

    sql::Template table_name_;
    table::TableService& tables_;
};

}  // namespace

MadeAction make_dynamodb_v2_action(const ActionDefinition& definition) {
    const auto put = definition.parameters.find("putItem");
    if (put == definition.parameters.end() || !put->is_object())
        return Error(Errc::invalid_request, "dynamoDBv2 action: `putItem` must be an object");
    const ActionDefinition put_item{*put, definition.statement, definition.services};
    auto name = template_parameter(put_item, "dynamoDBv2", "tableName");
    if (!name) return name.error();
    return std::make_unique<DynamoDbV2Action>(std::move(*name), definition.services.tables);
}

}  // namespace fogbank::rules
