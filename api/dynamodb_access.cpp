#include "api/dynamodb_access.h"

#include <algorithm>
#include <set>

#include "api/dynamodb_item_requests.h"
#include "common/encoding.h"
#include "store/table/expression_names.h"

namespace fogbank::api {
namespace {

namespace table = store::table;
using dynamodb::Reader;

/// One action on one table with what is known of its conditions.
class Asked {
  public:
    Asked(const Services& services, std::string action, const TableName& name, const std::string& index = {})
        : tables_(services.rooms.tables), name_(name) {
        request_.action = "dynamodb:" + std::move(action);
        request_.resource = services.rooms.arns.table(name);
        if (!index.empty()) request_.resource += "/index/" + index;
    }

    Asked& condition(std::string key, std::string value) {
        request_.context.emplace_back("dynamodb:" + std::move(key), std::vector<std::string>{std::move(value)});
        return *this;
    }
    Asked& key(const table::Item& item) {
        for (const auto& [name, value] : item) attributes_.insert(name);
        const auto partition_key = tables_.partition_key_of(name_);
        const auto found = partition_key ? item.find(*partition_key) : item.end();
        if (found != item.end()) leading_keys_.insert(text_of(found->second));
        return *this;
    }
    Asked& leading_keys(const std::vector<table::AttributeValue>& values) {
        for (const auto& value : values) leading_keys_.insert(text_of(value));
        return *this;
    }
    Asked& expression(const table::Expression& expression, const table::Placeholders& placeholders) {
        for (auto& name : table::top_attributes(expression, placeholders)) attributes_.insert(std::move(name));
        return *this;
    }
    Asked& attributes(const std::vector<std::string>& names) {
        attributes_.insert(names.begin(), names.end());
        return *this;
    }
    Asked& legacy(const table::LegacyConditions& conditions) {
        for (const auto& one : conditions.conditions) attributes_.insert(one.attribute);
        return *this;
    }
    AccessRequest finish() {
        add("LeadingKeys", leading_keys_);
        add("Attributes", attributes_);
        return std::move(request_);
    }

  private:
    static std::string text_of(const table::AttributeValue& value) {
        if (value.string() != nullptr) return *value.string();
        if (value.number() != nullptr) return value.number()->to_plain_string();
        return value.binary() != nullptr ? base64_encode(value.binary()->bytes) : std::string();
    }
    void add(const char* key, const std::set<std::string>& values) {
        if (!values.empty())
            request_.context.emplace_back("dynamodb:" + std::string(key), std::vector<std::string>(values.begin(), values.end()));
    }

