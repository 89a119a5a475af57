/// DirectPublisher on the broker's clients.
#pragma once

#include "broker/client_registry.h"
#include "common/direct_publisher.h"
#include "common/shard.h"

namespace fogbank::broker {

class DirectMessages final : public DirectPublisher {
  public:
    DirectMessages(ClientRegistry& clients, ShardPool& shards) : clients_(clients), shards_(shards) {}
    void publish_to(const ClientId& client_id, MessagePtr message) override;

  private:
    ClientRegistry& clients_;
    ShardPool& shards_;
};

}  // namespace fogbank::broker
