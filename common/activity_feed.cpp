#include "common/activity_feed.h"

#include <algorithm>

#include "common/encoding.h"

namespace fogbank {
namespace {

/// Peers choose these texts: bounded, and UTF-8 even where they are cut.
void bound(std::string& text) {
    if (text.size() > ActivityFeed::text_bytes_max) {
        std::size_t end = ActivityFeed::text_bytes_max;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
        text.resize(end);
    }
    if (!is_valid_utf8(text)) text = "(not UTF-8)";
}

bool passes(const Activity& activity, const ActivityFilter& filter) {
    return (filter.client_id.empty() || activity.client_id == filter.client_id) &&
           (filter.thing_name.empty() || activity.thing_name == filter.thing_name) && (filter.kind.empty() || activity.kind == filter.kind);
}

void forget(std::unordered_map<std::string, std::vector<std::uint64_t>>& names, const std::string& name, std::uint64_t number) {
    const auto found = names.find(name);
    if (found == names.end()) return;
    auto& numbers = found->second;
    if (const auto at = std::lower_bound(numbers.begin(), numbers.end(), number); at != numbers.end() && *at == number) numbers.erase(at);
    if (numbers.empty()) names.erase(found);
}

}  // namespace

void ActivityFeed::record(Activity activity) {
    for (std::string* text : {&activity.client_id, &activity.thing_name, &activity.principal_id, &activity.topic, &activity.detail})
        bound(*text);
    const std::lock_guard lock(mutex_);
    const std::uint64_t number = ++last_;
    const Activity& kept = entries_.emplace(number, std::move(activity)).first->second;
    enter(clients_, kept.client_id, number);
    enter(things_, kept.thing_name, number);
    if (entries_.size() > entries_max) drop(entries_.begin()->first);
}

void ActivityFeed::enter(Names& names, const std::string& name, std::uint64_t number) {
    if (name.empty()) return;
    Numbers& numbers = names[name];
    numbers.push_back(number);
    if (numbers.size() > entries_per_name_max) drop(numbers.front());
}

void ActivityFeed::drop(std::uint64_t number) {
    const auto found = entries_.find(number);
    if (found == entries_.end()) return;
    forget(clients_, found->second.client_id, number);
    forget(things_, found->second.thing_name, number);
    entries_.erase(found);
}

std::vector<ActivityEntry> ActivityFeed::newest(const ActivityFilter& filter, std::size_t items_max) const {
    std::vector<ActivityEntry> out;
    const std::lock_guard lock(mutex_);
    const auto take = [&](std::uint64_t number, const Activity& activity) {
        if (passes(activity, filter)) out.push_back({number, activity});
        return out.size() < items_max;
    };
    const Names* names = !filter.client_id.empty() ? &clients_ : !filter.thing_name.empty() ? &things_ : nullptr;
    if (names != nullptr) {
        const auto found = names->find(!filter.client_id.empty() ? filter.client_id : filter.thing_name);
        if (found == names->end()) return out;
        for (auto at = found->second.rbegin(); at != found->second.rend(); ++at) {
            if (!take(*at, entries_.at(*at))) break;
        }
    } else {
        for (auto at = entries_.rbegin(); at != entries_.rend(); ++at) {
            if (!take(at->first, at->second)) break;
        }
    }
    std::reverse(out.begin(), out.end());
    return out;
}

std::vector<ActivityEntry> ActivityFeed::after(std::uint64_t number, const ActivityFilter& filter, std::size_t items_max) const {
    std::vector<ActivityEntry> out;
    const std::lock_guard lock(mutex_);
    for (auto at = entries_.upper_bound(number); at != entries_.end() && out.size() < items_max; ++at) {
        if (passes(at->second, filter)) out.push_back({at->first, at->second});
    }
    return out;
}

std::uint64_t ActivityFeed::last_number() const {
    const std::lock_guard lock(mutex_);
    return last_;
}

}  // namespace fogbank
