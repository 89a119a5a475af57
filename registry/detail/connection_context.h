/// The values of policy variables and condition keys on one connection. Source: AWS IoT Core Developer Guide, "AWS IoT Core policy
/// variables" (reference "policy", section 6).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/arn.h"
#include "common/authenticator.h"
#include "policy/document.h"
#include "registry/detail/impl.h"

namespace fogbank::registry {

/// Made when a connection's policies are compiled, dropped afterwards; keeps references to what it is made of. Of the three families of
/// names (connection, thing, certificate) only those are worked out that are asked for. One thread.
class ConnectionContext final : public policy::Context {
  public:
    /// `thing`: the connection's thing, null if it has none.
    ConnectionContext(CertificateId certificate, const PrincipalFacts& principal, const Thing* thing, const ConnectionFacts& connection,
                      const ArnFactory& arns);
    const std::vector<std::string>* find(std::string_view key) const override;

  private:
    using Values = std::unordered_map<std::string, std::vector<std::string>>;  ///< by key in lower case
    Values connection_values() const;
    Values thing_values() const;
    Values certificate_values() const;

    const CertificateId certificate_;
    const CertificateVariables& variables_;
    const Thing* const thing_;
    const ConnectionFacts& connection_;
    const ArnFactory& arns_;
    mutable std::optional<Values> of_connection_, of_thing_, of_certificate_;
};

}  // namespace fogbank::registry
