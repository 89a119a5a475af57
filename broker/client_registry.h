/// Which session speaks for a client id: one at a time, over all shards.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/ids.h"

namespace fogbank::broker {

class Session;

/// Thread-safe. Who wants an id that is held asks the holder, on its shard, to make way (`Session::take_over`): so of any number of racing
/// CONNECTs exactly one keeps the id.
class ClientRegistry {
  public:
    /// The holder of `client_id`, or, if there is none, `session` as the new one. `session` may be null: then nothing changes.
    std::shared_ptr<Session> find_or_add(const ClientId& client_id, std::shared_ptr<Session> session);
    /// Gives the id up, unless another session holds it.
    void release(const ClientId& client_id, const Session& session);
    std::vector<std::shared_ptr<Session>> all() const;
    /// Who holds the id; null: nobody.
    std::shared_ptr<Session> find(const ClientId& client_id) const;
    std::size_t size() const;

  private:
    struct alignas(64) Stripe {
        mutable std::mutex mutex;
        std::unordered_map<ClientId, std::shared_ptr<Session>> holders;
    };
    static constexpr std::size_t stripe_count = 16;  // connects are rarer than messages by far; enough for any number of shards here
    const Stripe& stripe(const ClientId& client_id) const { return stripes_[std::hash<ClientId>{}(client_id) % stripe_count]; }
    Stripe& stripe(const ClientId& client_id) { return stripes_[std::hash<ClientId>{}(client_id) % stripe_count]; }

    std::array<Stripe, stripe_count> stripes_;
};

}  // namespace fogbank::broker
