/// Policy decisions of one connection, remembered by action and topic.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/authenticator.h"

namespace fogbank::broker {

/// Asks `Permissions` once per (action, topic) for as long as its version stands. Devices use few topics: a hit costs a hash and a
/// comparison. Bounded by `limits::access_cache_entries_max`. One thread.
class AccessCache {
  public:
    /// @param permissions  null: everything is allowed (the plain port).
    void reset(std::unique_ptr<Permissions> permissions);
    bool allows(IotAction action, std::string_view resource_name);
    /// The same without remembering: for what is asked once in a connection's life.
    bool allows_once(IotAction action, std::string_view resource_name) const {
        return !permissions_ || permissions_->allows(action, resource_name);
    }
    /// Whether it was asked before, under the policies that are in force, and allowed. Also remembers on the plain port.
    bool known_allowed(IotAction action, std::string_view resource_name);
    /// The reason of a refusal; slow.
    std::string explain(IotAction action, std::string_view resource_name);

  private:
    struct Entry {
        std::string resource_name;
        IotAction action{};
        bool known = false, allowed = false;
    };
    void forget_if_changed();
    Entry& slot(IotAction action, std::string_view resource_name);

    std::unique_ptr<Permissions> permissions_;
    std::uint64_t version_ = 0;
    std::vector<Entry> entries_;  ///< direct-mapped; the size is a power of two
};

}  // namespace fogbank::broker
