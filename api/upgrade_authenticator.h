/// SigV4 on WebSocket upgrades, for the broker. Source: reference "auth", section 3; "broker", section 4.
#pragma once

#include <memory>

#include "common/clock.h"
#include "common/door_authentication.h"
#include "registry/access_keys.h"

namespace fogbank::api {

/// Takes signatures for the services iotdevicegateway and iotdata, in header or query form; the session token may have been added after
/// signing. Errors: those of sigv4::verify, with AWS's messages.
std::unique_ptr<UpgradeAuthenticator> make_upgrade_authenticator(const registry::AccessKeys& keys, const Clock& clock);

}  // namespace fogbank::api
