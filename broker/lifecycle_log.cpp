#include "broker/lifecycle_log.h"

#include <spdlog/spdlog.h>

#include "common/logging.h"

namespace fogbank::broker {

void LifecycleLog::connected(const ConnectionIdentity& connection) {
    logger("broker").debug("connected client_id={} principal={} source_ip={}", log_value(connection.client_id.view()),
                           log_value(connection.principal_id), connection.source_ip);
}

// Why a connection was refused or cut off is logged, within bounds, where it is closed.
void LifecycleLog::disconnected(const ConnectionIdentity&, DisconnectReason, std::string_view) {}
void LifecycleLog::connect_failed(const ConnectionIdentity&, std::string_view) {}

void LifecycleLog::subscribed(const ConnectionIdentity& connection, std::span<const std::string_view> topic_filters) {
    for (const std::string_view topic_filter : topic_filters)
        logger("broker").debug("subscribed client_id={} topic_filter={}", log_value(connection.client_id.view()), log_value(topic_filter));
}

void LifecycleLog::unsubscribed(const ConnectionIdentity& connection, std::span<const std::string_view> topic_filters) {
    for (const std::string_view topic_filter : topic_filters)
        logger("broker").debug("unsubscribed client_id={} topic_filter={}", log_value(connection.client_id.view()),
                               log_value(topic_filter));
}

}  // namespace fogbank::broker
