/// One logger per room over spdlog. Lines are `key=value` after a short phrase; connection-level events at debug; never payloads or
/// secrets.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace spdlog {
class logger;
}

namespace fogbank {

/// `level`: trace, debug, info, warn, error or off. Call once, first thing in main. Logs go to stderr.
void configure_logging(std::string_view level);

/// The logger of `room`, made on first use. Thread-safe; keep the reference. Include <spdlog/spdlog.h> in the .cpp that logs.
spdlog::logger& logger(std::string_view room);

/// Quotes `value` for a log line where it holds spaces, quotes or control characters, and cuts it at 200 bytes: peers choose these texts.
std::string log_value(std::string_view value);

}  // namespace fogbank
