/// The activity feed: the last things that a person would want to read, per thing, per client and over all, in memory.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/activity.h"

namespace fogbank {

struct ActivityEntry {
    std::uint64_t number = 0;  ///< counts up by one with every record
    Activity activity;
};

/// What a reader wants. Empty members do not filter.
struct ActivityFilter {
    std::string client_id, thing_name, kind;
};

/// Thread-safe. Bounds: entries_max over all, entries_per_name_max for each client and each thing, texts cut at text_bytes_max: about 20
/// MB. At the bound the oldest goes: one noisy client pushes out its own entries first.
class ActivityFeed final : public ActivityRecorder {
  public:
    static constexpr std::size_t entries_max = 20'000;
    static constexpr std::size_t entries_per_name_max = 250;
    static constexpr std::size_t text_bytes_max = 1024;

    void record(Activity activity) override;

    /// The newest `items_max` that pass, oldest first.
    std::vector<ActivityEntry> newest(const ActivityFilter& filter, std::size_t items_max) const;
    /// Up to `items_max` that pass with a number above `number`, oldest first. For following the feed.
    std::vector<ActivityEntry> after(std::uint64_t number, const ActivityFilter& filter, std::size_t items_max) const;
    /// The number of the last record; 0: none yet.
    std::uint64_t last_number() const;

  private:
    using Numbers = std::vector<std::uint64_t>;  // a deque is 600 bytes for each client that was ever seen
    using Names = std::unordered_map<std::string, Numbers>;
    void enter(Names& names, const std::string& name, std::uint64_t number);
    void drop(std::uint64_t number);

    mutable std::mutex mutex_;
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, Activity> entries_;
    Names clients_, things_;
};

}  // namespace fogbank
