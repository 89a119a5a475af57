/// Jobs, control plane. Source: AWS IoT API reference (reference "registry", sections 16.2 and "Jobs").
#include <array>
#include <nlohmann/json.hpp>

#include "api/members.h"
#include "jobs/job_service.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr std::int64_t page_max = 250, page_default = 50;

jobs::JobService& service(const Services& services) {
    return *services.rooms.jobs;
}

std::string job_id(const Call& call) {
    return call.label("jobId");
}

Response text_response(std::string body) {
    Response response(200);
    response.content_type = "application/json";
    response.body = std::move(body);
    return response;
}

/// What only some versions of the model have.
Result<void> refuse_namespace(const Call& call) {
    const std::string* name = call.query_value("namespaceId");
    if (name == nullptr || name->empty()) return {};
    return validation_error("namespaceId is not supported by this server");
}

Result<jobs::ListRequest> list_request(const Call& call) {
    if (auto refused = refuse_namespace(call); !refused) return refused.error();
    jobs::ListRequest out;
    const auto items_max = query_integer(call, "maxResults", 1, page_max);
    if (!items_max) return items_max.error();
    out.items_max = static_cast<std::size_t>(items_max->value_or(page_default));
    auto start = decode_token(call.query_value("nextToken"));
    if (!start) return start.error();
    out.start = std::move(*start);
    if (const auto* status = call.query_value("status")) out.status = *status;
    if (const auto* selection = call.query_value("targetSelection")) out.target_selection = *selection;
    if (const auto* group = call.query_value("thingGroupName")) out.thing_group = *group;
    if (!out.target_selection.empty() && out.target_selection != "SNAPSHOT" && out.target_selection != "CONTINUOUS") {
        return constraint_error(out.target_selection, "targetSelection", "Member must satisfy enum value set: [CONTINUOUS, SNAPSHOT]");
    }
    return out;
}

Response list_response(const char* member, const jobs::ListPage& page) {
    json items = json::array();
    for (const std::string& item : page.items) items.push_back(json::parse(item));
    json body{{member, std::move(items)}};
    if (page.next) body["nextToken"] = encode_token(*page.next);
    return json_response(body);
}

asio::awaitable<Outcome> create_job(const Services& services, const Call& call) {
    const auto made = co_await service(services).create_job(job_id(call), call.request.body);
    if (made) co_return text_response(*made);
    if (made.error().code != jobs::Errc::already_exists) co_return made.error();
    const std::map<std::string, std::string> members{{"resourceId", job_id(call)},
                                                     {"resourceArn", services.rooms.arns.iot("job/" + job_id(call))}};
    co_return error_response(Family::control, made.error(), call.request_id, members);
}

asio::awaitable<Outcome> describe_job(const Services& services, const Call& call) {
    auto found = co_await service(services).describe_job(job_id(call));
    if (!found) co_return found.error();
    co_return text_response(std::move(*found));
}

asio::awaitable<Outcome> get_job_document(const Services& services, const Call& call) {
    auto found = co_await service(services).job_document(job_id(call));
    if (!found) co_return found.error();
    co_return text_response(std::move(*found));
}

asio::awaitable<Outcome> list_jobs(const Services& services, const Call& call) {
    auto request = list_request(call);
    if (!request) co_return request.error();
    const auto page = co_await service(services).list_jobs(std::move(*request));
    if (!page) co_return page.error();
    co_return list_response("jobs", *page);
}

asio::awaitable<Outcome> update_job(const Services& services, const Call& call) {
    if (const auto refused = refuse_namespace(call); !refused) co_return refused.error();
    const auto done = co_await service(services).update_job(job_id(call), call.request.body);
    if (!done) co_return done.error();
    co_return empty_response();
}

asio::awaitable<Outcome> cancel_job(const Services& services, const Call& call) {
    const auto force = query_bool(call, "force", false);
    if (!force) co_return force.error();
    auto done = co_await service(services).cancel_job(job_id(call), call.request.body, *force);
    if (!done) co_return done.error();
    co_return text_response(std::move(*done));
}

