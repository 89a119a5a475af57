/// What calls do in IAM's words: action and resource ARN of each. Source: AWS service authorization reference.
#pragma once

#include <vector>

#include "api/service.h"

namespace fogbank::api {

/// `service:Operation` on the resource that a label of the path names (`{thingName}`: the thing's ARN), else on `*`.
std::vector<AccessRequest> access_by_labels(const Services& services, std::string_view iam_prefix, const Operation& operation,
                                            const Call& call);
/// IAM: on the user, role or policy that the form names.
std::vector<AccessRequest> access_by_iam_names(const Services& services, std::string_view iam_prefix, const Operation& operation,
                                               const Call& call);
/// Nothing: the handler judges.
std::vector<AccessRequest> access_by_handler(const Services& services, std::string_view iam_prefix, const Operation& operation,
                                             const Call& call);

}  // namespace fogbank::api
