#include "jobs/progress.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "jobs/errc.h"
#include "jobs/forms.h"

namespace fogbank::jobs {
namespace {

namespace kv = store::kv;

bool same_head(const std::vector<Execution>& a, const std::vector<Execution>& b) {
    if (a.empty() || b.empty()) return a.empty() == b.empty();
    return a.front().job_id == b.front().job_id && a.front().number == b.front().number;
}

bool same_list(const std::vector<Execution>& a, const std::vector<Execution>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Execution& x, const Execution& y) {
        return x.job_id == y.job_id && x.number == y.number && x.status == y.status;
    });
}

std::int64_t count(const Job& job, Status status) {
    return job.counts[static_cast<std::size_t>(status)];
}

/// Things come and go as long as the job runs.
bool follows_groups(const Job& job) {
    return job.continuous && !job.groups.empty();
}

std::int64_t allowance(Job& job, const JobConfig& config, std::int64_t now_s) {
    const auto rate = config.rate_per_minute(job);
    if (!rate) return static_cast<std::int64_t>(executions_per_step);
    if (now_s - job.rate_at_s >= 60) {
        job.rate_at_s = now_s;
        job.rate_used = 0;
    }
    return std::clamp<std::int64_t>(*rate - job.rate_used, 0, static_cast<std::int64_t>(executions_per_step));
}

Result<bool> roll_out(JobTable& table, Changes& changes, Job& job) {
    const std::int64_t allowed = allowance(job, stored_config(job), table.now_s());
    if (job.waiting == 0 || allowed == 0) return false;
    kv::ScanOptions options;
    options.range = waiting_of_job(job.id);
    options.items_max = static_cast<std::size_t>(allowed);
    const auto page = table.transaction().scan(options);
    if (!page) return page.error();
    for (const kv::KeyValue& item : page->items) {
        const auto thing = last_part(item.key);
        if (!thing) continue;
        if (auto touched = changes.touch(table, *thing); !touched) return touched.error();
        auto stored = table.find_execution(job.id, *thing);
        if (!stored) return stored.error();
        const std::int64_t number = *stored ? (*stored)->number + 1 : 1;
        if (*stored) table.erase(job, **stored);
        table.queue(job, *thing, number, 0);
        table.transaction().erase(item.key);
        --job.waiting;
        ++job.released;
        ++job.rate_used;
    }
    if (page->items.empty()) job.waiting = 0;
    return job.waiting > 0 && page->items.size() == executions_per_step;
}

/// Queued executions are cancelled, those in progress only if the job was cancelled with force.
Result<bool> cancel_some(JobTable& table, Changes& changes, Job& job, std::string& cursor) {
    table.transaction().erase_range(waiting_of_job(job.id));
    job.waiting = 0;
    kv::ScanOptions options;
    options.range = executions_of_job(job.id);
    if (!cursor.empty()) options.range.begin = cursor;
    options.items_max = executions_per_step;
    const auto page = table.transaction().scan(options);
    if (!page) return page.error();
    for (const kv::KeyValue& item : page->items) {
        auto execution = decode_execution(item.value);
        if (!execution) return execution.error();
        const bool in_the_way = execution->status == Status::queued || (execution->status == Status::in_progress && job.force_canceled);
        if (!in_the_way) continue;
        Execution edited = *execution;
        edited.force_canceled = execution->status == Status::in_progress;
        if (auto moved = move(table, changes, job, *execution, std::move(edited), Status::canceled); !moved) return moved.error();
    }
    if (!page->items.empty()) cursor = page->items.back().key + '\0';
    return page->more;
}

Result<bool> delete_some(JobTable& table, Changes& changes, Job& job) {
    kv::ScanOptions options;
    options.range = executions_of_job(job.id);
    options.items_max = executions_per_step;
    const auto page = table.transaction().scan(options);
    if (!page) return page.error();
    for (const kv::KeyValue& item : page->items) {
        const auto execution = decode_execution(item.value);
        if (!execution) return execution.error();
        if (auto touched = changes.touch(table, execution->thing); !touched) return touched.error();
        table.erase(job, *execution);
    }
    return page->more;
}

void start_timers(Execution& execution, const JobConfig& config, std::int64_t now_s) {
    execution.started_at_s = now_s;
    if (config.timeout_minutes != 0) execution.timeout_at_s = now_s + config.timeout_minutes * 60;
}

}  // namespace

