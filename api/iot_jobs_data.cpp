/// The devices' side of jobs over HTTPS. Source: AWS IoT Jobs Data Plane API reference (reference "registry", section 16.4).
#include <array>
#include <nlohmann/json.hpp>

#include "api/members.h"
#include "jobs/job_service.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

asio::awaitable<Outcome> run(const Services& services, const Call& call, jobs::DeviceOperation operation, std::string body) {
    jobs::DeviceRequest request;
    request.operation = operation;
    request.thing = ThingName(call.label("thingName"));
    request.job_id = call.label("jobId");
    request.body = std::move(body);
    request.document_as_text = true;
    const jobs::DeviceAnswer answer = co_await services.rooms.jobs->device_request(std::move(request));
    if (!answer.body) co_return answer.body.error();
    Response response(200);
    response.content_type = "application/json";
    response.body = *answer.body;
    co_return response;
}

asio::awaitable<Outcome> get_pending(const Services& services, const Call& call) {
    return run(services, call, jobs::DeviceOperation::get_pending, std::string());
}
/// Clients write `$next` as it is or as `%24next`; as a label it is decoded.
asio::awaitable<Outcome> start_next(const Services& services, const Call& call) {
    if (call.label("jobId") != "$next") co_return Error(Errc::method_not_allowed, "PUT is for the path /things/{thingName}/jobs/$next");
    co_return co_await run(services, call, jobs::DeviceOperation::start_next, call.request.body);
}
asio::awaitable<Outcome> update(const Services& services, const Call& call) {
    return run(services, call, jobs::DeviceOperation::update, call.request.body);
}

asio::awaitable<Outcome> describe(const Services& services, const Call& call) {
    const auto with_document = query_bool(call, "includeJobDocument", true);
    if (!with_document) co_return with_document.error();
    const auto number = query_integer(call, "executionNumber", 1, INT64_MAX);
    if (!number) co_return number.error();
    json body{{"includeJobDocument", *with_document}};
    if (*number) body["executionNumber"] = **number;
    std::string text = body.dump();
    co_return co_await run(services, call, jobs::DeviceOperation::describe, std::move(text));
}

constexpr std::array operations{
    Operation{"GetPendingJobExecutions", "GET", "/things/{thingName}/jobs", get_pending},
    Operation{"StartNextPendingJobExecution", "PUT", "/things/{thingName}/jobs/{jobId}", start_next},
    Operation{"DescribeJobExecution", "GET", "/things/{thingName}/jobs/{jobId}", describe},
    Operation{"UpdateJobExecution", "POST", "/things/{thingName}/jobs/{jobId}", update},
};

}  // namespace

std::span<const Operation> iot_jobs_data_operations() {
    return operations;
}

}  // namespace fogbank::api
