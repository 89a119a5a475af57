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
std::string certificate_by_ca(std::string_view ca_id, WallTime created, const CertificateId& id);
Range certificates_by_ca(std::string_view ca_id);
std::string unclaimed_certificate(WallTime until, const CertificateId& id);  ///< to be deleted then
Range unclaimed_certificates();
std::string outgoing_certificate(WallTime offered, const CertificateId& id);
Range outgoing_certificates();

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

// Things of a type, of a billing group; groups and their members, each from both sides.
std::string thing_type(std::string_view name);
Range thing_types();
std::string type_thing(std::string_view type, const ThingName& thing);
Range type_things(std::string_view type);
std::string thing_group(std::string_view name);
Range thing_groups();
std::string group_child(std::string_view parent, std::string_view child);
Range group_children(std::string_view parent);
std::string group_thing(std::string_view group, const ThingName& thing);
Range group_things(std::string_view group);
std::string thing_membership(const ThingName& thing, std::string_view group);
Range thing_memberships(const ThingName& thing);
std::string dynamic_group(std::string_view name);  ///< the names of dynamic groups once more
Range dynamic_groups();
std::string billing_group(std::string_view name);
Range billing_groups();
std::string billing_thing(std::string_view group, const ThingName& thing);
Range billing_things(std::string_view group);

std::string tag(std::string_view arn, std::string_view key);
Range tags(std::string_view arn);

std::string setting(std::string_view name);  ///< one document each: event configurations, logging options, indexing configuration
std::string log_level(std::string_view target_type, std::string_view target_name);
Range log_levels();

// What the fleet index knows besides the registry.
std::string indexed(std::string_view kind, const ThingName& thing, std::string_view name);
Range indexed_of(std::string_view kind, const ThingName& thing);
Range indexed_all();

// Things by the terms that the fleet index finds them by.
std::string search_term(std::string_view field, std::string_view value, const ThingName& thing);
Range search_terms(std::string_view field);
Range search_term_things(std::string_view field, std::string_view value);
/// The thing that a key of the field leads to.
ThingName search_term_thing(std::string_view key, std::string_view field);

/// The part of `range` whose last part begins with `prefix`.
Range with_prefix(const Range& range, std::string_view prefix);

/// The last part of a key that one of the functions above made.
std::string last_part(std::string_view key, const Range& range);
/// The id behind the time in a key of certificates_by_time or policies_by_time.
std::string part_after_time(std::string_view key, const Range& range);
std::uint64_t last_number(std::string_view key, const Range& range);

}  // namespace fogbank::registry::keys
