/// The HTTP front: AWS APIs for unmodified SDKs and the CLI, HTTP and HTTPS on one port, plus health and metrics under /_fogbank.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "common/arn.h"
#include "common/authenticator.h"
#include "common/clock.h"
#include "common/connections.h"
#include "common/door_authentication.h"
#include "common/metrics.h"
#include "common/publisher.h"
#include "common/quotas.h"
#include "common/random.h"
#include "common/result.h"
#include "common/retained_messages.h"
#include "common/shard.h"
#include "common/tls_policy.h"
#include "lambda/function_service.h"
#include "logs/log_store.h"
#include "registry/access_keys.h"
#include "registry/device_access.h"
#include "registry/iam.h"
#include "registry/provisioning_service.h"
#include "registry/registry.h"
#include "rules/rule_service.h"
#include "store/table/table_api.h"

namespace fogbank {
class ActivityFeed;
}
namespace fogbank::shadow {
class ShadowService;
}
namespace fogbank::jobs {
class JobService;
}

namespace fogbank::api {

struct ApiOptions {
    std::string bind = "0.0.0.0";
    std::int32_t api_port = 4566;    ///< 0: any free one
    std::int32_t https_port = 8443;  ///< data plane for client certificates; 0: any free one, -1: none
    std::string certificate_chain_pem, private_key_pem;
    std::string endpoint_name;                                           ///< what DescribeEndpoint answers: a bare host name
    std::string security_policy = std::string(default_tls_policy_name);  ///< of the https port; a name of common/tls_policy.h
};

struct ApiPorts {
    std::int32_t api = -1, https = -1;
};

class ApiServer {
  public:
    struct Dependencies {
        ShardPool& shards;
        registry::Registry& registry;
        registry::AccessKeys& access_keys;
        registry::Iam& iam;
        registry::DeviceAccess& access;
        rules::RuleService& rules;
        lambda::FunctionService& functions;
        store::table::TableApi& tables;
        Publisher& publisher;
        const Clock& clock;
        RandomSource& random;
        Metrics& metrics;
        ArnFactory arns;
        Quotas quotas;
        shadow::ShadowService* shadows = nullptr;  ///< null only in tests
        RetainedMessages* retained = nullptr;      ///< may be null, as the next
        Connections* connections = nullptr;
        jobs::JobService* jobs = nullptr;                       ///< null only in tests
        const ActivityFeed* activity = nullptr;                 ///< may be null: there is no feed to be read
        registry::ProvisioningService* provisioning = nullptr;  ///< null: RegisterThing is not available
        CustomAuthenticator* custom_authenticator = nullptr;    ///< null: none comes in by a custom authorizer
        logs::LogStore* logs = nullptr;                         ///< null only in tests that do not ask for it
    };
    virtual ~ApiServer() = default;

    /// Errors: CommonErrc::io_error naming the address that could not be bound.
    virtual Result<ApiPorts> listen(const ApiOptions& options) = 0;
    /// Stops accepting, finishes requests under way for up to `grace`, closes. Not from a shard's thread; the shards must be running.
    virtual void stop(std::chrono::milliseconds grace) = 0;
};

std::unique_ptr<ApiServer> make_api_server(ApiServer::Dependencies dependencies);

}  // namespace fogbank::api
