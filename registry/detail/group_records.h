/// Stored forms of thing types, thing groups and billing groups; as detail/records.h.
#pragma once

#include <string>
#include <string_view>

#include "common/arn.h"
#include "registry/billing_groups.h"
#include "registry/thing_groups.h"
#include "registry/thing_types.h"

namespace fogbank::registry {

std::string encode(const ThingType& type);  ///< without `name` and `arn`, as the others
std::string encode(const ThingGroup& group);
std::string encode(const BillingGroup& group);

Result<ThingType> decode_thing_type(const std::string& name, std::string_view bytes, const ArnFactory& arns);
Result<ThingGroup> decode_thing_group(const std::string& name, std::string_view bytes, const ArnFactory& arns);
Result<BillingGroup> decode_billing_group(const std::string& name, std::string_view bytes, const ArnFactory& arns);

inline std::string thing_type_arn(const ArnFactory& arns, const std::string& name) {
    return arns.iot("thingtype/" + name);
}
inline std::string thing_group_arn(const ArnFactory& arns, const std::string& name) {
    return arns.iot("thinggroup/" + name);
}
inline std::string billing_group_arn(const ArnFactory& arns, const std::string& name) {
    return arns.iot("billinggroup/" + name);
}

}  // namespace fogbank::registry
