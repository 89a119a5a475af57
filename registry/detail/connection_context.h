/// The values of policy variables and condition keys on one connection. Source: AWS IoT Core Developer Guide, "AWS IoT Core policy
/// variables" (reference "policy", section 6).
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/arn.h"
#include "common/authenticator.h"
#include "policy/document.h"
#include "registry/detail/impl.h"

namespace fogbank::registry {

/// Built when a connection's policies are compiled, dropped afterwards.
class ConnectionContext final : public policy::Context {
  public:
    /// `thing`: the connection's thing, null if it has none.
    ConnectionContext(const CertificateId& certificate, const PrincipalFacts& principal, const Thing* thing,
                      const ConnectionFacts& connection, const ArnFactory& arns);
    const std::vector<std::string>* find(std::string_view key) const override;

  private:
    void set(std::string_view key, std::vector<std::string> values);
    void set_connection(const ConnectionFacts& connection, const ArnFactory& arns);
    void set_thing(const Thing* thing);
    void set_certificate(const CertificateId& certificate, const CertificateVariables& variables);

    std::unordered_map<std::string, std::vector<std::string>> values_;  ///< by key in lower case
};

}  // namespace fogbank::registry
