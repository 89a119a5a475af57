/// Provisioning: things, policies and certificates made from templates, for RegisterThing, for a device's first connect (JITP) and for
/// fleet provisioning over the reserved topics. Source: AWS IoT Core Developer Guide, "Device provisioning" (reference "registry", sections
/// 10 to 12).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <string>

#include "common/activity.h"
#include "common/arn.h"
#include "common/direct_publisher.h"
#include "common/functions.h"
#include "common/publisher.h"
#include "common/result.h"
#include "common/subscriber.h"
#include "registry/device_access.h"
#include "registry/provisioning_template.h"
#include "registry/registry.h"

namespace fogbank::registry {

/// What RegisterThing answers.
struct Provisioned {
    std::string certificate_pem, thing_name;
    std::string device_configuration = "{}";           ///< JSON object
    std::map<std::string, std::string> resource_arns;  ///< by the template's logical names
};

class ProvisioningService {
  public:
    struct Dependencies {
        Registry& registry;
        DeviceAccess& access;
        TopicIndex& topics;
        Publisher& publisher;
        DirectPublisher& direct;
        FunctionCaller& functions;
        const Clock& clock;
        ArnFactory arns;
        ActivityRecorder* activity = nullptr;
    };
    virtual ~ProvisioningService() = default;

    /// Any shard. Errors: resource_registration_failure and invalid_request, naming what could not be made; what was made before stays, as
    /// with AWS.
    virtual boost::asio::awaitable<Result<Provisioned>> register_thing(std::string template_body, TemplateParameters parameters) = 0;
    /// Subscribes no longer and answers nothing more. Not from a shard's thread.
    virtual void stop() = 0;
};

/// Subscribes to the reserved topics and meets newcomers from now on. The dependencies must outlive it.
std::unique_ptr<ProvisioningService> make_provisioning_service(ProvisioningService::Dependencies dependencies);

}  // namespace fogbank::registry
