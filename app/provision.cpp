#include "app/provision.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "common/common_errc.h"
#include "common/encoding.h"
#include "common/json.h"

namespace fogbank::app {
namespace {

/// The names under which everything lies in the output folder, and under which it is stored in the gateway.
struct FileNames {
    explicit FileNames(const std::string& thing) : certificate(thing + "-certificate.pem.crt"), private_key(thing + "-private.pem.key") {}
    std::string root_ca = "RootCA.pem";
    std::string certificate, private_key;
};

Error refused(std::string_view operation, const ClientResponse& response) {
    const auto body = parse_json(response.body);
    const std::string message = body ? json_string(*body, "message", response.body) : response.body;
    return {CommonErrc::invalid_configuration, std::string(operation) + " answered " + std::to_string(response.status) + ": " + message};
}

/// One call whose answer must be 200; `also_fine` is a status that means "is there already".
Result<nlohmann::json> call(AwsClient& client, std::string_view operation, std::string_view method, const std::string& path,
                            std::string_view query, const nlohmann::json& body, std::map<std::string, std::string> headers = {},
                            int also_fine = 200) {
    auto response = client.call("iot", method, path, query, body.is_null() ? std::string() : body.dump(), std::move(headers));
    if (!response) return response.error();
    if (response->status != 200 && response->status != also_fine) return refused(operation, *response);
    if (response->body.empty()) return nlohmann::json::object();
    return parse_json(response->body);
}

Result<void> write_file(const std::filesystem::path& file, std::string_view text, mode_t mode) {
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    const bool written = descriptor >= 0 && ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (descriptor >= 0) ::close(descriptor);
    if (!written) return Error(CommonErrc::io_error, file.string() + ": cannot be written: " + std::strerror(errno));
    return {};
}

std::string secomea_entry(const ProvisionRequest& request, const FileNames& files) {
    const nlohmann::ordered_json entry{{"DatasrvName", "Fogbank"},
                                       {"DatasrvProtocol", "AWS/MQTT"},
                                       {"ConnectRetryMin", 5},
                                       {"ConnectRetryMax", 300},
                                       {"MQTTAWSParams",
                                        {{"BrokerAddr", request.gateway_host},
                                         {"BrokerPort", request.mqtts_port},
                                         {"RootCA", files.root_ca},
                                         {"DeviceCert", files.certificate},
                                         {"DevicePrivKey", files.private_key},
                                         {"PublishInterval", 20}}}};
    const nlohmann::ordered_json section{{"DataServers", nlohmann::ordered_json::array({entry})}};
    return section.dump(2) + "\n";
}

std::string inhand_page(const ProvisionRequest& request, const FileNames& files) {
    return "Type                      AWS IoT\n"
           "Server address            " +
           request.gateway_host +
           "\n"
           "Port                      " +
           std::to_string(request.mqtts_port) +
           "\n"
           "MQTT client ID            " +
           request.thing.str() +
           "\n"
           "Thing's certificate       import " +
           files.certificate +
           "\n"
           "Private key               import " +
           files.private_key +
           "\n"
           "CA certificate            import " +
           files.root_ca +
           "\n"
           "Publish topic             awsiot/test, QoS 1\n";
}

std::string instructions(const ProvisionRequest& request, const FileNames& files, const std::string& certificate_id) {
    return "Thing " + request.thing.str() + " with certificate " + certificate_id.substr(0, 12) + "…, policy " + request.thing.str() +
           "-policy.\n"
           "Files in " +
           request.out.string() + ": " + files.root_ca + ", " + files.certificate + ", " + files.private_key +
           "\n\n"
           "Secomea SiteManager, Data Collection Module: upload the three files to the certificate storage under these names and\n"
           "put this into the configuration file (secomea-dataservers.json):\n\n" +
           secomea_entry(request, files) + "\nInHand InGateway, Device Supervisor, page Cloud (inhand-cloud.txt):\n\n" +
           inhand_page(request, files) + "\nAny MQTT client, to try it:\n\n  mosquitto_pub -h " + request.gateway_host + " -p " +
           std::to_string(request.mqtts_port) + " --cafile " + (request.out / files.root_ca).string() + " \\\n    --cert " +
           (request.out / files.certificate).string() + " --key " + (request.out / files.private_key).string() + " \\\n    -i " +
           request.thing.str() + " -q 1 -t awsiot/test -m '{\"temperature\":21.5}'\n";
}

Result<void> write_all(const ProvisionRequest& request, const FileNames& files, const nlohmann::json& keys, const std::string& root_pem,
                       const std::string& text) {
    const std::pair<std::string, std::string> plain[] = {{files.root_ca, root_pem},
                                                         {files.certificate, json_string(keys, "certificatePem")},
                                                         {"secomea-dataservers.json", secomea_entry(request, files)},
                                                         {"inhand-cloud.txt", inhand_page(request, files)},
                                                         {"README.txt", text}};
    if (auto written = write_file(request.out / files.private_key, json_string(keys["keyPair"], "PrivateKey"), 0600); !written)
        return written;
    for (const auto& [name, content] : plain) {
        if (auto written = write_file(request.out / name, content, 0644); !written) return written;
    }
    return {};
}

/// What has to be true of the output folder before anything is created on the server.
Result<void> prepare_folder(const ProvisionRequest& request, const FileNames& files) {
    std::error_code failed;
    std::filesystem::create_directories(request.out, failed);
    if (failed) return Error(CommonErrc::io_error, request.out.string() + ": " + failed.message());
    if (std::filesystem::exists(request.out / files.private_key)) {
        return Error(CommonErrc::io_error,
                     (request.out / files.private_key).string() + " exists already; choose another --out, a key is never overwritten");
    }
    return {};
}

}  // namespace

std::string gateway_policy(const std::string& region, const std::string& account) {
    const std::string arn = "arn:aws:iot:" + region + ":" + account + ":";
    const nlohmann::ordered_json document{
        {"Version", "2012-10-17"},
        {"Statement",
         {{{"Effect", "Allow"}, {"Action", "iot:Connect"}, {"Resource", arn + "client/*"}},
          {{"Effect", "Allow"}, {"Action", {"iot:Publish", "iot:RetainPublish", "iot:Receive"}}, {"Resource", arn + "topic/*"}},
          {{"Effect", "Allow"}, {"Action", "iot:Subscribe"}, {"Resource", arn + "topicfilter/*"}},
          {{"Effect", "Deny"}, {"Action", {"iot:Publish", "iot:Receive"}}, {"Resource", arn + "topic/$aws/*"}},
          {{"Effect", "Deny"}, {"Action", "iot:Subscribe"}, {"Resource", arn + "topicfilter/$aws/*"}}}}};
    return document.dump();
}

Result<std::string> provision(AwsClient& client, const ProvisionRequest& request, const std::string& region, const std::string& account) {
    const FileNames files(request.thing.str());
    if (auto ready = prepare_folder(request, files); !ready) return ready.error();
    const std::string name = percent_encode(request.thing.str());
    const std::string policy = percent_encode(request.thing.str() + "-policy");

    if (auto made = call(client, "CreateThing", "POST", "/things/" + name, "", nlohmann::json::object(), {}, 409); !made)
        return made.error();
    const nlohmann::json document{{"policyDocument", gateway_policy(region, account)}};
    if (auto made = call(client, "CreatePolicy", "POST", "/policies/" + policy, "", document, {}, 409); !made) return made.error();
    auto keys = call(client, "CreateKeysAndCertificate", "POST", "/keys-and-certificate", "setAsActive=true", nullptr);
    if (!keys) return keys.error();
    const std::string arn = json_string(*keys, "certificateArn");
    if (auto done = call(client, "AttachPolicy", "PUT", "/target-policies/" + policy, "", nlohmann::json{{"target", arn}}); !done)
        return done.error();
    if (auto done =
            call(client, "AttachThingPrincipal", "PUT", "/things/" + name + "/principals", "", nullptr, {{"x-amzn-principal", arn}});
        !done) {
        return done.error();
    }

    std::string root_pem;
    {
        std::error_code failed;
        const auto size = std::filesystem::file_size(request.ca_file, failed);
        const int descriptor = failed ? -1 : ::open(request.ca_file.c_str(), O_RDONLY | O_CLOEXEC);
        root_pem.resize(failed ? 0 : size);
        const bool got = descriptor >= 0 && ::read(descriptor, root_pem.data(), root_pem.size()) == static_cast<ssize_t>(root_pem.size());
        if (descriptor >= 0) ::close(descriptor);
        if (!got) return Error(CommonErrc::io_error, request.ca_file.string() + ": cannot be read");
    }
    const std::string text = instructions(request, files, json_string(*keys, "certificateId"));
    if (auto written = write_all(request, files, *keys, root_pem, text); !written) return written.error();
    return text;
}

}  // namespace fogbank::app
