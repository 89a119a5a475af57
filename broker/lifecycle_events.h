/// The lifecycle of connections as messages on `$aws/events/presence/…` and `$aws/events/subscriptions/…`. Source: AWS IoT Core Developer
/// Guide, "Lifecycle events"; reference "broker", section 17.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "broker/lifecycle.h"
#include "common/audience.h"
#include "common/clock.h"
#include "common/publisher.h"

namespace fogbank::broker {

/// Thread-safe. Keeps a version number for each client id that was seen within the last hour.
class LifecycleEvents final : public LifecycleObserver {
  public:
    /// What nobody listens to (says `audience`) is not written.
    LifecycleEvents(Publisher& publisher, Audience& audience, const Clock& clock);
    ~LifecycleEvents() override;
    void connected(const ConnectionIdentity& connection) override;
    void disconnected(const ConnectionIdentity& connection, DisconnectReason reason, std::string_view detail) override;
    void connect_failed(const ConnectionIdentity& connection, std::string_view detail) override;
    void subscribed(const ConnectionIdentity& connection, std::span<const std::string_view> topic_filters) override;
    void unsubscribed(const ConnectionIdentity& connection, std::span<const std::string_view> topic_filters) override;

  private:
    struct Version {
        std::uint64_t number = 0;
        std::uint32_t connections = 0;  ///< two for a moment when one takes over from the other
        SteadyTime seen{};
    };
    struct alignas(64) Stripe {
        std::mutex mutex;
        std::unordered_map<ClientId, Version> versions;
        SteadyTime swept{};
    };
    std::uint64_t begin_version(const ClientId& client_id);
    std::uint64_t end_version(const ConnectionIdentity& connection);
    void sweep(Stripe& stripe, SteadyTime now);
    /// The topic of an event that somebody listens to; else nothing.
    std::optional<std::string> heard_topic(std::string_view kind, const ConnectionIdentity& connection);
    void publish(const std::string& topic_name, const std::string& payload);
    Stripe& stripe(const ClientId& client_id) { return stripes_[std::hash<ClientId>{}(client_id) % stripes_.size()]; }

    Publisher& publisher_;
    Audience& audience_;
    const Clock& clock_;
    std::shared_ptr<const MessageOrigin> origin_;
    std::array<Stripe, 16> stripes_;
};

}  // namespace fogbank::broker
