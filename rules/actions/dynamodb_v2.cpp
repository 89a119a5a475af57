// dynamoDBv2: each member of the SELECT result becomes an attribute of one item. Source: reference "rules-actions", section 4.

#include <nlohmann/json.hpp>

#include "rules/actions/action.h"
#include "rules/actions/item_of.h"
#include "rules/errc.h"
#include "store/table/errc.h"

namespace fogbank::rules {
namespace {

namespace table = store::table;

constexpr std::string_view failed_action = "DynamoDBv2Action";

class DynamoDbV2Action final : public Action {
  public:
    DynamoDbV2Action(sql::Template table_name, table::TableService& tables) : table_name_(std::move(table_name)), tables_(tables) {}

    void run(const ActionInput& input, ActionDone done) const override {
        auto name = expand(table_name_, input);
        if (!name) return fail(done, "", name.error());
        if (input.output.is_raw() || input.output.value().kind() != sql::Value::Kind::object) {
            return fail(done, *name,
                        Error(table::Errc::validation, "the result of SELECT is not an object: each of its members becomes an attribute"));
        }
        auto item = item_of(input.output.value().members());
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
    const ActionDefinition put_item{*put, definition.statement, definition.services, definition.asking, definition.destinations};
    auto name = template_parameter(put_item, "dynamoDBv2", "tableName");
    if (!name) return name.error();
    return std::make_unique<DynamoDbV2Action>(std::move(*name), definition.services.tables);
}

}  // namespace fogbank::rules
