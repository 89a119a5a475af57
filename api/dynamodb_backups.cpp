/// DynamoDB's backups and restores.
#include <array>
#include <nlohmann/json.hpp>

#include "api/dynamodb_answers.h"
#include "api/dynamodb_describe.h"
#include "api/dynamodb_operations.h"
#include "api/dynamodb_table_requests.h"
#include "store/table/errc.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
namespace table = store::table;
using dynamodb::Reader;
using nlohmann::json;

TableName read_name(const Reader& root) {
    return dynamodb::read_table_name(root);
}

std::string read_backup_arn(const Reader& root) {
    return root.required_text("BackupArn");
}

struct CreateBackupRequest {
    TableName table;
    std::string name;
};
CreateBackupRequest read_create_backup(const Reader& root) {
    CreateBackupRequest out;
    out.table = dynamodb::read_table_name(root);
    out.name = root.required_text("BackupName");
    if (!root.has("BackupName")) return out;
    if (out.name.size() < 3) root.violated(out.name, "BackupName", "Member must have length greater than or equal to 3");
    if (out.name.size() > 255) root.violated(out.name, "BackupName", "Member must have length less than or equal to 255");
    if (out.name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != std::string::npos)
        root.violated(out.name, "BackupName", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+");
    return out;
}

asio::awaitable<Outcome> create_backup(const Services& services, const Call& call) {
    auto request = dynamodb::read_body(call.request.body, read_create_backup);
    if (!request) co_return request.error();
    const auto made = co_await services.rooms.tables.create_backup(std::move(request->table), std::move(request->name));
    if (!made) co_return made.error();
    co_return dynamodb::answer({{"BackupDetails", dynamodb::backup_details(*made)}});
}

asio::awaitable<Outcome> describe_backup(const Services& services, const Call& call) {
    auto arn = dynamodb::read_body(call.request.body, read_backup_arn);
    if (!arn) co_return arn.error();
    const auto found = co_await services.rooms.tables.describe_backup(std::move(*arn));
    if (!found) co_return found.error();
    co_return dynamodb::answer({{"BackupDescription", dynamodb::backup_description(*found, services.rooms.arns)}});
}

asio::awaitable<Outcome> delete_backup(const Services& services, const Call& call) {
    auto arn = dynamodb::read_body(call.request.body, read_backup_arn);
    if (!arn) co_return arn.error();
    const auto gone = co_await services.rooms.tables.delete_backup(std::move(*arn));
    if (!gone) co_return gone.error();
    co_return dynamodb::answer({{"BackupDescription", dynamodb::backup_description(*gone, services.rooms.arns)}});
}

table::BackupFilter read_list_backups(const Reader& root) {
    table::BackupFilter out;
    if (auto name = root.text("TableName")) out.table = dynamodb::table_name_of(std::move(*name));
    const auto limit = root.integer("Limit");
    root.at_least("Limit", limit, 1);
    root.at_most("Limit", limit, 100);
    out.limit = limit.value_or(100);
    out.from = root.time("TimeRangeLowerBound");
    out.before = root.time("TimeRangeUpperBound");
    out.exclusive_start_arn = root.text("ExclusiveStartBackupArn");
    const auto type = root.one_of("BackupType", {"USER", "SYSTEM", "AWS_BACKUP", "ALL"});
    if (type && *type != "USER" && *type != "ALL") out.before = WallTime();  // there are only users' backups
    return out;
}

asio::awaitable<Outcome> list_backups(const Services& services, const Call& call) {
    auto filter = dynamodb::read_body(call.request.body, read_list_backups);
    if (!filter) co_return filter.error();
    const auto found = co_await services.rooms.tables.list_backups(std::move(*filter));
    if (!found) co_return found.error();
    json list = json::array();
    for (const auto& backup : found->backups) list.push_back(dynamodb::backup_summary(backup));
    json out{{"BackupSummaries", std::move(list)}};
    if (found->last_evaluated_arn) out["LastEvaluatedBackupArn"] = *found->last_evaluated_arn;
    co_return dynamodb::answer(out);
}

void read_overrides(const Reader& root, table::RestoreRequest& out) {
    const auto mode = root.one_of("BillingModeOverride", {"PROVISIONED", "PAY_PER_REQUEST"});
    if (mode) out.on_demand = *mode == "PAY_PER_REQUEST";
    out.provisioned_throughput = dynamodb::read_throughput(root, "ProvisionedThroughputOverride");
    std::vector<std::string> kept;
    bool given = false;
    for (const auto* member : {"GlobalSecondaryIndexOverride", "LocalSecondaryIndexOverride"}) {
        given =
            root.each_structure(member, [&](const Reader& one, std::size_t) { kept.push_back(one.required_text("IndexName")); }) || given;
    }
    if (given) out.kept_indexes = std::move(kept);
}

table::RestoreRequest read_restore_from_backup(const Reader& root) {
    table::RestoreRequest out;
    out.target = dynamodb::read_table_name(root, "TargetTableName");
    out.backup_arn = root.required_text("BackupArn");
    read_overrides(root, out);
    return out;
}

table::RestoreRequest read_restore_to_point_in_time(const Reader& root) {
    table::RestoreRequest out;
    out.target = dynamodb::read_table_name(root, "TargetTableName");
    auto source = root.text("SourceTableArn");
    if (!source) source = root.text("SourceTableName");
    if (!source) root.missing("SourceTableName");
    out.source = dynamodb::table_name_of(source.value_or(""));
    const bool latest = root.boolean("UseLatestRestorableTime").value_or(false);
    // The store keeps no history: the newest state is the only one that can be restored.
    if (!latest) {
        root.problems().value(Error(table::Errc::invalid_restore_time,
                                    root.has("RestoreDateTime")
                                        ? "this server restores to the latest restorable time only: use UseLatestRestorableTime"
                                        : "Either RestoreDateTime or UseLatestRestorableTime must be specified"));
    }
    read_overrides(root, out);
    return out;
}

template <auto Read>
asio::awaitable<Outcome> restore(const Services& services, const Call& call) {
    auto request = dynamodb::read_body(call.request.body, Read);
    if (!request) co_return request.error();
    const auto made = co_await services.rooms.tables.restore_table(std::move(*request));
    if (!made) co_return made.error();
    co_return dynamodb::answer({{"TableDescription", dynamodb::describe(*made, services.rooms.arns)}});
}

struct ContinuousRequest {
    TableName table;
    bool enabled = false;
};
ContinuousRequest read_update_continuous(const Reader& root) {
    ContinuousRequest out;
    out.table = dynamodb::read_table_name(root);
    const auto given = root.required_structure("PointInTimeRecoverySpecification");
    if (!given) return out;
    if (!given->has("PointInTimeRecoveryEnabled")) given->missing("PointInTimeRecoveryEnabled");
    out.enabled = given->boolean("PointInTimeRecoveryEnabled").value_or(false);
    return out;
}

asio::awaitable<Outcome> update_continuous_backups(const Services& services, const Call& call) {
    auto request = dynamodb::read_body(call.request.body, read_update_continuous);
    if (!request) co_return request.error();
    const auto done = co_await services.rooms.tables.update_continuous_backups(std::move(request->table), request->enabled);
    if (!done) co_return done.error();
    co_return dynamodb::answer({{"ContinuousBackupsDescription", dynamodb::continuous_backups(*done)}});
}

asio::awaitable<Outcome> describe_continuous_backups(const Services& services, const Call& call) {
    auto name = dynamodb::read_body(call.request.body, read_name);
    if (!name) co_return name.error();
    const auto found = co_await services.rooms.tables.describe_continuous_backups(std::move(*name));
    if (!found) co_return found.error();
    co_return dynamodb::answer({{"ContinuousBackupsDescription", dynamodb::continuous_backups(*found)}});
}

constexpr std::array operations{
    Operation{"CreateBackup", "", "", create_backup},
    Operation{"DescribeBackup", "", "", describe_backup},
    Operation{"DeleteBackup", "", "", delete_backup},
    Operation{"ListBackups", "", "", list_backups},
    Operation{"RestoreTableFromBackup", "", "", restore<read_restore_from_backup>},
    Operation{"RestoreTableToPointInTime", "", "", restore<read_restore_to_point_in_time>},
    Operation{"UpdateContinuousBackups", "", "", update_continuous_backups},
    Operation{"DescribeContinuousBackups", "", "", describe_continuous_backups},
};

}  // namespace

std::span<const Operation> dynamodb_backup_operations() {
    return operations;
}

}  // namespace fogbank::api
