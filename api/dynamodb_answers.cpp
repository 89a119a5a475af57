#include "api/dynamodb_answers.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "store/table/json.h"

namespace fogbank::api::dynamodb {
namespace {

namespace table = store::table;
using nlohmann::json;

constexpr std::string_view type_namespace = "com.amazonaws.dynamodb.v20120810#";
constexpr double bytes_in_gb = 1024.0 * 1024 * 1024;

json units_json(double units, UnitKind kind) {
    json out{{"CapacityUnits", units}};
    if (kind == UnitKind::read) out["ReadCapacityUnits"] = units;
    if (kind == UnitKind::write) out["WriteCapacityUnits"] = units;
    return out;
}

json indexes_json(const std::map<std::string, double>& indexes, UnitKind kind) {
    json out = json::object();
    for (const auto& [name, units] : indexes) out[name] = units_json(units, kind);
    return out;
}

std::string append_json(const json& value) {
    // Names of attributes may hold what is no UTF-8 only through a bug; it must not throw here.
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

Response answer_text(std::string text) {
    Response response;
    response.content_type = "application/x-amz-json-1.0";
    response.body = std::move(text);
    return response;
}

Response answer(const json& body) {
    return answer_text(append_json(body));
}

void ObjectWriter::begin(std::string_view name) {
    if (text_.size() > 1) text_ += ',';
    ((text_ += '"') += name) += "\":";
}

ObjectWriter& ObjectWriter::item(std::string_view name, const table::Item& item) {
    begin(name);
    table::append_typed_json(text_, item);
    return *this;
}

ObjectWriter& ObjectWriter::items(std::string_view name, const std::vector<table::Item>& items) {
    begin(name);
    text_ += '[';
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (i != 0) text_ += ',';
        table::append_typed_json(text_, items[i]);
    }
    text_ += ']';
    return *this;
}

ObjectWriter& ObjectWriter::json(std::string_view name, const nlohmann::json& value) {
    return raw(name, append_json(value));
}

ObjectWriter& ObjectWriter::number(std::string_view name, std::int64_t value) {
    return raw(name, std::to_string(value));
}

ObjectWriter& ObjectWriter::raw(std::string_view name, std::string_view value) {
    begin(name);
    text_ += value;
    return *this;
}

json consumed_capacity(const TableName& name, const table::ConsumedUnits& units, ReturnCapacity wanted, UnitKind kind) {
    json out = units_json(units.total(), kind);
    out["TableName"] = name.str();
    if (wanted != ReturnCapacity::indexes) return out;
    out["Table"] = units_json(units.table, kind);
    if (!units.local_indexes.empty()) out["LocalSecondaryIndexes"] = indexes_json(units.local_indexes, kind);
    if (!units.global_indexes.empty()) out["GlobalSecondaryIndexes"] = indexes_json(units.global_indexes, kind);
    return out;
}

json consumed_capacity(const std::vector<table::TableUsage>& usage, ReturnCapacity wanted, UnitKind kind) {
    json out = json::array();
    for (const auto& one : usage) out.push_back(consumed_capacity(one.table, one.units, wanted, kind));
    return out;
}

json collection_metrics(const table::ItemCollection& collection) {
    const double low = std::floor(static_cast<double>(collection.size_bytes) / bytes_in_gb);
    json key = json::object();
    key[collection.attribute] = table::typed_json(collection.partition_key);
    return {{"ItemCollectionKey", std::move(key)}, {"SizeEstimateRangeGB", {low, low + 1}}};
}

Response condition_failed(const table::Item& item) {
    ObjectWriter body;
    body.raw("__type", "\"" + std::string(type_namespace) + "ConditionalCheckFailedException\"");
    body.raw("message", "\"The conditional request failed\"").item("Item", item);
    Response response = answer_text(std::move(body).finish());
    response.status = 400;
    return response;
}

Response transaction_cancelled(const std::vector<table::CancellationReason>& reasons) {
    std::string codes;
    json list = json::array();
    for (const auto& reason : reasons) {
        codes.append(codes.empty() ? "" : ", ").append(reason.code);
        json one{{"Code", reason.code}};
        if (reason.code != "None") one["Message"] = reason.message;
        if (reason.item) one["Item"] = table::typed_json(*reason.item);
        list.push_back(std::move(one));
    }
    Response response =
        answer({{"__type", std::string(type_namespace) + "TransactionCanceledException"},
                {"CancellationReasons", std::move(list)},
                {"Message", "Transaction cancelled, please refer cancellation reasons for specific reasons [" + codes + "]"}});
    response.status = 400;
    return response;
}

double seconds(WallTime time) {
    return static_cast<double>(time.time_since_epoch().count()) / 1000.0;
}

}  // namespace fogbank::api::dynamodb
