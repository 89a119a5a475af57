/// Static and dynamic thing groups. Source: AWS IoT API reference (reference "registry", section 5). Rules for all calls:
/// registry/registry.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"
#include "registry/errc.h"
#include "registry/paging.h"
#include "registry/policies.h"
#include "registry/things.h"

namespace fogbank::registry {

/// What makes a group dynamic: its members are what the query finds.
struct GroupQuery {
    std::string index_name, query, query_version;
    friend bool operator==(const GroupQuery&, const GroupQuery&) = default;
};

struct ThingGroup {
    std::string name, id, arn, description;
    Attributes attributes;
    std::vector<std::string> ancestors;  ///< from the root to the parent; empty for a root
    std::optional<GroupQuery> dynamic;
    bool building = false;  ///< a dynamic group whose members are still being looked for
    std::int64_t version = 1;
    WallTime created_at{};
    const std::string& parent() const;  ///< empty: none
};

struct CreateThingGroupRequest {
    std::string name, parent, description;
    Attributes attributes;
    std::optional<GroupQuery> dynamic;
    TagMap tags;
};

struct UpdateThingGroupRequest {
    std::string name;
    std::optional<std::string> description;
    std::optional<Attributes> attributes;
    bool merge = false;
    std::optional<std::string> query, index_name, query_version;  ///< of dynamic groups
    bool is_dynamic = false;                                      ///< which of the two operations it is
    std::optional<std::int64_t> expected_version;
};

struct GroupListFilter {
    std::string parent, name_prefix;
    std::optional<bool> recursive;  ///< with `parent`: grandchildren too (default no); without: groups that have a parent too (default yes)
};

class ThingGroups {
  public:
    virtual ~ThingGroups() = default;
    /// The same name with the same parent and properties answers the existing group. Errors: resource_already_exists, resource_not_found
    /// for the parent, limit_exceeded, invalid_query, index_not_found.
    virtual Awaitable<ThingGroup> create_thing_group(CreateThingGroupRequest request) = 0;
    virtual Awaitable<ThingGroup> describe_thing_group(std::string name) = 0;
    /// Answers the new version.
    virtual Awaitable<std::int64_t> update_thing_group(UpdateThingGroupRequest request) = 0;
    /// Succeeds for a group that does not exist. Members are released, policies detached. Errors: invalid_request while it has children,
    /// version_conflict.
    virtual Awaitable<void> delete_thing_group(std::string name, bool is_dynamic, std::optional<std::int64_t> expected_version) = 0;
    virtual Awaitable<ListPage<std::string>> list_thing_groups(GroupListFilter filter, PageRequest page) = 0;

    virtual Awaitable<void> add_thing_to_group(std::string group, ThingName thing, bool override_dynamic) = 0;
    virtual Awaitable<void> remove_thing_from_group(std::string group, ThingName thing) = 0;
    virtual Awaitable<void> update_groups_of_thing(ThingName thing, std::vector<std::string> add, std::vector<std::string> remove,
                                                   bool override_dynamic) = 0;
    /// Direct groups only.
    virtual Awaitable<ListPage<std::string>> list_groups_of_thing(ThingName thing, PageRequest page) = 0;
    virtual Awaitable<ListPage<ThingName>> list_things_in_group(std::string group, bool recursive, PageRequest page) = 0;
};

}  // namespace fogbank::registry
