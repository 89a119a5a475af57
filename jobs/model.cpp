#include "jobs/model.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "jobs/errc.h"

namespace fogbank::jobs {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, status_count> status_names{"QUEUED",   "IN_PROGRESS", "SUCCEEDED", "FAILED",
                                                                  "REJECTED", "TIMED_OUT",   "CANCELED",  "REMOVED"};
constexpr std::array<std::string_view, 4> job_status_names{"IN_PROGRESS", "CANCELED", "COMPLETED", "DELETION_IN_PROGRESS"};

template <class Enum, std::size_t N>
std::optional<Enum> find_name(const std::array<std::string_view, N>& names, std::string_view name) {
    const auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end()) return std::nullopt;
    return static_cast<Enum>(at - names.begin());
}

Error damaged(const char* what) {
    return Error(Errc::unavailable, std::string("a stored ") + what + " cannot be read");
}

}  // namespace

std::string_view status_name(Status status) {
    return status_names[static_cast<std::size_t>(status)];
}
std::optional<Status> parse_status(std::string_view name) {
    return find_name<Status>(status_names, name);
}
bool is_terminal(Status status) {
    return status != Status::queued && status != Status::in_progress;
}
bool device_may_move(Status from, Status to) {
    if (is_terminal(from)) return false;
    return to == Status::in_progress || to == Status::succeeded || to == Status::failed || to == Status::rejected;
}
std::string_view job_status_name(JobStatus status) {
    return job_status_names[static_cast<std::size_t>(status)];
}
std::optional<JobStatus> parse_job_status(std::string_view name) {
    return find_name<JobStatus>(job_status_names, name);
}

std::int64_t Execution::deadline_s() const {
    if (timeout_at_s == 0 || step_timeout_at_s == 0) return std::max(timeout_at_s, step_timeout_at_s);
    return std::min(timeout_at_s, step_timeout_at_s);
}

std::string encode(const Job& job) {
    const json out{{"id", job.id},
                   {"document", job.document},
                   {"config", job.config_json},
                   {"targets", job.targets},
                   {"things", job.things},
                   {"groups", job.groups},
                   {"continuous", job.continuous},
                   {"status", static_cast<int>(job.status)},
                   {"forced", job.force_canceled},
                   {"reason", job.reason_code},
                   {"comment", job.comment},
                   {"description", job.description},
                   {"created", job.created_at_s},
                   {"updated", job.updated_at_s},
                   {"completed", job.completed_at_s},
                   {"counts", job.counts},
                   {"waiting", job.waiting},
                   {"released", job.released},
                   {"rate_at", job.rate_at_s},
                   {"rate_used", job.rate_used}};
    return out.dump();
}

Result<Job> decode_job(std::string_view bytes) {
    try {
        const json in = json::parse(bytes);
        Job job;
        in.at("id").get_to(job.id);
        in.at("document").get_to(job.document);
        in.at("config").get_to(job.config_json);
        in.at("targets").get_to(job.targets);
        in.at("things").get_to(job.things);
        in.at("groups").get_to(job.groups);
        in.at("continuous").get_to(job.continuous);
        job.status = static_cast<JobStatus>(in.at("status").get<int>());
        in.at("forced").get_to(job.force_canceled);
        in.at("reason").get_to(job.reason_code);
        in.at("comment").get_to(job.comment);
        in.at("description").get_to(job.description);
        in.at("created").get_to(job.created_at_s);
        in.at("updated").get_to(job.updated_at_s);
        in.at("completed").get_to(job.completed_at_s);
        in.at("counts").get_to(job.counts);
        in.at("waiting").get_to(job.waiting);
        in.at("released").get_to(job.released);
        in.at("rate_at").get_to(job.rate_at_s);
        in.at("rate_used").get_to(job.rate_used);
        return job;
    } catch (const json::exception&) {
        return damaged("job");
    }
}

std::string encode(const Execution& execution) {
    const json out{{"job", execution.job_id},           {"thing", execution.thing},          {"status", static_cast<int>(execution.status)},
                   {"details", execution.details},      {"queued", execution.queued_at_s},   {"started", execution.started_at_s},
                   {"updated", execution.updated_at_s}, {"version", execution.version},      {"number", execution.number},
                   {"retry", execution.retry_attempt},  {"timeout", execution.timeout_at_s}, {"step_timeout", execution.step_timeout_at_s},
                   {"sequence", execution.sequence},    {"forced", execution.force_canceled}};
    return out.dump();
}

Result<Execution> decode_execution(std::string_view bytes) {
    try {
        const json in = json::parse(bytes);
        Execution execution;
        in.at("job").get_to(execution.job_id);
        in.at("thing").get_to(execution.thing);
        execution.status = static_cast<Status>(in.at("status").get<int>());
        in.at("details").get_to(execution.details);
        in.at("queued").get_to(execution.queued_at_s);
        in.at("started").get_to(execution.started_at_s);
        in.at("updated").get_to(execution.updated_at_s);
        in.at("version").get_to(execution.version);
        in.at("number").get_to(execution.number);
        in.at("retry").get_to(execution.retry_attempt);
        in.at("timeout").get_to(execution.timeout_at_s);
        in.at("step_timeout").get_to(execution.step_timeout_at_s);
        in.at("sequence").get_to(execution.sequence);
        in.at("forced").get_to(execution.force_canceled);
        return execution;
    } catch (const json::exception&) {
        return damaged("job execution");
    }
}

}  // namespace fogbank::jobs
