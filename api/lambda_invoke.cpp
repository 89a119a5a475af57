/// Lambda's Invoke and InvokeAsync.
#include <nlohmann/json.hpp>

#include "api/callback.h"
#include "api/lambda.h"
#include "api/members.h"
#include "common/encoding.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
constexpr std::chrono::seconds queue_deadline{30};

asio::awaitable<Outcome> invoke_and_wait(const Services& services, const Call& call, FunctionName name) {
    // Without a payload the handler sees an empty object.
    std::string event = call.request.body.empty() ? std::string("{}") : call.request.body;
    const auto result = co_await services.rooms.functions.invoke(std::move(name), std::move(event));
    if (!result) co_return result.error();
    Response response(200);
    response.content_type = "application/json";
    response.headers.emplace_back("X-Amz-Executed-Version", "$LATEST");
    if (!result->function_error.empty()) response.headers.emplace_back("X-Amz-Function-Error", result->function_error);
    if (call.request.header("x-amz-log-type") == std::string_view("Tail")) {
        response.headers.emplace_back("X-Amz-Log-Result", base64_encode(result->log_tail));
    }
    response.body = result->payload;
    co_return response;
}

asio::awaitable<Outcome> invoke_event(const Services& services, const Call& call, FunctionName name) {
    std::string event = call.request.body.empty() ? std::string("{}") : call.request.body;
    UniqueFunction<void(Callback)> start = [&services, name = std::move(name), event = std::move(event)](Callback done) mutable {
        services.rooms.functions.invoke_async(std::move(name), std::move(event), std::move(done));
    };
    const auto queued = co_await wait_for_callback(std::move(start), queue_deadline);
    if (!queued) co_return queued.error();
    co_return empty_response(202);
}

}  // namespace

asio::awaitable<Outcome> invoke_function(const Services& services, const Call& call) {
    auto name = function_name(services, call);
    if (!name) co_return name.error();
    if (call.request.header("x-amz-client-context")) co_return validation_error("ClientContext is not supported by this server");
    const std::string log_type(call.request.header("x-amz-log-type").value_or("None"));
    if (log_type != "None" && log_type != "Tail")
        co_return constraint_error(log_type, "logType", "Member must satisfy enum value set: [None, Tail]");
    const std::string type(call.request.header("x-amz-invocation-type").value_or("RequestResponse"));
    if (type == "Event") co_return co_await invoke_event(services, call, std::move(*name));
    if (type == "RequestResponse") co_return co_await invoke_and_wait(services, call, std::move(*name));
    if (type != "DryRun") {
        co_return constraint_error(type, "invocationType", "Member must satisfy enum value set: [Event, RequestResponse, DryRun]");
    }
    const auto found = co_await services.rooms.functions.get_function(std::move(*name));
    if (!found) co_return found.error();
    co_return empty_response(204);
}

asio::awaitable<Outcome> invoke_function_async(const Services& services, const Call& call) {
    auto name = function_name(services, call);
    if (!name) co_return name.error();
    co_return co_await invoke_event(services, call, std::move(*name));
}

}  // namespace fogbank::api
