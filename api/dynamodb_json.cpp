#include "api/dynamodb_json.h"

#include <array>
#include <nlohmann/json.hpp>
#include <span>

#include "store/table/errc.h"
#include "store/table/json.h"

namespace fogbank::api::dynamodb {
namespace {

using nlohmann::json;
namespace table = store::table;
using table::Errc;

Error invalid(std::string message) {
    return Error(Errc::validation, std::move(message));
}
Error unsupported(std::string_view member) {
    return invalid("One or more parameter values were invalid: " + std::string(member) + " is not supported by this server");
}
Error constraint(std::string_view shown, std::string_view member, std::string_view text) {
    return invalid("1 validation error detected: Value " + std::string(shown) + " at '" + std::string(member) +
                   "' failed to satisfy constraint: " + std::string(text));
}

/// Constraint texts name members with a lower-case first letter.
std::string model_name(std::string_view member) {
    std::string out(member);
    if (!out.empty() && out[0] >= 'A' && out[0] <= 'Z') out[0] = static_cast<char>(out[0] - 'A' + 'a');
    return out;
}
Error missing(std::string_view member) {
    return constraint("null", model_name(member), "Member must not be null");
}

const json* member(const json& object, std::string_view name) {
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

/// DynamoDB's text for a value of the wrong JSON type.
Error wrong_type(const json& value, std::string_view wanted) {
    std::string text;
    if (value.is_object()) {
        text = "Start of structure or map found where not expected";
    } else if (value.is_array()) {
        text = "Start of list found where not expected";
    } else {
        const std::string_view token = value.is_string()         ? "STRING_VALUE"
                                       : value.is_boolean()      ? (value.get<bool>() ? "TRUE_VALUE" : "FALSE_VALUE")
                                       : value.is_number_float() ? "DECIMAL_VALUE"
                                                                 : "NUMBER_VALUE";
        text = std::string(token) + " cannot be converted to " + std::string(wanted);
    }
    return Error(Errc::serialization, std::move(text));
}

Result<std::optional<std::string>> string_member(const json& object, std::string_view name) {
    const json* value = member(object, name);
    if (value == nullptr) return std::optional<std::string>();
    if (!value->is_string()) return wrong_type(*value, "String");
    return std::optional<std::string>(value->get<std::string>());
}
Result<bool> bool_member(const json& object, std::string_view name, bool fallback) {
    const json* value = member(object, name);
    if (value == nullptr) return fallback;
    if (!value->is_boolean()) return wrong_type(*value, "Boolean");
    return value->get<bool>();
}
Result<std::optional<std::int64_t>> integer_member(const json& object, std::string_view name) {
    const json* value = member(object, name);
    if (value == nullptr) return std::optional<std::int64_t>();
    if (!value->is_number_integer()) return wrong_type(*value, "Integer");
    if (value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX) return wrong_type(*value, "Integer");
    return std::optional<std::int64_t>(value->get<std::int64_t>());
}
Result<std::optional<table::Item>> item_member(const json& object, std::string_view name) {
    const json* value = member(object, name);
    if (value == nullptr) return std::optional<table::Item>();
    if (!value->is_object()) return wrong_type(*value, "Map");
    auto item = table::item_from_typed_json(*value);
    if (!item) return item.error();
    return std::optional<table::Item>(std::move(*item));
}
Result<table::Item> required_item(const json& object, std::string_view name) {
    auto item = item_member(object, name);
    if (!item) return item.error();
    if (!*item) return missing(name);
    return std::move(**item);
}

/// One of `allowed`, or nothing. The list in the text is in the given order.
Result<std::optional<std::string>> enum_member(const json& object, std::string_view name, std::initializer_list<std::string_view> allowed) {
    auto value = string_member(object, name);
    if (!value || !*value) return value;
    std::string all;
    for (const std::string_view one : allowed) {
        if (**value == one) return value;
        all.append(all.empty() ? "" : ", ").append(one);
    }
    return constraint("'" + **value + "'", model_name(name), "Member must satisfy enum value set: [" + all + "]");
}

/// Members of the API that this server does not implement: refused when given, never ignored.
Result<void> refuse(const json& object, std::span<const std::string_view> names) {
    for (const std::string_view name : names) {
        const json* value = member(object, name);
        if (value != nullptr && !(value->is_array() && value->empty()) && !(value->is_object() && value->empty())) return unsupported(name);
    }
    return {};
}

/// Empty texts and empty maps are passed on as given: the table room refuses them in DynamoDB's order.
Result<table::Expression> read_expression(const json& body, std::string_view name) {
    auto text = string_member(body, name);
    if (!text) return text.error();
    table::Expression out;
    if (*text) {
        out.text = std::move(**text);
        out.given = true;
    }
    return out;
}

Result<table::Placeholders> read_placeholders(const json& body) {
    table::Placeholders out;
    if (const json* names = member(body, "ExpressionAttributeNames")) {
        if (!names->is_object()) return wrong_type(*names, "Map");
        out.names_given = true;
        for (const auto& [key, value] : names->items()) {
            if (!value.is_string()) return wrong_type(value, "String");
            out.names.emplace(key, value.get<std::string>());
        }
    }
    auto values = item_member(body, "ExpressionAttributeValues");
    if (!values) return values.error();
    if (*values) {
        out.values_given = true;
        out.values = std::move(**values);
    }
    return out;
}

// ---- CreateTable

Result<table::KeyType> key_type(const std::string& text) {
    if (text == "S") return table::KeyType::string;
    if (text == "N") return table::KeyType::number;
    if (text == "B") return table::KeyType::binary;
    return constraint("'" + text + "'", "attributeDefinitions.1.member.attributeType", "Member must satisfy enum value set: [B, N, S]");
}

using Definitions = std::map<std::string, table::KeyType>;

Result<Definitions> read_definitions(const json& body) {
    const json* list = member(body, "AttributeDefinitions");
    if (list == nullptr) return missing("AttributeDefinitions");
    if (!list->is_array()) return wrong_type(*list, "List");
    Definitions out;
    for (const json& one : *list) {
        if (!one.is_object()) return wrong_type(one, "Structure");
        const auto name = string_member(one, "AttributeName"), type = string_member(one, "AttributeType");
        if (!name) return name.error();
        if (!type) return type.error();
        if (!*name) return missing("attributeDefinitions.1.member.attributeName");
        if (!*type) return missing("attributeDefinitions.1.member.attributeType");
        const auto kind = key_type(**type);
        if (!kind) return kind.error();
        if (!out.emplace(**name, *kind).second)
            return invalid("One or more parameter values were invalid: Duplicate AttributeName in AttributeDefinitions: " + **name);
    }
    return out;
}

std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const auto& name : names) out.append(out.empty() ? "" : ", ").append(name);
    return out;
}

/// Names of the partition key and, if there is one, the sort key.
Result<std::vector<std::string>> read_key_names(const json& body) {
    const json* list = member(body, "KeySchema");
    if (list == nullptr) return missing("KeySchema");
    if (!list->is_array()) return wrong_type(*list, "List");
    if (list->empty()) return constraint("'[]'", "keySchema", "Member must have length greater than or equal to 1");
    if (list->size() > 2) return constraint("'" + list->dump() + "'", "keySchema", "Member must have length less than or equal to 2");
    std::vector<std::string> names;
    for (const json& one : *list) {
        if (!one.is_object()) return wrong_type(one, "Structure");
        const auto name = string_member(one, "AttributeName");
        if (!name) return name.error();
        if (!*name) return missing("keySchema.1.member.attributeName");
        const auto type = enum_member(one, "KeyType", {"HASH", "RANGE"});
        if (!type) return type.error();
        if (!*type) return missing("keySchema.1.member.keyType");
        if (names.empty() && **type != "HASH") return invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
        if (!names.empty() && **type != "RANGE") return invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
        names.push_back(**name);
    }
    if (names.size() == 2 && names[0] == names[1])
        return invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name");
    return names;
}

Result<table::KeySchema> read_key_schema(const json& body) {
    const auto definitions = read_definitions(body);
    if (!definitions) return definitions.error();
    const auto names = read_key_names(body);
    if (!names) return names.error();
    std::vector<std::string> defined;
    for (const auto& [name, type] : *definitions) defined.push_back(name);
    for (const auto& name : *names) {
        if (definitions->contains(name)) continue;
        return invalid(
            "One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [" +
            joined(*names) + "], AttributeDefinitions: [" + joined(defined) + "]");
    }
    if (definitions->size() != names->size()) {
        return invalid(
            "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes "
            "defined in "
            "AttributeDefinitions");
    }
    table::KeySchema out;
    out.partition_key = table::KeyAttribute{names->front(), definitions->at(names->front())};
    if (names->size() == 2) out.sort_key = table::KeyAttribute{names->back(), definitions->at(names->back())};
    return out;
}

Result<std::optional<table::ProvisionedThroughput>> read_throughput(const json& body) {
    const auto mode = enum_member(body, "BillingMode", {"PROVISIONED", "PAY_PER_REQUEST"});
    if (!mode) return mode.error();
    const bool on_demand = *mode && **mode == "PAY_PER_REQUEST";
    const json* given = member(body, "ProvisionedThroughput");
    if (given == nullptr) {
        if (on_demand) return std::optional<table::ProvisionedThroughput>();
        return invalid(
            "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode "
            "is PROVISIONED");
    }
    if (on_demand) {
        return invalid(
            "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode "
            "is PAY_PER_REQUEST");
    }
    if (!given->is_object()) return wrong_type(*given, "Structure");
    table::ProvisionedThroughput out;
    for (const auto& [name, field] : {std::pair<const char*, std::int64_t*>("ReadCapacityUnits", &out.read_capacity_units),
                                      std::pair<const char*, std::int64_t*>("WriteCapacityUnits", &out.write_capacity_units)}) {
        const auto units = integer_member(*given, name);
        if (!units) return units.error();
        if (!*units) return missing("provisionedThroughput." + model_name(name));
        if (**units < 1)
            return constraint("'" + std::to_string(**units) + "'", "provisionedThroughput." + model_name(name),
                              "Member must have value greater than or equal to 1");
        *field = **units;
    }
    return std::optional(out);
}

constexpr std::array<std::string_view, 6> absent_table_options{"LocalSecondaryIndexes", "GlobalSecondaryIndexes", "Tags",
                                                               "ResourcePolicy",        "OnDemandThroughput",     "WarmThroughput"};

/// Options of CreateTable that change nothing when off and are not there when on.
Result<void> refuse_table_options(const json& body) {
    if (auto refused = refuse(body, absent_table_options); !refused) return refused;
    for (const auto& [structure, flag] : {std::pair<const char*, const char*>("StreamSpecification", "StreamEnabled"),
                                          std::pair<const char*, const char*>("SSESpecification", "Enabled")}) {
        const json* value = member(body, structure);
        if (value == nullptr) continue;
        if (!value->is_object()) return wrong_type(*value, "Structure");
        const auto enabled = bool_member(*value, flag, false);
        if (!enabled) return enabled.error();
        if (*enabled) return unsupported(std::string(structure) + " with " + flag + " true");
    }
    const auto table_class = enum_member(body, "TableClass", {"STANDARD", "STANDARD_INFREQUENT_ACCESS"});
    if (!table_class) return table_class.error();
    if (*table_class && **table_class != "STANDARD") return unsupported("TableClass " + **table_class);
    return {};
}

// ---- items

constexpr std::array<std::string_view, 2> legacy_write{"Expected", "ConditionalOperator"};
constexpr std::array<std::string_view, 1> legacy_get{"AttributesToGet"};
constexpr std::array<std::string_view, 6> legacy_read{"AttributesToGet", "ConditionalOperator", "KeyConditions",
                                                      "QueryFilter",     "ScanFilter",          "IndexName"};

/// What PutItem and DeleteItem have in common, into `request`.
template <class WriteRequest>
Result<void> read_write_options(const json& body, WriteRequest& request) {
    if (auto refused = refuse(body, legacy_write); !refused) return refused;
    const auto on_failure = enum_member(body, "ReturnValuesOnConditionCheckFailure", {"ALL_OLD", "NONE"});
    if (!on_failure) return on_failure.error();
    if (*on_failure && **on_failure != "NONE") return unsupported("ReturnValuesOnConditionCheckFailure " + **on_failure);
    // No table has a local secondary index yet, so there are never collection metrics to return.
    if (const auto metrics = enum_member(body, "ReturnItemCollectionMetrics", {"SIZE", "NONE"}); !metrics) return metrics.error();
    const auto returned = enum_member(body, "ReturnValues", {"ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"});
    if (!returned) return returned.error();
    if (*returned && **returned != "NONE" && **returned != "ALL_OLD") return invalid("Return values set to invalid value");
    request.return_values = *returned && **returned == "ALL_OLD" ? table::ReturnValues::all_old : table::ReturnValues::none;
    auto condition = read_expression(body, "ConditionExpression");
    if (!condition) return condition.error();
    auto placeholders = read_placeholders(body);
    if (!placeholders) return placeholders.error();
    request.condition = std::move(*condition);
    request.placeholders = std::move(*placeholders);
    return {};
}

Result<table::Select> read_select(const json& body, bool projected) {
    const auto given = enum_member(body, "Select", {"SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"});
    if (!given) return given.error();
    if (!*given) return projected ? table::Select::specific_attributes : table::Select::all_attributes;
    if (**given == "ALL_PROJECTED_ATTRIBUTES") {
        return invalid(
            "One or more parameter values were invalid: ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName");
    }
    if (**given == "SPECIFIC_ATTRIBUTES") {
        if (!projected) return invalid("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES");
        return table::Select::specific_attributes;
    }
    if (projected) {
        return invalid(**given == "COUNT" ? "Cannot specify the ProjectionExpression when choosing to get only the Count"
                                          : "Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES");
    }
    return **given == "COUNT" ? table::Select::count : table::Select::all_attributes;
}

/// What Query and Scan have in common, into `request`.
template <class ReadRequest>
Result<void> read_page_options(const json& body, ReadRequest& request) {
    auto filter = read_expression(body, "FilterExpression");
    if (!filter) return filter.error();
    auto projection = read_expression(body, "ProjectionExpression");
    if (!projection) return projection.error();
    auto placeholders = read_placeholders(body);
    if (!placeholders) return placeholders.error();
    const auto select = read_select(body, projection->given);
    if (!select) return select.error();
    const auto limit = integer_member(body, "Limit");
    if (!limit) return limit.error();
    if (*limit && **limit < 1)
        return constraint("'" + std::to_string(**limit) + "'", "limit", "Member must have value greater than or equal to 1");
    auto start = item_member(body, "ExclusiveStartKey");
    if (!start) return start.error();
    const auto consistent = bool_member(body, "ConsistentRead", false);
    if (!consistent) return consistent.error();
    request.filter = std::move(*filter);
    request.projection = std::move(*projection);
    request.placeholders = std::move(*placeholders);
    request.select = *select;
    request.limit = *limit;
    request.exclusive_start_key = std::move(*start);
    request.consistent_read = *consistent;
    return {};
}

std::string_view status_name(table::TableStatus status) {
    switch (status) {
        case table::TableStatus::creating:
            return "CREATING";
        case table::TableStatus::updating:
            return "UPDATING";
        case table::TableStatus::deleting:
            return "DELETING";
        case table::TableStatus::active:
            return "ACTIVE";
    }
    return "ACTIVE";
}

std::string_view type_letter(table::KeyType type) {
    return type == table::KeyType::string ? "S" : type == table::KeyType::number ? "N" : "B";
}

}  // namespace

