#include "app/provision_command.h"

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/data_folder.h"
#include "app/local_names.h"
#include "app/provision.h"
#include "app/server.h"
#include "common/json.h"

namespace fogbank::app {
namespace {

/// How to reach a server that works on the data folder.
struct Target {
    ClientOptions client;
    std::uint16_t mqtts_port = 0;
    std::string account, ca_file;
    Settings settings;  ///< the server's own where it runs, for the host name
};

std::optional<Target> running_server(const Settings& settings) {
    const auto text = read_live_endpoints_file(settings.data);
    if (!text) return std::nullopt;
    const auto json = parse_json(*text);
    if (!json || !json->is_object()) return std::nullopt;
    const auto port = [&](const char* key) { return static_cast<std::uint16_t>(json->value(key, 0)); };
    Target target;
    const std::string bind = json_string(*json, "bind");
    target.client.host = bind == "0.0.0.0" || bind == "::" ? "127.0.0.1" : bind;
    target.client.port = port("api_port");
    target.client.region = json_string(*json, "region");
    target.client.access_key_id = json_string(*json, "access_key_id");
    target.client.secret_access_key = json_string(*json, "secret_access_key");
    target.mqtts_port = port("mqtts_port");
    target.account = json_string(*json, "account_id");
    target.ca_file = json_string(*json, "ca_file");
    target.settings = settings;
    target.settings.bind = bind;
    const std::string name = json_string(*json, "endpoint_name");
    if (target.settings.endpoint_names.empty() && name != "localhost") target.settings.endpoint_names = {name};
    return target;
}

Target own_server(const Settings& settings, const Server& server) {
    const Endpoints& endpoints = server.endpoints();
    Target target;
    target.client = ClientOptions{"127.0.0.1", static_cast<std::uint16_t>(endpoints.api.api), settings.region.str(),
                                  endpoints.root_key.access_key_id, endpoints.root_key.secret_access_key};
    target.mqtts_port = settings.mqtts_port;
    target.account = settings.account.str();
    target.ca_file = endpoints.ca_file;
    target.settings = settings;
    return target;
}

}  // namespace

ExitCode run_provision(const Settings& settings, const ProvisionArguments& arguments) {
    std::unique_ptr<Server> own;
    std::optional<Target> target = running_server(settings);
    if (!target) {
        auto started = Server::start(settings, Doors{false, true});
        if (!started) {
            std::cerr << "fogbank: " << started.error().message << "\n";
            return ExitCode::cannot_start;
        }
        own = std::move(*started);
        target = own_server(settings, *own);
    }
    const SystemClock clock;
    AwsClient client(target->client, clock);
    ProvisionRequest request{ThingName(arguments.thing), arguments.out,
                             arguments.host.empty() ? gateway_host(target->settings, local_names()) : arguments.host, target->mqtts_port,
                             target->ca_file};
    auto text = provision(client, request, target->client.region, target->account);
    if (own) own->stop(std::chrono::seconds(4));
    if (!text) {
        std::cerr << "fogbank: " << text.error().message << "\n";
        return ExitCode::failed;
    }
    std::cout << *text;
    return ExitCode::ok;
}

}  // namespace fogbank::app
