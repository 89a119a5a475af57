/// What a service file is made of: operations (name, method, path, handler) and what a handler is given. One file per service or part of
/// one; adding a service is one file with its table plus one row in api/aws_services.cpp.
#pragma once

#include <any>
#include <boost/asio/awaitable.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/aws_errors.h"
#include "api/http_server.h"
#include "api/request.h"
#include "common/access.h"

namespace fogbank::api {

/// What handlers work on. References outlive the server.
struct Services {
    ApiServer::Dependencies rooms;
    std::string endpoint_name;
};

/// One request on its way to a handler. Lives in the dispatcher's frame until the handler has returned, so handlers take it by reference.
class Call {
  public:
    Call(Request http_request, QueryParameters query_parameters) : request(std::move(http_request)), query(std::move(query_parameters)) {}

    Request request;
    QueryParameters query;                                         ///< of the URL; for the query protocol the members of the form
    std::vector<std::pair<std::string_view, std::string>> labels;  ///< of the path template, decoded
    Principal principal;
    std::string request_id;
    Permissions* permissions = nullptr;  ///< IoT policies of a certificate; null for SigV4 callers
    /// IAM policies of a SigV4 caller; null for the root key and for certificates. The dispatcher has asked it about the operation;
    /// handlers ask again where only they know what is touched.
    const CallerAccess* access = nullptr;
    bool temporary_credentials = false;  ///< a SigV4 caller with session credentials
    /// What the access resolver has read of the body, for the handler, so that a body is read once. Empty: nothing was kept.
    mutable std::any kept;

    /// The label's value; empty if the template has none of that name.
    const std::string& label(std::string_view name) const;
    /// The first query parameter of that name, or null.
    const std::string* query_value(std::string_view name) const;
};

using Outcome = Result<Response>;
using Handler = boost::asio::awaitable<Outcome> (*)(const Services& services, const Call& call);

/// What a call does in IAM's words, for the dispatcher to ask the caller's policies about; all of it must be allowed. Empty: the handler
/// judges. Bodies have not been validated when it is asked: it must take anything.
using AccessResolver = std::vector<AccessRequest> (*)(const Services& services, std::string_view iam_prefix,
                                                      const struct Operation& operation, const Call& call);

struct Operation {
    std::string_view name;
    std::string_view method;  ///< empty for json and query protocols, where target header or form name the operation
    std::string_view path;    ///< `/things/{thingName}`; a last `{topic+}` takes the rest, slashes included
    Handler handler;
    AccessResolver access = nullptr;  ///< null: the service's
};

std::span<const Operation> iot_things_operations();
std::span<const Operation> iot_thing_types_operations();
std::span<const Operation> iot_thing_groups_operations();
std::span<const Operation> iot_billing_groups_operations();
std::span<const Operation> iot_tags_operations();
std::span<const Operation> iot_events_operations();
std::span<const Operation> iot_authorization_operations();
std::span<const Operation> iot_logging_operations();
std::span<const Operation> iot_indexing_operations();
std::span<const Operation> iot_certificates_operations();
std::span<const Operation> iot_policies_operations();
std::span<const Operation> iot_rules_operations();
std::span<const Operation> iot_rule_destinations_operations();
std::span<const Operation> iot_endpoint_operations();
std::span<const Operation> iot_data_operations();
std::span<const Operation> iot_data_retained_operations();
std::span<const Operation> iot_data_connections_operations();
std::span<const Operation> iot_data_shadow_operations();
std::span<const Operation> iot_jobs_operations();
std::span<const Operation> iot_jobs_data_operations();
std::span<const Operation> iot_ca_certificates_operations();
std::span<const Operation> iot_provisioning_operations();
std::span<const Operation> iot_role_aliases_operations();
std::span<const Operation> iot_authorizers_operations();
std::span<const Operation> credentials_provider_operations();
std::span<const Operation> lambda_operations();
std::span<const Operation> cloudwatch_logs_operations();
namespace iam {
std::span<const Operation> identity_operations();
std::span<const Operation> policy_operations();
}  // namespace iam
std::span<const Operation> sts_operations();

}  // namespace fogbank::api
