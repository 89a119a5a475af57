#include "jobs/forms.h"

#include <nlohmann/json.hpp>

#include "common/json.h"

namespace fogbank::jobs {
namespace {

using nlohmann::json;

json executions_by_status(const Job& job) {
    const auto count = [&](Status status) { return job.counts[static_cast<std::size_t>(status)]; };
    json out{{"numberOfCanceledThings", count(Status::canceled)}, {"numberOfSucceededThings", count(Status::succeeded)},
             {"numberOfFailedThings", count(Status::failed)},     {"numberOfRejectedThings", count(Status::rejected)},
             {"numberOfQueuedThings", count(Status::queued)},     {"numberOfInProgressThings", count(Status::in_progress)},
             {"numberOfRemovedThings", count(Status::removed)},   {"numberOfTimedOutThings", count(Status::timed_out)}};
    if (job.waiting > 0) out["processingTargets"] = job.targets;
    return out;
}

void add_timer(json& out, const Execution& execution, std::int64_t now_s) {
    if (execution.status == Status::in_progress && execution.deadline_s() != 0) {
        out["approximateSecondsBeforeTimedOut"] = std::max<std::int64_t>(execution.deadline_s() - now_s, 0);
    }
}

void add_times(json& out, const Execution& execution) {
    out["queuedAt"] = execution.queued_at_s;
    if (execution.started_at_s != 0) out["startedAt"] = execution.started_at_s;
    out["lastUpdatedAt"] = execution.updated_at_s;
}

}  // namespace

json summary_json(const Job& job, const ArnFactory& arns) {
    json out{{"jobArn", arns.iot("job/" + job.id)},
             {"jobId", job.id},
             {"targetSelection", job.continuous ? "CONTINUOUS" : "SNAPSHOT"},
             {"status", job_status_name(job.status)},
             {"createdAt", job.created_at_s},
             {"lastUpdatedAt", job.updated_at_s},
             {"isConcurrent", false}};
    if (job.completed_at_s != 0) out["completedAt"] = job.completed_at_s;
    return out;
}

json describe_json(const Job& job, const ArnFactory& arns) {
    json out = summary_json(job, arns);
    if (const auto config = parse_json(job.config_json)) out.update(*config);
    out["targets"] = job.targets;
    out["jobProcessDetails"] = executions_by_status(job);
    if (!job.description.empty()) out["description"] = job.description;
    if (!job.comment.empty()) out["comment"] = job.comment;
    if (!job.reason_code.empty()) out["reasonCode"] = job.reason_code;
    if (job.status == JobStatus::canceled) out["forceCanceled"] = job.force_canceled;
    return out;
}

json describe_json(const Execution& execution, const ArnFactory& arns, std::int64_t now_s) {
    json out{{"jobId", execution.job_id},
             {"status", status_name(execution.status)},
             {"forceCanceled", execution.force_canceled},
             {"thingArn", arns.thing(ThingName(execution.thing))},
             {"executionNumber", execution.number},
             {"versionNumber", execution.version}};
    add_times(out, execution);
    if (!execution.details.empty()) out["statusDetails"] = {{"detailsMap", execution.details}};
    add_timer(out, execution, now_s);
    return out;
}

json control_summary_json(const Execution& execution) {
    json out{{"status", status_name(execution.status)}, {"executionNumber", execution.number}, {"retryAttempt", execution.retry_attempt}};
    add_times(out, execution);
    return out;
}

json document_json(const Job& job, bool as_text) {
    if (as_text) return job.document;
    auto document = parse_json(job.document);
    return document ? std::move(*document) : json(job.document);
}

json device_json(const Execution& execution, const Job* job, bool as_text, std::int64_t now_s) {
    json out = device_summary_json(execution);
    out["thingName"] = execution.thing;
    out["status"] = status_name(execution.status);
    if (!execution.details.empty()) out["statusDetails"] = execution.details;
    if (job != nullptr) out["jobDocument"] = document_json(*job, as_text);
    add_timer(out, execution, now_s);
    return out;
}

json device_summary_json(const Execution& execution) {
    json out{{"jobId", execution.job_id}, {"versionNumber", execution.version}, {"executionNumber", execution.number}};
    add_times(out, execution);
    return out;
}

json state_json(const Execution& execution) {
    return {{"status", status_name(execution.status)}, {"statusDetails", execution.details}, {"versionNumber", execution.version}};
}

json notify_json(const std::vector<Execution>& pending, std::int64_t now_s) {
    json jobs = json::object();
    for (const Execution& execution : pending) {
        json& list = jobs[std::string(status_name(execution.status))];
        list.push_back(device_summary_json(execution));
    }
    return {{"timestamp", now_s}, {"jobs", std::move(jobs)}};
}

}  // namespace fogbank::jobs
