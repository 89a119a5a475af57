/// What DynamoDB's and its streams' calls do in IAM's words: actions, tables, indexes, and the condition keys LeadingKeys, Attributes, Select,
/// ReturnValues, ReturnConsumedCapacity, EnclosingOperation and FullTableScan. Source: Service authorization reference, "Actions, resources, and
/// condition keys for Amazon DynamoDB"; Developer Guide, "Using IAM policy conditions for fine-grained access control".
#pragma once

#include <string_view>
#include <vector>

#include "api/service.h"

namespace fogbank::api {

/// An AccessResolver. A request that cannot be read is asked about without conditions: its handler refuses it.
std::vector<AccessRequest> dynamodb_access(const Services& services, std::string_view iam_prefix, const Operation& operation, const Call& call);

}  // namespace fogbank::api
