/// The lifecycle of connections as log lines.
#pragma once

#include "broker/lifecycle.h"

namespace fogbank::broker {

class LifecycleLog final : public LifecycleObserver {
  public:
    void connected(const ConnectionIdentity& connection) override;
    void disconnected(const ConnectionIdentity& connection, DisconnectReason reason, std::string_view detail) override;
    void connect_failed(const ConnectionIdentity& connection, std::string_view detail) override;
    void subscribed(const ConnectionIdentity& connection, std::span<const std::string_view> topic_filters) override;
    void unsubscribed(const ConnectionIdentity& connection, std::span<const std::string_view> topic_filters) override;
};

}  // namespace fogbank::broker
