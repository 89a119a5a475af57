#include "broker/broker_metrics.h"

#include <utility>

namespace fogbank::broker {
namespace {

Counter& dropped(Metrics& metrics, std::string_view cause) {
    return metrics.counter("fogbank_broker_messages_dropped_total", "Deliveries that did not reach their session, by cause.",
                           "cause=\"" + std::string(cause) + "\"");
}

}  // namespace

BrokerMetrics::BrokerMetrics(Metrics& metrics)
    : connections(metrics.gauge("fogbank_broker_connections", "Clients that are connected: CONNECT accepted and not closed.")),
      accepted(metrics.counter("fogbank_broker_sockets_accepted_total", "Sockets accepted on all listeners.")),
      handshakes_failed(metrics.counter("fogbank_broker_handshakes_failed_total", "TLS handshakes that did not end in a connection.")),
      connects_refused(metrics.counter("fogbank_broker_connects_refused_total", "CONNECT packets that were refused.")),
      messages_in(metrics.counter("fogbank_broker_messages_in_total", "PUBLISH packets received.")),
      messages_out(metrics.counter("fogbank_broker_messages_out_total", "PUBLISH packets sent.")),
      bytes_in(metrics.counter("fogbank_broker_received_bytes_total", "Bytes received from clients, inside TLS.")),
      bytes_out(metrics.counter("fogbank_broker_sent_bytes_total", "Bytes sent to clients, inside TLS.")),
      dropped_outbox_full(dropped(metrics, "outbox_full")),
      dropped_queue_full(dropped(metrics, "queue_full")),
      dropped_mailbox_full(dropped(metrics, "mailbox_full")),
      dropped_not_allowed(dropped(metrics, "receive_not_allowed")),
      dropped_too_large(dropped(metrics, "client_maximum_packet_size")),
      dropped_rate(dropped(metrics, "rate")) {
    for (const DisconnectReason reason : all_disconnect_reasons) {
        disconnects_.push_back(&metrics.counter("fogbank_broker_disconnects_total", "Connections that ended, by reason.",
                                                "reason=\"" + std::string(disconnect_reason_name(reason)) + "\""));
    }
}

Counter& BrokerMetrics::disconnects(DisconnectReason reason) {
    return *disconnects_[static_cast<std::size_t>(reason)];
}

void TurnCounts::flush(BrokerMetrics& metrics) {
    const auto move = [](std::uint64_t& from, Counter& to) {
        if (from != 0) to.add(std::exchange(from, 0));
    };
    move(messages_in, metrics.messages_in);
    move(messages_out, metrics.messages_out);
    move(bytes_in, metrics.bytes_in);
    move(bytes_out, metrics.bytes_out);
}

}  // namespace fogbank::broker
