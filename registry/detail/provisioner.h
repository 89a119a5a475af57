/// Makes what a plan says.
#pragma once

#include "registry/certificate_registration.h"
#include "registry/provisioning_service.h"

namespace fogbank::registry {

/// One plan on its way. Steps are taken one after the other through the registry's own calls; a failure leaves what was made before.
class Provisioner {
  public:
    Provisioner(Registry& registry, ProvisioningPlan plan) : registry_(registry), plan_(std::move(plan)) {}
    boost::asio::awaitable<Result<Provisioned>> run();

  private:
    Awaitable<CertificateRecord> certificate();
    Awaitable<void> thing();
    Awaitable<void> existing_thing(const Thing& found);
    Awaitable<void> groups(bool thing_is_new);
    Awaitable<void> policies();
    Awaitable<void> attach();

    Registry& registry_;
    ProvisioningPlan plan_;
    Provisioned out_;
    CertificateRecord certificate_;
};

}  // namespace fogbank::registry
