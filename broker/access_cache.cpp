#include "broker/access_cache.h"

#include <functional>

#include "broker/limits.h"

namespace fogbank::broker {
namespace {
constexpr std::size_t first_entries = 4;
}

void AccessCache::reset(std::unique_ptr<Permissions> permissions) {
    permissions_ = std::move(permissions);
    entries_.clear();
    version_ = permissions_ ? permissions_->version() : 0;
}

/// The version is read before the decision: a change in between makes the entry stale, never the other way round.
void AccessCache::forget_if_changed() {
    const std::uint64_t version = permissions_ ? permissions_->version() : 0;
    if (version != version_) entries_.clear();
    version_ = version;
    if (entries_.empty()) entries_.resize(first_entries);
}

bool AccessCache::known_allowed(IotAction action, std::string_view resource_name) {
    forget_if_changed();
    const Entry& entry = slot(action, resource_name);
    return entry.known && entry.allowed && entry.action == action && entry.resource_name == resource_name;
}

bool AccessCache::allows(IotAction action, std::string_view resource_name) {
    if (!permissions_ && action == IotAction::receive) return true;
    forget_if_changed();
    const Entry& entry = slot(action, resource_name);
    if (entry.known && entry.action == action && entry.resource_name == resource_name) return entry.allowed;
    const bool allowed = !permissions_ || permissions_->allows(action, resource_name);
    if (entry.known && entries_.size() < limits::access_cache_entries_max) {
        std::vector<Entry> old(entries_.size() * 2);
        old.swap(entries_);
        for (Entry& kept : old) {
            if (kept.known) slot(kept.action, kept.resource_name) = std::move(kept);
        }
    }
    slot(action, resource_name) = {std::string(resource_name), action, true, allowed};
    return allowed;
}

std::string AccessCache::explain(IotAction action, std::string_view resource_name) {
    return permissions_ ? permissions_->explain(action, resource_name).reason : std::string("everything is allowed here");
}

AccessCache::Entry& AccessCache::slot(IotAction action, std::string_view resource_name) {
    const std::size_t hash = std::hash<std::string_view>{}(resource_name) + static_cast<std::size_t>(action);
    return entries_[hash & (entries_.size() - 1)];
}

}  // namespace fogbank::broker