Result<ReturnCapacity> read_return_capacity(const json& body) {
    const auto given = enum_member(body, "ReturnConsumedCapacity", {"INDEXES", "TOTAL", "NONE"});
    if (!given) return given.error();
    if (!*given || **given == "NONE") return ReturnCapacity::none;
    return **given == "TOTAL" ? ReturnCapacity::total : ReturnCapacity::indexes;
}

Result<TableName> read_table_name(const json& body) {
    auto name = string_member(body, "TableName");
    if (!name) return name.error();
    if (!*name) return missing("TableName");
    // Newer SDKs may name a table by its ARN.
    if (const std::size_t at = (*name)->find(":table/"); (*name)->starts_with("arn:") && at != std::string::npos)
        return TableName((*name)->substr(at + 7));
    return TableName(std::move(**name));
}

Result<table::CreateTableRequest> read_create_table(const json& body) {
    table::CreateTableRequest out;
    auto name = read_table_name(body);
    if (!name) return name.error();
    if (const auto refused = refuse_table_options(body); !refused) return refused.error();
    auto schema = read_key_schema(body);
    if (!schema) return schema.error();
    auto throughput = read_throughput(body);
    if (!throughput) return throughput.error();
    const auto protection = bool_member(body, "DeletionProtectionEnabled", false);
    if (!protection) return protection.error();
    out.name = std::move(*name);
    out.key_schema = std::move(*schema);
    out.provisioned_throughput = *throughput;
    out.deletion_protection = *protection;
    return out;
}

