/// `fogbank provision`: a thing, a certificate and a policy in one go, through the server's own AWS APIs, and what to type into the
/// gateway.
#pragma once

#include <filesystem>
#include <string>

#include "app/aws_client.h"
#include "common/ids.h"
#include "common/result.h"

namespace fogbank::app {

struct ProvisionRequest {
    ThingName thing;
    std::filesystem::path out;  ///< folder for the files; made if it is not there, existing keys are never overwritten
    std::string gateway_host;   ///< what the gateway connects to
    std::uint16_t mqtts_port = 8883;
    std::filesystem::path ca_file;
};

/// The policy that is attached when the user names none: the gateway may connect under any client id, publish and subscribe outside `$aws`.
std::string gateway_policy(const std::string& region, const std::string& account);

/// Calls CreateThing, CreateKeysAndCertificate, CreatePolicy, AttachPolicy and AttachThingPrincipal, then writes the files.
/// An identical thing or policy that exists already is used again; each call makes a new certificate.
/// @return the text for the person at the gateway; it is also written to `out`/README.txt.
/// Errors: CommonErrc::io_error; CommonErrc::invalid_configuration with AWS's exception and message when an API refuses.
Result<std::string> provision(AwsClient& client, const ProvisionRequest& request, const std::string& region, const std::string& account);

}  // namespace fogbank::app
