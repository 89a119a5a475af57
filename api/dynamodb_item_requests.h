/// Requests on items: from the body to what the table room takes. All problems with a request go to its reader's Problems.
#pragma once

#include "api/dynamodb_reader.h"
#include "store/table/table_api.h"

namespace fogbank::api::dynamodb {

enum class ReturnCapacity : std::uint8_t { none, total, indexes };

/// What a request says besides what the table room is told.
struct AnswerOptions {
    ReturnCapacity capacity = ReturnCapacity::none;
    bool collection_metrics = false;
};
AnswerOptions read_answer_options(const Reader& root);

template <class T>
struct WithOptions {
    T request;
    AnswerOptions options;
};

/// A name or an ARN.
TableName read_table_name(const Reader& root, std::string_view member = "TableName");
TableName table_name_of(std::string text);

WithOptions<store::table::PutItemRequest> read_put_item(const Reader& root);
WithOptions<store::table::UpdateItemRequest> read_update_item(const Reader& root);
WithOptions<store::table::DeleteItemRequest> read_delete_item(const Reader& root);
WithOptions<store::table::GetItemRequest> read_get_item(const Reader& root);
WithOptions<store::table::QueryRequest> read_query(const Reader& root);
WithOptions<store::table::ScanRequest> read_scan(const Reader& root);
WithOptions<store::table::BatchWriteRequest> read_batch_write(const Reader& root);
WithOptions<store::table::BatchGetRequest> read_batch_get(const Reader& root);
WithOptions<store::table::TransactWriteRequest> read_transact_write(const Reader& root);
WithOptions<std::vector<store::table::GetItemRequest>> read_transact_get(const Reader& root);

// Parts, for those files that read them.

store::table::Expression read_expression(const Reader& root, std::string_view name);
store::table::Placeholders read_placeholders(const Reader& root);
Error invalid(std::string message);

/// One PartiQL statement with its parameters.
store::table::Statement read_statement(const Reader& one);

}  // namespace fogbank::api::dynamodb
