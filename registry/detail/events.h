/// The messages that tell what has changed in the registry. Source: AWS IoT Core Developer Guide, "Registry events".
#pragma once

#include <atomic>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "registry/events.h"
#include "registry/registry.h"
#include "registry/thing_groups.h"
#include "registry/thing_types.h"

namespace fogbank::registry {

/// A message to be published after the commit.
struct RegistryEvent {
    std::string topic_name, payload;
};

/// Appends an event to `out` if its type is enabled. Thread-safe.
class EventMaker {
  public:
    explicit EventMaker(const Registry::Dependencies& dependencies) : deps_(dependencies) {}

    bool enabled(EventType type) const { return (mask_.load(std::memory_order_relaxed) >> static_cast<unsigned>(type) & 1U) != 0; }
    void set(const EventConfiguration& configuration);

    // `operation`: `created`, `updated`, `deleted`, `added` or `removed`, as in the topic.
    using Events = std::vector<RegistryEvent>;
    void thing(Events& out, std::string_view operation, const Thing& thing) const;
    void thing_type(Events& out, std::string_view operation, const ThingType& type) const;
    void type_association(Events& out, std::string_view operation, const Thing& thing, const std::string& type) const;
    /// `ancestors`: of `group`, from the root to the parent.
    void thing_group(Events& out, std::string_view operation, const ThingGroup& group, const std::vector<ThingGroup>& ancestors) const;
    void membership(Events& out, std::string_view operation, const ThingGroup& group, const Thing& thing) const;
    void hierarchy(Events& out, std::string_view operation, const ThingGroup& parent, const ThingGroup& child) const;

  private:
    void add(Events& out, std::string_view type, std::string_view operation, std::string topic, nlohmann::json members) const;

    const Registry::Dependencies& deps_;
    std::atomic<std::uint32_t> mask_{0};
};

}  // namespace fogbank::registry
