/// What CreateJob and UpdateJob configure: checked, and what follows from it. Source: AWS IoT Core Developer Guide, "Job configurations";
/// the limits are those of the service model (reference "registry", section 16.2).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/quotas.h"
#include "jobs/model.h"

namespace fogbank::jobs {

struct JobConfig {
    struct Exponential {
        std::int64_t base_per_minute = 0;
        double factor = 1;
        std::int64_t notified_things = 0, succeeded_things = 0;  ///< one of the two: the rate rises each time so many more are
    };
    struct Abort {
        std::string failure_type;  ///< FAILED, REJECTED, TIMED_OUT or ALL
        double threshold_percentage = 0;
        std::int64_t executed_things_min = 0;
    };
    struct Retry {
        std::string failure_type;  ///< FAILED, TIMED_OUT or ALL
        std::int64_t retries = 0;
    };
    std::optional<std::int64_t> maximum_per_minute;
    std::optional<Exponential> exponential;
    std::vector<Abort> aborts;
    std::vector<Retry> retries;
    std::int64_t timeout_minutes = 0;  ///< 0: none

    /// How many executions may be made a minute now; nothing: any number.
    std::optional<std::int64_t> rate_per_minute(const Job& job) const;
    /// Whether a job with these counts has to be cancelled.
    bool must_abort(const Job& job) const;
    /// Whether an execution that failed so is tried again.
    bool retries_left(const Execution& execution, Status failure) const;
};

/// Members of the request that configure, as one object; checked. What this server cannot do (S3, scheduling, namespaces) is refused,
/// naming it. Errors: invalid_request.
Result<nlohmann::json> read_config_members(const nlohmann::json& request);
/// Errors: invalid_request.
Result<JobConfig> parse_config(const nlohmann::json& members);
/// A stored configuration: was checked when it was given.
JobConfig stored_config(const Job& job);

/// The document of a CreateJob or CreateJobTemplate request: JSON text, at most the quota, parameters of `documentParameters` put in.
Result<std::string> read_document(const nlohmann::json& request, const Quotas& quotas);

/// `[a-zA-Z0-9_-]{1,64}`.
Result<void> validate_job_id(const std::string& id);

}  // namespace fogbank::jobs
