/// Names and sizes as AWS's service model has them, with AWS's text. Source: reference "registry", sections 1 and 2 ("Names and sizes").
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.h"
#include "registry/registry.h"

namespace fogbank::registry {

/// Collects what is wrong with a request's members; AWS reports all of it in one message.
class Validation {
  public:
    Validation& thing_name(const ThingName& name);
    Validation& policy_name(const PolicyName& name);
    Validation& certificate_id(const CertificateId& id);
    Validation& policy_version_id(std::string_view id);
    Validation& type_name(std::string_view name);           ///< empty: not given
    Validation& billing_group_name(std::string_view name);  ///< empty: not given
    Validation& thing_group_name(std::string_view name);
    /// Any other name of the registry's common form `[a-zA-Z0-9:_-]{1,128}`.
    Validation& name(std::string_view member, std::string_view name);
    Validation& attributes(const std::map<std::string, std::string>& attributes);
    Validation& text(std::string_view member, std::string_view value, std::size_t bytes_max);
    Validation& tags(const std::map<std::string, std::string>& tags);
    Validation& certificate_signing_request(std::string_view pem);
    /// `member`: `pageSize` or `maxResults`.
    Validation& page(const PageRequest& page, std::string_view member);

    /// What no pattern says.
    Validation& require(bool holds, std::string_view member, std::string_view value, std::string_view constraint);

    /// `1 validation error detected: Value '<v>' at '<member>' failed to satisfy constraint: …`, Errc::invalid_request.
    Result<void> result() const;

  private:
    struct Rule;
    void check(const Rule& rule, std::string_view value);
    void fault(std::string_view member, std::string_view value, std::string_view constraint);
    std::vector<std::string> faults_;
};

}  // namespace fogbank::registry
