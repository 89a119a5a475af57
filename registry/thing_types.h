/// Thing types. Source: AWS IoT API reference (reference "registry", section 4). Rules for all calls: registry/registry.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "registry/errc.h"
#include "registry/paging.h"
#include "registry/policies.h"

namespace fogbank::registry {

/// One of mqtt5Configuration's propagatingAttributes. Exactly one of the two sources is given.
struct PropagatingAttribute {
    std::string user_property_key, thing_attribute, connection_attribute;
    friend bool operator==(const PropagatingAttribute&, const PropagatingAttribute&) = default;
};

struct ThingTypeProperties {
    std::string description;
    std::vector<std::string> searchable_attributes;
    std::vector<PropagatingAttribute> propagating_attributes;
    friend bool operator==(const ThingTypeProperties&, const ThingTypeProperties&) = default;
};

struct ThingType {
    std::string name, id, arn;
    ThingTypeProperties properties;
    bool deprecated = false;
    WallTime created_at{}, deprecated_at{};
};

class ThingTypes {
  public:
    virtual ~ThingTypes() = default;
    /// The same name with the same properties answers the existing type. Errors: resource_already_exists.
    virtual Awaitable<ThingType> create_thing_type(std::string name, ThingTypeProperties properties, TagMap tags) = 0;
    virtual Awaitable<ThingType> describe_thing_type(std::string name) = 0;
    virtual Awaitable<void> update_thing_type(std::string name, ThingTypeProperties properties) = 0;
    virtual Awaitable<void> deprecate_thing_type(std::string name, bool undo) = 0;
    /// Errors: invalid_request until it has been deprecated for five minutes, or while things have it.
    virtual Awaitable<void> delete_thing_type(std::string name) = 0;
    /// `name` empty: all, in the order of names.
    virtual Awaitable<ListPage<ThingType>> list_thing_types(std::string name, PageRequest page) = 0;
};

}  // namespace fogbank::registry
