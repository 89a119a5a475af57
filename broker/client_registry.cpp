#include "broker/client_registry.h"

#include "broker/session.h"

namespace fogbank::broker {

std::shared_ptr<Session> ClientRegistry::find_or_add(const ClientId& client_id, std::shared_ptr<Session> session) {
    Stripe& place = stripe(client_id);
    const std::lock_guard lock(place.mutex);
    const auto found = place.holders.find(client_id);
    if (found != place.holders.end()) return found->second;
    if (!session) return nullptr;
    place.holders.emplace(client_id, session);
    return session;
}

std::vector<std::shared_ptr<Session>> ClientRegistry::all() const {
    std::vector<std::shared_ptr<Session>> out;
    for (const Stripe& place : stripes_) {
        const std::lock_guard lock(place.mutex);
        for (const auto& [client_id, session] : place.holders) out.push_back(session);
    }
    return out;
}

void ClientRegistry::release(const ClientId& client_id, const Session& session) {
    Stripe& place = stripe(client_id);
    std::shared_ptr<Session> released;  // destroyed after the lock
    const std::lock_guard lock(place.mutex);
    const auto found = place.holders.find(client_id);
    if (found == place.holders.end() || found->second.get() != &session) return;
    released = std::move(found->second);
    place.holders.erase(found);
}

std::shared_ptr<Session> ClientRegistry::find(const ClientId& client_id) const {
    const Stripe& place = stripe(client_id);
    const std::lock_guard lock(place.mutex);
    const auto found = place.holders.find(client_id);
    return found == place.holders.end() ? nullptr : found->second;
}

std::size_t ClientRegistry::size() const {
    std::size_t total = 0;
    for (const Stripe& place : stripes_) {
        const std::lock_guard lock(place.mutex);
        total += place.holders.size();
    }
    return total;
}

}  // namespace fogbank::broker
