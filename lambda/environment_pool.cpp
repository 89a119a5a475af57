#include "lambda/environment_pool.h"

#include <algorithm>
#include <iterator>

namespace fogbank::lambda {

/// With the lock held; the result is to be destroyed without it.
std::vector<EnvironmentPool::Warm> EnvironmentPool::change_identity(const std::string& identity) {
    std::vector<Warm> dropped;
    if (identity_ == identity) return dropped;
    identity_ = identity;
    dropped.swap(warm_);
    return dropped;
}

std::unique_ptr<Environment> EnvironmentPool::take(const std::string& identity) {
    std::vector<Warm> dropped;
    while (true) {
        std::unique_ptr<Environment> found;
        {
            const std::lock_guard lock(mutex_);
            dropped = change_identity(identity);
            if (warm_.empty()) return nullptr;
            found = std::move(warm_.back().environment);
            warm_.pop_back();
        }
        if (found->alive()) return found;
    }
}

void EnvironmentPool::put(std::unique_ptr<Environment> environment, const std::string& identity, SteadyTime now) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    if (identity_.empty()) identity_ = identity;
    if (identity_ == identity) warm_.push_back({std::move(environment), now});
}

void EnvironmentPool::adopt(std::unique_ptr<Environment> environment, const std::string& identity, SteadyTime now) {
    std::vector<Warm> dropped;
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    dropped = change_identity(identity);
    warm_.push_back({std::move(environment), now});
}

void EnvironmentPool::retire(SteadyTime time) {
    std::vector<Warm> dropped;
    const std::lock_guard lock(mutex_);
    const auto keep = std::stable_partition(warm_.begin(), warm_.end(), [time](const Warm& one) { return one.since >= time; });
    std::move(keep, warm_.end(), std::back_inserter(dropped));
    warm_.erase(keep, warm_.end());
}

void EnvironmentPool::close() {
    std::vector<Warm> dropped;
    const std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(warm_);
}

}  // namespace fogbank::lambda
