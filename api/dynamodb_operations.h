/// DynamoDB's operations, a table a subject.
#pragma once

#include "api/service.h"

namespace fogbank::api {

std::span<const Operation> dynamodb_item_operations();
std::span<const Operation> dynamodb_batch_operations();
std::span<const Operation> dynamodb_statement_operations();
std::span<const Operation> dynamodb_table_operations();
std::span<const Operation> dynamodb_backup_operations();
std::span<const Operation> dynamodb_files_operations();
std::span<const Operation> dynamodb_streams_operations();

}  // namespace fogbank::api