Result<void> Changes::touch(JobTable& table, const std::string& thing) {
    if (before_.contains(thing)) return {};
    auto pending = table.pending(thing);
    if (!pending) return pending.error();
    before_.emplace(thing, std::move(*pending));
    return {};
}

Result<std::vector<Notice>> Changes::notices(JobTable& table) const {
    std::vector<Notice> out;
    for (const auto& [thing, before] : before_) {
        auto pending = table.pending(thing);
        if (!pending) return pending.error();
        const std::string topic = "$aws/things/" + thing + "/jobs/";
        if (!same_list(before, *pending)) out.push_back({topic + "notify", notify_json(*pending, table.now_s()).dump()});
        if (same_head(before, *pending)) continue;
        nlohmann::json next{{"timestamp", table.now_s()}};
        if (!pending->empty()) {
            auto job = table.find_job(pending->front().job_id);
            if (!job) return job.error();
            next["execution"] = device_json(pending->front(), *job ? &**job : nullptr, false, table.now_s());
        }
        out.push_back({topic + "notify-next", next.dump()});
    }
    return out;
}

Result<Execution> move(JobTable& table, Changes& changes, Job& job, const Execution& execution, Status to) {
    return move(table, changes, job, execution, execution, to);
}

Result<Execution> move(JobTable& table, Changes& changes, Job& job, const Execution& stored, Execution edited, Status to) {
    if (auto touched = changes.touch(table, stored.thing); !touched) return touched.error();
    const JobConfig config = stored_config(job);
    edited.status = to;
    edited.updated_at_s = table.now_s();
    ++edited.version;
    if (to == Status::in_progress && stored.status == Status::queued) start_timers(edited, config, table.now_s());
    if (is_terminal(to)) edited.timeout_at_s = edited.step_timeout_at_s = 0;
    if (job.status == JobStatus::in_progress && config.retries_left(edited, to)) {
        table.erase(job, stored);
        Execution again = table.queue(job, stored.thing, stored.number + 1, stored.retry_attempt + 1);
        table.put(job);
        return again;
    }
    table.replace(job, stored, edited);
    settle(job, table.now_s());
    table.put(job);
    return edited;
}

void settle(Job& job, std::int64_t now_s) {
    if (job.status != JobStatus::in_progress) return;
    if (stored_config(job).must_abort(job)) {
        job.status = JobStatus::canceled;
        job.reason_code = "ABORTED";
        job.comment = "cancelled by the abort configuration";
    } else if (!follows_groups(job) && job.waiting == 0 && count(job, Status::queued) == 0 && count(job, Status::in_progress) == 0) {
        job.status = JobStatus::completed;
        job.completed_at_s = now_s;
    } else {
        return;
    }
    job.updated_at_s = now_s;
}

Result<bool> step(JobTable& table, Changes& changes, const std::string& job_id, std::string& cursor) {
    auto found = table.find_job(job_id);
    if (!found) return found.error();
    if (!*found) return false;
    Job& job = **found;
    Result<bool> more = false;
    switch (job.status) {
        case JobStatus::in_progress:
            more = roll_out(table, changes, job);
            break;
        case JobStatus::canceled:
            more = cancel_some(table, changes, job, cursor);
            break;
        case JobStatus::deletion_in_progress:
            more = delete_some(table, changes, job);
            break;
        case JobStatus::completed:
            break;
    }
    if (!more) return more;
    if (job.status == JobStatus::deletion_in_progress && !*more) {
        table.erase(job);
        return false;
    }
    settle(job, table.now_s());
    table.put(job);
    return more;
}

Result<bool> time_out(JobTable& table, Changes& changes) {
    kv::ScanOptions options;
    options.range = timers_until(table.now_s());
    options.items_max = executions_per_step;
    const auto page = table.transaction().scan(options);
    if (!page) return page.error();
    for (const kv::KeyValue& item : page->items) {
        table.transaction().erase(item.key);
        const auto job_id = last_part(item.key);
        // The thing stands before the job; the execution says whether the timer is still its.
        if (!job_id) continue;
        auto job = table.find_job(*job_id);
        if (!job) return job.error();
        if (!*job) continue;
        auto execution = table.find_execution(*job_id, thing_of_timer(item.key));
        if (!execution) return execution.error();
        if (!*execution || (*execution)->status != Status::in_progress || (*execution)->deadline_s() > table.now_s()) continue;
        if (auto moved = move(table, changes, **job, **execution, Status::timed_out); !moved) return moved.error();
    }
    return page->more;
}

}  // namespace fogbank::jobs
