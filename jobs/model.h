/// Jobs and their executions as they are stored. Plain data; the JSON forms of the APIs are in jobs/forms.h.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.h"
#include "common/result.h"

namespace fogbank::jobs {

/// Of an execution. Source: AWS IoT Core Developer Guide, "Jobs and job execution states".
enum class Status : std::uint8_t { queued, in_progress, succeeded, failed, rejected, timed_out, canceled, removed };
inline constexpr std::size_t status_count = 8;
std::string_view status_name(Status status);  ///< `IN_PROGRESS`
std::optional<Status> parse_status(std::string_view name);
bool is_terminal(Status status);
/// Whether a device may move an execution so: from QUEUED or IN_PROGRESS, never back to QUEUED.
bool device_may_move(Status from, Status to);

enum class JobStatus : std::uint8_t { in_progress, canceled, completed, deletion_in_progress };
std::string_view job_status_name(JobStatus status);
std::optional<JobStatus> parse_job_status(std::string_view name);

struct Job {
    std::string id;
    std::string document;              ///< JSON text, parameters put in
    std::string config_json;           ///< the configuration members of the request as they are answered again (an object)
    std::vector<std::string> targets;  ///< ARNs, in the order given
    std::vector<std::string> things;   ///< the things among the targets
    std::vector<std::string> groups;   ///< the groups among the targets
    bool continuous = false;
    JobStatus status = JobStatus::in_progress;
    bool force_canceled = false;
    std::string reason_code, comment, description;
    std::int64_t created_at_s = 0, updated_at_s = 0, completed_at_s = 0;
    std::array<std::int64_t, status_count> counts{};  ///< executions by status
    std::int64_t waiting = 0;                         ///< things that have no execution yet, because the rollout goes slowly
    std::int64_t released = 0;                        ///< executions made so far
    std::int64_t rate_at_s = 0, rate_used = 0;        ///< the rollout's running minute and what was released in it
};

struct Execution {
    std::string job_id, thing;
    Status status = Status::queued;
    std::map<std::string, std::string> details;
    std::int64_t queued_at_s = 0, started_at_s = 0, updated_at_s = 0;
    std::int64_t version = 1, number = 1, retry_attempt = 0;
    std::int64_t timeout_at_s = 0;       ///< of the in-progress timer; 0: none
    std::int64_t step_timeout_at_s = 0;  ///< of the device's step timer; 0: none
    std::int64_t sequence = 0;           ///< order of queueing, for the thing's list
    bool force_canceled = false;

    /// The earlier of the two timers; 0: none.
    std::int64_t deadline_s() const;
};

std::string encode(const Job& job);
std::string encode(const Execution& execution);
/// Errors: unavailable when the stored bytes are not a record.
Result<Job> decode_job(std::string_view bytes);
Result<Execution> decode_execution(std::string_view bytes);

}  // namespace fogbank::jobs
