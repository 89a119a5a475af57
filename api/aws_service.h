/// The AWS services that this server speaks, as one table. Adding a service is a file with its operations plus one row in
/// api/aws_services.cpp: how its requests are recognised, how they name an operation, how its errors look.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/access_requests.h"
#include "api/aws_errors.h"
#include "api/router.h"
#include "api/service.h"

namespace fogbank::api {

enum class Protocol : std::uint8_t {
    rest_json,  ///< method and path name the operation
    json,       ///< X-Amz-Target names it: `<target_prefix><Operation>`
    query,      ///< `Action=<Operation>&Version=<version>` in a form body (or in the query string); answers are XML
};

/// One service. Texts and operations have static storage.
struct AwsService {
    std::string_view name;        ///< as the CLI calls it; label of logs and metrics
    std::string_view iam_prefix;  ///< of its actions in IAM policies: `iot` for `iot:CreateThing`
    Protocol protocol = Protocol::rest_json;
    /// Names in the credential scope that mean this service. Several services may share one (DynamoDB and its streams): then the target
    /// tells.
    std::vector<std::string_view> signing_names;
    ErrorStyle errors;
    std::vector<std::span<const Operation>> operations;
    std::string_view target_prefix = {};               ///< json: `DynamoDB_20120810.`
    std::string_view version = {};                     ///< query: `2010-05-08`
    std::vector<std::string_view> path_prefixes = {};  ///< rest: what tells a request without a usable signing name
    /// Services of one non-empty family are tried after the one that the signing name means: hand-written clients sign either of IoT's
    /// names.
    std::string_view family = {};
    AccessResolver access = access_by_labels;
    bool for_certificates = false;  ///< also on the port for client certificates, judged by IoT policies
};

/// All services; the first is the one that unrecognisable requests are answered in the words of.
std::span<const AwsService> aws_services();

/// An operation, and the service in whose words it answers.
struct ChosenOperation {
    const AwsService* service = nullptr;
    const Operation* operation = nullptr;  ///< null: the service has none such
    std::vector<std::pair<std::string_view, std::string>> labels;
};

/// Finds service and operation of a request. Immutable.
class ServiceIndex {
  public:
    /// @param services  outlives the index; not empty.
    explicit ServiceIndex(std::span<const AwsService> services);

    /// The service that a request is for: what it signed for says first, then its target header, its form's version, its path.
    /// @param signing_name  empty: not signed, or not readable.
    const AwsService& service_of(std::string_view signing_name, const Request& request) const;
    /// @param form  the members of a query-protocol request; not read for other protocols.
    ChosenOperation choose(std::string_view signing_name, const Request& request, const QueryParameters& form) const;
    /// Over all services that client certificates may use.
    ChosenOperation choose_for_certificate(const Request& request) const;

  private:
    bool route(const AwsService& service, const Request& request, ChosenOperation& out) const;

    std::span<const AwsService> services_;
    std::vector<Router> routers_;  ///< one per service; empty for services that do not route by path
};

/// The words in which `service` refuses what it has no operation for.
Error unknown_operation(const AwsService& service, const Request& request, const QueryParameters& form);

}  // namespace fogbank::api
