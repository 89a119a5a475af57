/// What the broker counts.
#pragma once

#include <vector>

#include "broker/disconnect_reason.h"
#include "common/metrics.h"

namespace fogbank::broker {

struct BrokerMetrics {
    explicit BrokerMetrics(Metrics& metrics);

    Gauge& connections;
    Counter &accepted, &handshakes_failed, &connects_refused;
    Counter &messages_in, &messages_out, &bytes_in, &bytes_out;
    Counter &dropped_outbox_full, &dropped_queue_full, &dropped_mailbox_full, &dropped_not_allowed, &dropped_too_large, &dropped_rate;
    Counter& disconnects(DisconnectReason reason);

  private:
    std::vector<Counter*> disconnects_;
};

/// Counted without atomics on a shard, added to the shared counters once a turn.
struct TurnCounts {
    std::uint64_t messages_in = 0, messages_out = 0, bytes_in = 0, bytes_out = 0;
    void flush(BrokerMetrics& metrics);
};

}  // namespace fogbank::broker