Result<table::PutItemRequest> read_put_item(const json& body) {
    table::PutItemRequest out;
    auto name = read_table_name(body);
    if (!name) return name.error();
    auto item = required_item(body, "Item");
    if (!item) return item.error();
    if (const auto read = read_write_options(body, out); !read) return read.error();
    out.table = std::move(*name);
    out.item = std::move(*item);
    return out;
}

Result<table::DeleteItemRequest> read_delete_item(const json& body) {
    table::DeleteItemRequest out;
    auto name = read_table_name(body);
    if (!name) return name.error();
    auto key = required_item(body, "Key");
    if (!key) return key.error();
    if (const auto read = read_write_options(body, out); !read) return read.error();
    out.table = std::move(*name);
    out.key = std::move(*key);
    return out;
}

Result<table::GetItemRequest> read_get_item(const json& body) {
    auto name = read_table_name(body);
    if (!name) return name.error();
    auto key = required_item(body, "Key");
    if (!key) return key.error();
    if (const auto refused = refuse(body, legacy_get); !refused) return refused.error();
    auto projection = read_expression(body, "ProjectionExpression");
    if (!projection) return projection.error();
    auto placeholders = read_placeholders(body);
    if (!placeholders) return placeholders.error();
    const auto consistent = bool_member(body, "ConsistentRead", false);
    if (!consistent) return consistent.error();
    table::GetItemRequest out;
    out.table = std::move(*name);
    out.key = std::move(*key);
    out.projection = std::move(*projection);
    out.placeholders = std::move(*placeholders);
    out.consistent_read = *consistent;
    return out;
}

