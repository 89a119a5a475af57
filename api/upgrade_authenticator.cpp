#include "api/upgrade_authenticator.h"

#include "api/errc.h"
#include "api/sigv4.h"

namespace fogbank::api {
namespace {

Request as_request(const UpgradeRequest& upgrade) {
    Request request;
    request.method = upgrade.method;
    request.path = upgrade.path;
    request.query = upgrade.query;
    for (const auto& [name, value] : upgrade.headers) request.headers.emplace_back(name, value);
    request.remote_ip = upgrade.remote_ip;
    request.server_name = upgrade.server_name;
    return request;
}

class Sigv4UpgradeAuthenticator final : public UpgradeAuthenticator {
  public:
    Sigv4UpgradeAuthenticator(const registry::AccessKeys& keys, const Clock& clock) : keys_(keys), clock_(clock) {}

    bool is_signed(const UpgradeRequest& request) const override {
        const auto claim = sigv4::parse_claim(as_request(request));
        return claim || claim.error().code != make_error_code(Errc::missing_authentication_token);
    }

    Result<Principal> authenticate_upgrade(const UpgradeRequest& upgrade) const override {
        const auto caller = sigv4::verify(as_request(upgrade), keys_, clock_.now());
        if (!caller) return caller.error();
        if (caller->service != "iotdevicegateway" && caller->service != "iotdata") {
            return Error(Errc::invalid_signature,
                         "Credential should be scoped to correct service: 'iotdevicegateway', got '" + caller->service + "'");
        }
        return caller->principal;
    }

  private:
    const registry::AccessKeys& keys_;
    const Clock& clock_;
};

}  // namespace

std::unique_ptr<UpgradeAuthenticator> make_upgrade_authenticator(const registry::AccessKeys& keys, const Clock& clock) {
    return std::make_unique<Sigv4UpgradeAuthenticator>(keys, clock);
}

}  // namespace fogbank::api
