/// Jobs and executions inside one transaction of the store: keys, indexes and counts stay in step.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "jobs/model.h"
#include "store/kv/engine.h"

namespace fogbank::jobs {

// Keys, room `job`.
store::kv::Range all_jobs();
std::string job_key(const std::string& job_id);
store::kv::Range executions_of_job(const std::string& job_id);
std::string execution_key(const std::string& job_id, const std::string& thing);
store::kv::Range executions_of_thing(const std::string& thing);
std::string thing_execution_key(const std::string& thing, const std::string& job_id);
store::kv::Range waiting_of_job(const std::string& job_id);
std::string waiting_key(const std::string& job_id, const std::string& thing);
store::kv::Range active_jobs();
std::string active_key(const std::string& job_id);
store::kv::Range timers_until(std::int64_t time_s);
/// The last text part of a key of this room: the job of an active key or a timer, the thing of a waiting or execution key, the job of a
/// thing's.
std::optional<std::string> last_part(std::string_view key);

/// The thing in the key of a timer; empty if it is none.
std::string thing_of_timer(std::string_view key);

/// Executions that are not over, in the order in which a device gets them: IN_PROGRESS first, each by time queued.
inline constexpr std::size_t listed_pending_max = 10;

class JobTable {
  public:
    /// @param transaction  outlives the table.
    JobTable(store::kv::Transaction& transaction, std::int64_t now_ms) : transaction_(transaction), now_ms_(now_ms) {}
    std::int64_t now_s() const { return now_ms_ / 1000; }

    Result<std::optional<Job>> find_job(const std::string& job_id);
    /// Errors: not_found.
    Result<Job> job(const std::string& job_id);
    void put(const Job& job);
    void erase(const Job& job);

    Result<std::optional<Execution>> find_execution(const std::string& job_id, const std::string& thing);
    /// Errors: not_found.
    Result<Execution> execution(const std::string& job_id, const std::string& thing);
    /// A new execution, QUEUED. `job` is changed (counts), and has to be put by the caller.
    Execution queue(Job& job, const std::string& thing, std::int64_t number, std::int64_t retry_attempt);
    /// `before` is what is stored, `after` takes its place. Counts of `job` follow the states.
    void replace(Job& job, const Execution& before, const Execution& after);
    void erase(Job& job, const Execution& execution);

    Result<std::vector<Execution>> pending(const std::string& thing, std::size_t items_max = listed_pending_max);

    store::kv::Transaction& transaction() { return transaction_; }

  private:
    void put_indexes(const Execution& execution);
    void erase_indexes(const Execution& execution);

    store::kv::Transaction& transaction_;
    std::int64_t now_ms_;
};

}  // namespace fogbank::jobs
