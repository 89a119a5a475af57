// Jobs, control plane.
#include "jobs/job_service.h"

#include <spdlog/spdlog.h>

#include "common/json.h"
#include "common/logging.h"
#include "jobs/detail/service.h"
#include "jobs/forms.h"

namespace fogbank::jobs {

std::unique_ptr<JobService> make_job_service(JobService::Dependencies dependencies) {
    return std::make_unique<detail::Service>(std::move(dependencies));
}

namespace detail {
namespace {

using nlohmann::json;
namespace kv = store::kv;

constexpr std::size_t body_bytes_max = 1024 * 1024, description_bytes_max = 2028;

Error invalid(std::string message) {
    return Error(Errc::invalid_request, std::move(message));
}

std::string job_answer(const Job& job, const ArnFactory& arns) {
    json out{{"jobArn", arns.iot("job/" + job.id)}, {"jobId", job.id}};
    if (!job.description.empty()) out["description"] = job.description;
    return out.dump();
}

void add_waiting(JobTable& table, Job& job, const std::set<std::string>& things) {
    for (const std::string& thing : things) table.transaction().put(waiting_key(job.id, thing), "");
    job.waiting += static_cast<std::int64_t>(things.size());
}

Result<std::string> short_text(const json& body, const char* member, std::size_t bytes_max) {
    const auto found = body.find(member);
    if (found == body.end() || found->is_null()) return std::string();
    if (!found->is_string() || found->get_ref<const std::string&>().size() > bytes_max) {
        return invalid(std::string(member) + " must be a text of at most " + std::to_string(bytes_max) + " bytes");
    }
    return found->get<std::string>();
}

}  // namespace

Result<json> object_of(std::string_view body) {
    if (body.empty()) return json::object();
    auto parsed = parse_json(body, JsonLimits{body_bytes_max, 32});
    if (!parsed) return invalid(parsed.error().message);
    if (!parsed->is_object()) return invalid("the body must be a JSON object");
    return parsed;
}

Error unavailable(const Error& error) {
    if (error.code.category() == category()) return error;
    return Error(Errc::unavailable, error.message);
}

void Service::publish(const std::string& topic, const std::string& payload) {
    Message::Options options;
    options.topic_name = topic;
    options.payload = payload;
    options.qos = Qos::at_least_once;
    options.origin = origin_;
    options.received_at = dependencies_.clock.now();
    dependencies_.publisher.publish(Message::create(std::move(options)), [topic](Result<void> result) {
        if (!result) logger("jobs").warn("notice lost topic={} reason={}", log_value(topic), log_value(result.error().message));
    });
}

Awaitable<void> Service::change(Body body) {
    const auto notices = std::make_shared<std::vector<Notice>>();
    kv::TransactionBody transaction = [this, notices, body = std::move(body)](kv::Transaction& inner) mutable -> Result<void> {
        JobTable table(inner, now_ms());
        Changes changes;
        if (auto done = body(table, changes); !done) return done;
        auto made = changes.notices(table);
        if (!made) return made.error();
        *notices = std::move(*made);
        return {};
    };
    const auto done = co_await dependencies_.engine.transact(std::move(transaction));
    if (!done) co_return unavailable(done.error());
    for (const Notice& notice : *notices) publish(notice.topic, notice.payload);
    co_return Result<void>();
}

Awaitable<std::optional<Job>> Service::find_job(std::string job_id) {
    if (auto valid = validate_job_id(job_id); !valid) co_return valid.error();
    const auto bytes = co_await dependencies_.engine.get(job_key(job_id));
    if (!bytes) co_return unavailable(bytes.error());
    if (!*bytes) co_return std::optional<Job>();
    auto job = decode_job(**bytes);
    if (!job) co_return job.error();
    co_return std::optional<Job>(std::move(*job));
}

Awaitable<Job> Service::read_job(std::string job_id) {
    auto found = co_await find_job(job_id);
    if (!found) co_return found.error();
    if (!*found) co_return Error(Errc::not_found, "Job " + job_id + " cannot be found.");
    co_return std::move(**found);
}

Awaitable<void> Service::require_thing(ThingName thing) {
    const auto exists = co_await dependencies_.things.thing_exists(thing);
    if (!exists) co_return unavailable(exists.error());
    if (!*exists) co_return Error(Errc::not_found, "Thing " + thing.str() + " cannot be found.");
    co_return Result<void>();
}

/// ARNs of things and thing groups of this account and region; each has to exist.
Awaitable<Service::Targets> Service::read_targets(json list) {
    Targets out;
    const std::size_t targets_max = dependencies_.quotas.bytes(Quota::job_targets);
    if (!list.is_array() || list.empty()) co_return invalid("targets must be a list of at least one ARN");
    if (list.size() > targets_max) co_return Error(Errc::limit_exceeded, "at most " + std::to_string(targets_max) + " targets are allowed");
    const std::string thing_prefix = dependencies_.arns.iot("thing/");
    const std::string group_prefix = dependencies_.arns.iot("thinggroup/");
    for (const json& entry : list) {
        const std::string arn = entry.is_string() ? entry.get<std::string>() : std::string();
        if (arn.starts_with(thing_prefix)) {
            const ThingName thing(arn.substr(thing_prefix.size()));
            const auto exists = co_await require_thing(thing);
            if (!exists) co_return exists.error();
            out.things.push_back(thing.str());
            out.expanded.insert(thing.str());
        } else if (arn.starts_with(group_prefix)) {
            const std::string group = arn.substr(group_prefix.size());
            const auto members = co_await dependencies_.things.things_in_group(group);
            if (!members) co_return Error(Errc::not_found, "Thing group " + group + " cannot be found.");
            out.groups.push_back(group);
            for (const ThingName& member : *members) out.expanded.insert(member.str());
        } else {
            co_return invalid("`" + arn + "` is no ARN of a thing or thing group here");
        }
        out.arns.push_back(arn);
    }
    co_return out;
}

Awaitable<std::string> Service::create_job(std::string job_id, std::string body) {
    if (auto valid = validate_job_id(job_id); !valid) co_return valid.error();
    auto request = object_of(body);
    if (!request) co_return request.error();
    auto config = read_config_members(*request);
    if (!config) co_return config.error();
    auto document = read_document(*request, dependencies_.quotas);
    if (!document) co_return document.error();
    auto description = short_text(*request, "description", description_bytes_max);
    if (!description) co_return description.error();
    const std::string selection = json_string(*request, "targetSelection", "SNAPSHOT");
    if (selection != "SNAPSHOT" && selection != "CONTINUOUS") co_return invalid("targetSelection must be SNAPSHOT or CONTINUOUS");
    json list = request->value("targets", json());
    auto targets = co_await read_targets(std::move(list));
    if (!targets) co_return targets.error();

    Job job;
    job.id = job_id;
    job.document = std::move(*document);
    job.config_json = config->dump();
    job.description = std::move(*description);
    job.continuous = selection == "CONTINUOUS";
    job.targets = std::move(targets->arns);
    job.things = std::move(targets->things);
    job.groups = std::move(targets->groups);
    job.created_at_s = job.updated_at_s = now_ms() / 1000;
    Body make = [job, things = std::move(targets->expanded)](JobTable& table, Changes&) -> Result<void> {
        const auto existing = table.find_job(job.id);
        if (!existing) return existing.error();
        if (*existing) return Error(Errc::already_exists, "Job " + job.id + " already exists.");
        Job fresh = job;
        add_waiting(table, fresh, things);
        settle(fresh, table.now_s());
        table.put(fresh);
        return {};
    };
    const auto made = co_await change(std::move(make));
    if (!made) co_return made.error();
    const auto rolled_out = co_await advance(job_id);
    if (!rolled_out) co_return rolled_out.error();
    co_return job_answer(job, dependencies_.arns);
}

Awaitable<std::string> Service::describe_job(std::string job_id) {
    auto job = co_await read_job(std::move(job_id));
    if (!job) co_return job.error();
    const json out{{"job", describe_json(*job, dependencies_.arns)}};
    co_return out.dump();
}

Awaitable<std::string> Service::job_document(std::string job_id) {
    auto job = co_await read_job(std::move(job_id));
    if (!job) co_return job.error();
    const json out{{"document", job->document}};
    co_return out.dump();
}

Awaitable<ListPage> Service::list_jobs(ListRequest request) {
    std::optional<JobStatus> status = parse_job_status(request.status);
    if (!request.status.empty() && !status && request.status != "SCHEDULED")
        co_return invalid("unknown job status `" + request.status + "`");
    ListPage out;
    kv::ScanOptions options;
    options.range = all_jobs();
    if (request.start) options.range.begin = job_key(*request.start) + '\0';
    options.items_max = 100;
    while (true) {
        kv::ScanOptions here = options;
        const auto page = co_await dependencies_.engine.scan(std::move(here));
        if (!page) co_return unavailable(page.error());
        for (const kv::KeyValue& item : page->items) {
            const auto job = decode_job(item.value);
            if (!job || (!request.status.empty() && job->status != status)) continue;
            if (!request.target_selection.empty() && (request.target_selection == "CONTINUOUS") != job->continuous) continue;
            if (!request.thing_group.empty() && std::find(job->groups.begin(), job->groups.end(), request.thing_group) == job->groups.end())
                continue;
            if (out.items.size() == request.items_max) {
                out.next = json::parse(out.items.back())["jobId"].get<std::string>();
                co_return out;
            }
            out.items.push_back(summary_json(*job, dependencies_.arns).dump());
        }
        if (!page->more || page->items.empty()) co_return out;
        options.range.begin = page->items.back().key + '\0';
    }
}

Awaitable<void> Service::update_job(std::string job_id, std::string body) {
    if (auto valid = validate_job_id(job_id); !valid) co_return valid.error();
    auto request = object_of(body);
    if (!request) co_return request.error();
    auto config = read_config_members(*request);
    if (!config) co_return config.error();
    auto description = short_text(*request, "description", description_bytes_max);
    if (!description) co_return description.error();
    const bool describes = request->contains("description");
    Body edit = [job_id, config = std::move(*config), description = std::move(*description), describes](JobTable& table,
                                                                                                        Changes&) -> Result<void> {
        auto job = table.job(job_id);
        if (!job) return job.error();
        if (job->status != JobStatus::in_progress) return invalid("Job " + job_id + " is not in progress");
        auto merged = parse_json(job->config_json);
        if (!merged) return merged.error();
        merged->update(config);
        job->config_json = merged->dump();
        if (describes) job->description = description;
        job->updated_at_s = table.now_s();
        table.put(*job);
        return {};
    };
    co_return co_await change(std::move(edit));
}

Awaitable<std::string> Service::cancel_job(std::string job_id, std::string body, bool force) {
    if (auto valid = validate_job_id(job_id); !valid) co_return valid.error();
    auto request = object_of(body);
    if (!request) co_return request.error();
    auto reason = short_text(*request, "reasonCode", 128);
    if (!reason) co_return reason.error();
    auto comment = short_text(*request, "comment", description_bytes_max);
    if (!comment) co_return comment.error();
    const auto answer = std::make_shared<std::string>();
    Body cancel = [this, answer, job_id, force, reason = std::move(*reason), comment = std::move(*comment)](JobTable& table,
                                                                                                            Changes&) -> Result<void> {
        auto job = table.job(job_id);
        if (!job) return job.error();
        if (job->status != JobStatus::in_progress && job->status != JobStatus::canceled) {
            return invalid("Job " + job_id + " has the status " + std::string(job_status_name(job->status)) + " and cannot be canceled");
        }
        job->status = JobStatus::canceled;
        job->force_canceled = job->force_canceled || force;
        job->reason_code = reason;
        job->comment = comment;
        job->updated_at_s = table.now_s();
        table.put(*job);
        *answer = job_answer(*job, dependencies_.arns);
        return {};
    };
    const auto canceled = co_await change(std::move(cancel));
    if (!canceled) co_return canceled.error();
    const auto done = co_await advance(job_id);
    if (!done) co_return done.error();
    co_return *answer;
}

Awaitable<void> Service::delete_job(std::string job_id, bool force) {
    if (auto valid = validate_job_id(job_id); !valid) co_return valid.error();
    Body mark = [job_id, force](JobTable& table, Changes&) -> Result<void> {
        auto job = table.job(job_id);
        if (!job) return job.error();
        const bool over = job->status == JobStatus::completed || job->status == JobStatus::canceled;
        if (!over && !force) {
            return Error(Errc::invalid_state_transition, "Job " + job_id + " is in progress: it can be deleted with force only");
        }
        job->status = JobStatus::deletion_in_progress;
        job->updated_at_s = table.now_s();
        table.put(*job);
        return {};
    };
    const auto marked = co_await change(std::move(mark));
    if (!marked) co_return marked.error();
    co_return co_await advance(job_id);
}

Awaitable<std::string> Service::associate_targets(std::string job_id, std::string body) {
    auto job = co_await read_job(job_id);
    if (!job) co_return job.error();
    auto request = object_of(body);
    if (!request) co_return request.error();
    json list = request->value("targets", json());
    auto targets = co_await read_targets(std::move(list));
    if (!targets) co_return targets.error();
    Body associate = [job_id, targets = std::move(*targets)](JobTable& table, Changes&) -> Result<void> {
        auto current = table.job(job_id);
        if (!current) return current.error();
        if (!current->continuous || current->status != JobStatus::in_progress) {
            return invalid("targets can be associated with continuous jobs in progress only");
        }
        const auto add = [](std::vector<std::string>& to, const std::vector<std::string>& what) {
            for (const std::string& one : what) {
                if (std::find(to.begin(), to.end(), one) == to.end()) to.push_back(one);
            }
        };
        add(current->targets, targets.arns);
        add(current->things, targets.things);
        add(current->groups, targets.groups);
        std::set<std::string> fresh;
        for (const std::string& thing : targets.expanded) {
            const auto known = table.find_execution(job_id, thing);
            if (!known) return known.error();
            if (!*known) fresh.insert(thing);
        }
        add_waiting(table, *current, fresh);
        current->updated_at_s = table.now_s();
        table.put(*current);
        return {};
    };
    const auto done = co_await change(std::move(associate));
    if (!done) co_return done.error();
    const auto rolled_out = co_await advance(job_id);
    if (!rolled_out) co_return rolled_out.error();
    co_return job_answer(*job, dependencies_.arns);
}

Awaitable<std::string> Service::describe_execution(std::string job_id, std::string thing, std::optional<std::int64_t> number) {
    const auto bytes = co_await dependencies_.engine.get(execution_key(job_id, thing));
    if (!bytes) co_return unavailable(bytes.error());
    const Error missing(Errc::not_found, "Job execution of job " + job_id + " on thing " + thing + " cannot be found.");
    if (!*bytes) co_return missing;
    const auto execution = decode_execution(**bytes);
    if (!execution) co_return execution.error();
    if (number && *number != execution->number) co_return missing;
    const json out{{"execution", describe_json(*execution, dependencies_.arns, now_ms() / 1000)}};
    co_return out.dump();
}

Awaitable<ListPage> Service::list_executions_for_job(std::string job_id, ListRequest request) {
    const auto job = co_await read_job(job_id);
    if (!job) co_return job.error();
    const auto status = parse_status(request.status);
    if (!request.status.empty() && !status) co_return invalid("unknown status `" + request.status + "`");
    ListPage out;
    std::string last;
    kv::ScanOptions options;
    options.range = executions_of_job(job_id);
    if (request.start) options.range.begin = execution_key(job_id, *request.start) + '\0';
    options.items_max = 250;
    while (true) {
        kv::ScanOptions here = options;
        const auto page = co_await dependencies_.engine.scan(std::move(here));
        if (!page) co_return unavailable(page.error());
        for (const kv::KeyValue& item : page->items) {
            const auto execution = decode_execution(item.value);
            if (!execution || (status && execution->status != *status)) continue;
            if (out.items.size() == request.items_max) {
                out.next = last;
                co_return out;
            }
            const json entry{{"thingArn", dependencies_.arns.thing(ThingName(execution->thing))},
                             {"jobExecutionSummary", control_summary_json(*execution)}};
            out.items.push_back(entry.dump());
            last = execution->thing;
        }
        if (!page->more || page->items.empty()) co_return out;
        options.range.begin = page->items.back().key + '\0';
    }
}

Awaitable<ListPage> Service::list_executions_for_thing(std::string thing, ListRequest request) {
    const auto exists = co_await require_thing(ThingName(thing));
    if (!exists) co_return exists.error();
    const auto status = parse_status(request.status);
    if (!request.status.empty() && !status) co_return invalid("unknown status `" + request.status + "`");
    ListPage out;
    std::string last;
    kv::ScanOptions options;
    options.range = executions_of_thing(thing);
    if (request.start) options.range.begin = thing_execution_key(thing, *request.start) + '\0';
    options.items_max = 250;
    while (true) {
        kv::ScanOptions here = options;
        const auto page = co_await dependencies_.engine.scan(std::move(here));
        if (!page) co_return unavailable(page.error());
        for (const kv::KeyValue& item : page->items) {
            const auto job_id = last_part(item.key);
            if (!job_id) continue;
            const auto bytes = co_await dependencies_.engine.get(execution_key(*job_id, thing));
            if (!bytes) co_return unavailable(bytes.error());
            if (!*bytes) continue;
            const auto execution = decode_execution(**bytes);
            if (!execution || (status && execution->status != *status)) continue;
            if (out.items.size() == request.items_max) {
                out.next = last;
                co_return out;
            }
            const json entry{{"jobId", *job_id}, {"jobExecutionSummary", control_summary_json(*execution)}};
            out.items.push_back(entry.dump());
            last = *job_id;
        }
        if (!page->more || page->items.empty()) co_return out;
        options.range.begin = page->items.back().key + '\0';
    }
}

Awaitable<void> Service::cancel_execution(std::string job_id, std::string thing, std::string body, bool force) {
    auto request = object_of(body);
    if (!request) co_return request.error();
    std::optional<std::int64_t> expected;
    if (const auto version = request->find("expectedVersion"); version != request->end() && version->is_number_integer()) {
        expected = version->get<std::int64_t>();
    }
    auto details = request->value("statusDetails", json::object());
    Body cancel = [job_id, thing, force, expected, details = std::move(details)](JobTable& table, Changes& changes) -> Result<void> {
        auto execution = table.execution(job_id, thing);
        if (!execution) return execution.error();
        auto job = table.job(job_id);
        if (!job) return job.error();
        if (expected && *expected != execution->version)
            return Error(Errc::version_conflict, "The version of the job execution does not match.");
        if (is_terminal(execution->status)) {
            return Error(Errc::invalid_state_transition, "The job execution has the status " + std::string(status_name(execution->status)));
        }
        if (execution->status == Status::in_progress && !force) {
            return Error(Errc::invalid_state_transition, "The job execution is in progress: it can be canceled with force only");
        }
        Execution edited = *execution;
        edited.force_canceled = execution->status == Status::in_progress;
        for (const auto& [name, value] : details.items()) {
            if (value.is_string()) edited.details[name] = value.get<std::string>();
        }
        auto moved = move(table, changes, *job, *execution, std::move(edited), Status::canceled);
        if (!moved) return moved.error();
        return {};
    };
    co_return co_await change(std::move(cancel));
}

Awaitable<void> Service::delete_execution(std::string job_id, std::string thing, std::int64_t number, bool force) {
    Body erase = [job_id, thing, number, force](JobTable& table, Changes& changes) -> Result<void> {
        auto execution = table.execution(job_id, thing);
        if (!execution) return execution.error();
        if (execution->number != number) return Error(Errc::not_found, "Job execution " + std::to_string(number) + " cannot be found.");
        auto job = table.job(job_id);
        if (!job) return job.error();
        const bool idle = is_terminal(execution->status) || execution->status == Status::queued;
        if (!is_terminal(execution->status) && !force) {
            return Error(Errc::invalid_state_transition,
                         std::string("The job execution is ") + (idle ? "queued" : "in progress") + ": it can be deleted with force only");
        }
        if (auto touched = changes.touch(table, thing); !touched) return touched.error();
        table.erase(*job, *execution);
        settle(*job, table.now_s());
        table.put(*job);
        return {};
    };
    co_return co_await change(std::move(erase));
}

}  // namespace detail
}  // namespace fogbank::jobs
