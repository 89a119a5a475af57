// The devices' four operations. Source: AWS IoT Core Developer Guide, "Jobs device MQTT and HTTPS APIs" (reference "registry",
// sections 16.3, 16.4).
#include <algorithm>

#include "common/encoding.h"
#include "common/json.h"
#include "jobs/detail/service.h"
#include "jobs/forms.h"

namespace fogbank::jobs::detail {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr std::size_t details_max = 10, detail_name_bytes_max = 128, pending_listed_max = 250;
constexpr std::int64_t step_timeout_minutes_max = 10'080, no_step_timeout = -1;

Error invalid(std::string message) {
    return Error(Errc::invalid_request, std::move(message));
}

bool is_detail_name(const std::string& name) {
    return !name.empty() && name.size() <= detail_name_bytes_max &&
           std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == ':' || c == '_' || c == '-'; });
}

using Details = std::map<std::string, std::string>;

/// Nothing if the request has none: what is stored stays.
Result<std::optional<Details>> read_details(const json& body, const Quotas& quotas) {
    const auto found = body.find("statusDetails");
    if (found == body.end() || found->is_null()) return std::optional<Details>();
    if (!found->is_object() || found->size() > details_max) return invalid("statusDetails must be an object of at most 10 texts");
    Details out;
    for (const auto& [name, value] : found->items()) {
        if (!is_detail_name(name)) return invalid("statusDetails has an invalid name");
        if (!value.is_string() || value.get_ref<const std::string&>().size() > quotas.bytes(Quota::job_status_detail_bytes)) {
            return invalid("statusDetails must hold texts of at most " + std::to_string(quotas.bytes(Quota::job_status_detail_bytes)) +
                           " bytes");
        }
        out[name] = value.get<std::string>();
    }
    return std::optional<Details>(std::move(out));
}

Result<std::optional<std::int64_t>> read_integer(const json& body, const char* member) {
    const auto found = body.find(member);
    if (found == body.end() || found->is_null()) return std::optional<std::int64_t>();
    std::int64_t out = 0;
    if (found->is_number_integer()) {
        out = found->get<std::int64_t>();
    } else if (found->is_string()) {
        const auto& text = found->get_ref<const std::string&>();
        const bool digits = !text.empty() && text.size() <= 18 &&
                            std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
        if (!digits) return invalid(std::string(member) + " must be a whole number");
        out = std::stoll(text);
    } else {
        return invalid(std::string(member) + " must be a whole number");
    }
    return std::optional<std::int64_t>(out);
}

bool read_bool(const json& body, const char* member, bool fallback) {
    const auto found = body.find(member);
    return found != body.end() && found->is_boolean() ? found->get<bool>() : fallback;
}

/// What a device may change of an execution besides its state.
struct Edit {
    std::optional<Details> details;
    std::optional<std::int64_t> step_timeout_minutes;

    void apply(Execution& execution, std::int64_t now_s) const {
        if (details) execution.details = *details;
        if (step_timeout_minutes)
            execution.step_timeout_at_s = *step_timeout_minutes == no_step_timeout ? 0 : now_s + *step_timeout_minutes * 60;
    }
};

Result<Edit> read_edit(const json& body, const Quotas& quotas) {
    Edit out;
    auto details = read_details(body, quotas);
    if (!details) return details.error();
    out.details = std::move(*details);
    const auto minutes = read_integer(body, "stepTimeoutInMinutes");
    if (!minutes) return minutes.error();
    if (*minutes && **minutes != no_step_timeout && (**minutes < 1 || **minutes > step_timeout_minutes_max)) {
        return invalid("stepTimeoutInMinutes must be from 1 to 10080, or -1");
    }
    out.step_timeout_minutes = *minutes;
    return out;
}

/// What a transaction of a device's request leaves.
struct Left {
    std::optional<Execution> execution;
    std::optional<Job> job;
    std::string state_json;  ///< for errors that carry it
};

DeviceAnswer execution_answer(const Left& left, bool with_document, bool as_text, std::int64_t now_s) {
    json out = json::object();
    if (left.execution) out["execution"] = device_json(*left.execution, with_document && left.job ? &*left.job : nullptr, as_text, now_s);
    return DeviceAnswer(out.dump());
}

}  // namespace

asio::awaitable<DeviceAnswer> Service::device_request(DeviceRequest request) {
    auto body = object_of(request.body);
    if (!body) co_return DeviceAnswer(body.error());
    const ThingName thing = request.thing;
    const auto exists = co_await require_thing(thing);
    if (!exists) co_return DeviceAnswer(exists.error());
    switch (request.operation) {
        case DeviceOperation::get_pending:
            co_return co_await get_pending(std::move(request));
        case DeviceOperation::start_next:
            co_return co_await start_next(std::move(request), std::move(*body));
        case DeviceOperation::describe:
            co_return co_await describe(std::move(request), std::move(*body));
        case DeviceOperation::update:
            co_return co_await update(std::move(request), std::move(*body));
    }
    co_return DeviceAnswer(invalid("unknown operation"));
}

asio::awaitable<DeviceAnswer> Service::get_pending(DeviceRequest request) {
    const auto pending = std::make_shared<std::vector<Execution>>();
    Body read = [pending, thing = request.thing.str()](JobTable& table, Changes&) -> Result<void> {
        auto found = table.pending(thing, pending_listed_max);
        if (!found) return found.error();
        *pending = std::move(*found);
        return {};
    };
    const auto done = co_await change(std::move(read));
    if (!done) co_return DeviceAnswer(done.error());
    json out{{"inProgressJobs", json::array()}, {"queuedJobs", json::array()}};
    for (const Execution& execution : *pending) {
        out[execution.status == Status::in_progress ? "inProgressJobs" : "queuedJobs"].push_back(device_summary_json(execution));
    }
    co_return DeviceAnswer(out.dump());
}

