#include "app/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>

#include "app/backup_command.h"
#include "app/explain_command.h"
#include "app/fleet_command.h"
#include "app/lambda_command.h"
#include "app/provision_command.h"
#include "app/rule_test_command.h"
#include "app/serve_command.h"
#include "app/settings_sources.h"
#include "common/logging.h"

namespace fogbank::app {
namespace {

std::string flag_of(std::string_view setting) {
    std::string flag = "--" + std::string(setting);
    std::replace(flag.begin(), flag.end(), '_', '-');
    return flag;
}

std::string variable_of(std::string_view setting) {
    std::string variable = "FOGBANK_" + std::string(setting);
    std::transform(variable.begin(), variable.end(), variable.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return variable;
}

/// What the user gave on the command line, in the shape of the other sources.
struct Given {
    std::string config_file;
    std::map<std::string, std::vector<std::string>> values;
    SettingValues list() const { return {values.begin(), values.end()}; }
};

void add_settings(CLI::App& command, Given& given) {
    command.add_option("--config", given.config_file, "TOML file with these settings, names with underscores (FOGBANK_CONFIG)")
        ->type_name("FILE");
    const Settings defaults;
    for (const SettingRow& row : settings_table()) {
        const std::string shown = row.get(defaults);
        const std::string help =
            std::string(row.help) + " [default: " + (shown.empty() ? "none" : shown) + "] (" + variable_of(row.name) + ")";
        auto* option = command.add_option(flag_of(row.name), given.values[std::string(row.name)], help);
        option->type_name(std::string(row.value))->expected(1);
        if (row.repeated) {
            option->take_all();
        } else {
            option->take_last();
        }
    }
}

void add_rule_test(CLI::App& command, RuleTestArguments& arguments, std::string& account) {
    command.add_option("cases", arguments.file, "File with one case a line, - for standard input; see rules/README.md")->type_name("FILE");
    command.add_option("--sql", arguments.sql, "One statement");
    command.add_option("--template", arguments.text_template, "One substitution template, with the variables of --sql if given");
    command.add_option("--topic", arguments.topic, "Topic of the message [default: any that FROM takes]");
    command.add_option("--payload", arguments.payload, "Payload of the message");
    command.add_option("--payload-file", arguments.payload_file, "The payload's bytes from a file")->type_name("FILE");
    command.add_option("--sql-version", arguments.version, "2015-10-08, 2016-03-23 or beta [default: 2016-03-23]");
    command.add_option("--client-id", arguments.client_id, "Client id of the publisher");
    command.add_option("--account", account, "Account id for accountid()");
    command.add_flag("--json", arguments.json, "Print the answer and its explanation as JSON");
}

Result<Settings> resolve(const Given& given, const char* const* environment) {
    Settings settings;
    const char* from_environment = std::getenv("FOGBANK_CONFIG");
    const std::string file = !given.config_file.empty() ? given.config_file : from_environment != nullptr ? from_environment : "";
    if (!file.empty()) {
        if (auto applied = apply_file(settings, file); !applied) return applied.error();
    }
    if (auto applied = apply_environment(settings, environment); !applied) return applied.error();
    SettingValues values;
    for (auto& [name, texts] : given.list()) {
        if (!texts.empty()) values.emplace_back(name, texts);
    }
    if (auto applied = apply_values(settings, values); !applied) return applied.error();
    return settings;
}

}  // namespace

ExitCode run_command_line(int argc, const char* const* argv, const char* const* environment) {
    CLI::App program("Fogbank: the cloud side of AWS IoT on your own ground.", "fogbank");
    program.set_version_flag("--version", "fogbank " FOGBANK_VERSION);
    program.require_subcommand(1);
    program.footer(
        "Exit codes: 0 done, 1 failed, 2 wrong options or configuration, 3 cannot start (folder in use, port taken), 4 stopped in a "
        "hurry.");

    Given for_serve;
    CLI::App* serve = program.add_subcommand("serve", "Run the server in the foreground until SIGTERM or SIGINT.");
    add_settings(*serve, for_serve);

    Given for_provision;
    ProvisionArguments arguments;
    CLI::App* provision =
        program.add_subcommand("provision",
                               "Make a thing, a certificate and a policy, and say what to type into the gateway. Uses the "
                               "running server of the data folder, or works on the folder if none runs.");
    provision->add_option("name", arguments.thing, "Name of the thing")->required();
    provision->add_option("--out", arguments.out, "Folder for the files")->required()->type_name("DIR");
    provision->add_option("--host", arguments.host, "What the gateway connects to [default: the server's endpoint name or address]")
        ->type_name("HOST");
    add_settings(*provision, for_provision);

    RuleTestArguments for_rule_test;
    std::string account = Settings().account.str();
    CLI::App* rule = program.add_subcommand("rule", "Work on topic rules.");
    rule->require_subcommand(1);
    CLI::App* rule_test =
        rule->add_subcommand("test",
                             "Run IoT SQL without a server: one statement, showing the value of each sub-expression, or a "
                             "file of cases, one JSON object a line, answering one JSON object a line.");
    add_rule_test(*rule_test, for_rule_test, account);

    Given for_backup;
    std::string backup_file;
    CLI::App* backup =
        program.add_subcommand("backup", "Copy the data folder's store and files into one file, while the server runs or not.");
    backup->add_option("file", backup_file, "Where the backup goes; holds private keys")->required()->type_name("FILE");
    add_settings(*backup, for_backup);
    CLI::App* restore = program.add_subcommand("restore", "Put a backup back into the data folder; not while a server runs on it.");
    restore->add_option("file", backup_file, "The backup")->required()->type_name("FILE");
    add_settings(*restore, for_backup);

    const LambdaCommand lambda_command(program);
    Given for_explain;
    ExplainArguments question;
    CLI::App* explain =
        program.add_subcommand("explain", "Say whether a thing's certificates may do something on the running server, and why.");
    explain->add_option("--thing", question.thing, "Name of the thing; its client id too, unless --client is given")->required();
    explain->add_option("--action", question.action, "iot:Publish, iot:Subscribe, iot:Receive, iot:Connect …")->required();
    explain->add_option("--topic,--resource", question.topic,
                        "Topic, topic filter, client id or thing: what comes after the type in the ARN");
    explain->add_option("--client", question.client, "Client id, if it is not the thing's name");
    explain->add_option("--principal", question.principal, "ARN of one certificate, attached or not, instead of all that are attached");
    add_settings(*explain, for_explain);

    Given for_export;
    FleetArguments to_folder;
    CLI::App* export_command = program.add_subcommand(
        "export", "Write things, certificates, policies, attachments and rules of the running server as the JSON that the AWS CLI prints.");
    export_command->add_option("folder", to_folder.folder, "Folder for the files")->required()->type_name("DIR");
    add_settings(*export_command, for_export);

    Given for_import;
    FleetArguments from_folder;
    from_folder.import = true;
    CLI::App* import_command = program.add_subcommand(
        "import", "Make what `export` or the AWS CLI has written on the running server; what exists stays as it is.");
    import_command->add_option("folder", from_folder.folder, "Folder with the files")->required()->type_name("DIR");
    add_settings(*import_command, for_import);

    try {
        program.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        const int status = program.exit(e);
        return status == 0 ? ExitCode::ok : ExitCode::usage;
    }

    if (rule_test->parsed()) return run_rule_test(for_rule_test, account);
    if (lambda_command.parsed()) return lambda_command.run();

    const bool serving = serve->parsed();
    const bool copying = backup->parsed() || restore->parsed();
    const Given& given = serving                    ? for_serve
                         : copying                  ? for_backup
                         : explain->parsed()        ? for_explain
                         : export_command->parsed() ? for_export
                         : import_command->parsed() ? for_import
                                                    : for_provision;
    auto settings = resolve(given, environment);
    if (!settings) {
        std::cerr << "fogbank: " << settings.error().message << "\n";
        return ExitCode::usage;
    }
    configure_logging(serving ? settings->log_level : "warn");
    if (backup->parsed()) return run_backup(*settings, backup_file);
    if (restore->parsed()) return run_restore(*settings, backup_file);
    if (export_command->parsed()) return run_fleet(*settings, to_folder);
    if (import_command->parsed()) return run_fleet(*settings, from_folder);
    if (explain->parsed()) return run_explain(*settings, question);
    return serving ? run_serve(*settings) : run_provision(*settings, arguments);
}

}  // namespace fogbank::app
