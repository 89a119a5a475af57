/// The registry: things, certificates, policies, and who may do what. One interface per subject; this one holds them together and
/// authenticates. Source: AWS IoT API reference 2015-05-28 (reference "registry").
///
/// All calls of all subjects: any thread; awaitables resume on the caller's executor; a change is committed when the call returns and takes
/// effect on live connections at once (Permissions::version changes); after any error nothing has changed. Names are checked here against
/// AWS's patterns and lengths.
#pragma once

#include <memory>

#include "common/arn.h"
#include "common/authenticator.h"
#include "common/clock.h"
#include "common/quotas.h"
#include "common/random.h"
#include "common/result.h"
#include "common/things.h"
#include "registry/certificate_authority.h"
#include "registry/certificates.h"
#include "registry/errc.h"
#include "registry/policies.h"
#include "registry/things.h"
#include "store/kv/engine.h"

namespace fogbank {
class ActivityRecorder;
class Publisher;
}  // namespace fogbank

namespace fogbank::registry {

class Authorization;
class BillingGroups;
class CertificateRegistration;
class DeviceAccess;
class EventConfigurations;
class FleetIndex;
class Iam;
class LoggingOptions;
class Tags;
class ThingGroups;
class ThingTypes;

class Registry : public Authenticator, public ThingDirectory, public Things, public Certificates, public Policies {
  public:
    struct Dependencies {
        store::kv::Engine& engine;
        const Clock& clock;
        RandomSource& random;
        ArnFactory arns;
        Quotas quotas;
        CertificateAuthority& authority;
        const Iam* iam = nullptr;              ///< judges IAM callers on the data plane; null: only root may do anything
        ActivityRecorder* activity = nullptr;  ///< may be null; told of certificates that may no longer connect
        const DeviceAccess* access = nullptr;  ///< knows the registered CAs; null: there are none
    };

    // The other subjects. They live as long as the registry.
    virtual ThingTypes& thing_types() = 0;
    virtual ThingGroups& thing_groups() = 0;
    virtual BillingGroups& billing_groups() = 0;
    virtual Tags& tags() = 0;
    virtual EventConfigurations& events() = 0;
    virtual Authorization& authorization() = 0;
    virtual LoggingOptions& logging() = 0;
    virtual CertificateRegistration& certificate_registration() = 0;
    virtual FleetIndex& index() = 0;

    /// Where registry events are published from now on; null: nowhere. The publisher must outlive the calls: take it back before it goes.
    virtual void publish_events(Publisher* publisher) = 0;
};

/// Loads what it caches. The dependencies must outlive the registry.
Awaitable<std::unique_ptr<Registry>> open_registry(Registry::Dependencies dependencies);

}  // namespace fogbank::registry
