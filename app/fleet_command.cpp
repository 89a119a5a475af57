#include "app/fleet_command.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "app/data_folder.h"
#include "app/fleet_files.h"
#include "common/json.h"

namespace fogbank::app {

ExitCode run_fleet(const Settings& settings, const FleetArguments& arguments) {
    const auto text = read_live_endpoints_file(settings.data);
    const auto endpoints = parse_json(text ? *text : std::string());
    if (!endpoints || !endpoints->is_object()) {
        std::cerr << "fogbank: no server runs on the data folder `" << settings.data.string() << "`\n";
        return ExitCode::failed;
    }
    const std::string bind = json_string(*endpoints, "bind");
    ClientOptions options;
    options.host = bind == "0.0.0.0" || bind == "::" ? "127.0.0.1" : bind;
    options.port = static_cast<std::uint16_t>(endpoints->value("api_port", 0));
    options.region = json_string(*endpoints, "region");
    options.access_key_id = json_string(*endpoints, "access_key_id");
    options.secret_access_key = json_string(*endpoints, "secret_access_key");
    const SystemClock clock;
    AwsClient client(options, clock);
    ImportOptions import_options;
    import_options.folder = arguments.folder;
    import_options.account = json_string(*endpoints, "account_id");
    import_options.region = options.region;
    const auto report = arguments.import ? import_fleet(client, import_options) : export_fleet(client, arguments.folder);
    if (!report) {
        std::cerr << "fogbank: " << report.error().message << "\n";
        return ExitCode::failed;
    }
    std::cout << report->text();
    return report->failures.empty() ? ExitCode::ok : ExitCode::failed;
}

}  // namespace fogbank::app