    const table::TableApi& tables_;
    TableName name_;
    AccessRequest request_;
    std::set<std::string> leading_keys_, attributes_;
};

std::string_view name_of(table::ReturnValues values) {
    switch (values) {
        case table::ReturnValues::none:
            return "NONE";
        case table::ReturnValues::all_old:
            return "ALL_OLD";
        case table::ReturnValues::updated_old:
            return "UPDATED_OLD";
        case table::ReturnValues::all_new:
            return "ALL_NEW";
        case table::ReturnValues::updated_new:
            break;
    }
    return "UPDATED_NEW";
}

AccessRequest ask(const Services& services, const table::PutItemRequest& put) {
    Asked asked(services, "PutItem", put.table);
    asked.key(put.item).expression(put.condition, put.placeholders).legacy(put.expected);
    return asked.condition("ReturnValues", std::string(name_of(put.return_values))).finish();
}
AccessRequest ask(const Services& services, const table::DeleteItemRequest& gone) {
    Asked asked(services, "DeleteItem", gone.table);
    asked.key(gone.key).expression(gone.condition, gone.placeholders).legacy(gone.expected);
    return asked.condition("ReturnValues", std::string(name_of(gone.return_values))).finish();
}
AccessRequest ask(const Services& services, const table::UpdateItemRequest& update) {
    Asked asked(services, "UpdateItem", update.table);
    asked.key(update.key)
        .expression(update.update, update.placeholders)
        .expression(update.condition, update.placeholders)
        .legacy(update.expected);
    for (const auto& one : update.attribute_updates) asked.attributes({one.attribute});
    return asked.condition("ReturnValues", std::string(name_of(update.return_values))).finish();
}
AccessRequest ask(const Services& services, const table::ConditionCheckRequest& check) {
    Asked asked(services, "ConditionCheckItem", check.table);
    return asked.key(check.key).expression(check.condition, check.placeholders).finish();
}
AccessRequest ask(const Services& services, const table::GetItemRequest& get) {
    Asked asked(services, "GetItem", get.table);
    asked.key(get.key).expression(get.projection, get.placeholders).attributes(get.attributes_to_get);
    const bool projected = get.projection.given || !get.attributes_to_get.empty();
    return asked.condition("Select", projected ? "SPECIFIC_ATTRIBUTES" : "ALL_ATTRIBUTES").finish();
}

/// Query and Scan.
template <class Request>
Asked& ask_page(Asked& asked, const Request& request) {
    const bool projected = request.projection.given || !request.attributes_to_get.empty();
    std::string select = request.index ? "ALL_PROJECTED_ATTRIBUTES" : "ALL_ATTRIBUTES";
    if (projected) select = "SPECIFIC_ATTRIBUTES";
    if (request.select == table::Select::count) select = "COUNT";
    if (request.select == table::Select::all_attributes) select = "ALL_ATTRIBUTES";
    asked.expression(request.filter, request.placeholders).expression(request.projection, request.placeholders);
    return asked.attributes(request.attributes_to_get).condition("Select", select);
}
AccessRequest ask(const Services& services, const table::QueryRequest& query) {
    Asked asked(services, "Query", query.table, query.index.value_or(""));
    asked.leading_keys(services.rooms.tables.leading_keys_of(query))
        .expression(query.key_condition, query.placeholders)
        .legacy(query.query_filter);
    for (const auto& one : query.key_conditions) asked.attributes({one.attribute});
    return ask_page(asked, query).finish();
}
AccessRequest ask(const Services& services, const table::ScanRequest& scan) {
    Asked asked(services, "Scan", scan.table, scan.index.value_or(""));
    return ask_page(asked.legacy(scan.scan_filter), scan).finish();
}

void ask_statement(const Services& services, const table::Statement& statement, std::vector<AccessRequest>& out) {
    const auto target = services.rooms.tables.statement_target(statement);
    if (!target) return;
    using Kind = table::StatementTarget::Kind;
    const char* action = target->kind == Kind::select   ? "PartiQLSelect"
                         : target->kind == Kind::insert ? "PartiQLInsert"
                         : target->kind == Kind::update ? "PartiQLUpdate"
                                                        : "PartiQLDelete";
    Asked asked(services, action, target->table, target->index);
    asked.leading_keys(target->leading_keys).attributes(target->attributes);
    if (target->kind == Kind::select) {
        const char* everything = target->index.empty() ? "ALL_ATTRIBUTES" : "ALL_PROJECTED_ATTRIBUTES";
        asked.condition("Select", target->selects_all ? everything : "SPECIFIC_ATTRIBUTES");
        asked.condition("FullTableScan", target->is_full_scan ? "true" : "false");
    } else if (target->kind != Kind::insert) {
        asked.condition("ReturnValues", std::string(name_of(target->returning)));
    }
    out.push_back(asked.finish());
}

using Requests = std::vector<AccessRequest>;

/// Reads a request, asks about it, and leaves it with the call if it has no problems: its handler need not read it again.
template <class T, class Ask>
void ask_and_keep(const Reader& root, const Call& call, T (*read)(const Reader&), Ask ask_about) {
    T request = read(root);
    const bool whole = !root.problems().any();
    ask_about(request.request);  // what could be read of it
    if (whole) call.kept = std::move(request);
}

void ask_batches(const Services& services, std::string_view operation, const Reader& root, const Call& call, Requests& out) {
    if (operation == "BatchWriteItem") {
        ask_and_keep(root, call, dynamodb::read_batch_write, [&](const table::BatchWriteRequest& batch) {
            for (const auto& one : batch.tables) {
                Asked asked(services, "BatchWriteItem", one.name);
                for (const auto& entry : one.entries) asked.key(entry.item);
                out.push_back(asked.finish());
            }
        });
    } else if (operation == "BatchGetItem") {
        ask_and_keep(root, call, dynamodb::read_batch_get, [&](const table::BatchGetRequest& batch) {
            for (const auto& one : batch.tables) {
                Asked asked(services, "BatchGetItem", one.name);
                for (const auto& key : one.keys) asked.key(key);
                asked.expression(one.projection, one.placeholders).attributes(one.attributes_to_get);
                out.push_back(asked.finish());
            }
        });
    } else if (operation == "TransactWriteItems") {
        ask_and_keep(root, call, dynamodb::read_transact_write, [&](const table::TransactWriteRequest& transaction) {
            for (const auto& write : transaction.writes)
                out.push_back(std::visit([&](const auto& one) { return ask(services, one); }, write));
        });
    } else if (operation == "TransactGetItems") {
        ask_and_keep(root, call, dynamodb::read_transact_get, [&](const std::vector<table::GetItemRequest>& gets) {
            for (const auto& get : gets) out.push_back(ask(services, get));
        });
    }
    if (!operation.starts_with("Transact")) return;
    for (auto& request : out) request.context.emplace_back("dynamodb:EnclosingOperation", std::vector<std::string>{std::string(operation)});
}

void ask_statements(const Services& services, std::string_view operation, const Reader& root, Requests& out) {
    if (operation == "ExecuteStatement") return ask_statement(services, dynamodb::read_statement(root), out);
    const bool is_transaction = operation == "ExecuteTransaction";
    root.each_structure(is_transaction ? "TransactStatements" : "Statements",
                        [&](const Reader& one, std::size_t) { ask_statement(services, dynamodb::read_statement(one), out); });
    if (!is_transaction) return;
    for (auto& request : out) request.context.emplace_back("dynamodb:EnclosingOperation", std::vector<std::string>{std::string(operation)});
}

/// Calls that name one table, or something of it, and no items.
void ask_others(const Services& services, std::string_view operation, const Reader& root, Requests& out) {
    AccessRequest request;
    request.action = "dynamodb:" + std::string(operation);
    request.resource = "*";
    for (const char* member : {"TableName", "TargetTableName"}) {
        if (const auto name = root.text(member)) request.resource = services.rooms.arns.table(dynamodb::table_name_of(*name));
    }
    if (const auto made = root.structure("TableCreationParameters")) {
        if (const auto name = made->text("TableName")) request.resource = services.rooms.arns.table(dynamodb::table_name_of(*name));
    }
    for (const char* member : {"ResourceArn", "BackupArn", "StreamArn", "TableArn", "ExportArn", "ImportArn"}) {
        if (const auto arn = root.text(member); arn && request.resource == "*") request.resource = *arn;
    }
    // An iterator begins with its stream's ARN.
    if (const auto iterator = root.text("ShardIterator")) request.resource = iterator->substr(0, iterator->find('|'));
    out.push_back(std::move(request));
}

/// Operations on one item or one page.
void ask_single(const Services& services, std::string_view operation, const Reader& root, const Call& call, Requests& out) {
    const auto add = [&](const auto& request) { out.push_back(ask(services, request)); };
    if (operation == "PutItem") ask_and_keep(root, call, dynamodb::read_put_item, add);
    if (operation == "UpdateItem") ask_and_keep(root, call, dynamodb::read_update_item, add);
    if (operation == "DeleteItem") ask_and_keep(root, call, dynamodb::read_delete_item, add);
    if (operation == "GetItem") ask_and_keep(root, call, dynamodb::read_get_item, add);
    if (operation == "Query") ask_and_keep(root, call, dynamodb::read_query, add);
    if (operation == "Scan") ask_and_keep(root, call, dynamodb::read_scan, add);
}

Requests ask_all(const Services& services, std::string_view operation, const Reader& root, const Call& call) {
    Requests out;
    ask_single(services, operation, root, call, out);
    ask_batches(services, operation, root, call, out);
    if (operation.starts_with("Execute") || operation == "BatchExecuteStatement") ask_statements(services, operation, root, out);
    if (out.empty()) ask_others(services, operation, root, out);
    return out;
}

}  // namespace

std::vector<AccessRequest> dynamodb_access(const Services& services, std::string_view, const Operation& operation, const Call& call) {
    Requests out;
    (void)dynamodb::with_body(call.request.body, [&](const Reader& root) -> Result<void> {
        out = ask_all(services, operation.name, root, call);
        if (const auto capacity = root.text("ReturnConsumedCapacity")) {
            for (auto& request : out) request.context.emplace_back("dynamodb:ReturnConsumedCapacity", std::vector<std::string>{*capacity});
        }
        return {};
    });
    if (out.empty()) {
        AccessRequest request;
        request.action = "dynamodb:" + std::string(operation.name);
        request.resource = "*";
        out.push_back(std::move(request));
    }
    return out;
}

}  // namespace fogbank::api
