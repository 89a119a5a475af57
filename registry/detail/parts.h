/// The subjects of the registry that stand on the core alone.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "registry/billing_groups.h"
#include "registry/detail/core.h"
#include "registry/events.h"
#include "registry/logging_options.h"
#include "registry/tags.h"
#include "registry/thing_groups.h"
#include "registry/thing_types.h"

namespace fogbank::registry {

class ThingTypesPart final : public ThingTypes {
  public:
    explicit ThingTypesPart(Core& core) : core_(core) {}
    Awaitable<ThingType> create_thing_type(std::string name, ThingTypeProperties properties, TagMap tags) override;
    Awaitable<ThingType> describe_thing_type(std::string name) override;
    Awaitable<void> update_thing_type(std::string name, ThingTypeProperties properties) override;
    Awaitable<void> deprecate_thing_type(std::string name, bool undo) override;
    Awaitable<void> delete_thing_type(std::string name) override;
    Awaitable<ListPage<ThingType>> list_thing_types(std::string name, PageRequest page) override;

  private:
    Core& core_;
};

class ThingGroupsPart final : public ThingGroups {
  public:
    explicit ThingGroupsPart(Core& core) : core_(core) {}

    // thing_groups.cpp
    Awaitable<ThingGroup> create_thing_group(CreateThingGroupRequest request) override;
    Awaitable<ThingGroup> describe_thing_group(std::string name) override;
    Awaitable<std::int64_t> update_thing_group(UpdateThingGroupRequest request) override;
    Awaitable<void> delete_thing_group(std::string name, bool is_dynamic, std::optional<std::int64_t> expected_version) override;
    Awaitable<ListPage<std::string>> list_thing_groups(GroupListFilter filter, PageRequest page) override;

    // thing_group_members.cpp
    Awaitable<void> add_thing_to_group(std::string group, ThingName thing, bool override_dynamic) override;
    Awaitable<void> remove_thing_from_group(std::string group, ThingName thing) override;
    Awaitable<void> update_groups_of_thing(ThingName thing, std::vector<std::string> add, std::vector<std::string> remove,
                                           bool override_dynamic) override;
    Awaitable<ListPage<std::string>> list_groups_of_thing(ThingName thing, PageRequest page) override;
    Awaitable<ListPage<ThingName>> list_things_in_group(std::string group, bool recursive, PageRequest page) override;

    /// Makes the members of a dynamic group what its query says of one thing. For the index.
    Awaitable<void> set_dynamic_membership(std::string group, ThingName thing, bool member);
    /// A dynamic group whose members have been found.
    Awaitable<void> mark_built(std::string group, std::int64_t version);

  private:
    /// Whether the index can answer the query. Errors: invalid_query, resource_not_found while indexing is off.
    Awaitable<void> check_query(GroupQuery query);
    Result<void> erase_group(Transaction& tx, const ThingGroup& group, Affected& affected) const;
    Result<ThingGroup> make_group(Transaction& tx, const CreateThingGroupRequest& request, Affected& affected) const;
    Result<std::vector<ThingGroup>> ancestors_of(Transaction& tx, const ThingGroup& group) const;
    Result<void> add_in(Transaction& tx, Affected& affected, const std::string& group, const Thing& thing, bool override_dynamic) const;
    Result<void> remove_in(Transaction& tx, Affected& affected, const std::string& group, const Thing& thing) const;
    Result<void> make_room(Transaction& tx, Affected& affected, const Thing& thing, const ThingGroup& group, bool override_dynamic) const;
    Awaitable<std::vector<std::string>> with_descendants(std::string group);

    Core& core_;
};

class BillingGroupsPart final : public BillingGroups {
  public:
    explicit BillingGroupsPart(Core& core) : core_(core) {}
    Awaitable<BillingGroup> create_billing_group(std::string name, std::string description, TagMap tags) override;
    Awaitable<BillingGroup> describe_billing_group(std::string name) override;
    Awaitable<std::int64_t> update_billing_group(std::string name, std::string description,
                                                 std::optional<std::int64_t> expected_version) override;
    Awaitable<void> delete_billing_group(std::string name, std::optional<std::int64_t> expected_version) override;
    Awaitable<ListPage<BillingGroup>> list_billing_groups(std::string name_prefix, PageRequest page) override;
    Awaitable<void> add_thing_to_billing_group(std::string group, ThingName thing) override;
    Awaitable<void> remove_thing_from_billing_group(std::string group, ThingName thing) override;
    Awaitable<ListPage<ThingName>> list_things_in_billing_group(std::string group, PageRequest page) override;

  private:
    Core& core_;
};

class TagsPart final : public Tags {
  public:
    explicit TagsPart(Core& core) : core_(core) {}
    Awaitable<void> tag_resource(std::string arn, TagMap tags) override;
    Awaitable<void> untag_resource(std::string arn, std::vector<std::string> keys) override;
    Awaitable<TagMap> list_tags(std::string arn) override;
    Awaitable<void> forget_resource(std::string arn) override;

  private:
    Result<void> check(Transaction& tx, const std::string& arn) const;
    Core& core_;
};

class EventConfigurationsPart final : public EventConfigurations {
  public:
    explicit EventConfigurationsPart(Core& core) : core_(core) {}
    /// Reads what is stored; at start.
    Awaitable<void> load();
    Awaitable<void> update_event_configurations(std::map<EventType, bool> changes) override;
    Awaitable<EventConfiguration> describe_event_configurations() override;
    bool event_enabled(EventType type) const override;

  private:
    Core& core_;
};

class LoggingOptionsPart final : public LoggingOptions {
  public:
    explicit LoggingOptionsPart(Core& core) : core_(core) {}
    Awaitable<void> set_logging_options(LoggingSettings settings) override;
    Awaitable<LoggingSettings> logging_options() override;
    Awaitable<void> set_logging_level(LogTarget target, std::string level) override;
    Awaitable<void> delete_logging_level(LogTarget target) override;
    Awaitable<ListPage<LogTargetLevel>> list_logging_levels(std::string target_type, PageRequest page) override;

  private:
    Core& core_;
};

}  // namespace fogbank::registry
