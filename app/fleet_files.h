/// `fogbank export` and `fogbank import`: things, certificates, policies, attachments and rules as the JSON that the AWS CLI prints, so
/// that a fleet moves from AWS and back.
///
/// The folder: `things.json` (list-things), `certificates/<id>.json` (describe-certificate), `policies/<name>.json` (get-policy),
/// `policy-targets/<name>.json` (list-targets-for-policy), `thing-principals/<thing>.json` (list-thing-principals), `rules/<name>.json`
/// (get-topic-rule). Each is what that command prints.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/aws_client.h"
#include "common/result.h"

namespace fogbank::app {

/// What was done, by kind, for the person at the terminal.
struct FleetReport {
    std::size_t things = 0, certificates = 0, policies = 0, attachments = 0, rules = 0;
    std::size_t already_there = 0;
    std::vector<std::string> failures;  ///< one line each; the rest was done all the same
    std::string text() const;
};

/// Writes the folder; made if it is not there, files that are there are overwritten. Errors: CommonErrc::io_error; invalid_configuration
/// with AWS's message when an API refuses a list.
Result<FleetReport> export_fleet(AwsClient& client, const std::filesystem::path& folder);

struct ImportOptions {
    std::filesystem::path folder;
    std::string account, region;  ///< of this server: ARNs of another account or region are rewritten to it
};
/// Reads the folder; parts that are not there are left out. What exists already stays as it is. Errors: CommonErrc::io_error when the
/// folder cannot be read.
Result<FleetReport> import_fleet(AwsClient& client, const ImportOptions& options);

}  // namespace fogbank::app
