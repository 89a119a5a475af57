/// What may be a resource's tags, for who makes resources outside the registry's transactions.
#pragma once

#include "registry/policies.h"

namespace fogbank::registry {

/// Errors: invalid_request, all that is wrong in one message.
Result<void> check_tags(const TagMap& tags);

}  // namespace fogbank::registry
