#include "jobs/job_table.h"

#include "jobs/errc.h"
#include "store/kv/key.h"

namespace fogbank::jobs {
namespace {

namespace kv = store::kv;

kv::KeyBuilder key(std::string_view kind) {
    kv::KeyBuilder out("job");
    out.text(kind);
    return out;
}

std::string pending_key(const Execution& execution) {
    return key("pending")
        .text(execution.thing)
        .number(execution.status == Status::in_progress ? 0 : 1)
        .number(static_cast<std::uint64_t>(execution.sequence))
        .text(execution.job_id)
        .str();
}

std::string timer_key(const Execution& execution) {
    return key("timer").number(static_cast<std::uint64_t>(execution.deadline_s())).text(execution.thing).text(execution.job_id).str();
}

}  // namespace

kv::Range all_jobs() {
    return key("job").prefix_range();
}
std::string job_key(const std::string& job_id) {
    return key("job").text(job_id).str();
}
kv::Range executions_of_job(const std::string& job_id) {
    return key("execution").text(job_id).prefix_range();
}
std::string execution_key(const std::string& job_id, const std::string& thing) {
    return key("execution").text(job_id).text(thing).str();
}
kv::Range executions_of_thing(const std::string& thing) {
    return key("thing").text(thing).prefix_range();
}
std::string thing_execution_key(const std::string& thing, const std::string& job_id) {
    return key("thing").text(thing).text(job_id).str();
}
kv::Range waiting_of_job(const std::string& job_id) {
    return key("waiting").text(job_id).prefix_range();
}
std::string waiting_key(const std::string& job_id, const std::string& thing) {
    return key("waiting").text(job_id).text(thing).str();
}
kv::Range active_jobs() {
    return key("active").prefix_range();
}
std::string active_key(const std::string& job_id) {
    return key("active").text(job_id).str();
}
kv::Range timers_until(std::int64_t time_s) {
    kv::Range out = key("timer").prefix_range();
    out.end = key("timer").number(static_cast<std::uint64_t>(time_s) + 1).str();
    return out;
}

std::string thing_of_timer(std::string_view bytes) {
    kv::KeyReader reader(bytes);
    if (reader.text() != "job" || reader.text() != "timer" || !reader.number()) return {};
    return reader.text().value_or("");
}

std::optional<std::string> last_part(std::string_view bytes) {
    kv::KeyReader reader(bytes);
    std::optional<std::string> last;
    const auto room = reader.text();
    const auto kind = reader.text();
    if (!room || !kind) return std::nullopt;
    if (*kind == "timer" && !reader.number()) return std::nullopt;
    while (!reader.rest().empty()) {
        last = reader.text();
        if (!last) return std::nullopt;
    }
    return last;
}

Result<std::optional<Job>> JobTable::find_job(const std::string& job_id) {
    const auto bytes = transaction_.get(job_key(job_id));
    if (!bytes) return bytes.error();
    if (!*bytes) return std::optional<Job>();
    auto job = decode_job(**bytes);
    if (!job) return job.error();
    return std::optional<Job>(std::move(*job));
}

Result<Job> JobTable::job(const std::string& job_id) {
    auto found = find_job(job_id);
    if (!found) return found.error();
    if (!*found) return Error(Errc::not_found, "Job " + job_id + " cannot be found.");
    return std::move(**found);
}

/// A job that still needs attention is in the list of active ones.
void JobTable::put(const Job& job) {
    transaction_.put(job_key(job.id), encode(job));
    const std::int64_t queued = job.counts[static_cast<std::size_t>(Status::queued)];
    const std::int64_t in_the_way = queued + (job.force_canceled ? job.counts[static_cast<std::size_t>(Status::in_progress)] : 0);
    const bool canceled_and_done = job.status == JobStatus::canceled && in_the_way == 0 && job.waiting == 0;
    if (job.status == JobStatus::completed || canceled_and_done) {
        transaction_.erase(active_key(job.id));
    } else {
        transaction_.put(active_key(job.id), "");
    }
}

void JobTable::erase(const Job& job) {
    transaction_.erase(job_key(job.id));
    transaction_.erase(active_key(job.id));
    transaction_.erase_range(waiting_of_job(job.id));
}

Result<std::optional<Execution>> JobTable::find_execution(const std::string& job_id, const std::string& thing) {
    const auto bytes = transaction_.get(execution_key(job_id, thing));
    if (!bytes) return bytes.error();
    if (!*bytes) return std::optional<Execution>();
    auto execution = decode_execution(**bytes);
    if (!execution) return execution.error();
    return std::optional<Execution>(std::move(*execution));
}

Result<Execution> JobTable::execution(const std::string& job_id, const std::string& thing) {
    auto found = find_execution(job_id, thing);
    if (!found) return found.error();
    if (!*found) return Error(Errc::not_found, "Job execution of job " + job_id + " on thing " + thing + " cannot be found.");
    return std::move(**found);
}

Execution JobTable::queue(Job& job, const std::string& thing, std::int64_t number, std::int64_t retry_attempt) {
    Execution execution;
    execution.job_id = job.id;
    execution.thing = thing;
    execution.number = number;
    execution.retry_attempt = retry_attempt;
    execution.queued_at_s = execution.updated_at_s = now_s();
    execution.sequence = now_ms_;
    put_indexes(execution);
    ++job.counts[static_cast<std::size_t>(Status::queued)];
    return execution;
}

void JobTable::replace(Job& job, const Execution& before, const Execution& after) {
    erase_indexes(before);
    put_indexes(after);
    --job.counts[static_cast<std::size_t>(before.status)];
    ++job.counts[static_cast<std::size_t>(after.status)];
}

void JobTable::erase(Job& job, const Execution& execution) {
    erase_indexes(execution);
    transaction_.erase(execution_key(execution.job_id, execution.thing));
    transaction_.erase(thing_execution_key(execution.thing, execution.job_id));
    --job.counts[static_cast<std::size_t>(execution.status)];
}

void JobTable::put_indexes(const Execution& execution) {
    transaction_.put(execution_key(execution.job_id, execution.thing), encode(execution));
    transaction_.put(thing_execution_key(execution.thing, execution.job_id), "");
    if (!is_terminal(execution.status)) transaction_.put(pending_key(execution), "");
    if (execution.deadline_s() != 0) transaction_.put(timer_key(execution), "");
}

void JobTable::erase_indexes(const Execution& execution) {
    if (!is_terminal(execution.status)) transaction_.erase(pending_key(execution));
    if (execution.deadline_s() != 0) transaction_.erase(timer_key(execution));
}

Result<std::vector<Execution>> JobTable::pending(const std::string& thing, std::size_t items_max) {
    kv::ScanOptions options;
    options.range = key("pending").text(thing).prefix_range();
    options.items_max = items_max;
    const auto page = transaction_.scan(options);
    if (!page) return page.error();
    std::vector<Execution> out;
    for (const kv::KeyValue& item : page->items) {
        kv::KeyReader reader(item.key);
        for (int i = 0; i < 3; ++i) (void)reader.text();
        (void)reader.number();
        (void)reader.number();
        const auto job_id = reader.text();
        if (!job_id) continue;
        auto found = find_execution(*job_id, thing);
        if (!found) return found.error();
        if (*found) out.push_back(std::move(**found));
    }
    return out;
}

}  // namespace fogbank::jobs
