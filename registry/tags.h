/// Tags on resources, by ARN. Source: AWS IoT API reference, TagResource (reference "registry", section 5).
#pragma once

#include <string>
#include <vector>

#include "registry/errc.h"
#include "registry/paging.h"
#include "registry/policies.h"

namespace fogbank::registry {

/// Whether a resource that another room keeps (a rule, a job) exists is for the caller to know; those of the registry are checked here:
/// resource_not_found for what is missing, invalid_request for what cannot be tagged (things, certificates).
class Tags {
  public:
    virtual ~Tags() = default;
    /// Replaces values of keys that are there. Errors: limit_exceeded over 50 tags.
    virtual Awaitable<void> tag_resource(std::string arn, TagMap tags) = 0;
    virtual Awaitable<void> untag_resource(std::string arn, std::vector<std::string> keys) = 0;
    virtual Awaitable<TagMap> list_tags(std::string arn) = 0;
    /// For the room that has deleted a resource.
    virtual Awaitable<void> forget_resource(std::string arn) = 0;
};

}  // namespace fogbank::registry