Result<table::QueryRequest> read_query(const json& body) {
    table::QueryRequest out;
    auto name = read_table_name(body);
    if (!name) return name.error();
    if (const auto refused = refuse(body, legacy_read); !refused) return refused.error();
    auto key_condition = read_expression(body, "KeyConditionExpression");
    if (!key_condition) return key_condition.error();
    if (!key_condition->given)
        return invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.");
    if (const auto read = read_page_options(body, out); !read) return read.error();
    const auto forward = bool_member(body, "ScanIndexForward", true);
    if (!forward) return forward.error();
    out.table = std::move(*name);
    out.key_condition = std::move(*key_condition);
    out.scan_index_forward = *forward;
    return out;
}

Result<table::ScanRequest> read_scan(const json& body) {
    table::ScanRequest out;
    auto name = read_table_name(body);
    if (!name) return name.error();
    if (const auto refused = refuse(body, legacy_read); !refused) return refused.error();
    if (const auto read = read_page_options(body, out); !read) return read.error();
    const auto segment = integer_member(body, "Segment"), total = integer_member(body, "TotalSegments");
    if (!segment) return segment.error();
    if (!total) return total.error();
    out.table = std::move(*name);
    out.segment = *segment;
    out.total_segments = *total;
    return out;
}

Result<ListTablesRequest> read_list_tables(const json& body) {
    ListTablesRequest out;
    const auto start = string_member(body, "ExclusiveStartTableName");
    if (!start) return start.error();
    const auto limit = integer_member(body, "Limit");
    if (!limit) return limit.error();
    if (*limit && (**limit < 1 || **limit > 100)) {
        return constraint(
            "'" + std::to_string(**limit) + "'", "limit",
            **limit < 1 ? "Member must have value greater than or equal to 1" : "Member must have value less than or equal to 100");
    }
    if (*start) out.exclusive_start = TableName(**start);
    out.limit = limit->value_or(100);
    return out;
}

