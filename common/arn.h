/// Amazon Resource Names: `arn:partition:service:region:account:resource`.
#pragma once

#include <string>
#include <string_view>

#include "common/ids.h"
#include "common/result.h"

namespace fogbank {

/// The six parts. `resource` is everything after the fifth colon, further colons and slashes included.
struct Arn {
    std::string partition, service, region, account, resource;

    /// Errors: CommonErrc::malformed when there are fewer than six parts or it does not begin with `arn:`.
    static Result<Arn> parse(std::string_view text);
    std::string str() const;
};

/// Makes the ARNs of this installation's account and region. Immutable, freely copied. Forms: reference "registry", section 1.2.
class ArnFactory {
  public:
    ArnFactory(AccountId account, Region region) : account_(std::move(account)), region_(std::move(region)) {}

    const AccountId& account() const { return account_; }
    const Region& region() const { return region_; }

    std::string thing(const ThingName& name) const { return iot("thing/" + name.str()); }
    std::string certificate(const CertificateId& id) const { return iot("cert/" + id.str()); }
    std::string policy(const PolicyName& name) const { return iot("policy/" + name.str()); }
    std::string rule(const RuleName& name) const { return iot("rule/" + name.str()); }
    std::string function(const FunctionName& name) const { return make("lambda", "function:" + name.str()); }
    std::string table(const TableName& name) const { return make("dynamodb", "table/" + name.str()); }
    std::string root_user() const { return "arn:aws:iam::" + account_.str() + ":root"; }

    /// `arn:aws:iot:<region>:<account>:<resource>`, also for policy resources such as `client/x`, `topic/x`, `topicfilter/x`.
    std::string iot(std::string_view resource) const { return make("iot", resource); }
    std::string make(std::string_view service, std::string_view resource) const;

  private:
    AccountId account_;
    Region region_;
};

}  // namespace fogbank
