/// Where the registry's records are: the keys under `reg`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/ids.h"
#include "store/kv/engine.h"

namespace fogbank::registry::keys {

using store::kv::Range;

std::string format();  ///< version of the records' format
std::string root_access_key();

std::string thing(const ThingName& name);
Range things();

std::string certificate(const CertificateId& id);
std::string certificate_by_time(WallTime created, const CertificateId& id);  ///< lists are in the order of creation
Range certificates_by_time();

std::string policy(const PolicyName& name);
std::string policy_by_time(WallTime created, const PolicyName& name);
Range policies_by_time();
std::string policy_version(const PolicyName& name, std::uint64_t version);
Range policy_versions(const PolicyName& name);

// Attachments, each from both sides.
std::string thing_principal(const ThingName& thing, std::string_view principal_arn);
Range thing_principals(const ThingName& thing);
std::string principal_thing(std::string_view principal_arn, const ThingName& thing);
Range principal_things(std::string_view principal_arn);
std::string target_policy(std::string_view target, const PolicyName& policy);
Range target_policies(std::string_view target);
std::string policy_target(const PolicyName& policy, std::string_view target);
Range policy_targets(const PolicyName& policy);

/// The last part of a key that one of the functions above made.
std::string last_part(std::string_view key, const Range& range);
/// The id behind the time in a key of certificates_by_time or policies_by_time.
std::string part_after_time(std::string_view key, const Range& range);
std::uint64_t last_number(std::string_view key, const Range& range);

}  // namespace fogbank::registry::keys