asio::awaitable<Outcome> delete_job(const Services& services, const Call& call) {
    if (const auto refused = refuse_namespace(call); !refused) co_return refused.error();
    const auto force = query_bool(call, "force", false);
    if (!force) co_return force.error();
    const auto done = co_await service(services).delete_job(job_id(call), *force);
    if (!done) co_return done.error();
    co_return empty_response();
}

asio::awaitable<Outcome> associate_targets(const Services& services, const Call& call) {
    if (const auto refused = refuse_namespace(call); !refused) co_return refused.error();
    auto done = co_await service(services).associate_targets(job_id(call), call.request.body);
    if (!done) co_return done.error();
    co_return text_response(std::move(*done));
}

asio::awaitable<Outcome> describe_job_execution(const Services& services, const Call& call) {
    const auto number = query_integer(call, "executionNumber", 1, INT64_MAX);
    if (!number) co_return number.error();
    auto found = co_await service(services).describe_execution(job_id(call), call.label("thingName"), *number);
    if (!found) co_return found.error();
    co_return text_response(std::move(*found));
}

asio::awaitable<Outcome> list_executions_for_job(const Services& services, const Call& call) {
    auto request = list_request(call);
    if (!request) co_return request.error();
    const auto page = co_await service(services).list_executions_for_job(job_id(call), std::move(*request));
    if (!page) co_return page.error();
    co_return list_response("executionSummaries", *page);
}

asio::awaitable<Outcome> list_executions_for_thing(const Services& services, const Call& call) {
    auto request = list_request(call);
    if (!request) co_return request.error();
    const auto page = co_await service(services).list_executions_for_thing(call.label("thingName"), std::move(*request));
    if (!page) co_return page.error();
    co_return list_response("executionSummaries", *page);
}

asio::awaitable<Outcome> cancel_job_execution(const Services& services, const Call& call) {
    const auto force = query_bool(call, "force", false);
    if (!force) co_return force.error();
    const auto done = co_await service(services).cancel_execution(job_id(call), call.label("thingName"), call.request.body, *force);
    if (!done) co_return done.error();
    co_return empty_response();
}

asio::awaitable<Outcome> delete_job_execution(const Services& services, const Call& call) {
    const auto force = query_bool(call, "force", false);
    if (!force) co_return force.error();
    const std::string& text = call.label("executionNumber");
    const bool digits = !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == std::string::npos;
    if (!digits) co_return constraint_error(text, "executionNumber", "Member must be a number");
    const auto done = co_await service(services).delete_execution(job_id(call), call.label("thingName"), std::stoll(text), *force);
    if (!done) co_return done.error();
    co_return empty_response();
}

constexpr std::array operations{
    Operation{"CreateJob", "PUT", "/jobs/{jobId}", create_job},
    Operation{"DescribeJob", "GET", "/jobs/{jobId}", describe_job},
    Operation{"GetJobDocument", "GET", "/jobs/{jobId}/job-document", get_job_document},
    Operation{"ListJobs", "GET", "/jobs", list_jobs},
    Operation{"UpdateJob", "PATCH", "/jobs/{jobId}", update_job},
    Operation{"CancelJob", "PUT", "/jobs/{jobId}/cancel", cancel_job},
    Operation{"DeleteJob", "DELETE", "/jobs/{jobId}", delete_job},
    Operation{"AssociateTargetsWithJob", "POST", "/jobs/{jobId}/targets", associate_targets},
    Operation{"DescribeJobExecution", "GET", "/things/{thingName}/jobs/{jobId}", describe_job_execution},
    Operation{"ListJobExecutionsForJob", "GET", "/jobs/{jobId}/things", list_executions_for_job},
    Operation{"ListJobExecutionsForThing", "GET", "/things/{thingName}/jobs", list_executions_for_thing},
    Operation{"CancelJobExecution", "PUT", "/things/{thingName}/jobs/{jobId}/cancel", cancel_job_execution},
    Operation{"DeleteJobExecution", "DELETE", "/things/{thingName}/jobs/{jobId}/executionNumber/{executionNumber}", delete_job_execution},
};

}  // namespace

std::span<const Operation> iot_jobs_operations() {
    return operations;
}

}  // namespace fogbank::api
