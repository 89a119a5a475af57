#include "api/dynamodb_describe.h"

#include <map>
#include <nlohmann/json.hpp>

#include "api/dynamodb_answers.h"

namespace fogbank::api::dynamodb {
namespace {

namespace table = store::table;
using nlohmann::json;

std::string_view status_name(table::TableStatus status) {
    switch (status) {
        case table::TableStatus::creating:
            return "CREATING";
        case table::TableStatus::updating:
            return "UPDATING";
        case table::TableStatus::deleting:
            return "DELETING";
        case table::TableStatus::active:
            break;
    }
    return "ACTIVE";
}
std::string_view status_name(table::IndexStatus status) {
    switch (status) {
        case table::IndexStatus::creating:
            return "CREATING";
        case table::IndexStatus::updating:
            return "UPDATING";
        case table::IndexStatus::deleting:
            return "DELETING";
        case table::IndexStatus::active:
            break;
    }
    return "ACTIVE";
}
std::string_view status_name(table::BackupStatus status) {
    return status == table::BackupStatus::creating ? "CREATING" : status == table::BackupStatus::available ? "AVAILABLE" : "DELETED";
}

std::string_view type_letter(table::KeyType type) {
    return type == table::KeyType::string ? "S" : type == table::KeyType::number ? "N" : "B";
}

json key_schema(const table::IndexKeys& keys) {
    json out = json::array();
    for (const auto& key : keys.partition) out.push_back({{"AttributeName", key.name}, {"KeyType", "HASH"}});
    for (const auto& key : keys.sort) out.push_back({{"AttributeName", key.name}, {"KeyType", "RANGE"}});
    return out;
}

table::IndexKeys keys_of(const table::KeySchema& schema) {
    table::IndexKeys out;
    out.partition.push_back(schema.partition_key);
    if (schema.sort_key) out.sort.push_back(*schema.sort_key);
    return out;
}

json attribute_definitions(const table::TableDescription& described) {
    std::map<std::string, table::KeyType> types;
    const auto add = [&](const table::IndexKeys& keys) {
        for (const auto& key : keys.partition) types.emplace(key.name, key.type);
        for (const auto& key : keys.sort) types.emplace(key.name, key.type);
    };
    add(keys_of(described.key_schema));
    for (const auto& index : described.indexes) add(index.index.keys);
    json out = json::array();
    for (const auto& [name, type] : types) out.push_back({{"AttributeName", name}, {"AttributeType", type_letter(type)}});
    return out;
}

json throughput_json(const std::optional<table::ProvisionedThroughput>& given) {
    const auto throughput = given.value_or(table::ProvisionedThroughput());
    return {{"NumberOfDecreasesToday", 0},
            {"ReadCapacityUnits", throughput.read_capacity_units},
            {"WriteCapacityUnits", throughput.write_capacity_units}};
}

json on_demand_json(const table::OnDemandThroughput& throughput) {
    return {{"MaxReadRequestUnits", throughput.max_read_request_units.value_or(-1)},
            {"MaxWriteRequestUnits", throughput.max_write_request_units.value_or(-1)}};
}

json describe_index(const table::IndexDescription& described) {
    const table::IndexRequest& index = described.index;
    json projection{{"ProjectionType", index.projection.type == table::ProjectionType::all       ? "ALL"
                                       : index.projection.type == table::ProjectionType::include ? "INCLUDE"
                                                                                                 : "KEYS_ONLY"}};
    if (index.projection.type == table::ProjectionType::include) projection["NonKeyAttributes"] = index.projection.non_key_attributes;
    json out{{"IndexName", index.name},
             {"IndexArn", described.arn},
             {"KeySchema", key_schema(index.keys)},
             {"Projection", std::move(projection)},
             {"ItemCount", described.item_count},
             {"IndexSizeBytes", described.size_bytes}};
    if (!index.is_global) return out;
    out["IndexStatus"] = status_name(described.status);
    if (described.status == table::IndexStatus::creating && described.is_backfilling) out["Backfilling"] = true;
    out["ProvisionedThroughput"] = throughput_json(index.provisioned_throughput);
    if (index.on_demand_throughput) out["OnDemandThroughput"] = on_demand_json(*index.on_demand_throughput);
    return out;
}

void add_restore(const table::TableDescription& described, json& out) {
    if (!described.restored_to) return;
    json summary{{"RestoreDateTime", seconds(*described.restored_to)}, {"RestoreInProgress", described.is_restoring}};
    if (!described.restored_from_backup_arn.empty()) summary["SourceBackupArn"] = described.restored_from_backup_arn;
    if (!described.restored_from_table_arn.empty()) summary["SourceTableArn"] = described.restored_from_table_arn;
    out["RestoreSummary"] = std::move(summary);
}

void add_options(const table::TableDescription& described, const ArnFactory& arns, json& out) {
    if (described.pay_per_request_since && !described.provisioned_throughput) {
        out["BillingModeSummary"] = {{"BillingMode", "PAY_PER_REQUEST"},
                                     {"LastUpdateToPayPerRequestDateTime", seconds(*described.pay_per_request_since)}};
    }
    if (described.throughput_raised_at) out["ProvisionedThroughput"]["LastIncreaseDateTime"] = seconds(*described.throughput_raised_at);
    if (described.throughput_lowered_at) out["ProvisionedThroughput"]["LastDecreaseDateTime"] = seconds(*described.throughput_lowered_at);
    if (described.on_demand_throughput) out["OnDemandThroughput"] = on_demand_json(*described.on_demand_throughput);
    if (described.stream.enabled)
        out["StreamSpecification"] = {{"StreamEnabled", true}, {"StreamViewType", table::name_of(described.stream.view)}};
    if (!described.stream_arn.empty()) {
        out["LatestStreamArn"] = described.stream_arn;
        out["LatestStreamLabel"] = described.stream_label;
    }
    if (described.table_class != table::TableClass::standard || described.table_class_changed_at) {
        out["TableClassSummary"] = {
            {"TableClass", described.table_class == table::TableClass::standard ? "STANDARD" : "STANDARD_INFREQUENT_ACCESS"}};
        if (described.table_class_changed_at) out["TableClassSummary"]["LastUpdateDateTime"] = seconds(*described.table_class_changed_at);
    }
    if (described.sse) {
        out["SSEDescription"] = {{"Status", "ENABLED"}, {"SSEType", described.sse->is_kms ? "KMS" : "AES256"}};
        if (described.sse->is_kms) {
            const std::string& key = described.sse->kms_key_arn;
            out["SSEDescription"]["KMSMasterKeyArn"] = key.starts_with("arn:") ? key
                                                       : key.empty()           ? arns.make("kms", "alias/aws/dynamodb")
                                                                     : arns.make("kms", key.starts_with("alias/") ? key : "key/" + key);
        }
    }
    add_restore(described, out);
}

}  // namespace

json describe(const table::TableDescription& described, const ArnFactory& arns) {
    json out{{"TableName", described.name.str()},
             {"TableArn", described.arn},
             {"TableId", described.id},
             {"AttributeDefinitions", attribute_definitions(described)},
             {"KeySchema", key_schema(keys_of(described.key_schema))},
             {"TableStatus", status_name(described.status)},
             {"CreationDateTime", seconds(described.created_at)},
             {"ItemCount", described.item_count},
             {"TableSizeBytes", described.size_bytes},
             {"ProvisionedThroughput", throughput_json(described.provisioned_throughput)},
             {"DeletionProtectionEnabled", described.deletion_protection}};
    for (const auto& index : described.indexes)
        out[index.index.is_global ? "GlobalSecondaryIndexes" : "LocalSecondaryIndexes"].push_back(describe_index(index));
    add_options(described, arns, out);
    return out;
}

json backup_details(const table::BackupDescription& backup) {
    return {{"BackupArn", backup.arn},
            {"BackupName", backup.name},
            {"BackupStatus", status_name(backup.status)},
            {"BackupType", "USER"},
            {"BackupSizeBytes", backup.size_bytes},
            {"BackupCreationDateTime", seconds(backup.created_at)}};
}

json backup_summary(const table::BackupDescription& backup) {
    json out = backup_details(backup);
    out["TableName"] = backup.source.name.str();
    out["TableArn"] = backup.source.arn;
    out["TableId"] = backup.source.id;
    return out;
}

json backup_description(const table::BackupDescription& backup, const ArnFactory& arns) {
    const table::TableDescription& source = backup.source;
    const json described = describe(source, arns);
    json details{{"TableName", source.name.str()},
                 {"TableArn", source.arn},
                 {"TableId", source.id},
                 {"TableSizeBytes", source.size_bytes},
                 {"ItemCount", source.item_count},
                 {"KeySchema", described["KeySchema"]},
                 {"TableCreationDateTime", seconds(source.created_at)},
                 {"BillingMode", source.provisioned_throughput ? "PROVISIONED" : "PAY_PER_REQUEST"}};
    const auto throughput = source.provisioned_throughput.value_or(table::ProvisionedThroughput());
    details["ProvisionedThroughput"] = {{"ReadCapacityUnits", throughput.read_capacity_units},
                                        {"WriteCapacityUnits", throughput.write_capacity_units}};
    json features = json::object();
    for (const auto& index : source.indexes) {
        const json shown = describe_index(index);
        json kept{{"IndexName", shown["IndexName"]}, {"KeySchema", shown["KeySchema"]}, {"Projection", shown["Projection"]}};
        features[index.index.is_global ? "GlobalSecondaryIndexes" : "LocalSecondaryIndexes"].push_back(std::move(kept));
    }
    if (described.contains("StreamSpecification")) features["StreamDescription"] = described["StreamSpecification"];
    if (described.contains("SSEDescription")) features["SSEDescription"] = described["SSEDescription"];
    if (backup.time_to_live) {
        features["TimeToLiveDescription"] = {{"TimeToLiveStatus", backup.time_to_live->enabled ? "ENABLED" : "DISABLED"},
                                             {"AttributeName", backup.time_to_live->attribute}};
    }
    return {{"BackupDetails", backup_details(backup)},
            {"SourceTableDetails", std::move(details)},
            {"SourceTableFeatureDetails", std::move(features)}};
}

json creation_parameters(const table::TableDescription& described, const ArnFactory& arns) {
    const json shown = describe(described, arns);
    json out{{"TableName", shown["TableName"]},
             {"AttributeDefinitions", shown["AttributeDefinitions"]},
             {"KeySchema", shown["KeySchema"]},
             {"BillingMode", described.provisioned_throughput ? "PROVISIONED" : "PAY_PER_REQUEST"}};
    const auto units = [](const table::ProvisionedThroughput& throughput) {
        return json{{"ReadCapacityUnits", throughput.read_capacity_units}, {"WriteCapacityUnits", throughput.write_capacity_units}};
    };
    if (described.provisioned_throughput) out["ProvisionedThroughput"] = units(*described.provisioned_throughput);
    if (described.sse) {
        out["SSESpecification"] = {{"Enabled", true}, {"SSEType", described.sse->is_kms ? "KMS" : "AES256"}};
        if (!described.sse->kms_key_arn.empty()) out["SSESpecification"]["KMSMasterKeyId"] = described.sse->kms_key_arn;
    }
    for (const auto& index : described.indexes) {
        const json whole = describe_index(index);
        json made{{"IndexName", whole["IndexName"]}, {"KeySchema", whole["KeySchema"]}, {"Projection", whole["Projection"]}};
        if (index.index.provisioned_throughput) made["ProvisionedThroughput"] = units(*index.index.provisioned_throughput);
        out["GlobalSecondaryIndexes"].push_back(std::move(made));
    }
    return out;
}

json continuous_backups(const table::ContinuousBackups& backups) {
    json recovery{{"PointInTimeRecoveryStatus", backups.point_in_time_recovery ? "ENABLED" : "DISABLED"}};
    if (backups.point_in_time_recovery) recovery["RecoveryPeriodInDays"] = 35;
    if (backups.earliest) recovery["EarliestRestorableDateTime"] = seconds(*backups.earliest);
    if (backups.latest) recovery["LatestRestorableDateTime"] = seconds(*backups.latest);
    return {{"ContinuousBackupsStatus", "ENABLED"}, {"PointInTimeRecoveryDescription", std::move(recovery)}};
}

}  // namespace fogbank::api::dynamodb
