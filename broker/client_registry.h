/// Which session speaks for a client id: one at a time, over all shards.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/ids.h"

namespace fogbank::broker {

class Session;

/// Thread-safe. Claims of one client id are in one total order, so of any number of racing CONNECTs exactly the last keeps the id.
class ClientRegistry {
  public:
    /// Makes `session` the holder of `client_id`.
    /// @return the holder before it, which the caller has to close; null if there was none.
    std::shared_ptr<Session> claim(const ClientId& client_id, std::shared_ptr<Session> session);
    /// Gives the id up, unless another session has claimed it meanwhile.
    void release(const ClientId& client_id, const Session& session);
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
