/// Billing groups. Source: AWS IoT API reference (reference "registry", section 5). Rules for all calls: registry/registry.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/clock.h"
#include "common/ids.h"
#include "registry/errc.h"
#include "registry/paging.h"
#include "registry/policies.h"

namespace fogbank::registry {

struct BillingGroup {
    std::string name, id, arn, description;
    std::int64_t version = 1;
    WallTime created_at{};
};

class BillingGroups {
  public:
    virtual ~BillingGroups() = default;
    /// The same name with the same properties answers the existing group. Errors: resource_already_exists.
    virtual Awaitable<BillingGroup> create_billing_group(std::string name, std::string description, TagMap tags) = 0;
    virtual Awaitable<BillingGroup> describe_billing_group(std::string name) = 0;
    /// Answers the new version.
    virtual Awaitable<std::int64_t> update_billing_group(std::string name, std::string description,
                                                         std::optional<std::int64_t> expected_version) = 0;
    /// Succeeds for a group that does not exist; its things are released.
    virtual Awaitable<void> delete_billing_group(std::string name, std::optional<std::int64_t> expected_version) = 0;
    virtual Awaitable<ListPage<BillingGroup>> list_billing_groups(std::string name_prefix, PageRequest page) = 0;
    /// A thing is in one billing group: it leaves the one it was in.
    virtual Awaitable<void> add_thing_to_billing_group(std::string group, ThingName thing) = 0;
    virtual Awaitable<void> remove_thing_from_billing_group(std::string group, ThingName thing) = 0;
    virtual Awaitable<ListPage<ThingName>> list_things_in_billing_group(std::string group, PageRequest page) = 0;
};

}  // namespace fogbank::registry
