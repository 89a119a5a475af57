#include "broker/lifecycle_log.h"

#include <spdlog/spdlog.h>

#include "common/logging.h"

namespace fogbank::broker {

void LifecycleLog::connected(const ConnectionIdentity& connection) {
    logger("broker").debug("connected client_id={} principal={} source_ip={}", log_value(connection.client_id.view()),
                           log_value(connection.principal_id), connection.source_ip);
}

void LifecycleLog::disconnected(const ConnectionIdentity& connection, DisconnectReason reason, std::string_view detail) {
    // What a client did in order is for debugging; that it was cut off is what its developer looks for.
    const bool expected = is_client_initiated(reason) || reason == DisconnectReason::server_initiated_disconnect;
    logger("broker").log(expected ? spdlog::level::debug : spdlog::level::info,
                         "disconnected client_id={} principal={} source_ip={} reason={} detail={}", log_value(connection.client_id.view()),
                         log_value(connection.principal_id), connection.source_ip, disconnect_reason_name(reason), log_value(detail));
}

void LifecycleLog::connect_failed(const ConnectionIdentity& connection, std::string_view detail) {
    // The refusal itself is logged, within bounds, when the connection is closed.
    logger("broker").debug("connect failed client_id={} principal={} detail={}", log_value(connection.client_id.view()),
                           log_value(connection.principal_id), log_value(detail));
}

void LifecycleLog::subscribed(const ConnectionIdentity& connection, std::string_view topic_filter) {
    logger("broker").debug("subscribed client_id={} topic_filter={}", log_value(connection.client_id.view()), log_value(topic_filter));
}

void LifecycleLog::unsubscribed(const ConnectionIdentity& connection, std::string_view topic_filter) {
    logger("broker").debug("unsubscribed client_id={} topic_filter={}", log_value(connection.client_id.view()), log_value(topic_filter));
}

}  // namespace fogbank::broker
