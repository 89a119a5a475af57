/// Configuration: one typed struct. Each setting has one row in `settings_table()` (name, meaning, unit, default), from which the command
/// line
/// (`--mqtts-port`), the environment (`FOGBANK_MQTTS_PORT`), the TOML file (`mqtts_port`) and `--help` are made.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.h"
#include "common/quotas.h"
#include "common/result.h"
#include "common/tls_policy.h"

namespace fogbank {

/// `power_loss_safe`: every commit is flushed to the disk. `process_crash_safe`: survives kill -9, not a power cut.
enum class Durability : std::uint8_t { power_loss_safe, process_crash_safe };

struct Settings {
    std::filesystem::path data = "data";
    std::string bind = "0.0.0.0";
    std::uint16_t mqtts_port = 8883;
    std::uint16_t alpn_port = 8444;
    std::uint16_t https_port = 8443;
    std::uint16_t api_port = 4566;
    std::int32_t mqtt_port = -1;  ///< -1: no plain listener; always on loopback
    AccountId account{"000000000000"};
    Region region{"us-east-1"};
    std::vector<std::string>
        endpoint_names;  ///< further host names and addresses for the server certificate; the first is what DescribeEndpoint answers
    std::string tls_security_policy{default_tls_policy_name};
    bool strict_sni = false;
    bool proxy_protocol = false;
    QuotaProfile quota_profile = QuotaProfile::aws;
    Durability durability = Durability::power_loss_safe;
    std::uint32_t shards = 0;  ///< 0: one per core
    std::string log_level = "info";
    std::filesystem::path secrets_file;  ///< for get_secret() in rules; empty: none
    std::vector<std::string> sinks;      ///< `<service>=<url>`: where rule actions send what this server does not have itself
    std::string sink_region;             ///< that sinks are signed for; empty: `region`
    std::string sink_access_key_id, sink_secret_access_key;  ///< to sign with; empty: requests are not signed
    std::filesystem::path sink_ca_file;                      ///< certificates to trust besides the system's, for https targets of rules
    std::uint32_t lambda_concurrency = 64;
    std::string lambda_node_path;  ///< folders, separated by colons
};

/// One setting: where it lies in Settings and how a user writes it.
struct SettingRow {
    std::string_view name;   ///< snake_case; the flag is `--` and the name with dashes, the variable FOGBANK_ and the name in upper case
    std::string_view value;  ///< what stands for the value in `--help`: a type or a unit
    std::string_view help;   ///< a sentence, with the unit
    bool repeated = false;   ///< may be given more than once
    /// Checks and stores; for a repeated setting `values` holds all of them, otherwise one. Errors: CommonErrc::invalid_configuration.
    Result<void> (*set)(Settings& settings, const std::vector<std::string>& values);
    std::string (*get)(const Settings& settings);  ///< as a user would write it; for `--help`
};
std::span<const SettingRow> settings_table();

/// Sets one setting by name. Errors: CommonErrc::invalid_configuration, also for an unknown name.
Result<void> set_setting(Settings& settings, std::string_view name, const std::vector<std::string>& values);

}  // namespace fogbank
