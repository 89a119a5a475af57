#include "api/answer.h"

#include <spdlog/spdlog.h>

#include <exception>

#include "common/logging.h"

namespace fogbank::api {
namespace asio = boost::asio;

asio::awaitable<Outcome> run_operation(const Operation& operation, const Services& services, const Call& call) {
    std::string failure;
    try {
        co_return co_await operation.handler(services, call);
    } catch (const std::exception& e) {
        failure = e.what();
    } catch (...) {
        failure = "unknown exception";
    }
    logger("api").error("operation threw operation={} request_id={} error={}", operation.name, call.request_id, log_value(failure));
    co_return Error(Errc::internal, "an internal error occurred, request id " + call.request_id);
}

Response finish(const Services& services, const AwsService& service, std::string_view operation, std::string_view request_id,
                Outcome outcome) {
    const std::string reason = outcome ? std::string() : outcome.error().message;
    Response response = outcome ? std::move(*outcome) : error_response(service.errors, outcome.error(), request_id);
    response.headers.emplace_back("x-amzn-RequestId", std::string(request_id));
    // Operation names come from the tables, so the number of label values is bounded.
    const std::string labels = "service=\"" + std::string(service.name) + "\",operation=\"" + std::string(operation) + "\",status=\"" +
                               std::to_string(response.status) + "\"";
    services.rooms.metrics.counter("fogbank_api_requests_total", "Requests answered by the AWS APIs.", labels).add();
    auto& log = logger("api");
    const auto level = response.status >= 500 ? spdlog::level::warn : spdlog::level::debug;
    if (log.should_log(level)) {
        log.log(level, "request answered service={} operation={} status={} request_id={} reason={}", service.name, operation,
                response.status, request_id, log_value(reason));
    }
    return response;
}

Response plain_response(unsigned status, std::string_view text, std::string_view request_id) {
    Response response(status);
    response.content_type = "text/plain; charset=utf-8";
    response.body = text;
    response.headers.emplace_back("x-amzn-RequestId", std::string(request_id));
    return response;
}

}  // namespace fogbank::api
