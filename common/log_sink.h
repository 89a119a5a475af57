/// How rooms write into CloudWatch Logs: functions their output, rules their cloudwatchLogs action. Implemented by logs/.
#pragma once

#include <string>
#include <vector>

#include "common/clock.h"
#include "common/function.h"
#include "common/result.h"

namespace fogbank {

struct LogEvent {
    WallTime at{};
    std::string message;  ///< at most 256 KB; longer ones are cut
};

class LogSink {
  public:
    virtual ~LogSink() = default;
    /// For those that must not make a group by writing. Any thread.
    virtual bool has_group(const std::string& group) const = 0;
    /// Appends to `stream` of `group`, both made if they are not there. Any thread; does not block. What comes faster than the store takes
    /// it is dropped, and a line in the stream says how much.
    virtual void write(std::string group, std::string stream, std::vector<LogEvent> events) = 0;
    /// The same, and tells when the events are committed, or why they are not (also when the group is deleted
    /// meanwhile). `done` comes on any thread, possibly before the return. Errors: unavailable; what the store says of the names.
    virtual void write(std::string group, std::string stream, std::vector<LogEvent> events, UniqueFunction<void(Result<void>)> done) = 0;
};

}  // namespace fogbank
