/// The judgement behind Iam::trusts.
#pragma once

#include <string_view>

#include "registry/iam.h"

namespace fogbank::registry {

Trust judge_trust(std::string_view trust_policy, const TrustQuestion& question, const ArnFactory& arns);

}  // namespace fogbank::registry
