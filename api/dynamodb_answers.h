/// DynamoDB's answers: items as text without a detour, the rest through nlohmann's library.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "api/dynamodb_item_requests.h"
#include "api/service.h"

namespace fogbank::api::dynamodb {

Response answer(const nlohmann::json& body);
/// @param text  a whole JSON object.
Response answer_text(std::string text);

/// Members of an object, appended in order as text.
class ObjectWriter {
  public:
    ObjectWriter() : text_("{") {}
    ObjectWriter& item(std::string_view name, const store::table::Item& item);
    ObjectWriter& items(std::string_view name, const std::vector<store::table::Item>& items);
    ObjectWriter& json(std::string_view name, const nlohmann::json& value);
    ObjectWriter& number(std::string_view name, std::int64_t value);
    /// `value` is JSON.
    ObjectWriter& raw(std::string_view name, std::string_view value);
    std::string finish() && { return std::move(text_ += '}'); }

  private:
    void begin(std::string_view name);
    std::string text_;
};

enum class UnitKind : std::uint8_t { plain, read, write };  ///< transactions also say which units they are
nlohmann::json consumed_capacity(const TableName& table, const store::table::ConsumedUnits& units, ReturnCapacity wanted,
                                 UnitKind kind = UnitKind::plain);
/// Of several tables.
nlohmann::json consumed_capacity(const std::vector<store::table::TableUsage>& usage, ReturnCapacity wanted,
                                 UnitKind kind = UnitKind::plain);
nlohmann::json collection_metrics(const store::table::ItemCollection& collection);

/// ConditionalCheckFailedException with the item as it is.
Response condition_failed(const store::table::Item& item);
/// TransactionCanceledException.
Response transaction_cancelled(const std::vector<store::table::CancellationReason>& reasons);

double seconds(WallTime time);

}  // namespace fogbank::api::dynamodb