json describe(const table::TableDescription& table) {
    json definitions = json::array(), schema = json::array();
    const auto add = [&](const table::KeyAttribute& key, const char* role) {
        definitions.push_back({{"AttributeName", key.name}, {"AttributeType", type_letter(key.type)}});
        schema.push_back({{"AttributeName", key.name}, {"KeyType", role}});
    };
    add(table.key_schema.partition_key, "HASH");
    if (table.key_schema.sort_key) add(*table.key_schema.sort_key, "RANGE");
    const double created = static_cast<double>(table.created_at.time_since_epoch().count()) / 1000.0;
    const auto throughput = table.provisioned_throughput.value_or(table::ProvisionedThroughput());
    json out{{"TableName", table.name.str()},
             {"TableArn", table.arn},
             {"TableId", table.id},
             {"AttributeDefinitions", std::move(definitions)},
             {"KeySchema", std::move(schema)},
             {"TableStatus", status_name(table.status)},
             {"CreationDateTime", created},
             {"ItemCount", table.item_count},
             {"TableSizeBytes", table.size_bytes},
             {"ProvisionedThroughput",
              {{"NumberOfDecreasesToday", 0},
               {"ReadCapacityUnits", throughput.read_capacity_units},
               {"WriteCapacityUnits", throughput.write_capacity_units}}},
             {"DeletionProtectionEnabled", table.deletion_protection}};
    if (!table.provisioned_throughput)
        out["BillingModeSummary"] = {{"BillingMode", "PAY_PER_REQUEST"}, {"LastUpdateToPayPerRequestDateTime", created}};
    return out;
}

json consumed_capacity(const TableName& table, double units, ReturnCapacity wanted) {
    json out{{"TableName", table.str()}, {"CapacityUnits", units}};
    if (wanted == ReturnCapacity::indexes) out["Table"] = {{"CapacityUnits", units}};
    return out;
}

}  // namespace fogbank::api::dynamodb
