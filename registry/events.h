/// Which registry events are published. Source: AWS IoT Core Developer Guide, "Event messages" (reference "registry", section 13).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "registry/errc.h"
#include "registry/paging.h"

namespace fogbank::registry {

enum class EventType : std::uint8_t {
    thing,
    thing_group,
    thing_type,
    thing_group_membership,
    thing_group_hierarchy,
    thing_type_association,
    job,
    job_execution,
    policy,
    certificate,
    ca_certificate,
    count_,
};
std::string_view event_type_name(EventType type);  ///< `THING_GROUP_MEMBERSHIP`
std::optional<EventType> event_type_of(std::string_view name);

struct EventConfiguration {
    std::array<bool, static_cast<std::size_t>(EventType::count_)> enabled{};  ///< all off until somebody says otherwise
    std::optional<WallTime> created_at, modified_at;
};

class EventConfigurations {
  public:
    virtual ~EventConfigurations() = default;
    /// Types that are not named keep their setting. In force when the call returns.
    virtual Awaitable<void> update_event_configurations(std::map<EventType, bool> changes) = 0;
    virtual Awaitable<EventConfiguration> describe_event_configurations() = 0;
    /// From memory; any thread. For services whose events these are (jobs).
    virtual bool event_enabled(EventType type) const = 0;
};

}  // namespace fogbank::registry
