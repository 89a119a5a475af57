/// The actions of a statement as a set. Source: AWS IoT Core Developer Guide, "AWS IoT Core policy actions".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/detail/pattern.h"

namespace fogbank::policy {

/// Number of data-plane actions that AWS documents; each has an index below it.
inline constexpr std::size_t known_actions = 20;
inline constexpr std::uint32_t all_known_actions = (1U << known_actions) - 1;

/// The index of `iot:Publish` and so on, without regard to case; nothing for an action that is not in the table.
std::optional<std::size_t> known_action_index(std::string_view action);
std::size_t connect_action_index();

/// What Action or NotAction covers: one bit per known action, and the patterns for any other.
class ActionSet {
  public:
    ActionSet() = default;
    ActionSet(const std::vector<std::string>& patterns, bool negated);
    std::uint32_t known() const { return known_; }
    bool may_contain_unknown() const { return negated_ || !patterns_.empty(); }
    /// For actions that are not in the table. No allocation.
    bool contains_unknown(std::string_view action) const;

  private:
    bool any_matches(std::string_view folded) const;
    std::vector<Pattern> patterns_;  ///< lower case
    bool negated_ = false;
    std::uint32_t known_ = 0;
};

}  // namespace fogbank::policy
