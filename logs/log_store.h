/// Logs of functions and rules, as CloudWatch Logs keeps them: groups, streams, events. Source: CloudWatch Logs API reference 2014-03-28.
///
/// Events are kept in the key-value engine, many to a value. Everything is bounded: a group keeps its newest group_bytes_max, all groups
/// together total_bytes_max; what is older goes first. Writers never wait: beyond pending_bytes_max what comes is dropped, and a line in
/// the stream says how much was.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/log_sink.h"
#include "common/metrics.h"
#include "common/result.h"
#include "logs/errc.h"
#include "store/kv/engine.h"

namespace fogbank::logs {

inline constexpr std::size_t group_bytes_max = 8 * 1024 * 1024;
inline constexpr std::size_t total_bytes_max = 128 * 1024 * 1024;
inline constexpr std::size_t pending_bytes_max = 512 * 1024;
inline constexpr std::size_t groups_max = 10'000, streams_per_group_max = 10'000;
inline constexpr std::size_t event_bytes_max = 256 * 1024;  ///< CloudWatch Logs quotas: event size
inline constexpr std::size_t name_bytes_max = 512;          ///< model: LogGroupName, LogStreamName

struct LogGroup {
    std::string name;
    WallTime created_at{};
    std::optional<std::int64_t> retention_days;
    std::size_t stored_bytes = 0;
};

struct LogStream {
    std::string name;
    WallTime created_at{};
    std::optional<WallTime> first_event, last_event, last_ingestion;
    std::size_t stored_bytes = 0;
};

/// One event as it is kept. Events sort by time, then as they came in.
struct StoredEvent {
    WallTime at{}, ingested_at{};
    std::uint64_t chunk = 0, index = 0;  ///< together unique within the server
    std::string stream, message;
};

/// All events with `begin <= at < end`.
struct TimeRange {
    std::optional<WallTime> begin, end;
};

/// Any thread; awaitables resume on the caller's executor.
class LogStore : public LogSink {
  public:
    template <class T>
    using Answer = boost::asio::awaitable<Result<T>>;

    /// Errors: resource_already_exists, invalid_parameter, limit_exceeded.
    virtual Answer<void> create_group(std::string group) = 0;
    virtual Answer<void> create_stream(std::string group, std::string stream) = 0;
    /// With everything in it. Errors: resource_not_found.
    virtual Answer<void> delete_group(std::string group) = 0;
    virtual Answer<void> delete_stream(std::string group, std::string stream) = 0;
    /// Days after which events go; nothing: never. Errors: resource_not_found.
    virtual Answer<void> set_retention(std::string group, std::optional<std::int64_t> days) = 0;

    /// In the order of their names.
    virtual std::vector<LogGroup> groups() const = 0;
    /// In the order of their names. Errors: resource_not_found.
    virtual Result<std::vector<LogStream>> streams(const std::string& group) const = 0;
    /// The events of one stream, or of all, sorted. Errors: resource_not_found, unavailable.
    virtual Answer<std::vector<StoredEvent>> events(std::string group, std::optional<std::string> stream, TimeRange range) = 0;

    /// Writes what is pending. Not from a shard; before the engine stops.
    virtual void stop() = 0;
};

/// Loads what is kept. The engine, clock and metrics must outlive the store. Errors: unavailable.
boost::asio::awaitable<Result<std::unique_ptr<LogStore>>> open_log_store(store::kv::Engine& engine, const Clock& clock, Metrics& metrics);

/// Whether CloudWatch Logs takes these names.
bool is_group_name(std::string_view name);
bool is_stream_name(std::string_view name);

}  // namespace fogbank::logs
