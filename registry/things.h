/// Things and the principals that are attached to them. Source: AWS IoT API reference (reference "registry", section 3). Rules for all
/// calls: registry/registry.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.h"
#include "registry/errc.h"
#include "registry/paging.h"

namespace fogbank::registry {

using Attributes = std::map<std::string, std::string>;

struct Thing {
    ThingName name;
    std::string id;  ///< UUID
    std::string arn;
    std::string type_name;  ///< empty: none
    Attributes attributes;
    std::string billing_group_name;  ///< empty: none
    std::int64_t version = 1;
};

struct CreateThingRequest {
    ThingName name;
    std::string type_name;
    Attributes attributes;
    std::string billing_group_name;
};

struct UpdateThingRequest {
    ThingName name;
    std::string type_name;     ///< empty: unchanged
    bool remove_type = false;  ///< not together with `type_name`
    std::optional<Attributes> attributes;
    bool merge = false;  ///< attributes are merged, an empty value removes; else they replace all
    std::optional<std::int64_t> expected_version;
};

/// What ListThings leaves in. What is not given does not filter.
struct ThingFilter {
    std::optional<std::string> type_name, attribute_name, attribute_value;
    bool value_is_prefix = false;
    bool accepts(const Thing& thing) const;
};

/// Whether a certificate belongs to one thing only. Source: AWS IoT Core Developer Guide, "Associating a thing to a connection".
enum class PrincipalType : std::uint8_t { non_exclusive, exclusive };
std::string_view principal_type_name(PrincipalType type);  ///< `NON_EXCLUSIVE_THING` …
std::optional<PrincipalType> principal_type_of(std::string_view name);

/// One attachment, seen from either side.
template <class T>
struct Attached {
    T what;
    PrincipalType type = PrincipalType::non_exclusive;
};

class Things {
  public:
    virtual ~Things() = default;

    /// The same name with the same configuration answers the existing thing. Errors: invalid_request, resource_already_exists,
    /// resource_not_found for an unknown type or billing group.
    virtual Awaitable<Thing> create_thing(CreateThingRequest request) = 0;
    virtual Awaitable<Thing> describe_thing(ThingName name) = 0;
    /// Raises the version by one. Errors: resource_not_found, version_conflict, invalid_request.
    virtual Awaitable<void> update_thing(UpdateThingRequest request) = 0;
    /// Succeeds for a thing that does not exist. Errors: invalid_request while principals are attached, version_conflict.
    virtual Awaitable<void> delete_thing(ThingName name, std::optional<std::int64_t> expected_version) = 0;
    /// In the order of names. A page may be short, or empty, and still have a `next`: one call looks at a bounded number of things.
    virtual Awaitable<ListPage<Thing>> list_things(ThingFilter filter, PageRequest page) = 0;

    // Principals. `principal_arn` is a certificate's ARN.

    /// Errors: resource_not_found; invalid_request if the certificate belongs exclusively to another thing, or is to belong exclusively and
    /// has another one.
    virtual Awaitable<void> attach_thing_principal(ThingName thing, std::string principal_arn, PrincipalType type) = 0;
    virtual Awaitable<void> detach_thing_principal(ThingName thing, std::string principal_arn) = 0;
    virtual Awaitable<std::vector<Attached<std::string>>> list_thing_principals(ThingName thing) = 0;
    virtual Awaitable<std::vector<Attached<ThingName>>> list_principal_things(std::string principal_arn) = 0;
};

}  // namespace fogbank::registry