asio::awaitable<DeviceAnswer> Service::start_next(DeviceRequest request, json body) {
    auto edit = read_edit(body, dependencies_.quotas);
    if (!edit) co_return DeviceAnswer(edit.error());
    const auto left = std::make_shared<Left>();
    Body start = [left, thing = request.thing.str(), edit = std::move(*edit)](JobTable& table, Changes& changes) -> Result<void> {
        *left = Left();
        auto pending = table.pending(thing, 1);
        if (!pending) return pending.error();
        if (pending->empty()) return {};
        const Execution& next = pending->front();
        auto job = table.job(next.job_id);
        if (!job) return job.error();
        left->execution = next;
        // One that is in progress already is answered as it is.
        if (next.status == Status::queued) {
            Execution edited = next;
            edit.apply(edited, table.now_s());
            auto moved = move(table, changes, *job, next, std::move(edited), Status::in_progress);
            if (!moved) return moved.error();
            left->execution = std::move(*moved);
        }
        left->job = std::move(*job);
        return {};
    };
    const auto done = co_await change(std::move(start));
    if (!done) co_return DeviceAnswer(done.error());
    co_return execution_answer(*left, true, request.document_as_text, now_ms() / 1000);
}

asio::awaitable<DeviceAnswer> Service::describe(DeviceRequest request, json body) {
    const auto number = read_integer(body, "executionNumber");
    if (!number) co_return DeviceAnswer(number.error());
    const bool with_document = read_bool(body, "includeJobDocument", true);
    const auto left = std::make_shared<Left>();
    Body read = [left, thing = request.thing.str(), job_id = request.job_id, number = *number](JobTable& table, Changes&) -> Result<void> {
        *left = Left();
        if (job_id == "$next") {
            auto pending = table.pending(thing, 1);
            if (!pending) return pending.error();
            if (pending->empty()) return {};
            left->execution = std::move(pending->front());
        } else {
            auto execution = table.execution(job_id, thing);
            if (!execution) return execution.error();
            if (number && *number != execution->number) return Error(Errc::not_found, "The job execution cannot be found.");
            if (is_terminal(execution->status)) {
                return Error(Errc::terminal_state, "The job execution has the status " + std::string(status_name(execution->status)));
            }
            left->execution = std::move(*execution);
        }
        auto job = table.job(left->execution->job_id);
        if (!job) return job.error();
        left->job = std::move(*job);
        return {};
    };
    const auto done = co_await change(std::move(read));
    if (!done) co_return DeviceAnswer(done.error());
    co_return execution_answer(*left, with_document, request.document_as_text, now_ms() / 1000);
}

asio::awaitable<DeviceAnswer> Service::update(DeviceRequest request, json body) {
    const auto to = parse_status(json_string(body, "status"));
    if (!to) co_return DeviceAnswer(invalid("status is missing or unknown"));
    auto edit = read_edit(body, dependencies_.quotas);
    if (!edit) co_return DeviceAnswer(edit.error());
    const auto expected = read_integer(body, "expectedVersion");
    if (!expected) co_return DeviceAnswer(expected.error());
    const auto number = read_integer(body, "executionNumber");
    if (!number) co_return DeviceAnswer(number.error());
    const auto left = std::make_shared<Left>();
    Body edit_execution = [left, to = *to, edit = std::move(*edit), expected = *expected, number = *number, thing = request.thing.str(),
                           job_id = request.job_id](JobTable& table, Changes& changes) -> Result<void> {
        *left = Left();
        auto execution = table.execution(job_id, thing);
        if (!execution) return execution.error();
        if (number && *number != execution->number) return Error(Errc::not_found, "The job execution cannot be found.");
        auto job = table.job(job_id);
        if (!job) return job.error();
        left->state_json = state_json(*execution).dump();
        if (expected && *expected != execution->version) {
            return Error(Errc::version_conflict,
                         "The job execution has the version " + std::to_string(execution->version) + ", not " + std::to_string(*expected));
        }
        if (!device_may_move(execution->status, to)) {
            return Error(Errc::invalid_state_transition, "A job execution cannot go from " + std::string(status_name(execution->status)) +
                                                             " to " + std::string(status_name(to)));
        }
        Execution edited = *execution;
        edit.apply(edited, table.now_s());
        auto moved = move(table, changes, *job, *execution, std::move(edited), to);
        if (!moved) return moved.error();
        left->execution = std::move(*moved);
        left->job = std::move(*job);
        return {};
    };
    const auto done = co_await change(std::move(edit_execution));
    if (!done) {
        const bool with_state = done.error().code == Errc::version_conflict || done.error().code == Errc::invalid_state_transition;
        co_return DeviceAnswer(done.error(), with_state ? left->state_json : std::string());
    }
    json out = json::object();
    if (read_bool(body, "includeJobExecutionState", false)) out["executionState"] = state_json(*left->execution);
    if (read_bool(body, "includeJobDocument", false)) out["jobDocument"] = document_json(*left->job, request.document_as_text);
    co_return DeviceAnswer(out.dump());
}

}  // namespace fogbank::jobs::detail
