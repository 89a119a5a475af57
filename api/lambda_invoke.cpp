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
constexpr std::size_t client_context_bytes_max = 3583;  // API reference, Invoke

/// Without a payload the handler sees an empty object.
std::string event_of(const Call& call) {
    return call.request.body.empty() ? std::string("{}") : call.request.body;
}

/// The caller's context as the runtime gets it: JSON in one line of ASCII, as it becomes a header. Empty: none was given.
Result<std::string> read_client_context(const Call& call) {
    const auto context = call.request.header("x-amz-client-context");
    if (!context || context->empty()) return std::string();
    if (context->size() > client_context_bytes_max) return validation_error("ClientContext is larger than 3583 bytes");
    const auto text = base64_decode(*context);
    const auto parsed = text ? nlohmann::json::parse(*text, nullptr, false) : nlohmann::json();
    if (!parsed.is_object())
        return Error(lambda::Errc::invalid_request_content, "Client context must be a valid Base64-encoded JSON object.");
    return parsed.dump(-1, ' ', true);
}

asio::awaitable<Outcome> invoke_and_wait(const Services& services, const Call& call, lambda::FunctionReference function,
                                         std::string client_context) {
    lambda::InvokeRequest request;
    request.function = std::move(function);
    request.event = event_of(call);
    request.client_context = std::move(client_context);
    const auto result = co_await services.rooms.functions.invoke(std::move(request));
    if (!result) co_return result.error();
    Response response(200);
    response.content_type = "application/json";
    response.headers.emplace_back("X-Amz-Executed-Version", result->executed_version);
    if (!result->function_error.empty()) response.headers.emplace_back("X-Amz-Function-Error", result->function_error);
    if (call.request.header("x-amz-log-type") == std::string_view("Tail")) {
        response.headers.emplace_back("X-Amz-Log-Result", base64_encode(result->log_tail));
    }
    response.body = result->payload;
    co_return response;
}

asio::awaitable<Outcome> invoke_event(const Services& services, const Call& call, lambda::FunctionReference function) {
    UniqueFunction<void(Callback)> start = [&services, function = std::move(function), event = event_of(call)](Callback done) mutable {
        services.rooms.functions.invoke_async(std::move(function), std::move(event), std::move(done));
    };
    const auto queued = co_await wait_for_callback(std::move(start), queue_deadline);
    if (!queued) co_return queued.error();
    co_return empty_response(202);
}

}  // namespace

asio::awaitable<Outcome> invoke_function(const Services& services, const Call& call) {
    auto function = function_reference(call);
    if (!function) co_return function.error();
    auto client_context = read_client_context(call);
    if (!client_context) co_return client_context.error();
    const std::string log_type(call.request.header("x-amz-log-type").value_or("None"));
    if (log_type != "None" && log_type != "Tail")
        co_return constraint_error(log_type, "logType", "Member must satisfy enum value set: [None, Tail]");
    const std::string type(call.request.header("x-amz-invocation-type").value_or("RequestResponse"));
    if (type == "Event") co_return co_await invoke_event(services, call, std::move(*function));
    if (type == "RequestResponse") co_return co_await invoke_and_wait(services, call, std::move(*function), std::move(*client_context));
    if (type != "DryRun") {
        co_return constraint_error(type, "invocationType", "Member must satisfy enum value set: [Event, RequestResponse, DryRun]");
    }
    const auto found = co_await services.rooms.functions.administration().get_version(std::move(*function));
    if (!found) co_return found.error();
    co_return empty_response(204);
}

asio::awaitable<Outcome> invoke_function_async(const Services& services, const Call& call) {
    auto function = function_reference(call);
    if (!function) co_return function.error();
    co_return co_await invoke_event(services, call, std::move(*function));
}

}  // namespace fogbank::api
