/// DescribeEndpoint. Source: reference "registry", section 9: the answer is a bare host name, device SDKs put it straight into their MQTT
/// client.
#include <array>
#include <nlohmann/json.hpp>

#include "api/members.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;

constexpr std::array<std::string_view, 4> endpoint_types{"iot:Data", "iot:Data-ATS", "iot:CredentialProvider", "iot:Jobs"};

asio::awaitable<Outcome> describe_endpoint(const Services& services, const Call& call) {
    const std::string* type = call.query_value("endpointType");
    // One server answers for all of AWS's endpoints, so every known type has the same name.
    if (type != nullptr && !type->empty() && std::find(endpoint_types.begin(), endpoint_types.end(), *type) == endpoint_types.end()) {
        co_return validation_error("Endpoint type " + *type + " not recognized.");
    }
    co_return json_response({{"endpointAddress", services.endpoint_name}});
}

constexpr std::array operations{Operation{"DescribeEndpoint", "GET", "/endpoint", describe_endpoint}};

}  // namespace

std::span<const Operation> iot_endpoint_operations() {
    return operations;
}

}  // namespace fogbank::api
