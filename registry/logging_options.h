/// Logging options, kept as AWS keeps them. Source: AWS IoT API reference, SetV2LoggingOptions (reference "registry", section 14).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "registry/errc.h"
#include "registry/paging.h"

namespace fogbank::registry {

/// What AWS logs of one type of event (Connect, Publish …), whatever the default level says. Kept and returned.
struct EventLogging {
    std::string event_type;
    std::string level, destination;  ///< empty: not given
};

struct LoggingSettings {
    std::string role_arn;
    std::string default_level;  ///< DEBUG, INFO, WARN, ERROR or DISABLED; empty: not set
    bool disable_all = false;
    std::vector<EventLogging> events;
};

struct LogTarget {
    std::string type;  ///< DEFAULT, THING_GROUP, CLIENT_ID, SOURCE_IP or PRINCIPAL_ID
    std::string name;  ///< empty for DEFAULT
};

struct LogTargetLevel {
    LogTarget target;
    std::string level;
};

class LoggingOptions {
  public:
    virtual ~LoggingOptions() = default;
    /// Replaces all of them. Errors: invalid_request.
    virtual Awaitable<void> set_logging_options(LoggingSettings settings) = 0;
    /// Errors: not_configured before they have been set.
    virtual Awaitable<LoggingSettings> logging_options() = 0;
    /// Errors: not_configured before the options have been set.
    virtual Awaitable<void> set_logging_level(LogTarget target, std::string level) = 0;
    virtual Awaitable<void> delete_logging_level(LogTarget target) = 0;
    /// `target_type` empty: all.
    virtual Awaitable<ListPage<LogTargetLevel>> list_logging_levels(std::string target_type, PageRequest page) = 0;
};

/// The level of this server's own log that the settings ask for: trace, debug, info, warn, error or off.
std::string server_log_level(const LoggingSettings& settings);

}  // namespace fogbank::registry
