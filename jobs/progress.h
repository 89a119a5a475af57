/// How jobs and executions go on, inside one transaction: state changes with their consequences (counts, retries, abort, completion), and
/// the steps that roll a job out, cancel it or delete it. Source: AWS IoT Core Developer Guide, "Job configurations", "Jobs and job
/// execution states".
#pragma once

#include <map>
#include <string>
#include <vector>

#include "jobs/job_config.h"
#include "jobs/job_table.h"

namespace fogbank::jobs {

struct Notice {
    std::string topic, payload;
};

/// Notices what changes in the lists of things' pending executions.
class Changes {
  public:
    /// Before the first change to an execution of `thing`.
    Result<void> touch(JobTable& table, const std::string& thing);
    /// `notify` and `notify-next` for the things whose lists or heads are others now.
    Result<std::vector<Notice>> notices(JobTable& table) const;

  private:
    std::map<std::string, std::vector<Execution>> before_;
};

/// `execution` goes to `to`: version, times and timers follow; a failure with retries left is queued again; the job may be complete or have
/// to be cancelled. `job` is put. @return what is stored now.
Result<Execution> move(JobTable& table, Changes& changes, Job& job, const Execution& execution, Status to);
/// As `move`, with `edited` (details, timers) as what is there before the change of state.
Result<Execution> move(JobTable& table, Changes& changes, Job& job, const Execution& stored, Execution edited, Status to);

/// Marks a job complete or cancelled if it has become so. `job` is changed, not put.
void settle(Job& job, std::int64_t now_s);

/// At most this many executions change in one step.
inline constexpr std::size_t executions_per_step = 100;

/// The next step of a job that is active. `cursor` is where a scan over its executions goes on. @return whether another step is due now.
Result<bool> step(JobTable& table, Changes& changes, const std::string& job_id, std::string& cursor);

/// The executions whose timers have run out, at most executions_per_step. @return whether there may be more.
Result<bool> time_out(JobTable& table, Changes& changes);

}  // namespace fogbank::jobs
