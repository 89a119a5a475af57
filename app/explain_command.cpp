#include "app/explain_command.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "app/aws_client.h"
#include "app/data_folder.h"
#include "common/common_errc.h"
#include "common/encoding.h"
#include "common/json.h"

namespace fogbank::app {
namespace {

Result<ClientOptions> running_server(const Settings& settings) {
    const auto text = read_live_endpoints_file(settings.data);
    const auto json = text ? parse_json(*text) : Result<nlohmann::json>(Error(CommonErrc::io_error, "none"));
    if (!json || !json->is_object())
        return Error(CommonErrc::io_error, "no server runs on the data folder `" + settings.data.string() + "`");
    const std::string bind = json_string(*json, "bind");
    ClientOptions out;
    out.host = bind == "0.0.0.0" || bind == "::" ? "127.0.0.1" : bind;
    out.port = static_cast<std::uint16_t>(json->value("api_port", 0));
    out.region = json_string(*json, "region");
    out.access_key_id = json_string(*json, "access_key_id");
    out.secret_access_key = json_string(*json, "secret_access_key");
    return out;
}

/// In the order of their names, as SigV4 wants them.
std::string query_of(const ExplainArguments& arguments) {
    std::string out = "action=" + percent_encode(arguments.action, false);
    if (!arguments.client.empty()) out += "&client=" + percent_encode(arguments.client, false);
    if (!arguments.principal.empty()) out += "&principal=" + percent_encode(arguments.principal, false);
    if (!arguments.topic.empty()) out += "&resource=" + percent_encode(arguments.topic, false);
    if (!arguments.thing.empty()) out += "&thing=" + percent_encode(arguments.thing, false);
    return out;
}

ExitCode print(const nlohmann::json& answer, const ExplainArguments& arguments) {
    const auto decisions = answer.find("decisions");
    if (decisions == answer.end() || !decisions->is_array() || decisions->empty()) {
        std::cout << "no certificate is attached to thing " << arguments.thing << ": nothing may be done in its name\n";
        return ExitCode::failed;
    }
    bool all_allowed = true;
    for (const auto& one : *decisions) {
        const std::string decision = json_string(one, "decision");
        all_allowed = all_allowed && decision == "ALLOWED";
        std::cout << decision << "  " << json_string(one, "reason") << "\n";
    }
    return all_allowed ? ExitCode::ok : ExitCode::failed;
}

}  // namespace

ExitCode run_explain(const Settings& settings, const ExplainArguments& arguments) {
    const auto server = running_server(settings);
    if (!server) {
        std::cerr << "fogbank: " << server.error().message << "\n";
        return ExitCode::failed;
    }
    const SystemClock clock;
    AwsClient client(*server, clock);
    const auto response = client.call("iot", "GET", "/_fogbank/explain", query_of(arguments), "");
    if (!response) {
        std::cerr << "fogbank: " << response.error().message << "\n";
        return ExitCode::failed;
    }
    const auto body = parse_json(response->body);
    if (response->status != 200 || !body) {
        std::cerr << "fogbank: " << (body ? json_string(*body, "message") : "the server answered " + std::to_string(response->status))
                  << "\n";
        return ExitCode::failed;
    }
    return print(*body, arguments);
}

}  // namespace fogbank::app
