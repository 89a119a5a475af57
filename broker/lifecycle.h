/// What happens to connections, told to whoever makes something of it: the log, and the events on `$aws/events/…`.
/// Source: reference "broker", section 17.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "broker/disconnect_reason.h"
#include "common/clock.h"
#include "common/ids.h"

namespace fogbank::broker {

/// One connection of one client, from CONNECT on.
struct ConnectionIdentity {
    ClientId client_id;
    std::string principal_id;  ///< empty on the plain port
    std::string thing_name;    ///< of the thing that the certificate belongs to exclusively; empty: none
    std::string source_ip;
    std::string session_identifier;            ///< UUID, one per session
    mutable std::uint64_t version_number = 0;  ///< of the lifecycle events, which set it when the connection begins
};

/// Called on the connection's shard; must not block and must not throw. Thread-safe.
class LifecycleObserver {
  public:
    virtual ~LifecycleObserver() = default;
    virtual void connected(const ConnectionIdentity& connection) = 0;
    /// @param detail  why, in a sentence for the log.
    virtual void disconnected(const ConnectionIdentity& connection, DisconnectReason reason, std::string_view detail) = 0;
    /// A CONNECT that policy refused.
    virtual void connect_failed(const ConnectionIdentity& connection, std::string_view detail) = 0;
    /// @param topic_filters  those of one packet that took effect; not empty.
    virtual void subscribed(const ConnectionIdentity& connection, std::span<const std::string_view> topic_filters) = 0;
    virtual void unsubscribed(const ConnectionIdentity& connection, std::span<const std::string_view> topic_filters) = 0;
};

}  // namespace fogbank::broker
