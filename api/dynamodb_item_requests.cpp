#include "api/dynamodb_item_requests.h"

#include "api/dynamodb_legacy.h"
#include "common/encoding.h"
#include "store/table/errc.h"

namespace fogbank::api::dynamodb {
namespace {

namespace table = store::table;
using table::Errc;

constexpr std::size_t client_token_chars_max = 36;

table::ReturnValues return_values_of(const std::optional<std::string>& name) {
    if (name == "ALL_OLD") return table::ReturnValues::all_old;
    if (name == "ALL_NEW") return table::ReturnValues::all_new;
    if (name == "UPDATED_OLD") return table::ReturnValues::updated_old;
    if (name == "UPDATED_NEW") return table::ReturnValues::updated_new;
    return table::ReturnValues::none;
}

bool reads_old_on_failure(const Reader& root) {
    return root.one_of("ReturnValuesOnConditionCheckFailure", {"ALL_OLD", "NONE"}) == "ALL_OLD";
}

/// What PutItem, UpdateItem and DeleteItem have in common.
template <class Request>
void read_write_options(const Reader& root, Request& request) {
    const auto returned = root.one_of("ReturnValues", {"ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"});
    request.return_values = return_values_of(returned);
    if constexpr (!std::is_same_v<Request, table::UpdateItemRequest>) {
        if (returned && *returned != "NONE" && *returned != "ALL_OLD") root.problems().value(invalid("Return values set to invalid value"));
    }
    request.return_old_on_failure = reads_old_on_failure(root);
    request.expected = read_expected(root);
    request.condition = read_expression(root, "ConditionExpression");
    request.placeholders = read_placeholders(root);
}

std::optional<table::Select> read_select(const Reader& root) {
    const auto given = root.one_of("Select", {"SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"});
    if (!given) return std::nullopt;
    if (*given == "COUNT") return table::Select::count;
    if (*given == "ALL_ATTRIBUTES") return table::Select::all_attributes;
    return *given == "SPECIFIC_ATTRIBUTES" ? table::Select::specific_attributes : table::Select::all_projected_attributes;
}

/// What Query and Scan have in common.
template <class Request>
void read_page_options(const Reader& root, Request& request) {
    request.table = read_table_name(root);
    request.index = root.text("IndexName");
    request.select = read_select(root);
    request.attributes_to_get = read_attributes_to_get(root);
    request.limit = root.integer("Limit");
    root.at_least("Limit", request.limit, 1);
    request.consistent_read = root.boolean("ConsistentRead").value_or(false);
    request.exclusive_start_key = root.item("ExclusiveStartKey");
    request.filter = read_expression(root, "FilterExpression");
    request.projection = read_expression(root, "ProjectionExpression");
    request.placeholders = read_placeholders(root);
}

/// Calls `f` for each table of RequestItems.
void each_table(const Reader& root, const std::function<void(TableName, table::DomView, const std::string&)>& f) {
    if (!root.has("RequestItems")) return root.missing("RequestItems");
    if (root.size("RequestItems") == 0) return root.violated("{}", "RequestItems", "Member must have length greater than or equal to 1");
    root.each_entry("RequestItems", [&](std::string_view name, table::DomView value) {
        f(table_name_of(std::string(name)), value, root.path_of("RequestItems") + "." + std::string(name) + ".member.");
    });
}

void read_write_entry(const Reader& one, table::BatchWriteRequest::Table& out) {
    table::BatchWriteRequest::Entry entry;
    const auto put = one.structure("PutRequest"), gone = one.structure("DeleteRequest");
    if (put && gone)
        return one.problems().value(
            invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"));
    if (!put && !gone)
        return one.problems().value(invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"));
    entry.is_delete = gone.has_value();
    entry.item = put ? put->required_item("Item") : gone->required_item("Key");
    out.entries.push_back(std::move(entry));
}

table::ConditionCheckRequest read_condition_check(const Reader& one) {
    table::ConditionCheckRequest out;
    out.table = read_table_name(one);
    out.key = one.required_item("Key");
    out.condition = read_expression(one, "ConditionExpression");
    if (!out.condition.given) one.missing("ConditionExpression");
    out.placeholders = read_placeholders(one);
    out.return_old_on_failure = reads_old_on_failure(one);
    return out;
}

void read_transact_write_entry(const Reader& one, std::vector<table::TransactWrite>& out) {
    const auto check = one.structure("ConditionCheck"), put = one.structure("Put"), gone = one.structure("Delete"),
               update = one.structure("Update");
    if ((check ? 1 : 0) + (put ? 1 : 0) + (gone ? 1 : 0) + (update ? 1 : 0) != 1)
        return one.problems().value(invalid("TransactItems can only contain one of Check, Put, Update or Delete"));
    if (check) out.emplace_back(read_condition_check(*check));
    if (put) out.emplace_back(read_put_item(*put).request);
    if (gone) out.emplace_back(read_delete_item(*gone).request);
    if (update) {
        if (!update->has("UpdateExpression")) update->missing("UpdateExpression");
        out.emplace_back(read_update_item(*update).request);
    }
}

void check_transact_items(const Reader& root) {
    const auto count = root.size("TransactItems");
    if (!count) return root.missing("TransactItems");
    if (*count == 0) root.violated("[]", "TransactItems", "Member must have length greater than or equal to 1");
    if (*count > table::transaction_items_max) root.violated("[...]", "TransactItems", "Member must have length less than or equal to 100");
}

table::GetItemRequest read_get(const Reader& root) {
    table::GetItemRequest out;
    out.table = read_table_name(root);
    out.key = root.required_item("Key");
    out.attributes_to_get = read_attributes_to_get(root);
    out.projection = read_expression(root, "ProjectionExpression");
    out.placeholders = read_placeholders(root);
    out.consistent_read = root.boolean("ConsistentRead").value_or(false);
    return out;
}

}  // namespace

Error invalid(std::string message) {
    return Error(Errc::validation, std::move(message));
}

AnswerOptions read_answer_options(const Reader& root) {
    AnswerOptions out;
    const auto capacity = root.one_of("ReturnConsumedCapacity", {"INDEXES", "TOTAL", "NONE"});
    if (capacity == "TOTAL") out.capacity = ReturnCapacity::total;
    if (capacity == "INDEXES") out.capacity = ReturnCapacity::indexes;
    out.collection_metrics = root.one_of("ReturnItemCollectionMetrics", {"SIZE", "NONE"}) == "SIZE";
    return out;
}

TableName table_name_of(std::string text) {
    if (const std::size_t at = text.find(":table/"); text.starts_with("arn:") && at != std::string::npos)
        return TableName(text.substr(at + 7));
    return TableName(std::move(text));
}

TableName read_table_name(const Reader& root, std::string_view member) {
    return table_name_of(root.required_text(member));
}

/// Empty texts and empty maps are passed on as given: the table room refuses them in DynamoDB's order.
table::Expression read_expression(const Reader& root, std::string_view name) {
    table::Expression out;
    if (auto text = root.text(name)) {
        out.text = std::move(*text);
        out.given = true;
    }
    return out;
}

table::Placeholders read_placeholders(const Reader& root) {
    table::Placeholders out;
    out.names_given = root.each_entry("ExpressionAttributeNames", [&](std::string_view key, table::DomView name) {
        if (name.kind() != table::JsonKind::string) return root.problems().serialization(table::unexpected_json(name, "String"));
        out.names.insert_or_assign(std::string(key), std::string(name.text()));
    });
    const auto found = root.find("ExpressionAttributeValues");
    if (!found) return out;
    if (auto values = root.item("ExpressionAttributeValues")) out.values = std::move(*values);
    out.values_given = true;
    return out;
}

WithOptions<table::PutItemRequest> read_put_item(const Reader& root) {
    WithOptions<table::PutItemRequest> out;
    out.request.table = read_table_name(root);
    out.request.item = root.required_item("Item");
    check_forms(root, {"Expected", "ConditionalOperator"}, {"ConditionExpression"});
    read_write_options(root, out.request);
    out.options = read_answer_options(root);
    return out;
}

WithOptions<table::DeleteItemRequest> read_delete_item(const Reader& root) {
    WithOptions<table::DeleteItemRequest> out;
    out.request.table = read_table_name(root);
    out.request.key = root.required_item("Key");
    check_forms(root, {"Expected", "ConditionalOperator"}, {"ConditionExpression"});
    read_write_options(root, out.request);
    out.options = read_answer_options(root);
    return out;
}

WithOptions<table::UpdateItemRequest> read_update_item(const Reader& root) {
    WithOptions<table::UpdateItemRequest> out;
    out.request.table = read_table_name(root);
    out.request.key = root.required_item("Key");
    check_forms(root, {"AttributeUpdates", "Expected", "ConditionalOperator"}, {"UpdateExpression", "ConditionExpression"});
    out.request.attribute_updates = read_attribute_updates(root);
    out.request.update = read_expression(root, "UpdateExpression");
    read_write_options(root, out.request);
    out.options = read_answer_options(root);
    return out;
}

WithOptions<table::GetItemRequest> read_get_item(const Reader& root) {
    WithOptions<table::GetItemRequest> out;
    check_forms(root, {"AttributesToGet"}, {"ProjectionExpression"});
    out.request = read_get(root);
    out.options = read_answer_options(root);
    return out;
}

WithOptions<table::QueryRequest> read_query(const Reader& root) {
    WithOptions<table::QueryRequest> out;
    check_forms(root, {"AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions"},
                {"ProjectionExpression", "FilterExpression", "KeyConditionExpression"});
    read_page_options(root, out.request);
    out.request.key_condition = read_expression(root, "KeyConditionExpression");
    out.request.key_conditions = read_key_conditions(root);
    out.request.query_filter = read_filter(root, "QueryFilter");
    out.request.scan_index_forward = root.boolean("ScanIndexForward").value_or(true);
    out.options = read_answer_options(root);
    return out;
}

WithOptions<table::ScanRequest> read_scan(const Reader& root) {
    WithOptions<table::ScanRequest> out;
    check_forms(root, {"AttributesToGet", "ScanFilter", "ConditionalOperator"}, {"ProjectionExpression", "FilterExpression"});
    read_page_options(root, out.request);
    out.request.scan_filter = read_filter(root, "ScanFilter");
    out.request.segment = root.integer("Segment");
    out.request.total_segments = root.integer("TotalSegments");
    out.options = read_answer_options(root);
    return out;
}

WithOptions<table::BatchWriteRequest> read_batch_write(const Reader& root) {
    WithOptions<table::BatchWriteRequest> out;
    std::size_t count = 0;
    each_table(root, [&](TableName name, table::DomView value, const std::string& path) {
        table::BatchWriteRequest::Table one;
        one.name = std::move(name);
        if (value.kind() != table::JsonKind::list) return root.problems().serialization(table::unexpected_json(value, "List"));
        std::size_t position = 0;
        (void)value.each_element([&](table::DomView entry) -> Result<void> {
            ++position;
            if (entry.kind() != table::JsonKind::object) {
                root.problems().serialization(table::unexpected_json(entry, "Structure"));
            } else {
                read_write_entry(Reader(entry, path + std::to_string(position) + ".member.", root.problems()), one);
            }
            return {};
        });
        if (position == 0 || position > table::batch_write_items_max) {
            root.violated(
                "{" + one.name.str() + "=[...]}", "RequestItems",
                "Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater "
                "than or equal to 1]");
        }
        count += position;
        out.request.tables.push_back(std::move(one));
    });
    if (count > table::batch_write_items_max) root.problems().value(invalid("Too many items requested for the BatchWriteItem call"));
    out.options = read_answer_options(root);
    return out;
}

WithOptions<table::BatchGetRequest> read_batch_get(const Reader& root) {
    WithOptions<table::BatchGetRequest> out;
    std::size_t count = 0;
    each_table(root, [&](TableName name, table::DomView value, const std::string& path) {
        if (value.kind() != table::JsonKind::object) return root.problems().serialization(table::unexpected_json(value, "Structure"));
        const Reader one(value, path, root.problems());
        check_forms(one, {"AttributesToGet"}, {"ProjectionExpression"});
        table::BatchGetRequest::Table wanted;
        wanted.name = std::move(name);
        wanted.attributes_to_get = read_attributes_to_get(one);
        wanted.projection = read_expression(one, "ProjectionExpression");
        wanted.placeholders = read_placeholders(one);
        wanted.consistent_read = one.boolean("ConsistentRead").value_or(false);
        const bool given = one.each_element("Keys", [&](table::DomView key, std::size_t) {
            auto item = table::item_from_dom(key);
            item ? wanted.keys.push_back(std::move(*item)) : one.problems().value(item.error());
        });
        if (!given) one.missing("Keys");
        if (given && one.size("Keys") == 0) one.violated("[]", "Keys", "Member must have length greater than or equal to 1");
        count += wanted.keys.size();
        out.request.tables.push_back(std::move(wanted));
    });
    if (count > table::batch_get_items_max) root.problems().value(invalid("Too many items requested for the BatchGetItem call"));
    out.options = read_answer_options(root);
    return out;
}

WithOptions<table::TransactWriteRequest> read_transact_write(const Reader& root) {
    WithOptions<table::TransactWriteRequest> out;
    check_transact_items(root);
    root.each_structure("TransactItems", [&](const Reader& one, std::size_t) { read_transact_write_entry(one, out.request.writes); });
    if (auto token = root.text("ClientRequestToken")) {
        if (token->empty()) root.violated("", "ClientRequestToken", "Member must have length greater than or equal to 1");
        if (token->size() > client_token_chars_max)
            root.violated(*token, "ClientRequestToken", "Member must have length less than or equal to 36");
        out.request.token = std::move(*token);
    }
    if (const auto items = root.find("TransactItems")) out.request.digest = sha256(simdjson::minify(items->element()));
    out.options = read_answer_options(root);
    return out;
}

WithOptions<std::vector<table::GetItemRequest>> read_transact_get(const Reader& root) {
    WithOptions<std::vector<table::GetItemRequest>> out;
    check_transact_items(root);
    root.each_structure("TransactItems", [&](const Reader& one, std::size_t) {
        if (const auto get = one.required_structure("Get")) out.request.push_back(read_get(*get));
    });
    out.options = read_answer_options(root);
    return out;
}

table::Statement read_statement(const Reader& one) {
    table::Statement out;
    out.text = one.required_text("Statement");
    const bool given = one.each_element("Parameters", [&](table::DomView value, std::size_t) {
        auto read = table::attribute_value_from_dom(value);
        read ? out.parameters.push_back(std::move(*read)) : one.problems().value(read.error());
    });
    if (given && one.size("Parameters") == 0) one.violated("[]", "Parameters", "Member must have length greater than or equal to 1");
    out.consistent_read = one.boolean("ConsistentRead").value_or(false);
    out.return_old_on_failure = one.one_of("ReturnValuesOnConditionCheckFailure", {"ALL_OLD", "NONE"}) == "ALL_OLD";
    return out;
}

}  // namespace fogbank::api::dynamodb
