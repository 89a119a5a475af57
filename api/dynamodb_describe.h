/// Descriptions of tables, indexes and backups as answers show them.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "common/arn.h"
#include "store/table/table_api.h"

namespace fogbank::api::dynamodb {

nlohmann::json describe(const store::table::TableDescription& table, const ArnFactory& arns);
nlohmann::json backup_details(const store::table::BackupDescription& backup);
nlohmann::json backup_summary(const store::table::BackupDescription& backup);
nlohmann::json backup_description(const store::table::BackupDescription& backup, const ArnFactory& arns);
/// TableCreationParameters, as DescribeImport gives them back.
nlohmann::json creation_parameters(const store::table::TableDescription& table, const ArnFactory& arns);
nlohmann::json continuous_backups(const store::table::ContinuousBackups& backups);

}  // namespace fogbank::api::dynamodb
